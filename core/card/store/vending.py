"""The rows of jobs: cards that kiosks hand out."""

from datetime import datetime
from typing import Any
from uuid import UUID

from core.card.answers import CardKey
from core.card.vending import VendJob, VendState
from core.db.unit import Unit

_COLUMNS = (
    "id, cardholder_id, terminal_no, old_card_id, new_uid, fee_minor, fee_ids,"
    " retrieval_reference, state, made_at"
)


def _job(row: Any) -> VendJob:  # noqa: ANN401 - asyncpg ships no types
    return VendJob(
        id=row["id"],
        cardholder_id=row["cardholder_id"],
        terminal_no=row["terminal_no"],
        old_card_id=row["old_card_id"],
        new_uid=row["new_uid"],
        fee_minor=row["fee_minor"],
        fee_ids=tuple(row["fee_ids"]),
        retrieval_reference=row["retrieval_reference"],
        state=VendState(row["state"]),
        made_at=row["made_at"],
    )


async def insert(unit: Unit, job: VendJob, key: CardKey) -> None:
    """A job that begins; its fee, if any, is posted."""
    await unit.execute(
        "INSERT INTO vend_job (school_id, id, cardholder_id, terminal_no, batch_no, seq_no,"
        " old_card_id, new_uid, fee_minor, fee_ids, retrieval_reference, state, made_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        unit.school_id, job.id, job.cardholder_id, *key, job.old_card_id, job.new_uid,
        job.fee_minor, list(job.fee_ids), job.retrieval_reference, job.state, job.made_at,
    )  # fmt: skip


async def find(unit: Unit, job_id: UUID) -> VendJob | None:
    """A job; whoever holds its cardholder's money lock reads it as it stays."""
    row = await unit.row(
        f"SELECT {_COLUMNS} FROM vend_job WHERE school_id = $1 AND id = $2",  # noqa: S608 - ours
        unit.school_id, job_id,
    )  # fmt: skip
    return None if row is None else _job(row)


async def is_started(unit: Unit, cardholder_id: UUID) -> bool:
    """Whether a kiosk is handing a card out to somebody."""
    found = await unit.value(
        "SELECT 1 FROM vend_job WHERE school_id = $1 AND cardholder_id = $2 AND state = 'STARTED'",
        unit.school_id, cardholder_id,
    )  # fmt: skip
    return found is not None


async def end(
    unit: Unit, job: VendJob, state: VendState, new_card_id: UUID | None, now: datetime
) -> None:
    """Moves a job on."""
    await unit.execute(
        "UPDATE vend_job SET state = $3, new_card_id = $4, ended_at = $5"
        " WHERE school_id = $1 AND id = $2",
        unit.school_id, job.id, state, new_card_id, now,
    )  # fmt: skip


async def silent(unit: Unit, before: datetime, limit: int) -> list[VendJob]:
    """Jobs that began before an instant and were never reported."""
    rows = await unit.rows(
        f"SELECT {_COLUMNS} FROM vend_job"  # noqa: S608 - ours
        " WHERE school_id = $1 AND state = 'STARTED' AND made_at <= $2 ORDER BY made_at LIMIT $3",
        unit.school_id, before, limit,
    )  # fmt: skip
    return [_job(row) for row in rows]


async def owed(unit: Unit, limit: int) -> list[VendJob]:
    """Jobs whose card came out after their fee was given back, oldest first.

    One whose card works leaves the list when its cardholder owes nothing any more.
    """
    rows = await unit.rows(
        f"SELECT {_COLUMNS} FROM vend_job j"  # noqa: S608 - ours
        " WHERE j.school_id = $1 AND j.state = 'OWED' AND (j.new_card_id IS NULL OR"
        "  (SELECT sum(l.amount_minor) FROM account a"
        "     JOIN leg l ON l.school_id = $1 AND l.account_id = a.id"
        "    WHERE a.school_id = $1 AND a.owner_id = j.cardholder_id AND a.kind = 'ARREARS') < 0)"
        " ORDER BY j.made_at LIMIT $2",
        unit.school_id, limit,
    )  # fmt: skip
    return [_job(row) for row in rows]
