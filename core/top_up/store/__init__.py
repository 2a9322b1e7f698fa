"""The rows of cash top-ups."""

from uuid import UUID

from core.db.unit import Unit
from core.top_up.records import CashTopUp


async def insert(unit: Unit, top_up: CashTopUp) -> None:
    """Adds a top-up whose transfer and audit row exist."""
    await unit.execute(
        "INSERT INTO cash_top_up (school_id, id, cardholder_id, staff_id, four_eyes_id,"
        " amount_minor, transfer_id, audit_id, made_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        unit.school_id, top_up.id, top_up.cardholder_id, top_up.staff_id, top_up.four_eyes_id,
        top_up.amount_minor, top_up.transfer_id, top_up.audit_id, top_up.made_at,
    )  # fmt: skip


async def find(unit: Unit, top_up_id: UUID) -> CashTopUp | None:
    """One top-up."""
    row = await unit.row(
        "SELECT id, cardholder_id, staff_id, four_eyes_id, amount_minor, transfer_id, audit_id,"
        " made_at FROM cash_top_up WHERE school_id = $1 AND id = $2",
        unit.school_id, top_up_id,
    )  # fmt: skip
    return row and CashTopUp(*row)
