"""Rosters as files: CSV and XLSX bytes of invented people, or of any cells a test wants."""

import csv
import io
from collections.abc import Iterable, Sequence

from openpyxl import Workbook

from bff.sample_people import sample_people
from core.identity.records import RosterRow
from core.kit.money import decimal_text

HEADER_ZH = (
    "学工号", "姓名", "人员类别", "证件类型", "证件号码", "手机号", "邮箱", "校区", "院系", "卡号",
    "旧卡余额",
)  # fmt: skip


def csv_bytes(rows: Iterable[Sequence[object]], encoding: str = "utf-8") -> bytes:
    """A CSV file of these rows."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode(encoding)


def xlsx_bytes(rows: Iterable[Sequence[object]]) -> bytes:
    """An XLSX file whose first sheet holds these rows."""
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet()
    for row in rows:
        sheet.append(list(row))
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def roster_cells(count: int) -> Iterable[Sequence[object]]:
    """Header and cells of `count` sample people."""
    yield HEADER_ZH
    for person in sample_people(count):
        yield cells_of(person)


def cells_of(row: RosterRow) -> list[object]:
    """The cells that state a row, in the order of `HEADER_ZH`."""
    balance = row.old_balance_minor
    facts = [
        row.number, row.name, row.kind, row.id_type, row.id_number, row.phone, row.email,
        row.campus, row.department, row.card_uid,
        None if balance is None else decimal_text(balance),
    ]  # fmt: skip
    return ["" if fact is None else str(fact) for fact in facts]
