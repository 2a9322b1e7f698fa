"""A roster's rows are read or refused one by one; a file that is no roster is refused whole."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff.sample_people import sample_people
from core.identity.records import (
    CardholderKind,
    IdType,
    RosterRow,
    RowRefusal,
)
from core.identity.roster_file import read_roster
from core.identity.roster_rows import error_file, row_digest
from tests.factories.roster import HEADER_ZH, cells_of, csv_bytes, xlsx_bytes
from tests.factories.roster import roster_cells as people_cells

TODAY = date(2026, 9, 1)
HEADER = ("number", "name", "kind", "id_type", "id_number", "phone", "email", "campus",
          "department", "card_uid", "old_balance")  # fmt: skip
GOOD = {
    "number": "S1", "name": "示甲子", "kind": "学生", "id_type": "", "id_number": "",
    "phone": "", "email": "", "campus": "", "department": "", "card_uid": "", "old_balance": "",
}  # fmt: skip


def read(data: bytes) -> list[RosterRow | RowRefusal]:
    return list(read_roster(data, TODAY))


def row_with(**cells: str) -> Sequence[str]:
    return list((GOOD | cells).values())


def read_one(**cells: str) -> RosterRow:
    (row,) = read(csv_bytes([HEADER, row_with(**cells)]))
    assert isinstance(row, RosterRow)
    return row


def refusals(*rows: Sequence[str]) -> list[tuple[int, str, str, str]]:
    """(row, column, code, masked value) of every refusal; the first row is always accepted."""
    first, *found = read(csv_bytes([HEADER, row_with(number="FIRST"), *rows]))
    assert isinstance(first, RosterRow)
    assert all(isinstance(each, RowRefusal) for each in found)
    return [
        (each.row, each.column, each.code, each.value)
        for each in found
        if isinstance(each, RowRefusal)
    ]


@pytest.mark.parametrize(
    "data",
    [
        csv_bytes(people_cells(40)),
        csv_bytes(people_cells(40), "utf-8-sig"),
        csv_bytes(people_cells(40), "gb18030"),
        xlsx_bytes(people_cells(40)),
    ],
    ids=["utf-8", "utf-8 with BOM", "gb18030", "xlsx"],
)
def test_each_form_of_file_gives_the_same_people(data: bytes) -> None:
    assert read(data) == list(sample_people(40))


@pytest.mark.parametrize(
    "header",
    [
        ("学号", "姓名", "人员类型"),
        ("工号", "名字", "身份"),
        ("Student Number", "Full name", "Category"),
        (" STAFF_NUMBER ", "NAME", "type"),
    ],
)
def test_headers_are_known_in_both_languages(header: Sequence[str]) -> None:
    assert read(csv_bytes([header, ("7", "Sample One", "guest")])) == [
        RosterRow(2, "7", "Sample One", CardholderKind.VISITOR)
    ]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("本科生", CardholderKind.STUDENT),
        ("student", CardholderKind.STUDENT),
        ("教职工", CardholderKind.STAFF),
        ("临时人员", CardholderKind.TEMPORARY),
        ("访客", CardholderKind.VISITOR),
        ("校友", CardholderKind.ALUMNI),
        ("校外人员", CardholderKind.EXTERNAL),
    ],
)
def test_kinds_are_known_in_both_languages(word: str, kind: CardholderKind) -> None:
    assert read_one(kind=word).kind is kind


def test_all_facts_of_a_row_are_read() -> None:
    row = read_one(
        number="A-1_b", name="Élodie Sample-O'Test", kind="staff", id_type="护照",
        id_number="sample12", phone="+99912345678", email="a@b.example", campus="东",
        department="示例处", card_uid="04a1b2c3d4e5f6", old_balance="12.5",
    )  # fmt: skip
    assert row == RosterRow(
        2, "A-1_b", "Élodie Sample-O'Test", CardholderKind.STAFF, IdType.PASSPORT, "SAMPLE12",
        "+99912345678", "a@b.example", "东", "示例处", "04A1B2C3D4E5F6", 1_250,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("yuan", "minor"),
    [("0", 0), ("7", 700), ("7.1", 710), ("7.01", 701), ("10000000", 1_000_000_000)],
)
def test_old_balances_are_read_to_the_fen(yuan: str, minor: int) -> None:
    assert read_one(old_balance=yuan).old_balance_minor == minor


def test_an_id_number_is_the_residents_where_no_type_is_said() -> None:
    row = read_one(id_number="99999920050228001x")
    assert (row.id_type, row.id_number) == (IdType.ID_CARD, "99999920050228001X")


def test_a_type_without_a_number_is_no_id() -> None:
    assert read_one(id_type="护照").id_type is None


@pytest.mark.parametrize(
    ("column", "text", "code", "shown"),
    [
        ("number", "", "MISSING", ""),
        ("number", "２０２３", "FULL_WIDTH", "２０２３"),
        ("number", "20 23", "BLANK_INSIDE", "20 23"),
        ("number", "学1", "NUMBER_INVALID", "学1"),
        ("number", "1" * 21, "NUMBER_INVALID", "1" * 21),
        ("number", "=1+1", "FORMULA", "=1+1"),
        ("name", "", "MISSING", ""),
        ("name", "示 例", "BLANK_INSIDE", "示*"),
        ("name", "Sample  Two", "BLANK_INSIDE", "S*"),
        ("name", "示" * 61, "TOO_LONG", "示*"),
        ("name", "@SUM(A1)", "FORMULA", "@*"),
        ("name", "示\u200b例", "CONTROL_CHARACTER", "示*"),
        ("name", "示\n例", "CONTROL_CHARACTER", "示*"),
        ("kind", "", "MISSING", ""),
        ("kind", "老虎", "KIND_UNKNOWN", "老虎"),
        ("id_type", "驾照", "ID_TYPE_UNKNOWN", "驾照"),
        ("id_number", "999999200502280011", "ID_CHECK_DIGIT", "*" * 17 + "1"),
        ("id_number", "999999200502300019", "ID_BIRTHDAY", "*" * 17 + "9"),
        ("id_number", "999999189912310019", "ID_BIRTHDAY", "*" * 17 + "9"),
        ("id_number", "999999202609020018", "ID_BIRTHDAY", "*" * 17 + "8"),
        ("id_number", "999999050228001", "ID_INVALID", "*" * 14 + "1"),
        ("id_number", "９99999200502280013", "FULL_WIDTH", "*" * 17 + "3"),
        ("id_number", "٩99999200502280013", "ID_INVALID", "*" * 17 + "3"),
        ("phone", "12345678901", "PHONE_INVALID", "*" * 7 + "8901"),
        ("phone", "+1", "FORMULA", "+1"),
        ("email", "a@b", "EMAIL_INVALID", "a@b"),
        ("email", "sample@b.example, c", "BLANK_INSIDE", "*" * 15 + "e, c"),
        ("campus", "东" * 61, "TOO_LONG", "东" * 40),
        ("department", "+部", "FORMULA", "+部"),
        ("card_uid", "04A1", "CARD_UID_INVALID", "04A1"),
        ("old_balance", "-5", "AMOUNT_NEGATIVE", "-5"),
        ("old_balance", "1.005", "AMOUNT_INVALID", "1.005"),
        ("old_balance", "1,000", "AMOUNT_INVALID", "1,000"),
        ("old_balance", "1e3", "AMOUNT_INVALID", "1e3"),
        ("old_balance", "10000000.01", "AMOUNT_INVALID", "10000000.01"),
    ],
)
def test_a_dirty_cell_refuses_its_row_and_shows_it_masked(
    column: str, text: str, code: str, shown: str
) -> None:
    assert refusals(row_with(**{column: text})) == [(3, column, code, shown)]


def test_a_passport_has_its_own_form() -> None:
    one = row_with(number="1", id_type="passport", id_number="a b")
    two = row_with(number="2", id_type="passport", id_number="#12345")
    assert refusals(one, two) == [
        (3, "id_number", "BLANK_INSIDE", "**b"),
        (4, "id_number", "ID_INVALID", "*****5"),
    ]


def test_a_row_names_all_its_reasons() -> None:
    assert refusals(row_with(number="", kind="?", old_balance="-1")) == [
        (3, "number", "MISSING", ""),
        (3, "kind", "KIND_UNKNOWN", "?"),
        (3, "old_balance", "AMOUNT_NEGATIVE", "-1"),
    ]


def test_an_unknown_id_type_is_blamed_once() -> None:
    assert refusals(row_with(id_type="驾照", id_number="AB12345")) == [
        (3, "id_type", "ID_TYPE_UNKNOWN", "驾照")
    ]


def test_the_later_of_two_equal_numbers_or_cards_is_refused() -> None:
    found = read(
        csv_bytes(
            [
                HEADER,
                row_with(number="a1", card_uid="04A1B2C3"),
                row_with(number="A1"),
                row_with(number="a2", card_uid="04a1b2c3"),
                row_with(number="a3"),
            ]
        )
    )
    assert [type(each) for each in found] == [RosterRow, RowRefusal, RowRefusal, RosterRow]
    assert [each.code for each in found if isinstance(each, RowRefusal)] == [
        "DUPLICATE_NUMBER",
        "DUPLICATE_CARD",
    ]
    assert isinstance(found[1], RowRefusal)
    assert (found[1].en, found[1].zh) == (
        "The number occurs first in row 2",
        "学工号重复，首次在第 2 行",
    )


def test_blank_rows_are_skipped_and_rows_keep_their_place() -> None:
    data = "学号,姓名,类别\n\n,,\n  \n7,示甲子,学生,,\n8,示乙丑,学生,多\n".encode()
    row, refusal = read(data)
    assert isinstance(row, RosterRow)
    assert (row.row, row.number) == (5, "7")
    assert isinstance(refusal, RowRefusal)
    assert (refusal.row, refusal.column, refusal.code) == (6, "", "CELLS_TOO_MANY")


def test_a_refusal_names_the_cardholder_whose_number_can_be_read() -> None:
    data = "学号,姓名,类别\n7,,学生\n,示甲子,学生\n８,示甲子,学生\n9,示甲子,学生,多\n".encode()
    found = [(each.code, each.number) for each in read(data) if isinstance(each, RowRefusal)]
    assert found == [
        ("MISSING", "7"), ("MISSING", None), ("FULL_WIDTH", None), ("CELLS_TOO_MANY", "9"),
    ]  # fmt: skip


def test_short_rows_lack_their_last_cells() -> None:
    (refusal,) = read("学号,姓名,类别\n7,示甲子\n".encode())
    assert isinstance(refusal, RowRefusal)
    assert (refusal.column, refusal.code) == ("kind", "MISSING")


def test_cells_of_a_workbook_may_be_numbers_but_not_dates_truths_or_formulas() -> None:
    head = ("学号", "姓名", "类别", "余额")
    rows: list[Sequence[object]] = [
        head,
        (2023001, "示甲子", "学生", 12.5),
        (datetime(2023, 1, 1), "示甲子", "学生", None),  # noqa: DTZ001  # workbooks know no zone
        ("7", True, "学生", "=1+1"),
    ]
    row, *found = read(xlsx_bytes(rows))
    assert row == RosterRow(2, "2023001", "示甲子", CardholderKind.STUDENT, old_balance_minor=1_250)
    assert [
        (each.row, each.column, each.code) for each in found if isinstance(each, RowRefusal)
    ] == [
        (3, "number", "CELL_TYPE"),
        (4, "name", "CELL_TYPE"),
        (4, "old_balance", "FORMULA"),
    ]


@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=12),
            min_size=3,
            max_size=11,
        ),
        max_size=5,
    )
)
def test_any_cells_are_read_or_refused(rows: list[list[str]]) -> None:
    data = csv_bytes([HEADER, *rows])
    found = read(data)
    assert len({each.row for each in found}) <= len(rows)
    assert b"".join(error_file(each for each in found if isinstance(each, RowRefusal)))


def test_the_digest_of_a_row_changes_with_each_fact_but_not_with_its_place() -> None:
    one, two = islice(sample_people(2), 2)
    assert row_digest(one) == row_digest(replace(one, row=99))
    changed = [
        replace(one, number="X"), replace(one, name="X"), replace(one, kind=CardholderKind.ALUMNI),
        replace(one, id_type=None), replace(one, id_number=None), replace(one, phone=None),
        replace(one, email=None), replace(one, campus="X"), replace(one, department=None),
        replace(one, card_uid=None), replace(one, old_balance_minor=None), two,
    ]  # fmt: skip
    assert len({row_digest(each) for each in (one, *changed)}) == 13


def test_the_error_file_is_quoted_and_safe_in_spreadsheets() -> None:
    refused = [RowRefusal(3, "name", "FORMULA", "不得", 'Say "no"', "=cmd|'/c'!A1")]
    content = b"".join(error_file(refused))
    assert content.startswith(b'\xef\xbb\xbf"')
    lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert lines == [
        ["行 row", "列 column", "代码 code", "原因", "reason", "值 value"],
        ["3", "name", "FORMULA", "不得", 'Say "no"', "'=cmd|'/c'!A1"],
    ]


def test_sample_people_are_distinct_and_the_same_every_time() -> None:
    people = list(sample_people(2_000, "EAST"))
    assert people == list(sample_people(2_000, "EAST"))
    assert len({person.id_number for person in people}) == 2_000
    assert all((person.id_number or "").startswith("999999") for person in people)
    assert {person.kind for person in people} == set(CardholderKind) - {
        CardholderKind.VISITOR,
        CardholderKind.ALUMNI,
    }
    assert len(cells_of(people[0])) == len(HEADER_ZH)
