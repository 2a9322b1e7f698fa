"""One key, one effect, one answer: kept in the same transaction as the effect."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import datetime

from core.db.unit import Unit
from core.kit.errors import IdempotencyConflict

Answer = dict[str, str | int | None]


def content_hash(content: Answer) -> bytes:
    """SHA-256 over the parsed fields of a request, whatever their order."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()


async def once(
    unit: Unit,
    scope: str,
    key: str,
    content: Answer,
    now: datetime,
    effect: Callable[[], Awaitable[Answer]],
) -> Answer:
    """Runs `effect` unless the key ran before; then answers what was stored.

    `scope` names the operation and the caller. Two at once: the second waits for the first on an
    advisory lock of its key, then reads its answer.
    Raises: IdempotencyConflict, and whatever `effect` raises (then nothing is stored).
    """
    lock = int.from_bytes(
        hashlib.sha256(f"{unit.school_id}|{scope}|{key}".encode()).digest()[:8], signed=True
    )
    await unit.execute("SELECT pg_advisory_xact_lock($1)", lock)
    stored = await find(unit, scope, key, content)
    if stored is not None:
        return stored
    answer = await effect()
    await unit.execute(
        "INSERT INTO idempotency (school_id, scope, key, content_hash, answer, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        unit.school_id, scope, key, content_hash(content), json.dumps(answer), now,
    )  # fmt: skip
    return answer


async def find(unit: Unit, scope: str, key: str, content: Answer) -> Answer | None:
    """What `once` stored for a key, without waiting for whoever is at it now.

    Raises: IdempotencyConflict.
    """
    stored = await unit.row(
        "SELECT content_hash, answer FROM idempotency"
        " WHERE school_id = $1 AND scope = $2 AND key = $3",
        unit.school_id, scope, key,
    )  # fmt: skip
    if stored is None:
        return None
    if stored["content_hash"] != content_hash(content):
        raise IdempotencyConflict("idempotencyKey")
    answer: Answer = json.loads(stored["answer"])
    return answer
