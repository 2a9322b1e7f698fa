"""Session rows: the truth about who is signed in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from core.db.reading import Reader, Reads
from core.db.unit import Unit
from core.identity.records import SessionRecord

_FACTS = (
    "school_id, id, family_id, issuer, subject_index, channel, device_label, binding_id,"
    " cardholder_id, staff_id, step_up_at, created_at, last_seen_at, expires_at"
)
_SEEN = Reader(
    "session_seen", "session_facts", ("bytea", "timestamptz", "timestamptz", "timestamptz")
)
_COUNT = len(_FACTS.split(","))


def _record(row: Any) -> SessionRecord:  # noqa: ANN401 - asyncpg ships no types
    return SessionRecord(*row[:_COUNT])


async def add(
    unit: Unit,
    session: SessionRecord,
    token_hash: bytes,
    refresh_hash: bytes | None,
    refresh_expires_at: datetime | None,
) -> None:
    """Writes a session with the hashes of its tokens."""
    await unit.execute(
        f"INSERT INTO session ({_FACTS}, token_hash, refresh_hash, refresh_expires_at)"  # noqa: S608 - our own column list
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        unit.school_id, session.id, session.family_id, session.issuer, session.subject_index,
        session.channel, session.device_label, session.binding_id, session.cardholder_id,
        session.staff_id, session.step_up_at, session.created_at, session.last_seen_at,
        session.expires_at, token_hash, refresh_hash, refresh_expires_at,
    )  # fmt: skip


async def find_seen(
    reads: Reads, token_hash: bytes, now: datetime, noted_before: datetime, idle_before: datetime
) -> SessionRecord | None:
    """The unrevoked session of an access token, also if it has run out, as it stood before.

    A live one last noted at `noted_before` or earlier is noted as seen now; staff's that was not
    seen since `idle_before` is not live.
    """
    rows = await reads.call(_SEEN, token_hash, now, noted_before, idle_before)
    return SessionRecord(*rows[0]) if rows else None


async def find_by_id(unit: Unit, session_id: UUID) -> SessionRecord | None:
    """An unrevoked session, also if it has run out."""
    row = await unit.row(
        f"SELECT {_FACTS} FROM session"  # noqa: S608 - as above
        " WHERE school_id = $1 AND id = $2 AND revoked_at IS NULL",
        unit.school_id, session_id,
    )  # fmt: skip
    return _record(row) if row is not None else None


async def find_of_family(unit: Unit, family_id: UUID) -> SessionRecord | None:
    """The newest unrevoked session of a sign-in, also if it has run out."""
    row = await unit.row(
        f"SELECT {_FACTS} FROM session"  # noqa: S608 - as above
        " WHERE school_id = $1 AND family_id = $2 AND revoked_at IS NULL"
        " ORDER BY created_at DESC, id DESC LIMIT 1",
        unit.school_id, family_id,
    )  # fmt: skip
    return _record(row) if row is not None else None


async def lock(unit: Unit, session_id: UUID) -> SessionRecord | None:
    """An unrevoked session, held until the unit ends."""
    row = await unit.row(
        f"SELECT {_FACTS} FROM session"  # noqa: S608 - as above
        " WHERE school_id = $1 AND id = $2 AND revoked_at IS NULL FOR NO KEY UPDATE",
        unit.school_id, session_id,
    )  # fmt: skip
    return _record(row) if row is not None else None


async def lock_refresh(
    unit: Unit, refresh_hash: bytes, now: datetime
) -> tuple[SessionRecord, datetime | None] | None:
    """The unrevoked session of an unexpired refresh token, held, and when it was rotated."""
    row = await unit.row(
        f"SELECT {_FACTS}, rotated_at FROM session"  # noqa: S608 - as above
        " WHERE school_id = $1 AND refresh_hash = $2 AND revoked_at IS NULL"
        " AND refresh_expires_at > $3 FOR NO KEY UPDATE",
        unit.school_id, refresh_hash, now,
    )  # fmt: skip
    return (_record(row), row["rotated_at"]) if row is not None else None


async def list_live(unit: Unit, binding_id: UUID, now: datetime, limit: int) -> list[SessionRecord]:
    """A binding's devices that live or can still be refreshed, last seen first."""
    rows = await unit.rows(
        f"SELECT {_FACTS} FROM session"  # noqa: S608 - as above
        " WHERE school_id = $1 AND binding_id = $2 AND revoked_at IS NULL AND rotated_at IS NULL"
        " AND coalesce(refresh_expires_at, expires_at) > $3"
        " ORDER BY last_seen_at DESC, id LIMIT $4",
        unit.school_id, binding_id, now, limit,
    )  # fmt: skip
    return [_record(row) for row in rows]


async def step_up(unit: Unit, session_id: UUID, now: datetime) -> None:
    """Notes a fresh proof."""
    await unit.execute(
        "UPDATE session SET step_up_at = $3 WHERE school_id = $1 AND id = $2",
        unit.school_id, session_id, now,
    )  # fmt: skip


async def mark_rotated(unit: Unit, session_id: UUID, now: datetime, access_until: datetime) -> None:
    """Notes that a refresh token was used; the access token beside it ends soon."""
    await unit.execute(
        "UPDATE session SET rotated_at = coalesce(rotated_at, $3),"
        " expires_at = least(expires_at, $4) WHERE school_id = $1 AND id = $2",
        unit.school_id, session_id, now, access_until,
    )  # fmt: skip


async def revoke(
    unit: Unit,
    now: datetime,
    reason: str,
    *,
    family_id: UUID | None = None,
    binding_id: UUID | None = None,
    staff_id: UUID | None = None,
) -> None:
    """Revokes the sessions of a family, a binding or a member of staff.

    Also the one that a refresh is just making of another: a statement does not see what was
    committed while it waited, so it is run until it finds nothing.
    """
    while await unit.execute(
        "UPDATE session SET revoked_at = $2, revoke_reason = $3 WHERE school_id = $1"
        " AND revoked_at IS NULL AND (family_id = $4 OR binding_id = $5 OR staff_id = $6)",
        unit.school_id, now, reason, family_id, binding_id, staff_id,
    ):  # fmt: skip
        continue


async def revoke_of_subject(
    unit: Unit, issuer: str, subject_index: bytes, until: datetime, now: datetime, reason: str
) -> None:
    """Revokes the sessions of a subject that were opened until then, bound or not."""
    await unit.execute(
        "UPDATE session SET revoked_at = $5, revoke_reason = $6 WHERE school_id = $1"
        " AND issuer = $2 AND subject_index = $3 AND created_at <= $4 AND revoked_at IS NULL",
        unit.school_id, issuer, subject_index, until, now, reason,
    )  # fmt: skip


async def revoke_successors(unit: Unit, family_id: UUID, session_id: UUID, now: datetime) -> None:
    """Revokes what a refresh made before it was asked a second time."""
    await unit.execute(
        "UPDATE session SET revoked_at = $4, revoke_reason = 'REFRESHED_AGAIN'"
        " WHERE school_id = $1 AND family_id = $2 AND id <> $3 AND created_at >="
        " (SELECT rotated_at FROM session WHERE school_id = $1 AND id = $3)"
        " AND revoked_at IS NULL",
        unit.school_id, family_id, session_id, now,
    )  # fmt: skip
