"""Water codes to the digit: which are drawn, which a meter takes, and when."""

import pytest

from terminals import water
from terminals.water import Slot

KEY = b"\x77" * 32
PUBLISHED = "44414728"
SLOT = Slot(group=9, unit=0, starts_at=1_800_000_000, length_seconds=1800)


def test_the_published_code_is_made() -> None:
    assert water.code(KEY, SLOT, 5) == PUBLISHED


@pytest.mark.parametrize(
    "other",
    [
        SLOT._replace(group=10),
        SLOT._replace(unit=1),
        SLOT._replace(starts_at=1_800_001_800),
    ],
)
def test_a_code_is_good_for_its_slot_alone(other: Slot) -> None:
    now = other.starts_at
    assert water.find_sequence(KEY, other, PUBLISHED, now) is None
    assert water.find_sequence(KEY, SLOT, PUBLISHED, SLOT.starts_at) == 5


@pytest.mark.parametrize(
    ("offset", "sequence"), [(-601, None), (-600, 5), (0, 5), (1799, 5), (1800, None)]
)
def test_a_meter_takes_a_slot_from_ten_minutes_before_to_its_end(
    offset: int, sequence: int | None
) -> None:
    now = SLOT.starts_at + offset
    assert water.find_sequence(KEY, SLOT, PUBLISHED, now) == sequence


def test_a_sequence_number_whose_code_is_live_is_skipped() -> None:
    slot = SLOT._replace(group=186_302)
    assert water.code(KEY, slot, 5) == water.code(KEY, slot, 6)
    live: dict[str, int] = {}
    next_sequence = 0
    for _ in range(10):
        free = water.find_free(KEY, slot, live, next_sequence)
        assert free is not None
        live[free[1]] = free[0]
        next_sequence = free[0] + 1
    assert sorted(live.values()) == [0, 1, 2, 3, 4, 5, 7, 8, 9, 10]


def test_a_slot_has_64_codes() -> None:
    assert water.find_free(KEY, SLOT, (), 63) == (63, water.code(KEY, SLOT, 63))
    assert water.find_free(KEY, SLOT, (), 64) is None
    assert water.find_free(KEY, SLOT, {water.code(KEY, SLOT, 63)}, 63) is None
