"""Slow hashing of PINs, off the event loop and never more than a few at once (security.md 4)."""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from core.kit.errors import Overloaded
from core.school.policy_words import PinKind

AT_ONCE = 2
WAITING = 20
_MEMORY_KIB = 19 * 1024
_SALT_BYTES = 16

Result = TypeVar("Result")


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
    """Argon2id (19 MiB, t 2, p 1) over HMAC-SHA-256(pepper, subject and PIN).

    `peppers` maps kid (1 ...) to 32 bytes: the newest hashes, all of them verify. `entropy(n)`
    returns n random bytes.
    """

    def __init__(self, peppers: Mapping[int, bytes], entropy: Callable[[int], bytes]) -> None:
        self._peppers = dict(peppers)
        self.newest_kid = max(peppers)
        self._entropy = entropy
        self._argon2 = PasswordHasher(time_cost=2, memory_cost=_MEMORY_KIB, parallelism=1)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="pin")
        self._seated = 0

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown(cancel_futures=True)

    @contextmanager
    def seat(self) -> Iterator[None]:
        """Admission to hashing: taken before a try is counted, so overload costs nobody a try.

        Raises: Overloaded.
        """
        if self._seated >= AT_ONCE + WAITING:
            raise Overloaded("pin")
        self._seated += 1
        try:
            yield
        finally:
            self._seated -= 1

    def knows(self, pepper_kid: int) -> bool:
        """Whether hashes under this pepper can still be verified."""
        return pepper_kid in self._peppers

    async def hash(self, subject: PinSubject, pin: str) -> HashedPin:
        """The PIN as it is stored."""
        keyed = self._keyed(subject, pin, self.newest_kid)
        salt = self._entropy(_SALT_BYTES)
        text = await self._run(lambda: self._argon2.hash(keyed, salt=salt))
        return HashedPin(text, self.newest_kid)

    async def matches(self, subject: PinSubject, stored: HashedPin, pin: str) -> bool:
        """Whether `pin` is the stored one; its pepper must be known."""
        keyed = self._keyed(subject, pin, stored.pepper_kid)
        return await self._run(lambda: self._verify(stored.hash, keyed))

    async def pretend(self, subject: PinSubject, pin: str) -> None:
        """Takes as long as a comparison where there is nothing to compare with."""
        await self.hash(subject, pin)

    def _verify(self, stored: str, keyed: bytes) -> bool:
        try:
            return self._argon2.verify(stored, keyed)
        except VerifyMismatchError:
            return False

    def _keyed(self, subject: PinSubject, pin: str, kid: int) -> bytes:
        text = f"{subject.school_id}|{subject.cardholder_id}|{subject.kind}|{pin}"
        return hmac.digest(self._peppers[kid], text.encode(), hashlib.sha256)

    async def _run(self, call: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
