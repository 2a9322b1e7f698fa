"""Argon2id off the event loop, a few at once, so that a flood of secrets starves nothing else."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from core.kit.errors import Overloaded

RUNNING = 2
WAITING = 20

Result = TypeVar("Result")


class SlowHash:
    """Makes and checks argon2id hashes (19 MiB, t=2, p=1; security.md 4).

    `RUNNING` work at once in this process and `WAITING` more queue; beyond that: Overloaded.
    """

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._pool = ThreadPoolExecutor(RUNNING, thread_name_prefix="slow-hash")
        self._inside = 0
        self._nobody = self._hasher.hash("", salt=entropy(16))

    async def make(self, secret: str) -> str:
        """The hash of a secret, with its salt and parameters.

        Raises: Overloaded.
        """
        return await self._run(lambda: self._hasher.hash(secret, salt=self._entropy(16)))

    async def matches(self, stored: str | None, secret: str) -> bool:
        """Whether `secret` made the stored hash; None costs as much and is never right.

        Raises: Overloaded.
        """
        right = await self._run(lambda: self._verify(stored or self._nobody, secret))
        return right and stored is not None

    def close(self) -> None:
        """Ends the threads once their work is done."""
        self._pool.shutdown()

    def _verify(self, stored: str, secret: str) -> bool:
        try:
            return self._hasher.verify(stored, secret)
        except VerifyMismatchError:
            return False

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._inside >= RUNNING + WAITING:
            raise Overloaded
        self._inside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._inside -= 1
