"""Time as an argument: nothing in the core reads a clock of its own."""

from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """A source of the present instant."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


def business_day(instant: datetime, zone: str) -> date:
    """The school day an instant falls on: midnight to midnight in `zone` (an IANA name)."""
    return instant.astimezone(ZoneInfo(zone)).date()


def unix_seconds(instant: datetime) -> int:
    """Unix seconds of an instant, floored, as all code formats use them."""
    return int(instant.timestamp())


def window_start(instant: datetime, seconds: int) -> int:
    """The Unix second at which the window around an instant began; 0 if windows never end (0)."""
    return unix_seconds(instant) // seconds * seconds if seconds else 0


def from_unix(seconds: int) -> datetime:
    """The instant of a count of Unix seconds."""
    return datetime.fromtimestamp(seconds, tz=UTC)
