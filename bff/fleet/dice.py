"""Chance from a seed: the same work and the same faults for the same seed, in any process."""

from collections.abc import Sequence
from hashlib import sha256
from itertools import count
from typing import TypeVar

Item = TypeVar("Item")


class Dice:
    """Draws that depend on the seed and on how many came before."""

    def __init__(self, *seed: object) -> None:
        self._seed = "|".join(map(str, seed))
        self._draws = count()

    def bytes(self, size: int) -> bytes:
        """`size` (at most 32) bytes."""
        return sha256(f"{self._seed}|{next(self._draws)}".encode()).digest()[:size]

    def below(self, limit: int) -> int:
        """A whole number from 0 up to `limit`, exclusive."""
        return int.from_bytes(self.bytes(8)) % limit

    def between(self, low: float, high: float) -> float:
        """A number from `low` to `high`."""
        return low + (high - low) * int.from_bytes(self.bytes(6)) / 2**48

    def pick(self, items: Sequence[Item]) -> Item:
        """One of them."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """All of them, in another order."""
        return sorted(items, key=lambda _: self.bytes(8))
