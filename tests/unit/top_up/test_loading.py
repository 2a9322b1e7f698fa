"""What a chip's own word does to a load: every row of terminals.md 11, one fact at a time."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from core.ports.chips import ChipReading
from core.top_up.loading import Chip, Step, next_step, standing_code
from core.top_up.records import Load, LoadState
from tests.factories.chance import NOON

CHIP = Chip(UUID(int=1), UUID(int=2), 5, is_frozen=False)
LOAD = Load(
    UUID(int=3), UUID(int=1), UUID(int=2), 42, 5, 100, 3_000, UUID(int=4), "A" * 12,
    LoadState.OPEN, NOON, None,
)  # fmt: skip
PURSE = 100


def step(
    counter: int, balance: int, load: Load | None = LOAD, chip: Chip | None = CHIP,
    terminal_no: int = 42, after: float = 1,
) -> Step:  # fmt: skip
    reading = ChipReading("0A0B0C0D", counter, balance, bytes(8))
    return next_step(chip, load, reading, PURSE, terminal_no, NOON + timedelta(seconds=after))


@pytest.mark.parametrize(
    ("counter", "balance", "expected"),
    [
        (6, 3_100, Step.POST),
        (6, 20, Step.POST),  # debits that the books have not heard of
        (6, 3_101, Step.FREEZE),
        (5, 100, Step.RETURN),
        (5, 0, Step.RETURN),
        (5, 101, Step.FREEZE),
        (4, 100, Step.FREEZE),
        (7, 3_100, Step.FREEZE),
    ],
)
def test_open_load_ends_by_the_counter(counter: int, balance: int, expected: Step) -> None:
    assert step(counter, balance) is expected


@pytest.mark.parametrize(
    ("counter", "balance", "expected"),
    [(5, 100, Step.GO_ON), (5, 0, Step.GO_ON), (5, 101, Step.FREEZE), (6, 100, Step.FREEZE),
     (4, 100, Step.FREEZE)],
)  # fmt: skip
def test_chip_without_a_load_is_where_it_was(counter: int, balance: int, expected: Step) -> None:
    assert step(counter, balance, load=None) is expected


def test_chip_seen_for_the_first_time_may_count_from_anywhere_but_holds_no_more() -> None:
    assert step(99, 100, load=None, chip=None) is Step.GO_ON
    assert step(99, 101, load=None, chip=None) is Step.FREEZE


def test_only_the_terminal_that_began_ends_a_young_load_as_unwritten() -> None:
    assert step(5, 100, terminal_no=43, after=59) is Step.WAIT
    assert step(5, 100, terminal_no=43, after=60) is Step.RETURN
    assert step(6, 3_100, terminal_no=43, after=1) is Step.POST


def test_frozen_chip_moves_nothing() -> None:
    frozen = replace(CHIP, is_frozen=True)
    for load in (None, LOAD):
        for counter, balance in ((5, 100), (6, 3_100)):
            assert step(counter, balance, load, frozen) is Step.FREEZE


@pytest.mark.parametrize(
    ("status", "state", "code"),
    [("ACTIVE", "ACTIVE", "00"), ("CLOSING", "ACTIVE", "00"), ("FROZEN", "LOST", "62"),
     ("CLOSED", "ACTIVE", "46"), ("ACTIVE", "LOST", "41"), ("ACTIVE", "REPLACED", "54")],
)  # fmt: skip
def test_standing_has_its_code(status: str, state: str, code: str) -> None:
    assert standing_code(status, state) == code
