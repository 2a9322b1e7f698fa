"""Rows of printed codes and of the virtual terminals they are paid under."""

from datetime import datetime
from typing import Any
from uuid import UUID

from core.db.unit import Unit
from core.school.records import PrintedCode

PAYMENTS_MAXIMUM = 999_999
"""A print's payments are numbered like the requests of a batch (terminals.md 1)."""
_PRINT = "terminal_no, print_no, amount_minor, answer_kid, issued_at, revoked_at"


async def find_virtual(unit: Unit, merchant_id: UUID) -> int | None:
    """The number of the merchant's virtual terminal, while it is not retired."""
    number: int | None = await unit.value(
        "SELECT terminal_no FROM terminal WHERE school_id = $1 AND merchant_id = $2"
        " AND device_class = 'VIRTUAL' AND state <> 'RETIRED'",
        unit.school_id, merchant_id,
    )  # fmt: skip
    return number


async def next_number(unit: Unit, terminal_no: int) -> int:
    """One above the highest print of a virtual terminal; the school is locked."""
    number: int | None = await unit.value(
        "SELECT coalesce(max(print_no), 0) + 1 FROM printed_code"
        " WHERE school_id = $1 AND terminal_no = $2",
        unit.school_id, terminal_no,
    )  # fmt: skip
    return number or 1


async def insert(unit: Unit, printed: PrintedCode) -> None:
    """Adds a print."""
    await unit.execute(
        f"INSERT INTO printed_code (school_id, {_PRINT}) VALUES ($1, $2, $3, $4, $5, $6, $7)",  # noqa: S608 - constant columns
        unit.school_id, printed.terminal_no, printed.number, printed.amount_minor, printed.kid,
        printed.issued_at, printed.revoked_at,
    )  # fmt: skip


async def find(unit: Unit, terminal_no: int, number: int) -> PrintedCode | None:
    """A print, revoked or not."""
    row = await unit.row(
        f"SELECT {_PRINT} FROM printed_code"  # noqa: S608 - as above
        " WHERE school_id = $1 AND terminal_no = $2 AND print_no = $3",
        unit.school_id, terminal_no, number,
    )  # fmt: skip
    return row and _printed(row)


async def list_of_merchant(unit: Unit, merchant_id: UUID) -> list[PrintedCode]:
    """Every print of a merchant, the oldest first."""
    rows = await unit.rows(
        "SELECT p.terminal_no, p.print_no, p.amount_minor, p.answer_kid, p.issued_at, p.revoked_at"
        " FROM terminal t JOIN printed_code p ON p.school_id = $1 AND p.terminal_no = t.terminal_no"
        " WHERE t.school_id = $1 AND t.merchant_id = $2 ORDER BY p.terminal_no, p.print_no",
        unit.school_id, merchant_id,
    )  # fmt: skip
    return [_printed(row) for row in rows]


async def revoke(unit: Unit, terminal_no: int, number: int, now: datetime) -> bool:
    """Ends a print; False if it was ended before."""
    return bool(
        await unit.execute(
            "UPDATE printed_code SET revoked_at = $4 WHERE school_id = $1 AND terminal_no = $2"
            " AND print_no = $3 AND revoked_at IS NULL",
            unit.school_id, terminal_no, number, now,
        )
    )  # fmt: skip


async def count_payment(unit: Unit, terminal_no: int, number: int) -> int | None:
    """The number of a print's next payment, the row held until the unit ends; None if it is over.

    A unit that does not commit gives its number back.
    """
    counted: int | None = await unit.value(
        "UPDATE printed_code SET payments = payments + 1 WHERE school_id = $1 AND terminal_no = $2"
        " AND print_no = $3 AND revoked_at IS NULL AND payments < $4 RETURNING payments",
        unit.school_id, terminal_no, number, PAYMENTS_MAXIMUM,
    )  # fmt: skip
    return counted


def _printed(row: Any) -> PrintedCode:  # noqa: ANN401 - asyncpg ships no types
    return PrintedCode(
        row["terminal_no"],
        row["print_no"],
        row["amount_minor"],
        row["answer_kid"],
        row["issued_at"],
        row["revoked_at"],
    )
