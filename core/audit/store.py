"""The rows of the audit; the app's role can only add and read them."""

import json
from typing import Any
from uuid import UUID

from core.audit.records import Actor, ActorKind, AuditEvent, SealedEvent
from core.db.unit import Unit


async def insert(unit: Unit, sealed: SealedEvent) -> None:
    """Adds one row."""
    event = sealed.event
    await unit.execute(
        "INSERT INTO audit_event (school_id, id, occurred_at, actor_kind, actor_id, act, subject,"
        " reason, facts, key_id, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        unit.school_id, event.id, event.occurred_at, event.actor.kind, event.actor.id, event.act,
        event.subject, event.reason, json.dumps(dict(event.facts)), sealed.key_id, sealed.mac,
    )  # fmt: skip


async def list_after(unit: Unit, id: UUID, limit: int) -> list[SealedEvent]:  # noqa: A002 - the row's own word
    """Up to `limit` rows behind `id`, in the order of their ids."""
    rows = await unit.rows(
        "SELECT id, occurred_at, actor_kind, actor_id, act, subject, reason, facts, key_id, mac"
        " FROM audit_event WHERE school_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        unit.school_id, id, limit,
    )  # fmt: skip
    return [_sealed(row) for row in rows]


def _sealed(row: Any) -> SealedEvent:  # noqa: ANN401 - asyncpg ships no types
    event = AuditEvent(
        row["id"],
        row["occurred_at"],
        Actor(ActorKind(row["actor_kind"]), row["actor_id"]),
        row["act"],
        row["subject"],
        row["reason"],
        json.loads(row["facts"]),
    )
    return SealedEvent(event, row["key_id"], row["mac"])
