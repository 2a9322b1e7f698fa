"""How often what may be tried, and by which key it is counted (security.md 4, channels.md 8)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import ip_address, ip_network

from core.kit.clock import unix_seconds

_HOUR = 3_600
_DAY = 86_400
SPRAY_WINDOW_SECONDS = 600
SPRAY_NUMBERS = 20
"""One PIN on so many numbers within the window is a spray."""


class Counter(StrEnum):
    """What is counted; a row's `kind`."""

    NUMBER_DAY = "NUMBER_DAY"
    NUMBER_EVER = "NUMBER_EVER"
    CALLER_HOUR = "CALLER_HOUR"
    CALLER_NUMBER = "CALLER_NUMBER"
    CALLER_NUMBERS_DAY = "CALLER_NUMBERS_DAY"
    NETWORK_HOUR = "NETWORK_HOUR"
    SPRAY_HOUR = "SPRAY_HOUR"
    SEND_TARGET_HOUR = "SEND_TARGET_HOUR"
    SEND_TARGET_DAY = "SEND_TARGET_DAY"
    SEND_NETWORK_HOUR = "SEND_NETWORK_HOUR"
    SEND_SCHOOL_DAY = "SEND_SCHOOL_DAY"


@dataclass(frozen=True, slots=True)
class Limit:
    """`tries` allowed in each window of `window_seconds`; a window of 0 never ends."""

    tries: int
    window_seconds: int


LIMITS = {
    Counter.NUMBER_DAY: Limit(5, _DAY),
    Counter.NUMBER_EVER: Limit(20, 0),
    Counter.CALLER_HOUR: Limit(5, _HOUR),
    Counter.CALLER_NUMBER: Limit(0, _DAY),  # remembers a number; how many is the next counter's
    Counter.CALLER_NUMBERS_DAY: Limit(3, _DAY),
    Counter.NETWORK_HOUR: Limit(60, _HOUR),
    Counter.SPRAY_HOUR: Limit(0, _HOUR),  # any row closes binding by PIN at the school
    Counter.SEND_TARGET_HOUR: Limit(5, _HOUR),
    Counter.SEND_TARGET_DAY: Limit(10, _DAY),
    Counter.SEND_NETWORK_HOUR: Limit(30, _HOUR),
    Counter.SEND_SCHOOL_DAY: Limit(50_000, _DAY),
}


def window_start(counter: Counter, now: datetime) -> int:
    """The Unix second at which the counter's present window began; 0 if it never ends."""
    return _floor(now, LIMITS[counter].window_seconds)


def spray_window(now: datetime) -> int:
    """The Unix second at which the present window of the spray detector began."""
    return _floor(now, SPRAY_WINDOW_SECONDS)


def is_within(counter: Counter, tries: int) -> bool:
    """Whether the try that brought a counter to `tries` is allowed."""
    return tries <= LIMITS[counter].tries


def network_of(address: str) -> str:
    """The network a caller is counted under: /24 of IPv4, /56 of IPv6, or the text if neither."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address[:64]
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return str(ip_network((ip, 24 if ip.version == 4 else 56), strict=False))


def _floor(now: datetime, seconds: int) -> int:
    return unix_seconds(now) // seconds * seconds if seconds else 0
