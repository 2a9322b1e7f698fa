"""The rows of physical and virtual cards."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from core.card.records import Card, CardKind, CardState
from core.db.unit import Unit

_LIVE = (
    "SELECT id, cardholder_id, kind, state, uid, issued_at, opened_at, lost_at FROM card"
    " WHERE school_id = $1 AND state NOT IN ('REPLACED', 'CLOSED')"
)


def _card(row: Any) -> Card:  # noqa: ANN401 - asyncpg ships no types
    facts = dict(row)
    kind, state = CardKind(facts.pop("kind")), CardState(facts.pop("state"))
    return Card(kind=kind, state=state, **facts)


async def insert_many(unit: Unit, issued: Sequence[Card]) -> None:
    """Adds cards; one whose uid or whose cardholder's place for the kind is taken is left out."""
    await unit.execute_many(
        "INSERT INTO card (school_id, id, cardholder_id, kind, state, uid, issued_at, changed_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT DO NOTHING",
        [
            (unit.school_id, card.id, card.cardholder_id, card.kind, card.state, card.uid,
             card.issued_at)
            for card in issued
        ],
    )  # fmt: skip


async def owners(unit: Unit, uids: Sequence[str]) -> dict[str, UUID]:
    """The cardholder of each of `uids` that is in use."""
    rows = await unit.rows(_LIVE + " AND uid = ANY ($2)", unit.school_id, list(uids))
    return {row["uid"]: row["cardholder_id"] for row in rows}


async def find(unit: Unit, cardholder_id: UUID, kind: CardKind) -> Card | None:
    """The live card of a kind."""
    row = await unit.row(
        _LIVE + " AND cardholder_id = $2 AND kind = $3",
        unit.school_id, cardholder_id, kind,
    )  # fmt: skip
    return None if row is None else _card(row)


async def lock(unit: Unit, cardholder_id: UUID, kind: CardKind) -> Card | None:
    """The live card of a kind, locked for the rest of the unit."""
    row = await unit.row(
        _LIVE + " AND cardholder_id = $2 AND kind = $3 FOR NO KEY UPDATE",
        unit.school_id, cardholder_id, kind,
    )  # fmt: skip
    return None if row is None else _card(row)


async def find_by_uid(unit: Unit, uid: str) -> Card | None:
    """The live card with a chip number."""
    row = await unit.row(_LIVE + " AND uid = $2", unit.school_id, uid)
    return None if row is None else _card(row)


async def list_live(unit: Unit, cardholder_id: UUID) -> list[Card]:
    """The live cards of a cardholder: at most one of each kind."""
    rows = await unit.rows(_LIVE + " AND cardholder_id = $2", unit.school_id, cardholder_id)
    return [_card(row) for row in rows]


async def update_state(unit: Unit, card: Card, state: CardState, now: datetime) -> Card:
    """Moves a locked card to another state, with the instant of its opening or loss."""
    row = await unit.row(
        "UPDATE card SET state = $3, changed_at = $4,"
        " opened_at = CASE WHEN $3 = 'ACTIVE' THEN coalesce(opened_at, $4) ELSE opened_at END,"
        " lost_at = CASE WHEN $3 = 'LOST' THEN $4 END"
        " WHERE school_id = $1 AND id = $2"
        " RETURNING id, cardholder_id, kind, state, uid, issued_at, opened_at, lost_at",
        unit.school_id, card.id, state, now,
    )  # fmt: skip
    return _card(row)
