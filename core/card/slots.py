"""The windows of passes, what a pass allows, and the days of aliases (codes.md 3, 4, 10, 13)."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from core.card.records import Slot
from core.identity.records import CardholderKind
from core.kit.clock import business_day
from core.school.policy import Offline
from core.school.policy_words import Instrument, PersonRight

PASSES_MAXIMUM = 20
"""Passes per slot, over all devices of a cardholder."""
ALIAS_DAYS = 3
"""An alias is given for today and the days after it, this many in all."""
ALIAS_ISSUER_MAXIMUM = 999
"""The largest school that the three digits of a T1 code can name."""

_SLOT_SECONDS = 24 * 3600
_SLOT_SECONDS_TEMPORARY = 12 * 3600
_HOLDER_CLASSES: dict[str, int] = {
    CardholderKind.STUDENT: 0,
    CardholderKind.STAFF: 1,
    CardholderKind.TEMPORARY: 2,
}
_OTHER_CLASS = 3


def slot_seconds(kind: str) -> int:
    """The length of a new slot."""
    return _SLOT_SECONDS_TEMPORARY if kind == CardholderKind.TEMPORARY else _SLOT_SECONDS


def windows(now: int, length: int, known: Sequence[Slot]) -> list[tuple[int, int]]:
    """The (start, end) of the slots a phone gets at `now`: the current, late in it the next too.

    `known` are the cardholder's slots that have not ended, in order. A slot made by a process whose
    clock runs ahead counts as the current one, so no two slots ever overlap.
    """
    current = (known[0].starts_at, known[0].ends_at) if known else (now, now + length)
    if now - current[0] <= (current[1] - current[0]) // 2:
        return [current]
    following = known[1] if len(known) > 1 else None
    start = current[1]
    return [current, (start, following.ends_at if following else start + length)]


def refresh_at(last: Slot) -> int:
    """When a phone asks again: half-way through the last slot it was given."""
    return last.starts_at + (last.ends_at - last.starts_at) // 2


def cap_class(offline: Offline, available_minor: int) -> int:
    """The offline class of a money pass: the largest whose sum the balance covers, else 0."""
    if not offline.money or Instrument.VIRTUAL not in offline.instruments:
        return 0
    totals = {1: offline.cap_1.total_minor, 2: offline.cap_2.total_minor}
    allowed = [number for number in totals if number >= offline.cap_class]
    covered = [number for number in allowed if 0 < totals[number] <= available_minor]
    return max(covered, key=lambda number: totals[number], default=0)


def site_mask(offline: Offline) -> int:
    """The offline sites a pass names: the school's first ones, as many as its policy allows."""
    return (1 << offline.sites) - 1 if offline.money else 0


def holder_class(kind: str) -> int:
    """0 student, 1 staff, 2 temporary, 3 visitor, alumni and every other kind."""
    return _HOLDER_CLASSES.get(kind, _OTHER_CLASS)


def rights(kind: str, temporary: frozenset[PersonRight]) -> frozenset[PersonRight]:
    """What a kind of cardholder has; only temporary staff's is policy (M-099)."""
    return temporary if kind == CardholderKind.TEMPORARY else frozenset(PersonRight)


def alias_days(now: datetime, zone: str) -> list[date]:
    """The school days that aliases are given for."""
    today = business_day(now, zone)
    return [today + timedelta(days=after) for after in range(ALIAS_DAYS)]
