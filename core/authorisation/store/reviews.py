"""The rows of SUSPECT records and of their reviews."""

from dataclasses import astuple
from typing import Any
from uuid import UUID

from core.authorisation.records import Key
from core.authorisation.reviews import Bearer, Review, Suspect
from core.db.unit import Raced, Unit

_SUSPECTS = (
    "SELECT i.terminal_no, i.batch_no, i.seq_no, m.name_zh AS merchant_name_zh,"
    " m.name_en AS merchant_name_en, i.amount_minor, i.reason,"
    " i.cardholder_id, i.made_at, i.received_at, i.retrieval_reference, r.bearer"
    " FROM offline_item i"
    " JOIN terminal t ON t.school_id = $1 AND t.terminal_no = i.terminal_no"
    " JOIN merchant m ON m.school_id = $1 AND m.id = t.merchant_id"
    " LEFT JOIN offline_review r ON r.school_id = $1 AND r.terminal_no = i.terminal_no"
    "  AND r.batch_no = i.batch_no AND r.seq_no = i.seq_no"
    " WHERE i.school_id = $1 AND i.verdict = 'SUSPECT'"
)


def _suspect(row: Any) -> Suspect:  # noqa: ANN401 - a driver's row
    facts = dict(row)
    key = Key(*(facts.pop(name) for name in ("terminal_no", "batch_no", "seq_no")))
    bearer = facts.pop("bearer")
    return Suspect(key, **facts, bearer=None if bearer is None else Bearer(bearer))


async def list_open(unit: Unit, limit: int) -> list[Suspect]:
    """SUSPECT records that nobody decided, the oldest first."""
    rows = await unit.rows(
        f"{_SUSPECTS} AND r.bearer IS NULL"
        " ORDER BY i.received_at, i.terminal_no, i.batch_no, i.seq_no LIMIT $2",
        unit.school_id, limit,
    )  # fmt: skip
    return [_suspect(row) for row in rows]


async def find_suspect(unit: Unit, key: Key) -> Suspect | None:
    """A SUSPECT record, decided or not."""
    row = await unit.row(
        f"{_SUSPECTS} AND i.terminal_no = $2 AND i.batch_no = $3 AND i.seq_no = $4",
        unit.school_id, *astuple(key),
    )  # fmt: skip
    return None if row is None else _suspect(row)


async def is_settled(unit: Unit, key: Key) -> bool:
    """Whether the batch of a record is closed."""
    found = await unit.value(
        "SELECT 1 FROM settlement WHERE school_id = $1 AND terminal_no = $2 AND batch_no = $3",
        unit.school_id, key.terminal_no, key.batch_no,
    )  # fmt: skip
    return found is not None


async def insert(unit: Unit, review: Review) -> None:
    """Keeps a decision, once. Raises Raced: there is one already."""
    made = await unit.execute(
        "INSERT INTO offline_review (school_id, terminal_no, batch_no, seq_no, bearer,"
        " cardholder_id, amount_minor, transfer_ids, staff_id, four_eyes_id, audit_id, decided_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING",
        unit.school_id, *astuple(review.key), review.bearer, review.cardholder_id,
        review.amount_minor, list(review.transfer_ids), review.staff_id, review.four_eyes_id,
        review.audit_id, review.decided_at,
    )  # fmt: skip
    if made == 0:
        raise Raced


async def find_charged(unit: Unit, key: Key) -> UUID | None:
    """The cardholder who was charged with what the school had paid under a key."""
    found: UUID | None = await unit.value(
        "SELECT cardholder_id FROM offline_review WHERE school_id = $1 AND terminal_no = $2"
        " AND batch_no = $3 AND seq_no = $4",
        unit.school_id, *astuple(key),
    )  # fmt: skip
    return found
