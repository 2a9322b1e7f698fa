"""WeChat Pay's keys by serial number: public keys, and certificates while a merchant migrates."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from adapters.wechat.pay.signing import is_signed
from core.kit.clock import Clock, unix_seconds
from core.ports.providers import ProviderMisconfigured, ProviderUnavailable

TOLERANCE_SECONDS = 300
REFRESH_SECONDS = 10
"""How long an unknown serial number waits for the next look."""
PUBLIC_KEY = "PUB_KEY_ID_"

Keys = Mapping[str, RSAPublicKey]


class KeyRing:
    """The keys that answers and notices may be signed with.

    `fetch` gets the certificates' keys; a public key is never fetched. A failed fetch takes nothing
    off the ring.
    """

    def __init__(
        self, public_keys: Mapping[str, str], fetch: Callable[[], Awaitable[Keys]], clock: Clock
    ) -> None:
        self._keys = {serial: _public_key(pem) for serial, pem in public_keys.items()}
        self._fetch = fetch
        self._clock = clock
        self._fetching = asyncio.Lock()
        self._fetched_at = 0

    @property
    def preferred(self) -> str | None:
        """The public key that answers shall be signed for, if there is one."""
        return next((serial for serial in self._keys if serial.startswith(PUBLIC_KEY)), None)

    def known(self, serial: str) -> RSAPublicKey | None:
        """A key that is on the ring now."""
        return self._keys.get(serial)

    async def proves(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the `Wechatpay-*` headers sign this body, within five minutes of now."""
        given = {name.lower(): value for name, value in headers.items()}
        key = None if not self._is_fresh(given) else await self._find(given["wechatpay-serial"])
        return key is not None and proof(given, key, body)

    def _is_fresh(self, given: Mapping[str, str]) -> bool:
        seconds = given.get("wechatpay-timestamp", "")
        if not seconds.isascii() or not seconds.isdigit() or "wechatpay-serial" not in given:
            return False
        now = unix_seconds(self._clock.now())
        return abs(now - int(seconds[:12])) <= TOLERANCE_SECONDS

    async def _find(self, serial: str) -> RSAPublicKey | None:
        if serial not in self._keys and not serial.startswith(PUBLIC_KEY):
            async with self._fetching:
                await self._refresh(serial)
        return self._keys.get(serial)

    async def _refresh(self, serial: str) -> None:
        now = unix_seconds(self._clock.now())
        if serial in self._keys or now - self._fetched_at < REFRESH_SECONDS:
            return
        self._fetched_at = now
        try:
            self._keys.update(await self._fetch())
        except (ProviderUnavailable, ProviderMisconfigured):
            # Whoever asked is told that nothing was proved; the others still stand on their keys.
            return


def proof(given: Mapping[str, str], key: RSAPublicKey, body: bytes) -> bool:
    """Whether headers, with lower-case names, hold this key's signature of the body."""
    return is_signed(
        key,
        given.get("wechatpay-signature", ""),
        given.get("wechatpay-timestamp", ""),
        given.get("wechatpay-nonce", ""),
        body,
    )


def _public_key(pem: str) -> RSAPublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPublicKey):
        raise ProviderMisconfigured("a public key of WeChat Pay cannot be read")
    return key
