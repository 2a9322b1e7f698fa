"""Invented people for the demo, the tests and the benches: the same ones every time.

Names are made of sample syllables, ID numbers lie in an area (999999) that does not exist,
telephone numbers under a country code (+999) that nobody has, addresses in a reserved domain.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from core.identity.id_number import check_digit
from core.identity.records import CardholderKind, IdType, RosterRow

_FAMILY = "示例样虚"
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_BRANCHES = "子丑寅卯辰巳午未申酉戌亥"
_DEPARTMENTS = ("示例文学院", "示例理学院", "示例工学院", "示例后勤处")
_KINDS = (
    *[CardholderKind.STUDENT] * 16,
    *[CardholderKind.STAFF] * 2,
    CardholderKind.TEMPORARY,
    CardholderKind.EXTERNAL,
)
_FIRST_BIRTHDAY = date(1970, 1, 1)
_BIRTHDAYS = 13_000
"""Days from the first birthday to the last, in 2005."""


def sample_people(count: int, campus: str | None = None) -> Iterator[RosterRow]:
    """`count` (at most 1,000,000) accepted roster rows, numbers S000001 upwards."""
    for place in range(count):
        yield _person(place, campus)


def _person(place: int, campus: str | None) -> RosterRow:
    # Steps prime to the sizes visit every value before one returns.
    birthday = _FIRST_BIRTHDAY + timedelta(days=place * 7_919 % _BIRTHDAYS)
    first_17 = f"999999{birthday:%Y%m%d}{place // _BIRTHDAYS + 1:03d}"
    return RosterRow(
        row=place + 2,
        number=f"S{place + 1:06d}",
        name=_name(place),
        kind=_KINDS[place % len(_KINDS)],
        id_type=IdType.ID_CARD,
        id_number=first_17 + check_digit(first_17),
        phone=f"+99913{place:08d}",
        email=f"s{place + 1:06d}@people.example",
        campus=campus,
        department=_DEPARTMENTS[place % len(_DEPARTMENTS)],
        card_uid=f"{place + 1:014X}",
        old_balance_minor=place * 37 % 20_000,
    )


def _name(place: int) -> str:
    stem = _STEMS[place % len(_STEMS)]
    branch = _BRANCHES[place // len(_STEMS) % len(_BRANCHES)]
    return _FAMILY[place // 120 % len(_FAMILY)] + stem + branch
