"""WeChat Pay's certificates, sealed with the merchant's key, out of `GET /v3/certificates`."""

import json
from collections.abc import Mapping

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from adapters.http import HttpAnswer
from adapters.wechat.pay.keys import Keys, proof
from adapters.wechat.pay.signing import opened
from core.kit.clock import Clock
from core.ports.providers import ProviderUnavailable

PATH = "/v3/certificates"


def keys_in(answer: HttpAnswer, api_v3_key: bytes, known: Keys, clock: Clock) -> Keys:
    """The keys of the certificates that are valid now.

    The list is signed by one of them or by a key known before: at the first look nothing is known,
    and the seal is the proof.
    Raises: ProviderUnavailable.
    """
    try:
        listed = json.loads(answer.body)["data"]
        found = dict(_certified(each, api_v3_key, clock) for each in listed)
    except (ValueError, KeyError, TypeError):
        raise ProviderUnavailable(f"{PATH}: HTTP {answer.status}") from None
    signer = {**known, **found}.get(answer.headers.get("wechatpay-serial", ""))
    if signer is None or not proof(answer.headers, signer, answer.body):
        raise ProviderUnavailable(f"{PATH}: signature")
    return found


def _certified(
    listed: Mapping[str, Mapping[str, object]], api_v3_key: bytes, clock: Clock
) -> tuple[str, RSAPublicKey]:
    certificate = x509.load_pem_x509_certificate(opened(api_v3_key, listed["encrypt_certificate"]))
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey) or certificate.not_valid_after_utc < clock.now():
        raise ValueError("certificate")
    return f"{certificate.serial_number:X}", key
