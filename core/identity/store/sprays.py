"""The rows of the spray detector: which PIN, keyed, was tried on which number."""

from core.db.unit import Unit


async def count(
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
    """Forgets windows that began before a Unix second."""
    await unit.execute(
        "DELETE FROM pin_spray WHERE school_id = $1 AND window_start < $2", unit.school_id, before
    )
