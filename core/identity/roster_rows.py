"""What is done with the rows of a roster once read: their digest, and the files of findings."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import astuple

from core.identity.records import RosterRow, RowRefusal

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_LEAVER_HEADER = ("学工号 number",)
_ERROR_HEADER = ("行 row", "列 column", "代码 code", "原因", "reason", "值 value")


def row_digest(row: RosterRow) -> str:
    """SHA-256 (hex) of a row's facts, wherever in the file it stands: equal means unchanged.

    It covers ID numbers, which are guessable: stored only through a keyed index of
    `core.kit.sealed`, never bare.
    """
    text = json.dumps(astuple(row)[1:], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def error_file(refusals: Iterable[RowRefusal]) -> Iterator[bytes]:
    """The lines of a CSV file (UTF-8 with BOM, as spreadsheets expect) that lists refusals.

    Every cell is quoted, and none of them can be read as a formula.
    """
    yield _BYTE_ORDER_MARK + _line(_ERROR_HEADER)
    for refusal in refusals:
        yield _line(tuple(str(cell) for cell in astuple(refusal)[: len(_ERROR_HEADER)]))


def leaver_file(numbers: Iterable[str]) -> Iterator[bytes]:
    """The lines of such a file that lists the numbers of cardholders whom no row names."""
    yield _BYTE_ORDER_MARK + _line(_LEAVER_HEADER)
    for number in numbers:
        yield _line((number,))


def _line(cells: Iterable[str]) -> bytes:
    buffer = io.StringIO()
    safe = [f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell for cell in cells]
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerow(safe)
    return buffer.getvalue().encode()
