"""Slots of a day, who may reserve them, which place is next, and what water costs."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.utility.records import (
    MeterGroup,
    MeterKind,
    Reservation,
    ReservationLimit,
    Slot,
    SlotFull,
    SlotUnknown,
    Tariff,
)
from core.utility.slots import (
    check_reserver,
    find_slot,
    is_open_now,
    locked_until,
    slots_of,
    take_place,
)
from terminals.water import WaterCodeMaker

ZONE, DAY = "Asia/Shanghai", date(2026, 9, 1)
NOON = datetime(2026, 9, 1, 4, tzinfo=UTC)
BATH = MeterGroup(
    9, "NORTH", MeterKind.SHOWER, "示例", "Sample", True, 2, 30, time(6), time(23), 2,
    Tariff(30, 10, 200),
)  # fmt: skip
SLOT = Slot(NOON, NOON + timedelta(minutes=30))
MAKER = WaterCodeMaker(lambda school_id, group_no, version: bytes([version]) * 32)


def reservation(number: int = 0, slot: Slot = SLOT, **changes: object) -> Reservation:
    made = Reservation(
        UUID(int=number), 9, 0, number, slot, UUID(int=99), BATH.tariff, 1, NOON
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]  # any field of it


def place(group: MeterGroup, *near: Reservation) -> tuple[int, int]:
    return take_place(
        group, SLOT, near, lambda each: MAKER.code(7, each.water_slot, each.sequence),
        lambda at, live, first: MAKER.find_free(7, at, live, first),
    )  # fmt: skip


def test_slots_follow_each_other_and_none_is_cut_by_the_closing() -> None:
    made = slots_of(replace(BATH, closes_at=time(7, 45)), DAY, ZONE)
    assert [each.starts_at.hour * 60 + each.starts_at.minute for each in made] == [
        22 * 60, 22 * 60 + 30, 23 * 60,
    ]  # fmt: skip
    assert made[0].starts_at == datetime(2026, 8, 31, 22, tzinfo=UTC)
    assert slots_of(replace(BATH, closes_at=time(6, 29)), DAY, ZONE) == []


def test_slot_can_be_reserved_until_it_is_over_and_so_many_days_ahead() -> None:
    end = SLOT.ends_at
    assert find_slot(BATH, NOON, end - timedelta(seconds=1), ZONE) == SLOT
    later = NOON + timedelta(days=2)
    assert find_slot(BATH, later, NOON, ZONE).starts_at == later
    for starts_at, now in (
        (NOON, end),
        (NOON + timedelta(minutes=1), NOON),
        (NOON + timedelta(days=3), NOON),
        (NOON + timedelta(hours=12), NOON),
    ):
        with pytest.raises(SlotUnknown):
            find_slot(BATH, starts_at, now, ZONE)


@pytest.mark.parametrize(
    ("minute", "is_open"), [(-1, False), (0, True), (1_019, True), (1_020, False)]
)
def test_hours_are_those_of_the_school(minute: int, is_open: bool) -> None:
    opens = datetime(2026, 8, 31, 22, tzinfo=UTC)
    assert is_open_now(BATH, opens + timedelta(minutes=minute), ZONE) is is_open


def test_nobody_reserves_a_slot_twice_at_once_or_a_fourth_time() -> None:
    cancelled = reservation(cancelled_at=NOON)
    check_reserver(SLOT, [cancelled, cancelled], NOON)
    with pytest.raises(ReservationLimit):
        check_reserver(SLOT, [cancelled] * 3, NOON)
    with pytest.raises(ReservationLimit):
        check_reserver(SLOT, [reservation()], NOON)


def test_nobody_has_more_than_three_reservations_ahead() -> None:
    day = timedelta(days=1)
    others = [reservation(n, Slot(NOON + day * n, SLOT.ends_at + day * n)) for n in range(1, 4)]
    check_reserver(SLOT, others[:2], NOON)
    over = reservation(9, Slot(NOON - day, NOON))
    check_reserver(SLOT, [*others[:2], over], NOON)
    with pytest.raises(ReservationLimit):
        check_reserver(SLOT, others, NOON)


def test_number_of_a_slot_is_never_given_twice() -> None:
    assert place(BATH) == (0, 0)
    assert place(BATH, reservation(0, cancelled_at=NOON)) == (0, 1)
    assert place(BATH, reservation(4, cancelled_at=NOON)) == (0, 5)


def test_full_slot_has_no_place_and_one_without_numbers_neither() -> None:
    with pytest.raises(SlotFull):
        place(BATH, reservation(0), reservation(1))
    with pytest.raises(SlotFull):
        place(BATH, reservation(63, cancelled_at=NOON))


def test_stalls_are_given_one_by_one() -> None:
    stalls = replace(BATH, is_shared=False, places=3)
    assert place(stalls) == (1, 0)
    assert place(stalls, reservation(0, stall=1)) == (2, 0)
    assert place(stalls, reservation(0, stall=1, cancelled_at=NOON)) == (1, 1)
    spent = reservation(63, stall=1, cancelled_at=NOON)
    assert place(stalls, spent, reservation(0, stall=3)) == (2, 0)


def test_code_that_is_live_in_a_slot_beside_it_is_skipped() -> None:
    beside = reservation(0, Slot(SLOT.ends_at, SLOT.ends_at + timedelta(minutes=30)))
    clash = MAKER.code(7, reservation(0).water_slot, 0)
    taken = take_place(
        BATH, SLOT, [beside], lambda each: clash,
        lambda at, live, first: MAKER.find_free(7, at, live, first),
    )  # fmt: skip
    assert taken == (0, 1)


@pytest.mark.parametrize(
    ("seconds", "now", "until"),
    [
        ([0, 1, 2, 3], 4, None),
        ([0, 150, 300, 450, 600], 601, 1_200),
        ([0, 150, 300, 450, 601], 602, None),
        ([0, 1, 2, 3, 4], 603, 604),
        ([0, 1, 2, 3, 4], 604, None),
        ([4, 3, 2, 1, 0, 700], 701, None),
    ],
)
def test_five_wrong_codes_in_ten_minutes_lock_for_ten(
    seconds: list[int], now: int, until: int | None
) -> None:
    def at(second: int) -> datetime:
        return NOON + timedelta(seconds=second)

    found = locked_until([at(each) for each in seconds], at(now))
    assert found == (None if until is None else at(until))


TARIFFS = st.builds(Tariff, st.integers(1, 1_000), st.integers(1, 1_000), st.integers(1, 1_000_000))


@given(TARIFFS, st.integers(0, 2_000_000), st.integers(0, 2_000_000))
def test_water_costs_its_units_times_the_price_and_never_more_than_is_held(
    tariff: Tariff, units: int, more: int
) -> None:
    amount = tariff.amount_minor(units)
    assert 0 <= amount <= tariff.maximum_minor
    counted = min(units, tariff.maximum_units)
    assert amount * tariff.per_units <= counted * tariff.price_minor
    assert counted * tariff.price_minor < (amount + 1) * tariff.per_units
    assert amount <= tariff.amount_minor(units + more)
