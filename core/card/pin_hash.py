"""What is hashed of a PIN: it, its pepper and whose it is (security.md 4)."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from uuid import UUID

from core.kit.peppered_hash import Peppered, PepperedHash
from core.kit.slow_hash import SlowHash
from core.school.policy_words import PinKind

HashedPin = Peppered
"""What is stored of a PIN."""


@dataclass(frozen=True, slots=True)
class PinSubject:
    """Whose PIN of which kind: it is hashed in, so a hash moved to another row does not match."""

    school_id: int
    cardholder_id: UUID
    kind: PinKind


class PinHasher:
    """The slow hash of HMAC-SHA-256(pepper, subject and PIN).

    `peppers` maps kid (1 ...) to 32 bytes: the newest hashes, all of them verify.
    """

    def __init__(self, peppers: Mapping[int, bytes], slow_hash: SlowHash) -> None:
        self._hash = PepperedHash(peppers, slow_hash)
        self.newest_kid = self._hash.newest_kid

    def seat(self) -> AbstractContextManager[None]:
        """As `SlowHash.seat`.

        Raises: Overloaded.
        """
        return self._hash.seat()

    def knows(self, pepper_kid: int) -> bool:
        """Whether hashes under this pepper can still be verified."""
        return self._hash.knows(pepper_kid)

    async def hash(self, subject: PinSubject, pin: str) -> HashedPin:
        """The PIN as it is stored."""
        return await self._hash.make(_text(subject, pin))

    async def matches(self, subject: PinSubject, stored: HashedPin, pin: str) -> bool:
        """Whether `pin` is the stored one; its pepper must be known."""
        return await self._hash.matches(stored, _text(subject, pin))

    async def pretend(self, subject: PinSubject, pin: str) -> None:
        """Takes as long as a comparison where there is nothing to compare with."""
        await self._hash.pretend(_text(subject, pin))


def _text(subject: PinSubject, pin: str) -> str:
    return f"{subject.school_id}|{subject.cardholder_id}|{subject.kind}|{pin}"
