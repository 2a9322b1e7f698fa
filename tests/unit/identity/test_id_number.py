"""Resident ID numbers: the check digit of GB 11643 and the birthday."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.identity.id_number import birthday_of, check_digit, has_form


@pytest.mark.parametrize(
    ("first_17", "check"),
    [("11010519491231002", "X"), ("44052418800101001", "4")],
)
def test_the_standards_examples_check(first_17: str, check: str) -> None:
    assert check_digit(first_17) == check


@given(st.text("0123456789", min_size=17, max_size=17), st.integers(0, 16), st.integers(1, 9))
def test_any_single_wrong_digit_is_seen(first_17: str, place: int, step: int) -> None:
    wrong = str((int(first_17[place]) + step) % 10)
    assert check_digit(first_17[:place] + wrong + first_17[place + 1 :]) != check_digit(first_17)


@pytest.mark.parametrize(
    ("id_number", "birthday"),
    [
        ("999999200002290010", date(2000, 2, 29)),
        ("999999190001010010", date(1900, 1, 1)),
        ("999999189912310010", None),
        ("999999190002290010", None),
        ("999999200013010010", None),
        ("99999920000229001x", None),
        ("passport", None),
    ],
)
def test_birthdays_are_days_since_1900(id_number: str, birthday: date | None) -> None:
    assert birthday_of(id_number) == birthday


def test_other_scripts_digits_are_no_digits() -> None:
    assert has_form("99999920000229001X")
    assert not has_form("٩9999920000229001X")
    assert not has_form("99999920000229001X\n")
