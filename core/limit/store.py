"""The rows of limits and of the day's spending."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from tortoise import Model, fields

from core.db.reading import Reader, Reads
from core.db.unit import Unit
from core.limit.records import Spending

_SPENDING = Reader("cardholder_spending", "cardholder_limit", ("uuid",))


class CardholderLimitRow(Model):
    """cardholder_limit; the database's key is (school_id, cardholder_id)."""

    school_id = fields.IntField()
    cardholder_id = fields.UUIDField(primary_key=True)
    single_minor = fields.BigIntField(null=True)
    daily_minor = fields.BigIntField(null=True)
    spent_on = fields.DateField(null=True)
    spent_minor = fields.BigIntField()

    class Meta:
        table = "cardholder_limit"


async def open_row(unit: Unit, cardholder_id: UUID) -> None:
    """The row of a new cardholder; an existing one stays as it is."""
    await unit.execute(
        "INSERT INTO cardholder_limit (school_id, cardholder_id) VALUES ($1, $2)"
        " ON CONFLICT DO NOTHING",
        unit.school_id,
        cardholder_id,
    )


async def open_rows(unit: Unit, cardholder_ids: Sequence[UUID]) -> None:
    """The rows of many cardholders, new or not, held until the unit ends."""
    ids = sorted(cardholder_ids)
    await unit.execute(
        "INSERT INTO cardholder_limit (school_id, cardholder_id)"
        " SELECT $1, id FROM unnest($2::uuid[]) AS given (id) ON CONFLICT DO NOTHING",
        unit.school_id,
        ids,
    )
    await unit.execute(
        "SELECT 1 FROM cardholder_limit WHERE school_id = $1 AND cardholder_id = ANY($2)"
        " ORDER BY cardholder_id FOR NO KEY UPDATE",
        unit.school_id,
        ids,
    )


async def find(reads: Reads, cardholder_id: UUID) -> Spending | None:
    """The row as last committed."""
    for _, *spending in await reads.call(_SPENDING, cardholder_id):
        return Spending(*spending)
    return None


async def lock(unit: Unit, cardholder_id: UUID) -> Spending | None:
    """The row, held until the unit ends."""
    row = await unit.row(
        "SELECT cardholder_id, single_minor, daily_minor, spent_on, spent_minor"
        " FROM cardholder_limit WHERE school_id = $1 AND cardholder_id = $2 FOR NO KEY UPDATE",
        unit.school_id, cardholder_id,
    )  # fmt: skip
    return None if row is None else Spending(*row)


async def update_limits(
    unit: Unit, cardholder_id: UUID, single_minor: int, daily_minor: int
) -> None:
    """Sets the cardholder's own limits."""
    await (
        CardholderLimitRow.filter(school_id=unit.school_id, cardholder_id=cardholder_id)
        .using_db(unit.connection)
        .update(single_minor=single_minor, daily_minor=daily_minor)
    )


async def update_spent(unit: Unit, cardholder_id: UUID, spent_minor: int) -> None:
    """Sets what the counted day has spent; the row is locked."""
    await unit.execute(
        "UPDATE cardholder_limit SET spent_minor = $3 WHERE school_id = $1 AND cardholder_id = $2",
        unit.school_id, cardholder_id, spent_minor,
    )  # fmt: skip


async def update_day(unit: Unit, cardholder_id: UUID, day: date, spent_minor: int) -> None:
    """Sets the counted day and what it has spent; the row is locked."""
    await unit.execute(
        "UPDATE cardholder_limit SET spent_on = $3, spent_minor = $4"
        " WHERE school_id = $1 AND cardholder_id = $2",
        unit.school_id, cardholder_id, day, spent_minor,
    )  # fmt: skip


async def pause_raises(unit: Unit, cardholder_id: UUID, until: datetime) -> None:
    """Notes until when no limit is raised."""
    await unit.execute(
        "INSERT INTO limit_pause (school_id, cardholder_id, until) VALUES ($1, $2, $3)"
        " ON CONFLICT (school_id, cardholder_id) DO UPDATE SET until = excluded.until",
        unit.school_id, cardholder_id, until,
    )  # fmt: skip


async def is_paused(unit: Unit, cardholder_id: UUID, now: datetime) -> bool:
    """Whether no limit may be raised now."""
    found: bool | None = await unit.value(
        "SELECT EXISTS (SELECT 1 FROM limit_pause"
        " WHERE school_id = $1 AND cardholder_id = $2 AND until > $3)",
        unit.school_id, cardholder_id, now,
    )  # fmt: skip
    return bool(found)
