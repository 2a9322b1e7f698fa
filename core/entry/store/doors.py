"""The rows of zones, doors and rights."""

from datetime import datetime
from typing import Any
from uuid import UUID

from core.db.unit import Unit
from core.entry.records import Door, DoorScene, Groups, Pair, Passback

_DOORS = (
    "SELECT d.terminal_no, d.number, d.name_zh, d.name_en, d.zone, z.passback, d.scene, d.common,"
    " d.pairs, d.opens_at, d.closes_at, d.opens_on_lost_clock FROM door d"
    " JOIN entry_zone z ON z.school_id = $1 AND z.name = d.zone WHERE d.school_id = $1"
)


async def put_zone(unit: Unit, name: str, passback: Passback | None) -> None:
    """Adds a zone, or changes what it does about passback; None leaves that, a new one has OFF."""
    await unit.execute(
        "INSERT INTO entry_zone (school_id, name, passback) VALUES ($1, $2, coalesce($3, 'OFF'))"
        " ON CONFLICT (school_id, name) DO UPDATE"
        " SET passback = coalesce($3, entry_zone.passback)",
        unit.school_id, name, passback,
    )  # fmt: skip


async def put_door(unit: Unit, door: Door, now: datetime) -> None:
    """Adds a door or changes it whole."""
    await unit.execute(
        "INSERT INTO door (school_id, terminal_no, number, name_zh, name_en, zone, scene, common,"
        " pairs, opens_at, closes_at, opens_on_lost_clock, changed_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        " ON CONFLICT (school_id, terminal_no, number) DO UPDATE SET name_zh = excluded.name_zh,"
        " name_en = excluded.name_en, zone = excluded.zone, scene = excluded.scene,"
        " common = excluded.common, pairs = excluded.pairs, opens_at = excluded.opens_at,"
        " closes_at = excluded.closes_at, opens_on_lost_clock = excluded.opens_on_lost_clock,"
        " changed_at = excluded.changed_at",
        unit.school_id, door.terminal_no, door.number, door.name_zh, door.name_en, door.zone,
        door.scene, door.common, [pair.profile << 4 | pair.bit for pair in door.pairs],
        door.opens_at, door.closes_at, door.opens_on_lost_clock, now,
    )  # fmt: skip


async def list_doors(unit: Unit, terminal_no: int | None = None) -> list[Door]:
    """The doors of a terminal, or of the school, by terminal and number."""
    rows = await unit.rows(
        f"{_DOORS} AND ($2::bigint IS NULL OR d.terminal_no = $2)"
        " ORDER BY d.terminal_no, d.number",
        unit.school_id, terminal_no,
    )  # fmt: skip
    return [_door(row) for row in rows]


async def put_groups(unit: Unit, cardholder_id: UUID, groups: Groups, now: datetime) -> None:
    """Sets a cardholder's groups under a profile; mask 0 takes them all."""
    await unit.execute(
        "INSERT INTO entry_right (school_id, cardholder_id, profile, mask, changed_at)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (school_id, cardholder_id, profile)"
        " DO UPDATE SET mask = excluded.mask, changed_at = excluded.changed_at",
        unit.school_id, cardholder_id, groups.profile, groups.mask, now,
    )  # fmt: skip


def _door(row: Any) -> Door:  # noqa: ANN401 - asyncpg ships no types
    return Door(
        row["terminal_no"],
        row["number"],
        row["name_zh"],
        row["name_en"],
        row["zone"],
        Passback(row["passback"]),
        DoorScene(row["scene"]),
        row["common"],
        tuple(Pair(*divmod(pair, 16)) for pair in row["pairs"]),
        row["opens_at"],
        row["closes_at"],
        row["opens_on_lost_clock"],
    )
