"""The telephone number that `my.getPhoneNumber` hands to the client, encrypted and signed.

Signed is the ciphertext between its double quotes, as it stands in the wallet's JSON. The payload
holds no time, subject or chance: the same number gives the same bytes for ever, so each is accepted
once in `MEMORY_SECONDS`.
"""

import json
from base64 import b64decode
from binascii import Error
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from adapters.alipay.codes import Reaction, meaning_of
from adapters.alipay.keys import Ring
from adapters.alipay.wire import code_text, mobile_of
from core.ports.channels import ClaimKind, IdentityClaim
from core.ports.providers import (
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUnavailable,
    RefusalReason,
)

MEMORY_SECONDS = 86_400
_BLOCK = 16
Once: TypeAlias = Callable[[str, int], Awaitable[bool]]
"""Whether a key is new, remembered for so many seconds."""


class AlipayPhones:
    """Opens the payloads of one app with the AES key of its console."""

    def __init__(self, ring: Ring, issuer: str, aes_key: str, once: Once) -> None:
        """Raises: ProviderMisconfigured."""
        self._ring = ring
        self._issuer = issuer
        self._once = once
        try:
            self._key = AES(b64decode(aes_key, validate=True))
        except (Error, ValueError):
            raise ProviderMisconfigured("alipay: aes_key is no AES key in base64") from None

    async def phone(self, subject: str, proof: Mapping[str, str]) -> IdentityClaim:  # noqa: ARG002 - the payload names nobody
        """The number in {response, sign}.

        Raises: ProviderRefused (CODE_EXPIRED, NOT_AUTHORISED, TARGET: no mainland number),
        ProviderUnavailable, ProviderMisconfigured.
        """
        response, sign = proof.get("response", ""), proof.get("sign")
        if not sign:
            # Only an app whose console lacks a key or the gateway address gets no signature.
            raise ProviderMisconfigured("alipay: the telephone number came unsigned")
        if not self._ring.verifies(f'"{response}"'.encode(), sign):
            raise ProviderRefused("signature", RefusalReason.CODE_EXPIRED)
        facts = self._opened(response)
        _judge(code_text(facts.get("code")), code_text(facts.get("subCode", "-")))
        number = mobile_of(facts.get("mobile"))
        if number is None:
            raise ProviderRefused("not a mainland number", RefusalReason.TARGET)
        digest = sha256(response.encode()).hexdigest()
        if not await self._once(f"alipay:phone:{digest}", MEMORY_SECONDS):
            raise ProviderRefused("seen before", RefusalReason.CODE_EXPIRED)
        return IdentityClaim(ClaimKind.PHONE, number, self._issuer)

    def _opened(self, response: str) -> dict[str, Any]:
        opener = Cipher(self._key, CBC(bytes(_BLOCK))).decryptor()
        unpadder = PKCS7(_BLOCK * 8).unpadder()
        try:
            padded = opener.update(b64decode(response, validate=True)) + opener.finalize()
            facts = json.loads(unpadder.update(padded) + unpadder.finalize())
        except ValueError:
            # Alipay signed it, so it is our AES key that does not fit.
            raise ProviderMisconfigured("alipay: aes_key opens no telephone number") from None
        if not isinstance(facts, dict):
            raise ProviderUnavailable("alipay: no telephone number")
        return facts


def _judge(code: str, sub_code: str) -> None:
    meaning = meaning_of(code, sub_code)
    if meaning is Reaction.TAKE:
        return
    if isinstance(meaning, RefusalReason):
        raise ProviderRefused(sub_code, meaning)
    if meaning is Reaction.REPAIR:
        raise ProviderMisconfigured(f"alipay: getPhoneNumber: {sub_code}")
    raise ProviderUnavailable(sub_code)
