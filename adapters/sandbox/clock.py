"""The sandbox's own clock: real time, moved and hurried on demand, so that a day can pass."""

from collections.abc import Callable
from datetime import datetime, timedelta


class SandboxClock:
    """Real time plus an offset, running at a rate; tokens, codes and notices follow it."""

    def __init__(self, real: Callable[[], datetime]) -> None:
        self._real = real
        self._set_at = real()
        self._told_at = self._set_at
        self._rate = 1.0

    def __call__(self) -> datetime:
        """The pretend instant, aware, in UTC."""
        return self._told_at + (self._real() - self._set_at) * self._rate

    def move(self, offset_seconds: float, rate: float) -> None:
        """Lets the clock go on `offset_seconds` from real time, `rate` times as fast."""
        self._set_at = self._real()
        self._told_at = self._set_at + timedelta(seconds=offset_seconds)
        self._rate = rate
