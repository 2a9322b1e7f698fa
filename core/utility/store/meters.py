"""The rows of groups and meters, and the wrong codes typed at them."""

from datetime import datetime
from typing import Any

from core.authorisation.records import Key
from core.db.unit import Unit
from core.utility.records import Meter, MeterGroup, MeterKind, PlacedMeter, Tariff

_GROUP = (
    "g.number, g.campus_code, g.kind, g.name_zh, g.name_en, g.shared, g.places, g.slot_minutes,"
    " g.opens_at, g.closes_at, g.days_ahead, g.price_minor, g.per_units, g.maximum_units,"
    " g.key_version"
)
EXPIRED_AT_ONCE = 1_000


async def put_group(unit: Unit, group: MeterGroup, now: datetime) -> None:
    """Adds a group or changes it; what it is, and its key, stay."""
    tariff = group.tariff
    await unit.execute(
        "INSERT INTO meter_group (school_id, number, campus_code, kind, name_zh, name_en, shared,"
        " places, slot_minutes, opens_at, closes_at, days_ahead, price_minor, per_units,"
        " maximum_units, key_version, changed_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
        " ON CONFLICT (school_id, number) DO UPDATE SET campus_code = excluded.campus_code,"
        " name_zh = excluded.name_zh, name_en = excluded.name_en, places = excluded.places,"
        " slot_minutes = excluded.slot_minutes, opens_at = excluded.opens_at,"
        " closes_at = excluded.closes_at, days_ahead = excluded.days_ahead,"
        " price_minor = excluded.price_minor, per_units = excluded.per_units,"
        " maximum_units = excluded.maximum_units, key_version = excluded.key_version,"
        " changed_at = excluded.changed_at",
        unit.school_id, group.number, group.campus_code, group.kind, group.name_zh, group.name_en,
        group.is_shared, group.places, group.slot_minutes, group.opens_at, group.closes_at,
        group.days_ahead, tariff.price_minor, tariff.per_units, tariff.maximum_units,
        group.key_version, now,
    )  # fmt: skip


async def list_groups(unit: Unit) -> list[MeterGroup]:
    """The groups of the school, by number."""
    rows = await unit.rows(
        f"SELECT {_GROUP} FROM meter_group g WHERE g.school_id = $1 ORDER BY g.number",  # noqa: S608 - constant columns
        unit.school_id,
    )
    return [group_of(row) for row in rows]


async def find_group(unit: Unit, number: int, *, lock: bool = False) -> MeterGroup | None:
    """A group; with `lock`, its slots are this unit's alone until it ends."""
    row = await unit.row(
        f"SELECT {_GROUP} FROM meter_group g WHERE g.school_id = $1 AND g.number = $2"  # noqa: S608 - constant columns
        + (" FOR NO KEY UPDATE" if lock else ""),
        unit.school_id, number,
    )  # fmt: skip
    return None if row is None else group_of(row)


async def put_meter(unit: Unit, meter: Meter, now: datetime) -> None:
    """Adds a meter or moves it to another group or stall."""
    await unit.execute(
        "INSERT INTO meter (school_id, terminal_no, number, group_no, stall, changed_at)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (school_id, terminal_no, number) DO UPDATE"
        " SET group_no = excluded.group_no, stall = excluded.stall,"
        " changed_at = excluded.changed_at",
        unit.school_id, meter.terminal_no, meter.number, meter.group_no, meter.stall, now,
    )  # fmt: skip


async def list_meters(
    unit: Unit, terminal_no: int | None = None, group_no: int | None = None
) -> list[PlacedMeter]:
    """The meters of a terminal, of a group, or of the school, by terminal and number."""
    rows = await unit.rows(
        f"SELECT m.terminal_no, m.number AS meter_no, m.group_no, m.stall, {_GROUP} FROM meter m"  # noqa: S608 - constant columns
        " JOIN meter_group g ON g.school_id = $1 AND g.number = m.group_no"
        " WHERE m.school_id = $1 AND ($2::bigint IS NULL OR m.terminal_no = $2)"
        " AND ($3::bigint IS NULL OR m.group_no = $3) ORDER BY m.terminal_no, m.number",
        unit.school_id, terminal_no, group_no,
    )  # fmt: skip
    return [
        PlacedMeter(
            Meter(row["terminal_no"], row["meter_no"], row["group_no"], row["stall"]),
            group_of(row),
        )
        for row in rows
    ]


async def lock_meter(unit: Unit, terminal_no: int, number: int) -> None:
    """Lets one start or try of a meter be decided at a time, to the end of the unit."""
    await unit.execute(
        "SELECT 1 FROM meter WHERE school_id = $1 AND terminal_no = $2 AND number = $3"
        " FOR NO KEY UPDATE",
        unit.school_id, terminal_no, number,
    )  # fmt: skip


async def tries(unit: Unit, terminal_no: int, number: int, limit: int) -> list[datetime]:
    """The newest wrong codes typed at a meter."""
    rows = await unit.rows(
        "SELECT tried_at FROM meter_try WHERE school_id = $1 AND terminal_no = $2"
        " AND meter_no = $3 ORDER BY tried_at DESC LIMIT $4",
        unit.school_id, terminal_no, number, limit,
    )  # fmt: skip
    return [row[0] for row in rows]


async def insert_try(unit: Unit, key: Key, number: int, now: datetime) -> None:
    """Counts a wrong code, once for its key."""
    await unit.execute(
        "INSERT INTO meter_try (school_id, terminal_no, batch_no, seq_no, meter_no, tried_at)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        unit.school_id, key.terminal_no, key.batch_no, key.seq_no, number, now,
    )  # fmt: skip


async def expire_tries(unit: Unit, before: datetime) -> None:
    """Forgets wrong codes that lock nothing any more."""
    await unit.execute(
        "DELETE FROM meter_try WHERE school_id = $1 AND (terminal_no, batch_no, seq_no) IN"
        " (SELECT terminal_no, batch_no, seq_no FROM meter_try WHERE school_id = $1"
        "   AND tried_at < $2 LIMIT $3)",
        unit.school_id, before, EXPIRED_AT_ONCE,
    )  # fmt: skip


def group_of(row: Any) -> MeterGroup:  # noqa: ANN401 - a driver's row
    """The group in a row that has its columns."""
    return MeterGroup(
        number=row["number"],
        campus_code=row["campus_code"],
        kind=MeterKind(row["kind"]),
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        is_shared=row["shared"],
        places=row["places"],
        slot_minutes=row["slot_minutes"],
        opens_at=row["opens_at"],
        closes_at=row["closes_at"],
        days_ahead=row["days_ahead"],
        tariff=tariff_of(row),
        key_version=row["key_version"],
    )


def tariff_of(row: Any) -> Tariff:  # noqa: ANN401 - a driver's row
    """The price in a row that has its columns."""
    return Tariff(row["price_minor"], row["per_units"], row["maximum_units"])
