"""The inbox of notices: what providers post, each acted on once however often it comes.

A notice is verified before it comes here, and its row is written in the unit of its effect: both
stand or neither. It does not matter which process takes a repeat, or how many come at once.
"""

from datetime import datetime, timedelta

from core.db.unit import Unit

KEPT = timedelta(days=30)
"""Much longer than any provider repeats (25 hours)."""


async def put(unit: Unit, provider: str, notice_id: str, event: str, now: datetime) -> bool:
    """Notes a notice; False if it came before. One that comes meanwhile waits for this unit."""
    written = await unit.execute(
        "INSERT INTO provider_notice (school_id, provider, notice_id, event, received_at)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (school_id, provider, notice_id) DO NOTHING",
        unit.school_id, provider, notice_id, event, now,
    )  # fmt: skip
    return written == 1


async def expire(unit: Unit, now: datetime) -> None:
    """Forgets what no provider sends again."""
    await unit.execute(
        "DELETE FROM provider_notice WHERE school_id = $1 AND received_at < $2",
        unit.school_id, now - KEPT,
    )  # fmt: skip
