"""Bindings: (school, issuer, subject) -> cardholder."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from core.db.unit import Raced, Unit
from core.identity.records import Binding


class Standing(NamedTuple):
    """A live binding of a subject."""

    id: UUID
    cardholder_id: UUID
    bound_at: datetime


async def find_standing(unit: Unit, issuer: str, subject_index: bytes) -> Standing | None:
    """The live binding of a subject, with the time it was made."""
    row = await unit.row(
        "SELECT id, cardholder_id, bound_at FROM binding WHERE school_id = $1 AND issuer = $2"
        " AND subject_index = $3 AND ended_at IS NULL",
        unit.school_id, issuer, subject_index,
    )  # fmt: skip
    return Standing(*row) if row is not None else None


async def find_of_subject(
    unit: Unit, issuer: str, subject_index: bytes
) -> tuple[UUID, UUID] | None:
    """The live binding of a subject: its id and cardholder."""
    row = await unit.row(
        "SELECT id, cardholder_id FROM binding WHERE school_id = $1 AND issuer = $2"
        " AND subject_index = $3 AND ended_at IS NULL",
        unit.school_id, issuer, subject_index,
    )  # fmt: skip
    return (row["id"], row["cardholder_id"]) if row is not None else None


async def hold_of_subject(
    unit: Unit, issuer: str, subject_index: bytes
) -> tuple[UUID, UUID] | None:
    """As `find_of_subject`; the binding cannot end before the unit does.

    For whoever opens a session under it: an end that comes meanwhile waits, and then ends the
    session as well.
    """
    row = await unit.row(
        "SELECT id, cardholder_id FROM binding WHERE school_id = $1 AND issuer = $2"
        " AND subject_index = $3 AND ended_at IS NULL FOR SHARE",
        unit.school_id, issuer, subject_index,
    )  # fmt: skip
    return (row["id"], row["cardholder_id"]) if row is not None else None


async def list_of_cardholder(unit: Unit, cardholder_id: UUID) -> list[Binding]:
    """The live bindings of a cardholder, the newest first; one per issuer."""
    rows = await unit.rows(
        "SELECT id, issuer, channel, bound_at FROM binding"
        " WHERE school_id = $1 AND cardholder_id = $2 AND ended_at IS NULL"
        " ORDER BY bound_at DESC, id DESC",
        unit.school_id, cardholder_id,
    )  # fmt: skip
    return [Binding(*row) for row in rows]


async def subject_of(unit: Unit, binding_id: UUID) -> tuple[str, bytes] | None:
    """The issuer and subject of a live binding."""
    row = await unit.row(
        "SELECT issuer, subject_index FROM binding"
        " WHERE school_id = $1 AND id = $2 AND ended_at IS NULL",
        unit.school_id, binding_id,
    )  # fmt: skip
    return (row["issuer"], row["subject_index"]) if row is not None else None


async def add(
    unit: Unit,
    binding_id: UUID,
    issuer: str,
    subject_index: bytes,
    channel: str,
    cardholder_id: UUID,
    now: datetime,
) -> None:
    """Writes a live binding.

    Raises: Raced, where another unit has just bound the subject, or the cardholder there.
    """
    added = await unit.execute(
        "INSERT INTO binding (school_id, id, issuer, subject_index, channel, cardholder_id,"
        " bound_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        unit.school_id, binding_id, issuer, subject_index, channel, cardholder_id, now,
    )  # fmt: skip
    if added == 0:
        raise Raced


async def end(unit: Unit, binding_id: UUID, now: datetime) -> bool:
    """Ends a binding; False if it had ended before."""
    ended = await unit.execute(
        "UPDATE binding SET ended_at = $3 WHERE school_id = $1 AND id = $2 AND ended_at IS NULL",
        unit.school_id, binding_id, now,
    )  # fmt: skip
    return ended == 1
