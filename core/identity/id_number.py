"""Resident ID numbers: check digit and birthday (GB 11643, ISO 7064 MOD 11-2)."""

import re
from datetime import date

_FORM = re.compile(r"[0-9]{17}[0-9X]")
_CHECKS = "10X98765432"


def check_digit(first_17: str) -> str:
    """The check character of 17 ASCII digits."""
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(first_17))
    return _CHECKS[total % 11]


def has_form(id_number: str) -> bool:
    """Whether the text is 17 ASCII digits and a digit or capital X."""
    return _FORM.fullmatch(id_number) is not None


def birthday_of(id_number: str) -> date | None:
    """The birthday in an 18-character number, None where it names no day since 1900."""
    if not has_form(id_number) or id_number[6:10] < "1900":
        return None
    try:
        return date(int(id_number[6:10]), int(id_number[10:12]), int(id_number[12:14]))
    except ValueError:
        return None


def is_valid(id_number: str) -> bool:
    """Whether it has the form, names a birthday and its check character is right."""
    return birthday_of(id_number) is not None and check_digit(id_number[:17]) == id_number[17]
