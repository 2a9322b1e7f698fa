"""Statements that must find nothing: what the database itself can prove about its books."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.db.unit import Unit

WITNESSES_MAXIMUM = 10


@dataclass(frozen=True, slots=True)
class Invariant:
    """One promise (reliability.md 2) in a sentence, and the SQL that returns what breaks it.

    `sql` is one SELECT, so it sees one snapshot; $1 is the school and $2 the instant of asking.
    """

    id: str
    sentence_zh: str
    sentence_en: str
    sql: str


@dataclass(frozen=True, slots=True)
class Finding:
    """How often an invariant is broken in one school, with up to ten witnesses as JSON texts."""

    invariant: Invariant
    count: int
    witnesses: tuple[str, ...]


async def judge(unit: Unit, invariants: Sequence[Invariant], now: datetime) -> list[Finding]:
    """A finding for each invariant, kept or broken, in the caller's unit."""
    return [await _judge(unit, invariant, now) for invariant in invariants]


async def _judge(unit: Unit, invariant: Invariant, now: datetime) -> Finding:
    rows = await unit.rows(
        f"WITH witness AS ({invariant.sql})"  # noqa: S608 - the core's own constants
        " SELECT count(*) OVER ()::int AS total, to_jsonb(w)::text AS text FROM witness w"
        " WHERE $1::int IS NOT NULL AND $2::timestamptz IS NOT NULL"
        f" LIMIT {WITNESSES_MAXIMUM}",
        unit.school_id,
        now,
    )
    total = rows[0]["total"] if rows else 0
    return Finding(invariant, total, tuple(row["text"] for row in rows))
