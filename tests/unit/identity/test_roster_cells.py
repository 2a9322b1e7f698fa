"""A file that is no roster is refused whole, whatever its bytes, within caps of size and memory."""

import io
import tracemalloc
import zipfile
from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from bff.sample_people import sample_people
from core.identity import roster_cells
from core.identity.records import RosterFileInvalid, RosterRow, RowRefusal
from core.identity.roster_file import read_roster
from tests.factories.roster import csv_bytes, xlsx_bytes
from tests.factories.roster import roster_cells as people_cells

TODAY = date(2026, 9, 1)


def read(data: bytes) -> list[RosterRow | RowRefusal]:
    return list(read_roster(data, TODAY))


def invalid(data: bytes) -> str:
    with pytest.raises(RosterFileInvalid) as caught:
        read(data)
    assert caught.value.zh
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "The file is empty"),
        (b"\n\n", "The file is empty"),
        ("学号,姓名\n".encode(), "Missing columns: kind"),
        ("学号,姓名,类别,学工号\n".encode(), "The column number occurs twice"),
        ("学号,姓名,类别,备注\n".encode(), "Unknown column “备注”"),
        ("学号,姓名,类别,手机号吗\n".encode(), "Unknown column “手机号吗”; did you mean 手机号?"),
        (b"\xff\xfe\x00", "The file is neither CSV in UTF-8 or GB18030 nor XLSX"),
        (b"number,name\xff\xff", "The file is neither CSV in UTF-8 or GB18030 nor XLSX"),
        (b'number,name,kind\n1,"x', "Line 2 is not valid CSV: unexpected end of data"),
        (b"number,name,kind\n" + b"," * 60 + b"x", "Row 2 has more than 40 cells"),
        (b" " * (20 * 1024 * 1024 + 1), "The file is larger than 20 MB"),
        (b"PK\x03\x04 and no more", "The XLSX file is damaged; save it again"),
        (xlsx_bytes(people_cells(5))[:-90], "The XLSX file is damaged; save it again"),
    ],
)
def test_a_file_that_is_no_roster_is_refused_whole(data: bytes, message: str) -> None:
    assert invalid(data) == message


def test_rows_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster_cells, "ROWS_MAXIMUM", 3)
    assert len(read(csv_bytes(people_cells(3)))) == 3
    assert invalid(csv_bytes(people_cells(4))) == "The file has more than 3 rows"


def test_a_row_number_beyond_the_cap_in_a_workbook_is_refused_at_the_cap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(roster_cells, "ROWS_MAXIMUM", 10)
    workbook = Workbook()
    sheet = workbook.worksheets[0]
    sheet.append(["number", "name", "kind"])
    sheet.cell(row=1_000_000, column=1, value="7")
    buffer = io.BytesIO()
    workbook.save(buffer)
    assert invalid(buffer.getvalue()) == "The file has more than 10 rows"


def zipped(*parts: tuple[str, int]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, size in parts:
            archive.writestr(name, b"0" * size)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "parts",
    [
        [(f"part{place}", 1) for place in range(201)],
        [("xl/sharedStrings.xml", 48 * 1024 * 1024 + 1)],
        [("xl/worksheets/sheet1.xml", 256 * 1024 * 1024 + 1)],
    ],
    ids=["parts", "strings", "sum"],
)
def test_a_workbook_that_unpacks_too_large_is_refused(parts: list[tuple[str, int]]) -> None:
    assert invalid(zipped(*parts)) == "The XLSX file is too large when unpacked"


def test_reading_streams_in_little_memory() -> None:
    data = csv_bytes(people_cells(3_000))
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_roster(data, TODAY)) == 3_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * len(data) + 2_000_000


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    assert invalid(data)


WORKBOOK = xlsx_bytes(people_cells(3))


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4))
def test_any_damage_to_a_workbook_is_read_or_refused(damage: list[tuple[int, int]]) -> None:
    content = bytearray(WORKBOOK)
    for place, byte in damage:
        content[place % len(content)] = byte
    try:
        found: Sequence[object] = read(bytes(content))
    except RosterFileInvalid as refusal:
        found = [refusal.zh]
    assert len(found) <= 40


def test_the_size_that_a_workbook_states_of_itself_is_not_believed() -> None:
    lying = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(WORKBOOK)) as told, zipfile.ZipFile(lying, "w") as retold:
        for part in told.namelist():
            content = told.read(part)
            retold.writestr(
                part, content.replace(b"<sheetData>", b'<dimension ref="A1:A1"/><sheetData>')
            )
    assert read(lying.getvalue()) == list(sample_people(3))


def test_entities_of_a_workbook_are_not_unfolded() -> None:
    entity = b'<!DOCTYPE w [<!ENTITY a "' + b"x" * 100_000 + b'">]>'
    bomb = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(WORKBOOK)) as plain, zipfile.ZipFile(bomb, "w") as folded:
        for part in plain.namelist():
            content = plain.read(part)
            if part.endswith("sheet1.xml"):
                names = ("示甲子".encode(), "示甲子".encode("ascii", "xmlcharrefreplace"))
                written = next(name for name in names if name in content)
                content = entity + content.replace(written, b"&a;" * 1_000)
            folded.writestr(part, content)
    assert invalid(bomb.getvalue()) == "The XLSX file is damaged; save it again"
