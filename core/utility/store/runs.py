"""The rows of what ran."""

from dataclasses import astuple
from datetime import datetime
from uuid import UUID

from core.authorisation.records import Key
from core.db.unit import Unit
from core.utility.records import Reading, Run
from core.utility.store.meters import tariff_of


async def insert(unit: Unit, run: Run) -> None:
    """Keeps a start."""
    tariff = run.tariff
    await unit.execute(
        "INSERT INTO meter_run (school_id, terminal_no, batch_no, seq_no, meter_no, group_no,"
        " cardholder_id, reservation_id, price_minor, per_units, maximum_units, started_at,"
        " ends_at, late)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        unit.school_id, *astuple(run.key), run.meter_no, run.group_no, run.cardholder_id,
        run.reservation_id, tariff.price_minor, tariff.per_units, tariff.maximum_units,
        run.started_at, run.ends_at, run.is_late,
    )  # fmt: skip


async def has_run(unit: Unit, reservation_id: UUID) -> bool:
    """Whether a reservation has started water; what was undone, or stopped at nothing, has not."""
    found = await unit.value(
        "SELECT 1 FROM meter_run r"
        " JOIN authorisation a ON a.school_id = $1 AND a.terminal_no = r.terminal_no"
        "  AND a.batch_no = r.batch_no AND a.seq_no = r.seq_no"
        " WHERE r.school_id = $1 AND r.reservation_id = $2 AND a.state <> 'VOIDED' LIMIT 1",
        unit.school_id, reservation_id,
    )  # fmt: skip
    return found is not None


async def find(unit: Unit, key: Key) -> Run | None:
    """What began under a key."""
    row = await unit.row(
        "SELECT meter_no, group_no, cardholder_id, reservation_id, price_minor, per_units,"
        " maximum_units, started_at, ends_at, late FROM meter_run"
        " WHERE school_id = $1 AND terminal_no = $2 AND batch_no = $3 AND seq_no = $4",
        unit.school_id, *astuple(key),
    )  # fmt: skip
    if row is None:
        return None
    return Run(
        key=key,
        meter_no=row["meter_no"],
        group_no=row["group_no"],
        cardholder_id=row["cardholder_id"],
        reservation_id=row["reservation_id"],
        tariff=tariff_of(row),
        started_at=row["started_at"],
        ends_at=row["ends_at"],
        is_late=row["late"],
    )


async def is_busy(unit: Unit, terminal_no: int, meter_no: int, now: datetime) -> bool:
    """Whether a meter runs: its hold is open, and its slot is not over."""
    found = await unit.value(
        "SELECT 1 FROM meter_run r"
        " JOIN authorisation a ON a.school_id = $1 AND a.terminal_no = r.terminal_no"
        "  AND a.batch_no = r.batch_no AND a.seq_no = r.seq_no"
        " WHERE r.school_id = $1 AND r.terminal_no = $2 AND r.meter_no = $3 AND r.ends_at > $4"
        "  AND a.state = 'PENDING' AND NOT r.late LIMIT 1",
        unit.school_id, terminal_no, meter_no, now,
    )  # fmt: skip
    return found is not None


async def insert_reading(
    unit: Unit, original: Key, stop: Key, reading: Reading, now: datetime
) -> None:
    """Keeps what ran until the end."""
    await unit.execute(
        "INSERT INTO meter_reading (school_id, terminal_no, batch_no, seq_no, stop_batch_no,"
        " stop_seq_no, units, amount_minor, reason, read_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        unit.school_id, *astuple(original), stop.batch_no, stop.seq_no, reading.units,
        reading.amount_minor, reading.reason, now,
    )  # fmt: skip
