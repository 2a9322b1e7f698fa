"""The transactional outbox: intents for the world outside, committed with what decided them.

A worker leases due rows (`FOR UPDATE SKIP LOCKED`, so no row has two workers), calls the vendor
outside any transaction, and settles the row in a second one. A handler may run twice after a crash,
so each payload carries the id that makes the vendor's call repeatable.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.db.invariants import Invariant
from core.db.unit import Unit

LEASE_SECONDS = 30
TRIES = 8
OVERDUE_SECONDS = 300

INVARIANTS = (
    Invariant(
        "I16 outbox",
        "没有滞留或放弃的外发意图",
        "No outbox row is overdue or was given up.",
        f"""
        SELECT o.id, o.kind, o.tries, o.due_at, o.last_error FROM outbox o
         WHERE o.school_id = $1 AND (
               (o.done_at IS NULL
                AND o.due_at < $2::timestamptz - interval '{OVERDUE_SECONDS} seconds')
            OR (o.done_at IS NOT NULL AND o.payload <> '{{}}'))
        """,  # noqa: S608 - a constant of ours
    ),
)


@dataclass(frozen=True, slots=True)
class Intent:
    """One leased row: `payload` is what the handler of `kind` needs, without personal data."""

    id: UUID
    kind: str
    payload: dict[str, str]
    tries: int


async def add(unit: Unit, id: UUID, kind: str, payload: dict[str, str], due_at: datetime) -> None:  # noqa: A002 - the row's own word
    """Writes an intent in the caller's transaction."""
    await unit.execute(
        "INSERT INTO outbox (school_id, id, kind, payload, due_at, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $5)",
        unit.school_id, id, kind, json.dumps(payload), due_at,
    )  # fmt: skip


async def lease(unit: Unit, now: datetime, limit: int = 50) -> list[Intent]:
    """Takes up to `limit` due rows for `LEASE_SECONDS`; what a dead worker held comes back."""
    rows = await unit.rows(
        "UPDATE outbox o SET leased_until = $2, tries = o.tries + 1"
        " WHERE o.school_id = $1 AND o.id IN (SELECT x.id FROM outbox x WHERE x.school_id = $1"
        "   AND x.done_at IS NULL AND x.due_at <= $3"
        "   AND (x.leased_until IS NULL OR x.leased_until < $3)"
        "   ORDER BY x.due_at LIMIT $4 FOR UPDATE SKIP LOCKED)"
        " RETURNING o.id, o.kind, o.payload, o.tries",
        unit.school_id, now + timedelta(seconds=LEASE_SECONDS), now, limit,
    )  # fmt: skip
    return [Intent(r["id"], r["kind"], json.loads(r["payload"]), r["tries"]) for r in rows]


async def finish(unit: Unit, id: UUID, now: datetime) -> None:  # noqa: A002 - as above
    """Marks an intent done; its payload, no longer needed, is emptied."""
    await unit.execute(
        "UPDATE outbox SET done_at = $3, leased_until = NULL, payload = '{}'"
        " WHERE school_id = $1 AND id = $2",
        unit.school_id, id, now,
    )  # fmt: skip


async def postpone(unit: Unit, intent: Intent, now: datetime, error: str) -> bool:
    """Puts a failed intent off with doubling delay; False once its tries are used up."""
    again = intent.tries < TRIES
    due_at = now + timedelta(seconds=2**intent.tries)
    await unit.execute(
        "UPDATE outbox SET due_at = $3, leased_until = NULL, last_error = $4,"
        " done_at = CASE WHEN $5 THEN NULL ELSE $6::timestamptz END"
        " WHERE school_id = $1 AND id = $2",
        unit.school_id, intent.id, due_at, error[:200], again, now,
    )  # fmt: skip
    return again
