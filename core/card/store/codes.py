"""The rows of code devices, slots, passes and aliases."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from uuid import UUID

from tortoise import Model, fields
from tortoise.queryset import QuerySet

from core.card.records import CodeDevice, CodeHolder, Pass, Slot
from core.db.unit import Unit
from core.ports.codes import PassKind


class CodeDeviceRow(Model):
    """code_device; the database's key is (school_id, id)."""

    school_id = fields.IntField()
    id = fields.UUIDField(primary_key=True)
    cardholder_id = fields.UUIDField()
    binding_id = fields.UUIDField(null=True)
    public_key = fields.BinaryField()
    totp_version = fields.IntField()
    enrolled_at = fields.DatetimeField()
    token_drawn_at = fields.DatetimeField(null=True)
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "code_device"


def _device(row: CodeDeviceRow) -> CodeDevice:
    return CodeDevice(
        row.id, row.cardholder_id, row.binding_id, row.public_key, row.totp_version,
        row.enrolled_at, row.revoked_at,
    )  # fmt: skip


def _devices(unit: Unit) -> QuerySet[CodeDeviceRow]:
    return CodeDeviceRow.filter(school_id=unit.school_id).using_db(unit.connection)


async def insert_device(unit: Unit, device: CodeDevice) -> bool:
    """Adds a device; False when its key is registered already."""
    made = await unit.execute(
        "INSERT INTO code_device (school_id, id, cardholder_id, binding_id, public_key,"
        " enrolled_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        unit.school_id, device.id, device.cardholder_id, device.binding_id, device.public_key,
        device.enrolled_at,
    )  # fmt: skip
    return made == 1


async def find_device(unit: Unit, device_id: UUID) -> CodeDevice | None:
    """A device, live or revoked."""
    row = await _devices(unit).get_or_none(id=device_id)
    return None if row is None else _device(row)


async def find_device_by_key(unit: Unit, public_key: bytes) -> CodeDevice | None:
    """The device a key was registered for, live or revoked."""
    row = await _devices(unit).get_or_none(public_key=public_key)
    return None if row is None else _device(row)


async def list_devices(unit: Unit, cardholder_id: UUID) -> list[CodeDevice]:
    """The live devices of a cardholder, the oldest first."""
    rows = _devices(unit).filter(cardholder_id=cardholder_id, revoked_at=None)
    return [_device(row) for row in await rows.order_by("enrolled_at", "id")]


async def list_devices_of_binding(unit: Unit, binding_id: UUID) -> list[CodeDevice]:
    """The live devices that were enrolled through a binding."""
    rows = _devices(unit).filter(binding_id=binding_id, revoked_at=None)
    return [_device(row) for row in await rows]


async def count_enrolled(unit: Unit, cardholder_id: UUID, since: datetime) -> int:
    """How many devices, also revoked ones, were enrolled since an instant."""
    return await _devices(unit).filter(cardholder_id=cardholder_id, enrolled_at__gt=since).count()


async def revoke(
    unit: Unit, device_ids: Collection[UUID], now: datetime
) -> list[tuple[bytes, int]]:
    """Revokes devices and every pass of theirs; what was revoked before keeps its instant.

    The serials that were good until now, and the ends of their passes.
    """
    await unit.execute(
        "UPDATE code_device SET revoked_at = $3"
        " WHERE school_id = $1 AND id = ANY ($2) AND revoked_at IS NULL",
        unit.school_id, list(device_ids), now,
    )  # fmt: skip
    rows = await unit.rows(
        "UPDATE code_pass SET revoked_at = $3 WHERE school_id = $1 AND device_id = ANY ($2)"
        " AND revoked_at IS NULL RETURNING serial, ends_at",
        unit.school_id, list(device_ids), now,
    )  # fmt: skip
    return [(row["serial"], row["ends_at"]) for row in rows]


async def revoke_passes(
    unit: Unit, cardholder_id: UUID, now: datetime, ends_after: int
) -> list[tuple[bytes, int]]:
    """Revokes a cardholder's passes that have not ended; their serials and ends."""
    rows = await unit.rows(
        "UPDATE code_pass p SET revoked_at = $3 WHERE p.school_id = $1 AND p.device_id IN"
        " (SELECT d.id FROM code_device d WHERE d.school_id = $1 AND d.cardholder_id = $2)"
        " AND p.ends_at >= $4 AND p.revoked_at IS NULL RETURNING p.serial, p.ends_at",
        unit.school_id, cardholder_id, now, ends_after,
    )  # fmt: skip
    return [(row["serial"], row["ends_at"]) for row in rows]


async def withdraw_passes(
    unit: Unit, cardholder_id: UUID, now: datetime, ends_after: int
) -> list[tuple[bytes, int]]:
    """Withdraws a cardholder's live money passes from the terminals; their serials and ends."""
    rows = await unit.rows(
        "UPDATE code_pass p SET withdrawn_at = $3 WHERE p.school_id = $1 AND p.device_id IN"
        " (SELECT d.id FROM code_device d WHERE d.school_id = $1 AND d.cardholder_id = $2)"
        " AND p.ends_at >= $4 AND p.kind <> $5 AND p.revoked_at IS NULL AND p.withdrawn_at IS NULL"
        " RETURNING p.serial, p.ends_at",
        unit.school_id, cardholder_id, now, ends_after, PassKind.ENTRY,
    )  # fmt: skip
    return [(row["serial"], row["ends_at"]) for row in rows]


async def mark_drawn(unit: Unit, device_id: UUID, now: datetime, not_since: datetime) -> bool:
    """Notes that a device draws a token; False when it drew one after `not_since`."""
    touched = await unit.execute(
        "UPDATE code_device SET token_drawn_at = $3 WHERE school_id = $1 AND id = $2"
        " AND (token_drawn_at IS NULL OR token_drawn_at <= $4)",
        unit.school_id, device_id, now, not_since,
    )  # fmt: skip
    return touched == 1


async def list_slots(unit: Unit, cardholder_id: UUID, now: int) -> list[Slot]:
    """The slots of a cardholder that have not ended, in order."""
    rows = await unit.rows(
        "SELECT starts_at, ends_at, cap_tag FROM cap_slot"
        " WHERE school_id = $1 AND cardholder_id = $2 AND ends_at > $3 ORDER BY starts_at",
        unit.school_id, cardholder_id, now,
    )  # fmt: skip
    return [Slot(**row) for row in rows]


async def insert_slot(unit: Unit, cardholder_id: UUID, slot: Slot) -> bool:
    """Adds a slot; False when the school has that cap tag already."""
    made = await unit.execute(
        "INSERT INTO cap_slot (school_id, cardholder_id, starts_at, ends_at, cap_tag)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (school_id, cap_tag) DO NOTHING",
        unit.school_id, cardholder_id, slot.starts_at, slot.ends_at, slot.cap_tag,
    )  # fmt: skip
    return made == 1


async def take_pass_no(unit: Unit, cap_tag: int, maximum: int) -> int | None:
    """The next pass number of a slot, from 1; None when all are taken."""
    number: int | None = await unit.value(
        "UPDATE cap_slot SET passes = passes + 1"
        " WHERE school_id = $1 AND cap_tag = $2 AND passes < $3 RETURNING passes",
        unit.school_id, cap_tag, maximum,
    )  # fmt: skip
    return number


async def list_passes(unit: Unit, device_id: UUID, kind: PassKind, not_before: int) -> list[Pass]:
    """The passes of a device, kind and slot that were not taken back, the newest first."""
    rows = await unit.rows(
        "SELECT serial, kind, not_before, ends_at, content FROM code_pass"
        " WHERE school_id = $1 AND device_id = $2 AND kind = $3 AND not_before = $4"
        " AND revoked_at IS NULL AND withdrawn_at IS NULL ORDER BY serial DESC",
        unit.school_id, device_id, kind, not_before,
    )  # fmt: skip
    return [
        Pass(r["serial"], PassKind(r["kind"]), r["not_before"], r["ends_at"], r["content"])
        for r in rows
    ]


async def insert_pass(unit: Unit, device: CodeDevice, issued: Pass, now: datetime) -> None:
    """Keeps an issued pass: its serial is what a deny list will name."""
    await unit.execute(
        "INSERT INTO code_pass (school_id, serial, device_id, cardholder_id, kind, not_before,"
        " ends_at, content, issued_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        unit.school_id, issued.serial, device.id, device.cardholder_id, issued.kind,
        issued.not_before, issued.ends_at, issued.content, now,
    )  # fmt: skip


async def list_aliases(unit: Unit, device_id: UUID, days: Collection[date]) -> dict[date, str]:
    """The aliases a device has on some days."""
    rows = await unit.rows(
        "SELECT day, alias FROM code_alias"
        " WHERE school_id = $1 AND device_id = $2 AND day = ANY ($3)",
        unit.school_id, device_id, list(days),
    )  # fmt: skip
    return {row["day"]: row["alias"] for row in rows}


async def insert_alias(unit: Unit, device_id: UUID, day: date, alias: str) -> bool:
    """Gives a device an alias for a day; False when another device of the school has it.

    Nor may another have it on a day before or after: around midnight two days' aliases are good.
    """
    made = await unit.execute(
        "INSERT INTO code_alias (school_id, day, alias, device_id)"
        " SELECT $1, $2::date, $3, $4 WHERE NOT EXISTS (SELECT 1 FROM code_alias x"
        " WHERE x.school_id = $1 AND x.day BETWEEN $2::date - 1 AND $2::date + 1"
        " AND x.alias = $3 AND x.device_id <> $4)"
        " ON CONFLICT (school_id, day, alias) DO NOTHING",
        unit.school_id, day, alias, device_id,
    )  # fmt: skip
    return made == 1


async def find_alias(
    unit: Unit, alias: str, days: Collection[date]
) -> tuple[UUID, int, date] | None:
    """The device that has an alias on one of the days, the wrong TOTPs so far, and the day."""
    row = await unit.row(
        "SELECT device_id, wrong_tries, day FROM code_alias"
        " WHERE school_id = $1 AND alias = $2 AND day = ANY ($3)",
        unit.school_id, alias, list(days),
    )  # fmt: skip
    return None if row is None else (row["device_id"], row["wrong_tries"], row["day"])


async def count_wrong_totp(unit: Unit, alias: str, day: date) -> None:
    """Counts a wrong TOTP against an alias for its day."""
    await unit.execute(
        "UPDATE code_alias SET wrong_tries = wrong_tries + 1"
        " WHERE school_id = $1 AND day = $2 AND alias = $3",
        unit.school_id, day, alias,
    )  # fmt: skip


async def find_holder_by_pass(unit: Unit, serial: bytes) -> CodeHolder | None:
    """Whose pass it is."""
    row = await unit.row(
        "SELECT d.cardholder_id, c.id AS card_id, d.id AS device_id, p.kind, d.totp_version,"
        " d.public_key AS device_key,"
        " d.revoked_at IS NOT NULL OR p.revoked_at IS NOT NULL AS is_revoked FROM code_pass p"
        " JOIN code_device d ON d.school_id = $1 AND d.id = p.device_id"
        " JOIN card c ON c.school_id = $1 AND c.cardholder_id = d.cardholder_id"
        " AND c.kind = 'VIRTUAL' AND c.state NOT IN ('REPLACED', 'CLOSED')"
        " WHERE p.school_id = $1 AND p.serial = $2",
        unit.school_id, serial,
    )  # fmt: skip
    return None if row is None else _holder(row, PassKind(row["kind"]))


async def find_holder_by_device(unit: Unit, device_id: UUID, kind: PassKind) -> CodeHolder | None:
    """Whose device it is, for a code of `kind`."""
    row = await unit.row(
        "SELECT d.cardholder_id, c.id AS card_id, d.id AS device_id, d.totp_version,"
        " d.public_key AS device_key, d.revoked_at IS NOT NULL AS is_revoked FROM code_device d"
        " JOIN card c ON c.school_id = $1 AND c.cardholder_id = d.cardholder_id"
        " AND c.kind = 'VIRTUAL' AND c.state NOT IN ('REPLACED', 'CLOSED')"
        " WHERE d.school_id = $1 AND d.id = $2",
        unit.school_id, device_id,
    )  # fmt: skip
    return None if row is None else _holder(row, kind)


def _holder(row: Any, kind: PassKind) -> CodeHolder:  # noqa: ANN401 - asyncpg ships no types
    return CodeHolder(
        row["cardholder_id"], row["card_id"], row["device_id"], kind, row["totp_version"],
        row["is_revoked"], row["device_key"],
    )  # fmt: skip
