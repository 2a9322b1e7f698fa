"""Counters of tries in PostgreSQL: a flushed cache or a rolled-back unit gives no new ones.

Count in a unit of its own that commits before the comparison (security.md 4). A `key` is stored as
its SHA-256; one that can be guessed and tells of a person is blinded before it comes here. The
window of a counter is `core.kit.clock.window_start`; one that starts at 0 never ends.
"""

import hashlib

from core.db.unit import Unit


async def count(unit: Unit, kind: str, key: bytes, window_start: int) -> int:
    """Adds a try and returns how many this window has now."""
    tries: int | None = await unit.value(
        "INSERT INTO attempt_counter AS c (school_id, kind, key_hash, window_start, tries)"
        " VALUES ($1, $2, $3, $4, 1)"
        " ON CONFLICT (school_id, kind, key_hash, window_start) DO UPDATE SET tries = c.tries + 1"
        " RETURNING c.tries",
        unit.school_id, kind, _hashed(key), window_start,
    )  # fmt: skip
    assert tries is not None
    return tries


async def tries_of(unit: Unit, kind: str, key: bytes, window_start: int) -> int:
    """How many tries were counted."""
    tries: int | None = await unit.value(
        "SELECT tries FROM attempt_counter"
        " WHERE school_id = $1 AND kind = $2 AND key_hash = $3 AND window_start = $4",
        unit.school_id, kind, _hashed(key), window_start,
    )  # fmt: skip
    return tries or 0


async def give_back(unit: Unit, kind: str, key: bytes, window_start: int) -> None:
    """Takes one counted try back: it turned out right."""
    await unit.execute(
        "UPDATE attempt_counter SET tries = tries - 1 WHERE school_id = $1 AND kind = $2"
        " AND key_hash = $3 AND window_start = $4 AND tries > 0",
        unit.school_id, kind, _hashed(key), window_start,
    )  # fmt: skip


async def forget(unit: Unit, kind: str, key: bytes) -> None:
    """Success: the key has all its tries again, in every window."""
    await unit.execute(
        "DELETE FROM attempt_counter WHERE school_id = $1 AND kind = $2 AND key_hash = $3",
        unit.school_id, kind, _hashed(key),
    )  # fmt: skip


async def expire(unit: Unit, before: int) -> None:
    """Forgets windows that began before a Unix second; those without an end stay."""
    await unit.execute(
        "DELETE FROM attempt_counter WHERE school_id = $1 AND window_start BETWEEN 1 AND $2 - 1",
        unit.school_id, before,
    )  # fmt: skip


def _hashed(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
