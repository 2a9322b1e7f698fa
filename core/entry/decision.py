"""Whether somebody may pass a door, and what is made of a passing that happened offline."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Protocol

from core.entry.records import (
    Direction,
    Door,
    EntryEvent,
    EventAnswer,
    EventFlag,
    EventVerdict,
    Groups,
    Passback,
    Passer,
    Standing,
)

INSIDE = timedelta(hours=24)
"""How long somebody counts as inside: who left unseen is not locked out for ever."""
CLOCK_AHEAD = timedelta(seconds=120)
LATE = timedelta(hours=24)


class Whereabouts(Protocol):
    """Where somebody was last seen to go."""

    @property
    def inside(self) -> bool:
        """Whether that was in."""
        ...

    @property
    def moved_at(self) -> datetime | None:
        """When; None if never."""
        ...


def entry_code(
    door: Door, direction: Direction, passer: Passer, standing: Standing, local: time, now: datetime
) -> str:
    """The response code of a question asked now: `00`, or the first check that fails.

    The order is that of codes.md 7: revoked, used, no right, and then what the door itself adds.
    """
    checks = (
        (standing.status == "FROZEN", "62"),
        (standing.status == "CLOSED", "46"),
        (standing.card_state == "LOST", "41"),
        (standing.card_state != "ACTIVE", "54"),
        (standing.revoked_at is not None, "C3"),
        (standing.used_by is not None, "C1"),
        (not opens_to(door, passer, standing.rights), "E0"),
        (not is_open(door, local), "E2"),
        (door.passback is Passback.HARD and comes_twice(direction, standing, now), "E1"),
    )
    return next((code for failed, code in checks if failed), "00")


def opens_to(door: Door, passer: Passer, rights: Iterable[Groups]) -> bool:
    """Whether a door opens: to an entry pass by its groups, to all others as common or by right.

    An entry pass goes no further than offline, so a gate says the same with and without a line.
    """
    if passer.groups is not None:
        return has_pair(door, (passer.groups,))
    return door.common or has_pair(door, rights)


def has_pair(door: Door, groups: Iterable[Groups]) -> bool:
    """Whether one of these groups is one under which a door opens."""
    return any(
        pair.profile == group.profile and group.mask >> pair.bit & 1
        for group in groups
        for pair in door.pairs
    )


def is_open(door: Door, local: time) -> bool:
    """Whether a door's hours, if it has any, span the school's clock; from on, until before."""
    if door.opens_at is None or door.closes_at is None:
        return True
    if door.opens_at < door.closes_at:
        return door.opens_at <= local < door.closes_at
    return local >= door.opens_at or local < door.closes_at


def comes_twice(direction: Direction, standing: Whereabouts, at: datetime) -> bool:
    """Whether somebody comes in who is inside. Whoever wants out is always let out."""
    if direction is not Direction.IN or not standing.inside or standing.moved_at is None:
        return False
    return standing.moved_at <= at < standing.moved_at + INSIDE


def is_noted_twice(door: Door, direction: Direction, standing: Standing, at: datetime) -> bool:
    """Whether a passing that happened is noted as a second coming in."""
    return door.passback is not Passback.OFF and comes_twice(direction, standing, at)


def event_answer(
    event: EntryEvent, standing: Standing, *, is_declined: bool, now: datetime, kept_days: int
) -> EventAnswer:
    """The verdict on an attributable event: what the gate had to know, then spent codes, then time.

    `is_declined` says that the same question was refused online and the gate did not hear it.
    """
    ended = standing.revoked_at is not None and standing.revoked_at <= event.passed_at
    if ended and standing.is_known_to_gate:
        return EventAnswer(EventVerdict.REJECTED, "REVOKED_KNOWN")
    if standing.used_by is not None:
        if standing.used_by == event.key.terminal_no:
            return EventAnswer(EventVerdict.DUPLICATE, "SAME_CODE")
        return EventAnswer(EventVerdict.SUSPECT, "CODE_USED_ELSEWHERE")
    if event.is_clock_trusted and event.passed_at > now + CLOCK_AHEAD:
        return EventAnswer(EventVerdict.SUSPECT, "CLOCK")
    if event.is_clock_trusted and event.passed_at < now - timedelta(days=kept_days):
        return EventAnswer(EventVerdict.SUSPECT, "TOO_OLD")
    assert event.door is not None  # whoever is known was read at a known door
    twice = is_noted_twice(event.door, event.direction, standing, event.passed_at)
    flags = (
        (event.passed_at < now - LATE, EventFlag.LATE),
        (ended, EventFlag.AFTER_REPORT),
        (twice, EventFlag.PASSBACK),
        (is_declined, EventFlag.OVERRODE_DECLINE),
    )
    return EventAnswer(EventVerdict.ACCEPTED, None, tuple(flag for raised, flag in flags if raised))
