"""Cardholders as the roster made them, sealed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from core.db.reading import Reader, Reads
from core.db.unit import Unit
from core.identity.records import Candidate
from core.ports.holders import HolderStanding


@dataclass(frozen=True, slots=True)
class SealedCardholder:
    """A row of the table as the import writes it; `*_sealed` open only in this row."""

    id: UUID
    number: str
    kind: str
    campus_code: str | None
    name_sealed: bytes
    name_index: bytes
    department_sealed: bytes | None
    id_type: str | None
    id_number_sealed: bytes | None
    id_number_index: bytes | None
    phone_sealed: bytes | None
    phone_index: bytes | None
    email_sealed: bytes | None
    email_index: bytes | None
    roster_digest: bytes
    roster_import_id: UUID
    opening_minor: int | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """What the import compares a row with."""

    id: UUID
    roster_digest: bytes
    opening_minor: int | None


CORRECTED = (
    "name_sealed", "name_index", "id_type", "id_number_sealed", "id_number_index", "phone_sealed",
    "phone_index", "email_sealed", "email_index",
)  # fmt: skip
_WRITTEN = tuple(SealedCardholder.__dataclass_fields__)
_OF_ID = Reader("cardholder_of_id", "cardholder_facts", ("uuid",))
_CANDIDATE = (
    "SELECT c.id, c.number, c.kind, c.status, c.name_index, c.id_number_index, c.phone_index,"
    " c.email_index, b.id AS bound_to FROM cardholder c LEFT JOIN binding b"
    " ON b.school_id = c.school_id AND b.cardholder_id = c.id AND b.issuer = $2"
    " AND b.ended_at IS NULL WHERE c.school_id = $1"
)
_PERSONAL = "id, id_type, id_number_sealed, phone_sealed, email_sealed"


async def lock_roster(unit: Unit) -> None:
    """Lets one import at a time write to a school's roster, until the unit ends."""
    await unit.execute("SELECT pg_advisory_xact_lock(hashtext('roster'), $1)", unit.school_id)


async def known_by_number(unit: Unit, numbers: Sequence[str]) -> dict[str, Known]:
    """What is known of those numbers that the school has."""
    rows = await unit.rows(
        "SELECT number, id, roster_digest, opening_minor FROM cardholder"
        " WHERE school_id = $1 AND number = ANY($2)",
        unit.school_id, list(numbers),
    )  # fmt: skip
    return {r["number"]: Known(r["id"], r["roster_digest"], r["opening_minor"]) for r in rows}


async def add(unit: Unit, people: Sequence[SealedCardholder]) -> None:
    """Writes new cardholders."""
    places = ", ".join(f"${place}" for place in range(2, len(_WRITTEN) + 2))
    await unit.execute_many(
        f"INSERT INTO cardholder (school_id, {', '.join(_WRITTEN)}, status, created_at)"  # noqa: S608 - our own column list
        f" VALUES ($1, {places}, 'ACTIVE', ${len(_WRITTEN) + 1})",
        [(unit.school_id, *_values(person)) for person in people],
    )


async def update(unit: Unit, people: Sequence[SealedCardholder]) -> None:
    """Writes what the roster says anew about known cardholders; never their status.

    An address that the holder changed since stays (M-015).
    """
    changes = ", ".join(
        f"{name} = {_unless_own(name, place)}"
        for place, name in enumerate(_WRITTEN, 2)
        if place > 3
    )
    await unit.execute_many(
        f"UPDATE cardholder SET {changes} WHERE school_id = $1 AND id = $2 AND number = $3",  # noqa: S608 - as above
        [(unit.school_id, *_values(person)) for person in people],
    )


def _unless_own(name: str, place: int) -> str:
    kind = name.partition("_")[0]
    if kind not in {"phone", "email"}:
        return f"${place}"
    return f"CASE WHEN {kind}_changed_at IS NULL THEN ${place} ELSE {name} END"


async def change_contact(
    unit: Unit,
    cardholder_id: UUID,
    kind: Literal["phone", "email"],
    sealed: bytes,
    index: bytes,
    now: datetime,
) -> None:
    """Takes over an address that the holder has proven."""
    await unit.execute(
        f"UPDATE cardholder SET {kind}_sealed = $3, {kind}_index = $4, {kind}_changed_at = $5,"  # noqa: S608 - one of two words
        " changed_at = $5 WHERE school_id = $1 AND id = $2",
        unit.school_id, cardholder_id, sealed, index, now,
    )  # fmt: skip


async def correct(
    unit: Unit, cardholder_id: UUID, columns: Mapping[str, bytes | str | None], now: datetime
) -> None:
    """Takes over what the card office found in a document; the names are `CORRECTED`'s."""
    named = {name: columns[name] for name in CORRECTED if name in columns}
    changes = ", ".join(f"{name} = ${place}" for place, name in enumerate(named, start=4))
    await unit.execute(
        f"UPDATE cardholder SET {changes}, changed_at = $3 WHERE school_id = $1 AND id = $2",  # noqa: S608 - as above
        unit.school_id, cardholder_id, now, *named.values(),
    )  # fmt: skip


def _values(person: SealedCardholder) -> tuple[object, ...]:
    return tuple(getattr(person, name) for name in _WRITTEN)


async def active_numbers(unit: Unit) -> list[str]:
    """The numbers of all active cardholders, in order."""
    rows = await unit.rows(
        "SELECT number FROM cardholder WHERE school_id = $1 AND status = 'ACTIVE' ORDER BY number",
        unit.school_id,
    )
    return [row["number"] for row in rows]


async def campus_codes(unit: Unit) -> dict[str, str]:
    """The school's campuses: code and names, each to its code."""
    rows = await unit.rows(
        "SELECT code, name_zh, name_en FROM campus WHERE school_id = $1", unit.school_id
    )
    return {row[word]: row["code"] for row in rows for word in ("name_en", "name_zh", "code")}


async def add_import(unit: Unit, values: Sequence[object]) -> None:
    """Writes the record of a finished import."""
    await unit.execute(
        "INSERT INTO roster_import (school_id, id, file_digest, rows_read, rows_created,"
        " rows_changed, rows_refused, leavers, opening_minor, imported_by, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        unit.school_id, *values,
    )  # fmt: skip


async def find_candidate(
    unit: Unit,
    issuer: str,
    *,
    number: str | None = None,
    cardholder_id: UUID | None = None,
) -> Candidate | None:
    """A cardholder by number or id, with the live binding of an issuer."""
    row = await unit.row(
        f"{_CANDIDATE} AND (c.number = $3 OR c.id = $4)",
        unit.school_id, issuer, number, cardholder_id,
    )  # fmt: skip
    return None if row is None else _candidate(row)


async def candidates_of_id_number(
    unit: Unit, issuer: str, id_number_index: bytes
) -> list[Candidate]:
    """The active cardholders of an ID number, at most 10: one person may have several cards."""
    rows = await unit.rows(
        f"{_CANDIDATE} AND c.id_number_index = $3 AND c.status = 'ACTIVE' ORDER BY c.number"
        " LIMIT 10",
        unit.school_id, issuer, id_number_index,
    )  # fmt: skip
    return [_candidate(row) for row in rows]


def _candidate(row: Any) -> Candidate:  # noqa: ANN401 - a row's columns are the statement's
    indexes = tuple(index for index in (row["phone_index"], row["email_index"]) if index)
    return Candidate(
        row["id"], row["number"], row["kind"], row["status"], row["name_index"],
        row["id_number_index"], indexes, row["bound_to"],
    )  # fmt: skip


async def lock(unit: Unit, cardholder_id: UUID) -> None:
    """Holds a cardholder's row until the unit ends: one binding of theirs at a time."""
    await unit.execute(
        "SELECT 1 FROM cardholder WHERE school_id = $1 AND id = $2 FOR NO KEY UPDATE",
        unit.school_id, cardholder_id,
    )  # fmt: skip


async def find(reads: Reads, cardholder_id: UUID) -> Any | None:  # noqa: ANN401 - a row's columns are the statement's
    """The sealed row of an id."""
    rows = await reads.call(_OF_ID, cardholder_id)
    return rows[0] if rows else None


async def id_of_number(unit: Unit, number: str) -> UUID | None:
    """The id of a number."""
    found: UUID | None = await unit.value(
        "SELECT id FROM cardholder WHERE school_id = $1 AND number = $2", unit.school_id, number
    )
    return found


async def find_standing(unit: Unit, cardholder_id: UUID) -> HolderStanding | None:
    """A cardholder's number and status."""
    row = await unit.row(
        "SELECT id, number, status FROM cardholder WHERE school_id = $1 AND id = $2",
        unit.school_id, cardholder_id,
    )  # fmt: skip
    return HolderStanding(*row) if row is not None else None


async def personal(unit: Unit, cardholder_id: UUID) -> Any | None:  # noqa: ANN401 - a row's columns are the statement's
    """The sealed class A facts of a cardholder."""
    return await unit.row(
        f"SELECT {_PERSONAL} FROM cardholder WHERE school_id = $1 AND id = $2",  # noqa: S608 - as above
        unit.school_id, cardholder_id,
    )  # fmt: skip
