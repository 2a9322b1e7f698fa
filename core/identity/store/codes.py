"""One-time codes: only the newest of a purpose and address counts."""

from datetime import datetime
from uuid import UUID

from core.db.unit import Unit
from core.identity.one_time import TRIES, Purpose
from core.ports.messages import AddressKind


async def add(
    unit: Unit,
    code_id: UUID,
    purpose: Purpose,
    kind: AddressKind,
    address_index: bytes,
    code_hash: bytes,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Writes a code; the ones before it are no longer looked at."""
    await unit.execute(
        "INSERT INTO one_time_code (school_id, id, purpose, address_kind, address_index, code_hash,"
        " created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        unit.school_id, code_id, purpose.value, kind.value, address_index, code_hash, now,
        expires_at,
    )  # fmt: skip


async def sent_since(unit: Unit, address_index: bytes, since: datetime) -> bool:
    """Whether any code was made for an address after `since`."""
    found: bool | None = await unit.value(
        "SELECT EXISTS (SELECT 1 FROM one_time_code"
        " WHERE school_id = $1 AND address_index = $2 AND created_at > $3)",
        unit.school_id, address_index, since,
    )  # fmt: skip
    return bool(found)


async def count_try(
    unit: Unit, purpose: Purpose, address_index: bytes, now: datetime
) -> tuple[UUID, bytes] | None:
    """Counts a try on the newest code before it is compared: its id and hash.

    None if there is no code, or it is used, expired, or out of tries.
    """
    row = await unit.row(
        "UPDATE one_time_code SET tries = tries + 1 WHERE school_id = $1 AND id ="
        " (SELECT id FROM one_time_code WHERE school_id = $1 AND address_index = $2"
        "   AND purpose = $3 ORDER BY created_at DESC, id DESC LIMIT 1)"
        " AND tries < $4 AND used_at IS NULL AND expires_at > $5 RETURNING id, code_hash",
        unit.school_id, address_index, purpose.value, TRIES, now,
    )  # fmt: skip
    return (row["id"], row["code_hash"]) if row is not None else None


async def use(unit: Unit, code_id: UUID, now: datetime) -> bool:
    """Uses a code up; False if somebody did before."""
    used = await unit.execute(
        "UPDATE one_time_code SET used_at = $3"
        " WHERE school_id = $1 AND id = $2 AND used_at IS NULL",
        unit.school_id, code_id, now,
    )  # fmt: skip
    return used == 1
