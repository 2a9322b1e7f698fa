"""Counters of tries in PostgreSQL: a flushed cache or a rolled-back unit gives no new ones.

Count in a unit of its own that commits before the comparison (security.md 4).
"""

import hashlib
from datetime import datetime

from core.db.unit import Unit
from core.kit.clock import unix_seconds


async def count(unit: Unit, kind: str, key: str, window_seconds: int, now: datetime) -> int:
    """Adds a try and returns how many this window has; a window of 0 lasts until `forget`."""
    tries: int | None = await unit.value(
        "INSERT INTO attempt_counter AS c (school_id, kind, key_hash, window_start, tries)"
        " VALUES ($1, $2, $3, $4, 1)"
        " ON CONFLICT (school_id, kind, key_hash, window_start) DO UPDATE SET tries = c.tries + 1"
        " RETURNING c.tries",
        unit.school_id, kind, _hashed(key), _start(window_seconds, now),
    )  # fmt: skip
    assert tries is not None
    return tries


async def forget(unit: Unit, kind: str, key: str) -> None:
    """Success: the key has all its tries again."""
    await unit.execute(
        "DELETE FROM attempt_counter WHERE school_id = $1 AND kind = $2 AND key_hash = $3",
        unit.school_id, kind, _hashed(key),
    )  # fmt: skip


def _hashed(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _start(window_seconds: int, now: datetime) -> int:
    return unix_seconds(now) // window_seconds * window_seconds if window_seconds else 0
