"""Statements that must find nothing: what the database itself can prove about its books."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.db.unit import Database, Unit

WITNESSES_MAXIMUM = 10
_COUNTED = ("account", "transfer", "leg", "terminal_answer", "authorisation", "cash_top_up")
_COUNTS = tuple(f"SELECT count(*) FROM {table}" for table in _COUNTED)  # noqa: S608 - ours


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

    school_id: int
    invariant: Invariant
    count: int
    witnesses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """What a whole database was found to hold: counts of rows by table, and every finding."""

    figures: dict[str, int]
    findings: tuple[Finding, ...]

    @property
    def violations(self) -> int:
        """How many witnesses there are in all; zero is the proof."""
        return sum(finding.count for finding in self.findings)


async def prove(database: Database, invariants: Sequence[Invariant], now: datetime) -> Proof:
    """Judges every invariant of every school.

    Raises: DatabaseUnavailable.
    """

    async def schools(unit: Unit) -> list[int]:
        return [row[0] for row in await unit.rows("SELECT school_id FROM school ORDER BY 1")]

    async def counts(unit: Unit) -> list[int]:
        return [
            await unit.value(count + " WHERE school_id = $1", unit.school_id) or 0
            for count in _COUNTS
        ]

    figures = dict.fromkeys(("school", *_COUNTED), 0)
    findings: list[Finding] = []
    for school_id in await database.unit(0, schools):
        figures["school"] += 1
        for table, count in zip(_COUNTED, await database.unit(school_id, counts), strict=True):
            figures[table] += count
        findings += await judge(database, school_id, invariants, now)
    return Proof(figures, tuple(findings))


async def judge(
    database: Database, school_id: int, invariants: Sequence[Invariant], now: datetime
) -> list[Finding]:
    """A finding for each invariant of a school, kept or broken.

    Raises: DatabaseUnavailable.
    """

    async def work(unit: Unit) -> list[Finding]:
        return [await _judge(unit, invariant, now) for invariant in invariants]

    return await database.unit(school_id, work)


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
    return Finding(unit.school_id, invariant, total, tuple(row["text"] for row in rows))
