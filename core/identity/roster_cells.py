"""Rows of text cells out of the bytes of a CSV or XLSX file, within caps.

Both are read as a stream: the caps bound the time and memory that a hostile file can take.
"""

import csv
import io
import zipfile
from collections.abc import Iterator

from openpyxl import load_workbook

from core.identity.records import RosterFileInvalid

FILE_BYTES_MAXIMUM = 20 * 1024 * 1024
ROWS_MAXIMUM = 200_000
CELLS_MAXIMUM = 40
_ZIP_MAGIC = b"PK\x03\x04"
_ZIP_PARTS_MAXIMUM = 200
_ZIP_PART_BYTES_MAXIMUM = 256 * 1024 * 1024
_ZIP_STRINGS_BYTES_MAXIMUM = 48 * 1024 * 1024
_ENCODINGS = ("utf-8-sig", "gb18030")

NOT_A_TEXT = "\x00"
"""Stands for a cell that holds a date, a truth value or the like instead of text or a number."""


def read_cells(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """(Row number from 1, its cells) of each row that is not blank; outer blanks are removed.

    Raises: RosterFileInvalid, possibly after some rows: a caller applies nothing before the end.
    """
    if len(data) > FILE_BYTES_MAXIMUM:
        raise RosterFileInvalid("文件超过 20 MB", "The file is larger than 20 MB")
    rows = _xlsx_rows(data) if data.startswith(_ZIP_MAGIC) else _csv_rows(data)
    for row, cells in enumerate(rows, start=1):
        if row > ROWS_MAXIMUM + 1:
            raise RosterFileInvalid(
                f"超过 {ROWS_MAXIMUM} 行", f"The file has more than {ROWS_MAXIMUM} rows"
            )
        stripped = [cell.strip() for cell in cells]
        while stripped and not stripped[-1]:
            stripped.pop()
        if len(stripped) > CELLS_MAXIMUM:
            raise RosterFileInvalid(
                f"第 {row} 行超过 {CELLS_MAXIMUM} 列",
                f"Row {row} has more than {CELLS_MAXIMUM} cells",
            )
        if stripped:
            yield row, stripped


def _csv_rows(data: bytes) -> Iterator[list[str]]:
    text = io.TextIOWrapper(io.BytesIO(data), encoding=_encoding_of(data), newline="")
    reader = csv.reader(text, strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise RosterFileInvalid(
            f"第 {reader.line_num} 行不是有效的 CSV：{error}",
            f"Line {reader.line_num} is not valid CSV: {error}",
        ) from None


def _encoding_of(data: bytes) -> str:
    if b"\x00" not in data:
        for encoding in _ENCODINGS:
            try:
                data.decode(encoding)
            except UnicodeDecodeError:
                continue
            return encoding
    raise RosterFileInvalid(
        "文件不是 UTF-8 或 GB18030 的 CSV，也不是 XLSX",
        "The file is neither CSV in UTF-8 or GB18030 nor XLSX",
    )


def _xlsx_rows(data: bytes) -> Iterator[list[str]]:
    try:
        _check_archive(data)
        workbook = load_workbook(io.BytesIO(data), read_only=True)
        sheet = workbook.worksheets[0]
        sheet.reset_dimensions()  # the size that the file states of itself is not to be trusted
        for cells in sheet.iter_rows(values_only=True, max_col=CELLS_MAXIMUM + 1):
            yield [_text(cell) for cell in cells]
    except RosterFileInvalid:
        raise
    except Exception as error:  # a damaged workbook raises a dozen types of the library's
        raise RosterFileInvalid(
            "XLSX 文件已损坏，请重新保存", "The XLSX file is damaged; save it again"
        ) from error


def _check_archive(data: bytes) -> None:
    """The declared sizes bind: the library reads no part beyond its own."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
    strings = sum(part.file_size for part in parts if "sharedstrings" in part.filename.lower())
    if (
        len(parts) > _ZIP_PARTS_MAXIMUM
        or sum(part.file_size for part in parts) > _ZIP_PART_BYTES_MAXIMUM
        or strings > _ZIP_STRINGS_BYTES_MAXIMUM
    ):
        raise RosterFileInvalid("XLSX 文件展开后过大", "The XLSX file is too large when unpacked")


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NOT_A_TEXT
    return str(value)
