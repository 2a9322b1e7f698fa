"""What is hashed of a PIN: it, its pepper and whose it is (security.md 4)."""

import hashlib
import hmac
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from uuid import UUID

from core.kit.slow_hash import SlowHash
from core.school.policy_words import PinKind


@dataclass(frozen=True, slots=True)
class PinSubject:
    """Whose PIN of which kind: it is hashed in, so a hash moved to another row does not match."""

    school_id: int
    cardholder_id: UUID
    kind: PinKind


@dataclass(frozen=True, slots=True)
class HashedPin:
    """What is stored of a PIN: an argon2id hash and the id of the pepper under it."""

    hash: str
    pepper_kid: int


class PinHasher:
    """The slow hash of HMAC-SHA-256(pepper, subject and PIN).

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

    async def hash(self, subject: PinSubject, pin: str) -> HashedPin:
        """The PIN as it is stored."""
        keyed = self._keyed(subject, pin, self.newest_kid)
        return HashedPin(await self._slow_hash.make(keyed), self.newest_kid)

    async def matches(self, subject: PinSubject, stored: HashedPin, pin: str) -> bool:
        """Whether `pin` is the stored one; its pepper must be known."""
        keyed = self._keyed(subject, pin, stored.pepper_kid)
        return await self._slow_hash.matches(stored.hash, keyed)

    async def pretend(self, subject: PinSubject, pin: str) -> None:
        """Takes as long as a comparison where there is nothing to compare with."""
        keyed = self._keyed(subject, pin, self.newest_kid)
        await self._slow_hash.matches(None, keyed)

    def _keyed(self, subject: PinSubject, pin: str, kid: int) -> bytes:
        text = f"{subject.school_id}|{subject.cardholder_id}|{subject.kind}|{pin}"
        return hmac.digest(self._peppers[kid], text.encode(), hashlib.sha256)
