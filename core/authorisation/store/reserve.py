"""The rows of reserves: what each slot of a cardholder has set aside."""

from uuid import UUID

from core.db.unit import Unit

OWNERS_MAXIMUM = 100
"""Cardholders whose reserves are given back in one round."""


async def find(unit: Unit, cap_tag: int) -> int | None:
    """What is left of a slot's reserve, in fen, held until the unit ends; None if it has none."""
    left: int | None = await unit.value(
        "SELECT reserve_minor FROM cap_slot WHERE school_id = $1 AND cap_tag = $2 FOR UPDATE",
        unit.school_id, cap_tag,
    )  # fmt: skip
    return left


async def put(unit: Unit, cap_tag: int, left_minor: int) -> None:
    """Notes what is left of it."""
    await unit.execute(
        "UPDATE cap_slot SET reserve_minor = $3 WHERE school_id = $1 AND cap_tag = $2",
        unit.school_id, cap_tag, left_minor,
    )  # fmt: skip


async def end(unit: Unit, cardholder_id: UUID, ended_before: int) -> int:
    """Ends the reserves of slots that ended before an instant; what the others need, in fen."""
    await unit.execute(
        "UPDATE cap_slot SET reserve_minor = 0 WHERE school_id = $1 AND cardholder_id = $2"
        " AND ends_at < $3 AND reserve_minor > 0",
        unit.school_id, cardholder_id, ended_before,
    )  # fmt: skip
    needed: int | None = await unit.value(
        "SELECT coalesce(sum(reserve_minor), 0)::bigint FROM cap_slot"
        " WHERE school_id = $1 AND cardholder_id = $2",
        unit.school_id, cardholder_id,
    )  # fmt: skip
    return needed or 0


async def list_due(unit: Unit, ended_before: int) -> list[UUID]:
    """Cardholders whose RESERVE purse holds more than their slots that go on need."""
    rows = await unit.rows(
        "SELECT a.owner_id FROM account a WHERE a.school_id = $1 AND a.kind = 'RESERVE'"
        " AND a.balance_minor > 0 AND a.balance_minor > (SELECT coalesce(sum(s.reserve_minor), 0)"
        "  FROM cap_slot s WHERE s.school_id = $1 AND s.cardholder_id = a.owner_id"
        "  AND s.ends_at >= $2) ORDER BY a.owner_id LIMIT $3",
        unit.school_id, ended_before, OWNERS_MAXIMUM,
    )  # fmt: skip
    return [row["owner_id"] for row in rows]
