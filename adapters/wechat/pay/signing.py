"""Signatures of API v3: RSA with SHA-256 over lines that each end in a line feed."""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from core.ports.providers import ProviderMisconfigured

SCHEME = "WECHATPAY2-SHA256-RSA2048"


class Signer:
    """The merchant's private key."""

    def __init__(self, mchid: str, serial_no: str, private_key: str) -> None:
        try:
            key = load_pem_private_key(private_key.encode(), None)
        except (ValueError, TypeError):
            key = None
        if not isinstance(key, RSAPrivateKey):
            raise ProviderMisconfigured("the merchant's private key cannot be read")
        self._mchid = mchid
        self._serial_no = serial_no
        self._key = key

    def sign(self, *lines: str) -> str:
        """The signature of the lines, in base64."""
        return self._signed(_text(*(line.encode() for line in lines)))

    def authorisation(self, method: str, target: str, body: bytes, seconds: int, nonce: str) -> str:
        """The header of a request; `target` is the path with its query, exactly as sent."""
        head = (method.encode(), target.encode(), str(seconds).encode(), nonce.encode())
        signature = self._signed(_text(*head, body))
        return (
            f'{SCHEME} mchid="{self._mchid}",nonce_str="{nonce}",signature="{signature}",'
            f'timestamp="{seconds}",serial_no="{self._serial_no}"'
        )

    def _signed(self, text: bytes) -> str:
        return b64encode(self._key.sign(text, PKCS1v15(), SHA256())).decode()


def is_signed(key: RSAPublicKey, signature: str, seconds: str, nonce: str, body: bytes) -> bool:
    """Whether an answer or a notice bears this key's signature."""
    try:
        text = _text(seconds.encode(), nonce.encode(), body)
        key.verify(b64decode(signature, validate=True), text, PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def opened(api_v3_key: bytes, resource: Mapping[str, object]) -> bytes:
    """What a `resource` of a notice or a certificate holds, AES-256-GCM.

    Raises: ValueError.
    """
    try:
        nonce = str(resource["nonce"]).encode()
        associated = str(resource.get("associated_data") or "").encode()
        sealed = b64decode(str(resource["ciphertext"]), validate=True)
        return AESGCM(api_v3_key).decrypt(nonce, sealed, associated)
    except (InvalidTag, KeyError, binascii.Error):
        raise ValueError("sealed with another key, or cut") from None


def _text(*lines: bytes) -> bytes:
    return b"".join(line + b"\n" for line in lines)
