"""Counters of tries and the spray detector's rows."""

from core.db.unit import Unit


async def count(unit: Unit, kind: str, key_hash: bytes, window_start: int) -> int:
    """Counts one try; how many there are now, this one included."""
    tries: int | None = await unit.value(
        "INSERT INTO attempt_counter (school_id, kind, key_hash, window_start, tries)"
        " VALUES ($1, $2, $3, $4, 1) ON CONFLICT (school_id, kind, key_hash, window_start)"
        " DO UPDATE SET tries = attempt_counter.tries + 1 RETURNING tries",
        unit.school_id, kind, key_hash, window_start,
    )  # fmt: skip
    assert tries is not None
    return tries


async def tries_of(unit: Unit, kind: str, key_hash: bytes, window_start: int) -> int:
    """How many tries were counted."""
    tries: int | None = await unit.value(
        "SELECT tries FROM attempt_counter"
        " WHERE school_id = $1 AND kind = $2 AND key_hash = $3 AND window_start = $4",
        unit.school_id, kind, key_hash, window_start,
    )  # fmt: skip
    return tries or 0


async def give_back(unit: Unit, kind: str, key_hash: bytes, window_start: int) -> None:
    """Takes one counted try back: it turned out right."""
    await unit.execute(
        "UPDATE attempt_counter SET tries = tries - 1 WHERE school_id = $1 AND kind = $2"
        " AND key_hash = $3 AND window_start = $4 AND tries > 0",
        unit.school_id, kind, key_hash, window_start,
    )  # fmt: skip


async def clear(unit: Unit, kind: str, key_hash: bytes) -> None:
    """Forgets every window of one key."""
    await unit.execute(
        "DELETE FROM attempt_counter WHERE school_id = $1 AND kind = $2 AND key_hash = $3",
        unit.school_id, kind, key_hash,
    )  # fmt: skip


async def count_spray(
    unit: Unit, window_start: int, since: int, pin_mac: bytes, number_hash: bytes
) -> int:
    """Remembers that a PIN was tried on a number; on how many numbers it was since `since`."""
    await unit.execute(
        "INSERT INTO pin_spray (school_id, window_start, pin_mac, number_hash)"
        " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        unit.school_id, window_start, pin_mac, number_hash,
    )  # fmt: skip
    numbers: int | None = await unit.value(
        "SELECT count(DISTINCT number_hash) FROM pin_spray"
        " WHERE school_id = $1 AND window_start >= $2 AND pin_mac = $3",
        unit.school_id, since, pin_mac,
    )  # fmt: skip
    return numbers or 0


async def expire(unit: Unit, before: int) -> None:
    """Forgets windows that began before a Unix second; those without an end stay."""
    await unit.execute(
        "DELETE FROM attempt_counter WHERE school_id = $1 AND window_start BETWEEN 1 AND $2 - 1",
        unit.school_id, before,
    )  # fmt: skip
    await unit.execute(
        "DELETE FROM pin_spray WHERE school_id = $1 AND window_start < $2", unit.school_id, before
    )
