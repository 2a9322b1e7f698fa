"""Rows of proofs that are not yet bindings, and of the school's sessions that ours stand on."""

from dataclasses import astuple
from datetime import datetime
from typing import Any
from uuid import UUID

from core.db.unit import Unit
from core.identity.records import PendingLink, SignOnSubject

_FACTS = (
    "id, family_id, method, cardholder_id, staff_code_index, created_at, expires_at, provider,"
    " issuer, subject_index, person_no_index, name_index"
)
_NO_SIGN_ON = (None, None, None, None, None)


async def add(unit: Unit, link: PendingLink) -> None:
    """Writes a proof; of its sign-in it is now the only one that counts."""
    await unit.execute(
        "UPDATE pending_link SET used_at = $3"
        " WHERE school_id = $1 AND family_id = $2 AND used_at IS NULL",
        unit.school_id, link.family_id, link.created_at,
    )  # fmt: skip
    await unit.execute(
        f"INSERT INTO pending_link (school_id, {_FACTS})"  # noqa: S608 - our own column list
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        unit.school_id, link.id, link.family_id, link.method, link.cardholder_id,
        link.staff_code_index, link.created_at, link.expires_at,
        *(_NO_SIGN_ON if link.sign_on is None else astuple(link.sign_on)),
    )  # fmt: skip


async def find(unit: Unit, family_id: UUID, now: datetime) -> PendingLink | None:
    """The proof of a sign-in that still counts, held until the unit ends."""
    row = await unit.row(
        f"SELECT {_FACTS} FROM pending_link"  # noqa: S608 - as above
        " WHERE school_id = $1 AND family_id = $2 AND used_at IS NULL AND expires_at > $3"
        " ORDER BY created_at DESC, id DESC LIMIT 1 FOR UPDATE",
        unit.school_id, family_id, now,
    )  # fmt: skip
    return row and _link(row)


async def find_for_staff(unit: Unit, code_index: bytes, now: datetime) -> PendingLink | None:
    """The proof that a code at the counter names, held until the unit ends."""
    row = await unit.row(
        f"SELECT {_FACTS} FROM pending_link"  # noqa: S608 - as above
        " WHERE school_id = $1 AND staff_code_index = $2 AND used_at IS NULL AND expires_at > $3"
        " FOR UPDATE",
        unit.school_id, code_index, now,
    )  # fmt: skip
    return row and _link(row)


async def use(unit: Unit, link_id: UUID, now: datetime) -> None:
    """Notes that a proof became a binding."""
    await unit.execute(
        "UPDATE pending_link SET used_at = $3 WHERE school_id = $1 AND id = $2",
        unit.school_id, link_id, now,
    )  # fmt: skip


async def expire(unit: Unit, before: datetime) -> None:
    """Forgets proofs that ran out before then."""
    await unit.execute(
        "DELETE FROM pending_link WHERE school_id = $1 AND expires_at < $2", unit.school_id, before
    )


async def add_campus_session(
    unit: Unit, provider: str, ref_index: bytes, family_id: UUID, now: datetime
) -> None:
    """Notes which sign-in stands on a session of the school's server."""
    await unit.execute(
        "INSERT INTO campus_session (school_id, provider, ref_index, family_id, created_at)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        unit.school_id, provider, ref_index, family_id, now,
    )  # fmt: skip


async def families_of(unit: Unit, provider: str, ref_index: bytes) -> list[UUID]:
    """The sign-ins that stand on a session of the school's server."""
    rows = await unit.rows(
        "SELECT family_id FROM campus_session"
        " WHERE school_id = $1 AND provider = $2 AND ref_index = $3",
        unit.school_id, provider, ref_index,
    )  # fmt: skip
    return [row["family_id"] for row in rows]


async def expire_campus_sessions(unit: Unit, before: datetime) -> None:
    """Forgets those older than any sign-in lives."""
    await unit.execute(
        "DELETE FROM campus_session WHERE school_id = $1 AND created_at < $2",
        unit.school_id, before,
    )  # fmt: skip


def _link(row: Any) -> PendingLink:  # noqa: ANN401 - asyncpg ships no types
    sign_on = SignOnSubject(*(row[name] for name in SignOnSubject.__dataclass_fields__))
    return PendingLink(
        row["id"], row["family_id"], row["method"], None if row["issuer"] is None else sign_on,
        row["cardholder_id"], row["staff_code_index"], row["created_at"], row["expires_at"],
    )  # fmt: skip
