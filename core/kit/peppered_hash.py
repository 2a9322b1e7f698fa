"""What is stored of a short secret: a slow hash of it under a pepper that no database holds."""

import hashlib
import hmac
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from core.kit.slow_hash import SlowHash


@dataclass(frozen=True, slots=True)
class Peppered:
    """An argon2id hash and the id of the pepper under it."""

    hash: str
    pepper_kid: int


class PepperedHash:
    """The slow hash of HMAC-SHA-256(pepper, text); the text says whose secret it is.

    `peppers` maps kid (1 ...) to 32 bytes: the newest hashes, all of them verify.
    """

    def __init__(self, peppers: Mapping[int, bytes], slow_hash: SlowHash) -> None:
        self._peppers = dict(peppers)
        self.newest_kid = max(peppers)
        self._slow_hash = slow_hash

    def seat(self) -> AbstractContextManager[None]:
        """As `SlowHash.seat`.

        Raises: Overloaded.
        """
        return self._slow_hash.seat()

    def knows(self, pepper_kid: int) -> bool:
        """Whether hashes under this pepper can still be verified."""
        return pepper_kid in self._peppers

    async def make(self, text: str) -> Peppered:
        """The text as it is stored."""
        keyed = self._keyed(text, self.newest_kid)
        return Peppered(await self._slow_hash.make(keyed), self.newest_kid)

    async def matches(self, stored: Peppered, text: str) -> bool:
        """Whether `text` is the stored one; its pepper must be known."""
        keyed = self._keyed(text, stored.pepper_kid)
        return await self._slow_hash.matches(stored.hash, keyed)

    async def pretend(self, text: str) -> None:
        """Takes as long as a comparison where there is nothing to compare with."""
        await self._slow_hash.matches(None, self._keyed(text, self.newest_kid))

    def _keyed(self, text: str, kid: int) -> bytes:
        return hmac.digest(self._peppers[kid], text.encode(), hashlib.sha256)
