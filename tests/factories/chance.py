"""Time and chance that tests control: a clock that stands still, bytes that never repeat."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count

from core.kit.ids import Ids

NOON = datetime(2026, 9, 1, 4, 0, tzinfo=UTC)
"""Noon of 1 September 2026 in Shanghai."""


class HandClock:
    """A clock whose hands the test moves."""

    def __init__(self, instant: datetime = NOON) -> None:
        self.instant = instant

    def now(self) -> datetime:
        """The instant the hands show."""
        return self.instant

    def advance(self, **step: float) -> None:
        """Moves the hands, for example `seconds=30`."""
        self.instant += timedelta(**step)


def counted_entropy(seed: str = "test") -> Callable[[int], bytes]:
    """Bytes that look random, differ at each call, and are the same in every run."""
    calls = count()

    def entropy(size: int) -> bytes:
        blocks = -(-size // 32)
        call = next(calls)
        return b"".join(
            sha256(f"{seed}|{call}|{block}".encode()).digest() for block in range(blocks)
        )[:size]

    return entropy


def make_ids(clock: HandClock, seed: str = "test") -> Ids:
    """Ids of a test's own clock and seed."""
    return Ids(clock, counted_entropy(seed))
