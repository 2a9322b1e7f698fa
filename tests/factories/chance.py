"""Time and chance that tests decide: a clock that stands still and bytes that repeat."""

import hashlib
from datetime import UTC, datetime, timedelta
from itertools import count


class StandingClock:
    """Stands still until it is moved."""

    def __init__(self, at: datetime = datetime(2031, 3, 4, 4, 30, tzinfo=UTC)) -> None:
        self.at = at

    def now(self) -> datetime:
        """The instant it stands at."""
        return self.at

    def forward(self, seconds: float) -> None:
        """Moves it on."""
        self.at += timedelta(seconds=seconds)


class CountedBytes:
    """A source of bytes that look random and are the same in every run."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._numbers = count()

    def __call__(self, length: int) -> bytes:
        """The next `length` bytes."""
        return hashlib.shake_256(f"{self._seed}|{next(self._numbers)}".encode()).digest(length)
