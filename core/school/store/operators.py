"""Rows of operators, of their shifts, and of the refunds they asked for."""

from datetime import datetime
from typing import Any
from uuid import UUID

from core.db.unit import Unit
from core.kit.peppered_hash import Peppered
from core.school.operators import (
    PIN_TRIES,
    OfflineHash,
    Operator,
    OperatorPin,
    OperatorRight,
    Shift,
)

_OPERATOR = (
    "SELECT m.number AS merchant_number, o.operator_no, o.display_name, o.rights, o.blocked,"
    " o.pin_hash, o.pepper_kid, o.offline_salt, o.offline_iterations, o.offline_hash, o.tries"
)
_FROM = (
    " FROM operator o JOIN merchant m ON m.school_id = o.school_id AND m.id = o.merchant_id"
    " WHERE o.school_id = $1"
)
_SHIFT = (
    f"{_OPERATOR}, s.id, s.terminal_no, s.started_at, s.ended_at FROM operator_shift s"
    " JOIN operator o ON o.school_id = s.school_id AND o.merchant_id = s.merchant_id"
    " AND o.operator_no = s.operator_no"
    " JOIN merchant m ON m.school_id = o.school_id AND m.id = o.merchant_id"
    " WHERE s.school_id = $1 AND s.terminal_no = $2"
)


async def list_all(unit: Unit) -> list[Operator]:
    """The operators of the school, by merchant and number."""
    rows = await unit.rows(f"{_OPERATOR}{_FROM} ORDER BY m.number, o.operator_no", unit.school_id)
    return [_operator(row) for row in rows]


async def find(unit: Unit, merchant_id: UUID, number: str) -> Operator | None:
    """The merchant's operator of this number, held until the unit ends."""
    row = await unit.row(
        f"{_OPERATOR}{_FROM} AND o.merchant_id = $2 AND o.operator_no = $3 FOR NO KEY UPDATE OF o",
        unit.school_id, merchant_id, number,
    )  # fmt: skip
    return row and _operator(row)


async def put(unit: Unit, merchant_id: UUID, operator: Operator, now: datetime) -> None:
    """Adds an operator or takes over name, rights and PIN; a new PIN has all its tries."""
    stored, offline = operator.pin.stored, operator.pin.offline
    await unit.execute(
        "INSERT INTO operator AS o (school_id, merchant_id, operator_no, display_name, rights,"
        " pin_hash, pepper_kid, offline_salt, offline_iterations, offline_hash, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        " ON CONFLICT (school_id, merchant_id, operator_no) DO UPDATE SET"
        " display_name = excluded.display_name, rights = excluded.rights,"
        " tries = CASE WHEN o.pin_hash = excluded.pin_hash THEN o.tries ELSE 0 END,"
        " pin_hash = excluded.pin_hash, pepper_kid = excluded.pepper_kid,"
        " offline_salt = excluded.offline_salt, offline_hash = excluded.offline_hash,"
        " offline_iterations = excluded.offline_iterations",
        unit.school_id, merchant_id, operator.number, operator.display_name,
        operator.sorted_rights, stored.hash, stored.pepper_kid, offline.salt, offline.iterations,
        offline.hash, now,
    )  # fmt: skip


async def set_blocked(unit: Unit, merchant_id: UUID, number: str, *, blocked: bool) -> None:
    """Blocks an operator, or takes that back."""
    await unit.execute(
        "UPDATE operator SET blocked = $4"
        " WHERE school_id = $1 AND merchant_id = $2 AND operator_no = $3",
        unit.school_id, merchant_id, number, blocked,
    )  # fmt: skip


async def count_try(unit: Unit, terminal_no: int, number: str) -> tuple[Operator, int] | None:
    """Counts a try of the terminal's merchant's operator, who may still try; how many now."""
    row = await unit.row(
        "UPDATE operator o SET tries = tries + 1 FROM merchant m, terminal t"  # noqa: S608 - constant columns
        " WHERE o.school_id = $1 AND o.operator_no = $3 AND NOT o.blocked AND o.tries < $4"
        " AND t.school_id = $1 AND t.terminal_no = $2 AND t.merchant_id = o.merchant_id"
        " AND m.school_id = $1 AND m.id = o.merchant_id"
        f" RETURNING {_OPERATOR.removeprefix('SELECT ')}",
        unit.school_id, terminal_no, number, PIN_TRIES,
    )  # fmt: skip
    return row and (_operator(row), row["tries"])


async def find_at(unit: Unit, terminal_no: int, number: str) -> tuple[UUID, Operator] | None:
    """The operator of the terminal's merchant with this number, held; the merchant's id first."""
    merchant_id: UUID | None = await unit.value(
        "SELECT merchant_id FROM terminal WHERE school_id = $1 AND terminal_no = $2",
        unit.school_id, terminal_no,
    )  # fmt: skip
    if merchant_id is None:
        return None
    found = await find(unit, merchant_id, number)
    return None if found is None else (merchant_id, found)


async def restore_tries(unit: Unit, merchant_id: UUID, number: str) -> None:
    """After a right PIN: all tries are back."""
    await unit.execute(
        "UPDATE operator SET tries = 0 WHERE school_id = $1 AND merchant_id = $2"
        " AND operator_no = $3 AND tries > 0",
        unit.school_id, merchant_id, number,
    )  # fmt: skip


async def find_by_request(unit: Unit, terminal_no: int, request_hash: bytes) -> Shift | None:
    """The shift that this very sign-on was answered with."""
    sql = f"{_SHIFT} AND s.request_hash = $3"
    row = await unit.row(sql, unit.school_id, terminal_no, request_hash)
    return row and _shift(row)


async def find_shift(unit: Unit, terminal_no: int, shift_id: UUID) -> Shift | None:
    """A shift of this terminal."""
    row = await unit.row(f"{_SHIFT} AND s.id = $3", unit.school_id, terminal_no, shift_id)
    return row and _shift(row)


async def find_open(unit: Unit, terminal_no: int) -> Shift | None:
    """Who is signed on at this terminal."""
    row = await unit.row(f"{_SHIFT} AND s.ended_at IS NULL", unit.school_id, terminal_no)
    return row and _shift(row)


async def begin_shift(
    unit: Unit, id_: UUID, terminal_no: int, merchant_id: UUID, number: str,
    request_hash: bytes, now: datetime,
) -> None:  # fmt: skip
    """Begins a shift at a terminal where nobody is signed on."""
    await unit.execute(
        "INSERT INTO operator_shift (school_id, id, terminal_no, merchant_id, operator_no,"
        " request_hash, started_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        unit.school_id, id_, terminal_no, merchant_id, number, request_hash, now,
    )  # fmt: skip


async def note_request(unit: Unit, shift_id: UUID, request_hash: bytes) -> None:
    """Notes the sign-on that a shift was the answer to again."""
    await unit.execute(
        "UPDATE operator_shift SET request_hash = $3 WHERE school_id = $1 AND id = $2",
        unit.school_id, shift_id, request_hash,
    )  # fmt: skip


async def end_shift(unit: Unit, shift_id: UUID, reason: str, now: datetime) -> None:
    """Ends a shift, unless it has ended."""
    await unit.execute(
        "UPDATE operator_shift SET ended_at = greatest(started_at, $4), end_reason = $3"
        " WHERE school_id = $1 AND id = $2 AND ended_at IS NULL",
        unit.school_id, shift_id, reason, now,
    )  # fmt: skip


async def end_shifts_of(unit: Unit, merchant_id: UUID, number: str, now: datetime) -> None:
    """Ends the shifts of an operator who was blocked, at whatever terminal."""
    await unit.execute(
        "UPDATE operator_shift SET ended_at = greatest(started_at, $4), end_reason = 'BLOCKED'"
        " WHERE school_id = $1 AND merchant_id = $2 AND operator_no = $3 AND ended_at IS NULL",
        unit.school_id, merchant_id, number, now,
    )  # fmt: skip


async def note_refund(
    unit: Unit, terminal_no: int, batch_no: int, seq_no: int, shift_id: UUID, now: datetime
) -> None:
    """Notes in whose shift a refund was asked for; a repeat changes nothing."""
    await unit.execute(
        "INSERT INTO operator_refund (school_id, terminal_no, batch_no, seq_no, shift_id, asked_at)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        unit.school_id, terminal_no, batch_no, seq_no, shift_id, now,
    )  # fmt: skip


def _operator(row: Any) -> Operator:  # noqa: ANN401 - asyncpg ships no types
    offline = OfflineHash(row["offline_salt"], row["offline_iterations"], row["offline_hash"])
    return Operator(
        row["merchant_number"],
        row["operator_no"],
        row["display_name"],
        frozenset(map(OperatorRight, row["rights"])),
        row["blocked"],
        OperatorPin(Peppered(row["pin_hash"], row["pepper_kid"]), offline),
    )


def _shift(row: Any) -> Shift:  # noqa: ANN401 - asyncpg ships no types
    facts = row["started_at"], row["ended_at"]
    return Shift(row["id"], row["terminal_no"], _operator(row), *facts)
