"""Rows of what cardholders let guardians do."""

from datetime import datetime
from typing import Any
from uuid import UUID

from core.db.unit import Unit
from core.identity.guardians import GuardianGrant, GuardianRight

_FACTS = "id, cardholder_id, label, rights, offered_at, expires_at, accepted_at"


async def add(unit: Unit, grant: GuardianGrant, code_index: bytes) -> None:
    """Writes an offer."""
    await unit.execute(
        "INSERT INTO guardian_grant (school_id, id, cardholder_id, label, rights, code_index,"
        " offered_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        unit.school_id, grant.id, grant.cardholder_id, grant.label, sorted(grant.rights),
        code_index, grant.offered_at, grant.expires_at,
    )  # fmt: skip


async def find_offer(unit: Unit, code_index: bytes) -> GuardianGrant | None:
    """The grant of a code that has not ended, held until the unit ends."""
    row = await unit.row(
        f"SELECT {_FACTS} FROM guardian_grant"  # noqa: S608 - our own column list
        " WHERE school_id = $1 AND code_index = $2 AND ended_at IS NULL FOR UPDATE",
        unit.school_id, code_index,
    )  # fmt: skip
    return row and _grant(row)


async def accept(
    unit: Unit, grant_id: UUID, issuer: str, subject_index: bytes, now: datetime
) -> None:
    """Notes who took an offer."""
    await unit.execute(
        "UPDATE guardian_grant SET issuer = $3, subject_index = $4, accepted_at = $5"
        " WHERE school_id = $1 AND id = $2",
        unit.school_id, grant_id, issuer, subject_index, now,
    )  # fmt: skip


async def list_of_cardholder(unit: Unit, cardholder_id: UUID, now: datetime) -> list[GuardianGrant]:
    """The live grants and open offers of a cardholder, the oldest first."""
    rows = await unit.rows(
        f"SELECT {_FACTS} FROM guardian_grant"  # noqa: S608 - as above
        " WHERE school_id = $1 AND cardholder_id = $2 AND ended_at IS NULL"
        " AND (accepted_at IS NOT NULL OR expires_at > $3) ORDER BY offered_at, id",
        unit.school_id, cardholder_id, now,
    )  # fmt: skip
    return [_grant(row) for row in rows]


async def list_of_subject(unit: Unit, issuer: str, subject_index: bytes) -> list[GuardianGrant]:
    """What a guardian was granted, the oldest first."""
    rows = await unit.rows(
        f"SELECT {_FACTS} FROM guardian_grant"  # noqa: S608 - as above
        " WHERE school_id = $1 AND issuer = $2 AND subject_index = $3 AND ended_at IS NULL"
        " ORDER BY accepted_at, id",
        unit.school_id, issuer, subject_index,
    )  # fmt: skip
    return [_grant(row) for row in rows]


async def end(unit: Unit, grant_id: UUID, now: datetime) -> None:
    """Ends a grant or an offer."""
    await unit.execute(
        "UPDATE guardian_grant SET ended_at = $3"
        " WHERE school_id = $1 AND id = $2 AND ended_at IS NULL",
        unit.school_id, grant_id, now,
    )  # fmt: skip


def _grant(row: Any) -> GuardianGrant:  # noqa: ANN401 - asyncpg ships no types
    return GuardianGrant(
        row["id"], row["cardholder_id"], row["label"], frozenset(map(GuardianRight, row["rights"])),
        row["offered_at"], row["expires_at"], row["accepted_at"],
    )  # fmt: skip
