"""Rows of what issuers call people, of what they vouch for, and of where people came from."""

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from core.db.unit import Unit


async def put(
    unit: Unit, row_id: UUID, issuer: str, subject_index: bytes, sealed: bytes, now: datetime
) -> None:
    """Keeps a subject, the first time it is seen."""
    await unit.execute(
        "INSERT INTO channel_subject"
        " (school_id, id, issuer, subject_index, subject_sealed, first_seen_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (school_id, issuer, subject_index) DO NOTHING",
        unit.school_id, row_id, issuer, subject_index, sealed, now,
    )  # fmt: skip


async def find(unit: Unit, issuer: str, subject_index: bytes) -> tuple[UUID, bytes] | None:
    """The row's id and the sealed text."""
    row = await unit.row(
        "SELECT id, subject_sealed FROM channel_subject"
        " WHERE school_id = $1 AND issuer = $2 AND subject_index = $3",
        unit.school_id, issuer, subject_index,
    )  # fmt: skip
    return (row["id"], row["subject_sealed"]) if row is not None else None


async def put_claims(
    unit: Unit, family_id: UUID, claims: Iterable[tuple[str, bytes, str]], now: datetime
) -> None:
    """Keeps (kind, index, who verified it) for a sign-in."""
    await unit.execute_many(
        "INSERT INTO identity_claim"
        " (school_id, family_id, kind, value_index, verified_by, verified_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (school_id, family_id, kind, value_index)"
        " DO UPDATE SET verified_by = excluded.verified_by, verified_at = excluded.verified_at",
        [(unit.school_id, family_id, *claim, now) for claim in claims],
    )


async def claims_of(unit: Unit, family_id: UUID, since: datetime) -> list[tuple[str, bytes]]:
    """(Kind, index) of what was verified for a sign-in since then."""
    rows = await unit.rows(
        "SELECT kind, value_index FROM identity_claim"
        " WHERE school_id = $1 AND family_id = $2 AND verified_at >= $3",
        unit.school_id, family_id, since,
    )  # fmt: skip
    return [(row["kind"], row["value_index"]) for row in rows]


async def expire_claims(unit: Unit, before: datetime) -> None:
    """Forgets claims that no longer count."""
    await unit.execute(
        "DELETE FROM identity_claim WHERE school_id = $1 AND verified_at < $2",
        unit.school_id, before,
    )  # fmt: skip


async def count_tag(unit: Unit, day: date, channel: str, tag: str) -> None:
    """Counts a sign-in that a poster or link brought."""
    await unit.execute(
        "INSERT INTO entry_tag_day (school_id, day, channel, tag, sign_ins)"
        " VALUES ($1, $2, $3, $4, 1) ON CONFLICT (school_id, day, channel, tag)"
        " DO UPDATE SET sign_ins = entry_tag_day.sign_ins + 1",
        unit.school_id, day, channel, tag,
    )  # fmt: skip


async def tags_since(unit: Unit, since: date, limit: int) -> list[tuple[str, str, int]]:
    """(Channel, tag, sign-ins) since a day, the most first."""
    rows = await unit.rows(
        "SELECT channel, tag, sum(sign_ins)::int AS sign_ins FROM entry_tag_day"
        " WHERE school_id = $1 AND day >= $2 GROUP BY channel, tag"
        " ORDER BY sign_ins DESC, channel, tag LIMIT $3",
        unit.school_id, since, limit,
    )  # fmt: skip
    return [(row["channel"], row["tag"], row["sign_ins"]) for row in rows]
