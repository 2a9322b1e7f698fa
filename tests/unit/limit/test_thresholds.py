"""When a PIN is asked, and which limits may be set."""

from datetime import date
from uuid import UUID

import pytest

from core.limit.records import LimitAboveAppMaximum, LimitOutOfRange, Spending
from core.limit.thresholds import check_limits, counted, is_cut, pin_reason


@pytest.mark.parametrize(
    ("amount", "spent", "reason"),
    [
        (3000, 0, ""),
        (3001, 0, "SINGLE"),
        (3000, 2000, ""),
        (3000, 2001, "DAILY"),
        (1, 5000, "DAILY"),
    ],
)
def test_up_to_a_limit_no_pin_is_asked(amount: int, spent: int, reason: str) -> None:
    assert pin_reason(amount, spent, single_minor=3000, daily_minor=5000) == reason


def test_limits_may_be_set_up_to_the_maximum() -> None:
    check_limits(0, 20_000, 20_000)
    check_limits(20_000, 20_000, 20_000)


def test_a_negative_limit_or_a_daily_one_below_the_single_is_refused() -> None:
    for single, daily in ((-1, 10), (11, 10)):
        with pytest.raises(LimitOutOfRange):
            check_limits(single, daily, 20_000)


def test_above_the_maximum_the_window_sets_it() -> None:
    with pytest.raises(LimitAboveAppMaximum) as refused:
        check_limits(100, 20_001, 20_000)
    assert refused.value.details == {"maximumMinor": 20_000}


@pytest.mark.parametrize(("held", "wanted", "cut"), [
    ((100, 200), (100, 200), False), ((100, 200), (101, 201), False), ((100, 200), (99, 201), True),
    ((100, 200), (100, 199), True), ((None, None), (9_000, 9_000), True),
])  # fmt: skip
def test_a_limit_below_the_one_held_is_a_cut(
    held: tuple[int | None, int | None], wanted: tuple[int, int], cut: bool
) -> None:
    assert is_cut(Spending(UUID(int=1), *held, None, 0), *wanted) is cut


@pytest.mark.parametrize(("spent_on", "spent", "after"), [
    (None, 0, (2, 30)), (1, 500, (2, 30)), (2, 500, (2, 530)), (3, 500, (3, 500)),
])  # fmt: skip
def test_an_offline_purchase_counts_on_its_own_day_and_a_day_that_was_left_stays_left(
    spent_on: int | None, spent: int, after: tuple[int, int]
) -> None:
    day = None if spent_on is None else date(2026, 9, spent_on)
    held = Spending(UUID(int=1), 10, 20, day, spent)
    found = counted(held, date(2026, 9, 2), 30)
    assert (found.spent_on, found.spent_minor) == (date(2026, 9, after[0]), after[1])
    assert (found.cardholder_id, found.single_minor, found.daily_minor) == (UUID(int=1), 10, 20)
