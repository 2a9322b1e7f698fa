"""Which slots a group has, who may reserve them, which place comes next: all of it pure."""

from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from core.kit.clock import business_day, unix_seconds
from core.ports.water import WaterSlot
from core.utility.records import (
    MeterGroup,
    Reservation,
    ReservationLimit,
    Slot,
    SlotFull,
    SlotUnknown,
)

OPEN_MAXIMUM = 3
"""Reservations of a cardholder that lie ahead."""
SLOT_TRIES_MAXIMUM = 3
"""How often a cardholder may reserve the same slot, cancelled ones too: its codes are few."""
WRONG_MAXIMUM = 5
WRONG_WINDOW = timedelta(minutes=10)
LOCKED = timedelta(minutes=10)

FindFree = Callable[[WaterSlot, Container[str], int], tuple[int, str] | None]
"""The first free number of a slot with its digits: `core.ports.water.WaterCodes.find_free`."""


def slots_of(group: MeterGroup, day: date, zone: str) -> list[Slot]:
    """The slots of a day, none of them beyond the hour of closing."""
    local = ZoneInfo(zone)
    starts = datetime.combine(day, group.opens_at, local).astimezone(UTC)
    closes = datetime.combine(day, group.closes_at, local).astimezone(UTC)
    length, made = timedelta(minutes=group.slot_minutes), []
    while starts + length <= closes:
        made.append(Slot(starts, starts + length))
        starts += length
    return made


def is_offered_on(group: MeterGroup, day: date, now: datetime, zone: str) -> bool:
    """Whether the slots of a day may be reserved now."""
    ahead = (day - business_day(now, zone)).days
    return 0 <= ahead <= group.days_ahead


def find_slot(group: MeterGroup, starts_at: datetime, now: datetime, zone: str) -> Slot:
    """The slot that begins then, if it can be reserved now: until it ends.

    Raises: SlotUnknown.
    """
    day = business_day(starts_at, zone)
    for slot in slots_of(group, day, zone):
        if slot.starts_at == starts_at and now < slot.ends_at:
            if not is_offered_on(group, day, now, zone):
                break
            return slot
    raise SlotUnknown("startsAt")


def is_open_now(group: MeterGroup, now: datetime, zone: str) -> bool:
    """Whether the hours of a group without reservations include this instant."""
    local = now.astimezone(ZoneInfo(zone)).time()
    return group.opens_at <= local < group.closes_at


def check_reserver(slot: Slot, own: Sequence[Reservation], now: datetime) -> None:
    """Nothing, if somebody with these reservations may reserve the slot.

    Raises: ReservationLimit.
    """
    same = [each for each in own if each.slot.starts_at == slot.starts_at]
    ahead = [each for each in own if each.cancelled_at is None and each.slot.ends_at > now]
    is_held = any(each.cancelled_at is None for each in same)
    if is_held or len(same) >= SLOT_TRIES_MAXIMUM or len(ahead) >= OPEN_MAXIMUM:
        raise ReservationLimit("startsAt")


def take_place(
    group: MeterGroup,
    slot: Slot,
    near: Sequence[Reservation],
    digits_of: Callable[[Reservation], str],
    find_free: FindFree,
) -> tuple[int, int]:
    """The stall and the sequence number of the next reservation of a slot.

    `near` are all reservations of this slot and its neighbours, cancelled ones too: a number is
    never given twice, and no code that somebody holds.
    Raises: SlotFull.
    """
    same = [each for each in near if each.slot == slot]
    held = [each for each in same if each.cancelled_at is None]
    if len(held) >= group.places:
        raise SlotFull("startsAt")
    stalls = [0] if group.is_shared else range(1, group.places + 1)
    live = {digits_of(each) for each in near if each.cancelled_at is None}
    starts, ends = unix_seconds(slot.starts_at), unix_seconds(slot.ends_at)
    whole = WaterSlot(group.number, group.key_version, 0, starts, ends - starts)
    taken = set() if group.is_shared else {each.stall for each in held}
    for stall in stalls:
        if stall in taken:
            continue
        used = [each.sequence for each in same if each.stall == stall]
        free = find_free(replace(whole, stall=stall), live, max(used, default=-1) + 1)
        if free is not None:
            return stall, free[0]
    raise SlotFull("startsAt")


def locked_until(tries: Sequence[datetime], now: datetime) -> datetime | None:
    """When a meter takes codes again, if it takes none now; `tries` are the wrong ones.

    Five within ten minutes lock it for ten (codes.md 14).
    """
    newest = sorted(tries)[-WRONG_MAXIMUM:]
    if len(newest) < WRONG_MAXIMUM or newest[-1] - newest[0] > WRONG_WINDOW:
        return None
    until = newest[-1] + LOCKED
    return until if now < until else None
