"""Reads a roster: each row becomes a fact, or is refused alone with its reasons.

Pure: it takes the bytes of a file and changes nothing; the service applies the accepted rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import chain, repeat
from typing import Any

from core.identity.records import IdType, RosterFileInvalid, RosterRow, RowRefusal
from core.identity.roster_cells import NOT_A_TEXT, read_cells
from core.identity.roster_checks import (
    READERS,
    REASONS,
    CellRefused,
    clean,
    read_id_number,
)
from core.identity.roster_columns import REQUIRED, Column, find_id_type, read_header

_FIELDS = {Column.OLD_BALANCE: "old_balance_minor"}


def read_roster(data: bytes, today: date) -> Iterator[RosterRow | RowRefusal]:
    """The rows of a CSV (UTF-8 or GB18030) or XLSX file, in order, as a stream.

    A refused row yields one refusal per reason and nothing else. `today` bounds birthdays.
    Raises: RosterFileInvalid, possibly after some rows: a caller applies nothing before the end.
    """
    rows = read_cells(data)
    header = next(rows, None)
    if header is None:
        raise RosterFileInvalid("文件是空的", "The file is empty")
    columns = read_header(header[1])
    seen: dict[tuple[Column, str], int] = {}
    for row, cells in rows:
        yield from _read_row(row, columns, cells, seen, today)


def _read_row(
    row: int,
    columns: Sequence[Column],
    cells: Sequence[str],
    seen: dict[tuple[Column, str], int],
    today: date,
) -> Iterator[RosterRow | RowRefusal]:
    texts = dict(zip(columns, chain(cells, repeat("")), strict=False))
    values: dict[Column, Any] = {}
    refused: list[RowRefusal] = []
    for column, text in texts.items():
        try:
            values[column] = _read_cell(column, texts, today)
        except CellRefused as reason:
            refused.append(_refusal(row, column, reason.code, text))
    if len(cells) > len(columns):
        refused = [_refusal(row, None, "CELLS_TOO_MANY", "")]
    else:
        refused += _repeated(row, values, seen)
    if refused:
        number = values.get(Column.NUMBER)
        yield from (replace(refusal, number=number) for refusal in refused)
        return
    facts = {_FIELDS.get(column, column.value): value for column, value in values.items()}
    if facts.get("id_number") is None:
        facts["id_type"] = None
    else:
        facts["id_type"] = facts.get("id_type") or IdType.ID_CARD
    yield RosterRow(row=row, **facts)


def _read_cell(column: Column, texts: Mapping[Column, str], today: date) -> object:
    text = clean(column, texts[column])
    if not text and column not in REQUIRED:
        return None
    if column is not Column.ID_NUMBER:
        return READERS[column](text)
    type_text = texts.get(Column.ID_TYPE, "")
    id_type = find_id_type(type_text) if type_text else IdType.ID_CARD
    # An unknown type is refused in its own column: here only the widest form is checked.
    return read_id_number(id_type or IdType.OTHER, text, today)


def _repeated(
    row: int, values: Mapping[Column, Any], seen: dict[tuple[Column, str], int]
) -> Iterator[RowRefusal]:
    """Refuses the later of two rows with one number or one card, and remembers the first."""
    for column, code in (
        (Column.NUMBER, "DUPLICATE_NUMBER"),
        (Column.CARD_UID, "DUPLICATE_CARD"),
    ):
        value = values.get(column)
        if value is None:
            continue
        first = seen.setdefault((column, value.upper()), row)
        if first != row:
            yield _refusal(row, column, code, value, first)


def _refusal(row: int, column: Column | None, code: str, text: str, first: int = 0) -> RowRefusal:
    zh, en = REASONS[code]
    return RowRefusal(
        row,
        column.value if column else "",
        code,
        zh.format(row=first),
        en.format(row=first),
        _masked(column, text),
    )


def _masked(column: Column | None, text: str) -> str:
    """A value as an error file may show it (security.md 5), short and printable."""
    shown = "" if text == NOT_A_TEXT else text[:40]
    shown = "".join(letter if letter.isprintable() else "�" for letter in shown)
    if column is Column.NAME:
        return shown[:1] + "*" * bool(shown[1:])
    if column is Column.ID_NUMBER:
        return "*" * len(shown[:-1]) + shown[-1:]
    if column in {Column.PHONE, Column.EMAIL}:
        return "*" * len(shown[:-4]) + shown[-4:]
    return shown
