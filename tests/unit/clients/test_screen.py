"""Amounts as people type and read them."""

import sys

import pytest

from clients.screen import fen, month_of, qr, qr_svg, yuan
from tests.unit.terminals.samples import VECTOR_1


@pytest.mark.parametrize(
    ("text", "minor_amount"), [("12", 1200), ("12.5", 1250), ("12.50", 1250), ("0.01", 1)]
)
def test_reads_amounts_in_yuan(text: str, minor_amount: int) -> None:
    assert fen(text) == minor_amount


@pytest.mark.parametrize("text", ["", "-1", "1.505", "1,5", "１２", "12345678", "1.", ".5", " 1"])
def test_refuses_what_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match=r"12\.50"):
        fen(text)


@pytest.mark.parametrize(
    ("minor_amount", "text"), [(1250, "¥12.50"), (-5, "-¥0.05"), (0, "¥0.00"), (-1250, "-¥12.50")]
)
def test_writes_amounts_with_their_sign(minor_amount: int, text: str) -> None:
    assert yuan(minor_amount) == text


def test_month_of_an_instant() -> None:
    assert month_of(1_800_000_000) == "2027-01"


def test_a_code_fits_the_smallest_symbol_for_it() -> None:
    # 8-L is 49 modules and a border of 4 at each side; half blocks show two rows in a line.
    lines = qr(VECTOR_1).splitlines()
    assert len(lines) == (49 + 2 * 4 + 1) // 2


def test_code_is_a_picture_for_pages_and_nothing_without_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert qr_svg("91123456789012345678").startswith("<svg")
    monkeypatch.setitem(sys.modules, "segno", None)
    assert qr_svg("91123456789012345678") == ""
