"""The pretend chip refuses what a real one would, and loses nothing by a power cut."""

from pathlib import Path

import pytest

from clients.terminal.chip import Chip, ChipRefused
from core.ports.chips import ChipStanding
from terminals.chips import HmacChip

KEY = bytes([0x66]) * 16
MAKER = HmacChip(KEY)


@pytest.fixture
def chip(tmp_path: Path) -> Chip:
    """An empty chip."""
    return Chip.make(tmp_path / "chip", "04a1b2c3", KEY)


def test_takes_each_load_once(chip: Chip) -> None:
    command = MAKER.load(0, 500)
    chip.write(command)
    with pytest.raises(ChipRefused, match="counter"):
        chip.write(command)
    assert (chip.memory.loads, chip.memory.balance) == (1, 500)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (b"short", "length"),
        (HmacChip(bytes(16)).load(0, 500), "mac"),
        (MAKER.load(1, 500), "counter"),
        (HmacChip(bytes(16)).refresh(ChipStanding(False, 0, 0, 9)), "mac"),
        (MAKER.refresh(ChipStanding(False, 0, 0, 4)), "stamp"),
    ],
)
def test_refuses_what_is_not_for_it_now(chip: Chip, command: bytes, why: str) -> None:
    chip.write(MAKER.refresh(ChipStanding(True, 100, 200, 5)))
    before = chip.memory
    with pytest.raises(ChipRefused, match=why):
        chip.write(command)
    assert chip.memory == before


def test_debits_what_it_has_and_nothing_while_blocked(chip: Chip) -> None:
    chip.write(MAKER.load(0, 500))
    assert chip.debit(200, bytes(10)).startswith("CARD:04A1B2C3:1:")
    for amount in (0, 301):
        with pytest.raises(ChipRefused, match="balance"):
            chip.debit(amount, bytes(10))
    chip.write(MAKER.refresh(ChipStanding(False, 0, 0, 5)))
    with pytest.raises(ChipRefused, match="blocked"):
        chip.debit(1, bytes(10))
    assert (chip.memory.debits, chip.memory.balance) == (1, 300)


def test_has_no_printed_key(chip: Chip) -> None:
    assert KEY.hex() not in repr(chip.memory)
