"""The rows of reservations."""

from datetime import datetime
from typing import Any
from uuid import UUID

from core.db.unit import Unit
from core.utility.records import Reservation, Slot
from core.utility.store.meters import tariff_of

_COLUMNS = (
    "id, group_no, stall, sequence, starts_at, ends_at, cardholder_id, price_minor, per_units,"
    " maximum_units, key_version, made_at, cancelled_at"
)
_FROM = f"SELECT {_COLUMNS} FROM water_reservation WHERE school_id = $1"  # noqa: S608 - constant columns


async def insert(unit: Unit, made: Reservation) -> None:
    """Keeps a reservation."""
    tariff = made.tariff
    await unit.execute(
        "INSERT INTO water_reservation (school_id, id, group_no, stall, sequence, starts_at,"
        " ends_at, cardholder_id, price_minor, per_units, maximum_units, key_version, made_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        unit.school_id, made.id, made.group_no, made.stall, made.sequence, made.slot.starts_at,
        made.slot.ends_at, made.cardholder_id, tariff.price_minor, tariff.per_units,
        tariff.maximum_units, made.key_version, made.made_at,
    )  # fmt: skip


async def find(unit: Unit, id_: UUID, *, lock: bool = False) -> Reservation | None:
    """One reservation; with `lock`, held until the unit ends."""
    sql = f"{_FROM} AND id = $2{' FOR NO KEY UPDATE' if lock else ''}"
    row = await unit.row(sql, unit.school_id, id_)
    return None if row is None else _reservation(row)


async def cancel(unit: Unit, id_: UUID, now: datetime) -> None:
    """Gives a place back; the number of its code is not given again."""
    await unit.execute(
        "UPDATE water_reservation SET cancelled_at = $3 WHERE school_id = $1 AND id = $2",
        unit.school_id, id_, now,
    )  # fmt: skip


async def of_group(
    unit: Unit, group_no: int, since: datetime, until: datetime
) -> list[Reservation]:
    """A group's reservations whose slots begin from `since` to `until`, cancelled ones too."""
    rows = await unit.rows(
        f"{_FROM} AND group_no = $2 AND starts_at BETWEEN $3 AND $4"
        " ORDER BY starts_at, stall, sequence",
        unit.school_id, group_no, since, until,
    )  # fmt: skip
    return [_reservation(row) for row in rows]


async def of_holder(unit: Unit, cardholder_id: UUID, since: datetime) -> list[Reservation]:
    """A cardholder's reservations whose slots end after `since`, cancelled ones too."""
    rows = await unit.rows(
        f"{_FROM} AND cardholder_id = $2 AND ends_at > $3 ORDER BY starts_at, id",
        unit.school_id, cardholder_id, since,
    )  # fmt: skip
    return [_reservation(row) for row in rows]


async def has_open(unit: Unit, group_no: int, now: datetime) -> bool:
    """Whether somebody holds a code of a group that is not over."""
    found = await unit.value(
        "SELECT 1 FROM water_reservation WHERE school_id = $1 AND group_no = $2"
        " AND cancelled_at IS NULL AND ends_at > $3 LIMIT 1",
        unit.school_id, group_no, now,
    )  # fmt: skip
    return found is not None


def _reservation(row: Any) -> Reservation:  # noqa: ANN401 - a driver's row
    return Reservation(
        id=row["id"],
        group_no=row["group_no"],
        stall=row["stall"],
        sequence=row["sequence"],
        slot=Slot(row["starts_at"], row["ends_at"]),
        cardholder_id=row["cardholder_id"],
        tariff=tariff_of(row),
        key_version=row["key_version"],
        made_at=row["made_at"],
        cancelled_at=row["cancelled_at"],
    )
