"""The rows of physical and virtual cards."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from tortoise import Model, fields
from tortoise.queryset import QuerySet

from core.card.records import Card, CardKind, CardState, Deniable
from core.db.reading import Reader, Reads
from core.db.unit import Unit
from core.school.records import DeniedKind

_LIVE = Reader("live_cards", "card", ("uuid",))
_ENDED = (CardState.REPLACED, CardState.CLOSED)


class CardRow(Model):
    """card; the database's key is (school_id, id)."""

    school_id = fields.IntField()
    id = fields.UUIDField(primary_key=True)
    cardholder_id = fields.UUIDField()
    kind = fields.CharEnumField(CardKind)
    state = fields.CharEnumField(CardState)
    uid = fields.TextField(null=True)
    issued_at = fields.DatetimeField()
    opened_at = fields.DatetimeField(null=True)
    lost_at = fields.DatetimeField(null=True)
    changed_at = fields.DatetimeField()

    class Meta:
        table = "card"


def _card(row: CardRow) -> Card:
    return Card(
        row.id, row.cardholder_id, row.kind, row.state, row.uid, row.issued_at, row.opened_at,
        row.lost_at,
    )  # fmt: skip


def _live(unit: Unit) -> QuerySet[CardRow]:
    rows = CardRow.filter(school_id=unit.school_id).exclude(state__in=_ENDED)
    return rows.using_db(unit.connection)


def _lost_at(card: Card, state: CardState, now: datetime) -> datetime | None:
    """A card that is replaced stays lost since it was reported."""
    if state is CardState.LOST:
        return now
    return card.lost_at if state is CardState.REPLACED else None


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
    pairs = await _live(unit).filter(uid__in=uids).values_list("uid", "cardholder_id")
    return dict(pairs)


async def find(unit: Unit, cardholder_id: UUID, kind: CardKind) -> Card | None:
    """The live card of a kind."""
    row = await _live(unit).get_or_none(cardholder_id=cardholder_id, kind=kind)
    return None if row is None else _card(row)


async def lock(unit: Unit, cardholder_id: UUID, kind: CardKind) -> Card | None:
    """The live card of a kind, locked for the rest of the unit."""
    rows = _live(unit).filter(cardholder_id=cardholder_id, kind=kind)
    row = await rows.select_for_update(no_key=True).first()
    return None if row is None else _card(row)


async def find_by_uid(unit: Unit, uid: str) -> Card | None:
    """The live card with a chip number."""
    row = await _live(unit).get_or_none(uid=uid)
    return None if row is None else _card(row)


async def list_deniable(unit: Unit, card_id: UUID | None) -> list[Deniable]:
    """The chips, or the one of a card, that the deny list does not say the truth of.

    A chip may have been several cards; it is good if one of them is.
    """
    rows = await unit.rows(
        "SELECT w.uid, w.is_denied, w.is_gone FROM (SELECT c.uid,"
        "  NOT bool_or(c.state = 'ACTIVE' AND h.status = 'ACTIVE') AS is_denied,"
        "  bool_and(c.state = 'CLOSED' OR h.status = 'CLOSED') AS is_gone"
        "  FROM card c JOIN cardholder h ON h.school_id = $1 AND h.id = c.cardholder_id"
        "  WHERE c.school_id = $1 AND c.uid IS NOT NULL AND ($2::uuid IS NULL OR c.uid ="
        "   (SELECT o.uid FROM card o WHERE o.school_id = $1 AND o.id = $2))"
        "  GROUP BY c.uid) w"
        " LEFT JOIN LATERAL (SELECT e.op FROM deny_entry e WHERE e.school_id = $1 AND e.kind = $3"
        "  AND e.id = decode(w.uid, 'hex') ORDER BY e.version DESC LIMIT 1) d ON true"
        " WHERE w.is_denied <> coalesce(d.op = 1, false) ORDER BY w.uid",
        unit.school_id, card_id, DeniedKind.UID,
    )  # fmt: skip
    return [Deniable(*row) for row in rows]


async def list_live(reads: Reads, cardholder_id: UUID) -> list[Card]:
    """The live cards of a cardholder: at most one of each kind."""
    return [
        Card(
            row["id"], row["cardholder_id"], CardKind(row["kind"]), CardState(row["state"]),
            row["uid"], row["issued_at"], row["opened_at"], row["lost_at"],
        )
        for row in await reads.call(_LIVE, cardholder_id)
    ]  # fmt: skip


async def update_state(unit: Unit, card: Card, state: CardState, now: datetime) -> Card:
    """Moves a locked card to another state, with the instant of its opening or loss."""
    moved = replace(
        card,
        state=state,
        opened_at=card.opened_at or (now if card.kind is CardKind.VIRTUAL else None),
        lost_at=_lost_at(card, state, now),
    )
    await (
        CardRow.filter(school_id=unit.school_id, id=card.id)
        .using_db(unit.connection)
        .update(state=moved.state, opened_at=moved.opened_at, lost_at=moved.lost_at, changed_at=now)
    )
    return moved
