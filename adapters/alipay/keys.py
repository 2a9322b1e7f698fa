"""RSA keys as people have them: PEM or base64 alone, PKCS#1 or PKCS#8; and what they verify."""

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

from core.ports.providers import ProviderMisconfigured

MINIMUM_BITS = 2048
_ARMOUR = re.compile(r"-----[^-]+-----")


def load_private_key(text: str) -> RSAPrivateKey:
    """The app's own key.

    Raises: ProviderMisconfigured.
    """
    try:
        key = load_der_private_key(_der(text), password=None)
    except (ValueError, TypeError):
        raise ProviderMisconfigured("alipay: app_private_key is no key") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < MINIMUM_BITS:
        raise ProviderMisconfigured("alipay: app_private_key is not RSA of 2048 bits or more")
    return key


def load_public_keys(text: str) -> list[RSAPublicKey]:
    """Alipay's keys, one for each PEM block, or the one of a base64 text.

    Raises: ProviderMisconfigured.
    """
    blocks = [block for block in _ARMOUR.split(text) if block.strip()]
    try:
        keys = [load_der_public_key(_der(block)) for block in blocks]
    except ValueError:
        raise ProviderMisconfigured("alipay: alipay_public_key is no key") from None
    strong = [key for key in keys if isinstance(key, RSAPublicKey) and key.key_size >= MINIMUM_BITS]
    if not strong or len(strong) < len(keys):
        raise ProviderMisconfigured("alipay: alipay_public_key is not RSA of 2048 bits or more")
    return strong


class Ring:
    """The keys Alipay signs with, each with its certificate's serial; key mode knows no serials."""

    def __init__(self, keys: Sequence[tuple[str | None, RSAPublicKey]]) -> None:
        self._keys = keys

    def verifies(self, content: bytes, signature: str, serial: str | None = None) -> bool:
        """Whether Alipay signed exactly these bytes with SHA-256 (RSA2).

        Where keys have serials, a `serial` that none of them has verifies nothing.
        """
        try:
            raw = b64decode(signature, validate=True)
        except (Error, ValueError):
            return False
        return any(
            _is_signed(key, raw, content)
            for own, key in self._keys
            if serial is None or own is None or own == serial
        )


def _is_signed(key: RSAPublicKey, signature: bytes, content: bytes) -> bool:
    try:
        key.verify(signature, content, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _der(text: str) -> bytes:
    return b64decode("".join(_ARMOUR.sub("", text).split()), validate=True)
