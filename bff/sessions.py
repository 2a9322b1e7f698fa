"""A cache of sessions in Redis, for at most 60 s; the row stays the truth (security.md 3)."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.identity.lives import is_live, token_hash, token_school
from core.identity.records import SessionRecord
from core.identity.service.sessions import Sessions
from core.kit.clock import Clock

CACHED_SECONDS = 60
_IDS = ("id", "family_id", "binding_id", "cardholder_id", "staff_id")
_TIMES = ("step_up_at", "created_at", "last_seen_at", "expires_at")


class SessionCache:
    """Finds sessions; without Redis, or when it fails, by one indexed read."""

    def __init__(self, sessions: Sessions, clock: Clock, redis: Redis | None) -> None:
        self._sessions = sessions
        self._clock = clock
        self._redis = redis

    async def find(self, token: str, *, fresh: bool) -> SessionRecord | None:
        """The session of an access token.

        `fresh` reads the row, as money, PIN and class A facts must; else what was true at most 60 s
        ago will do. Staff are always read fresh, so that each use is seen.
        """
        school_id = token_school(token)
        if school_id is None:
            return None
        if fresh or self._redis is None:
            return await self._sessions.find_session(token)
        key = _key(school_id, token_hash(token))
        cached = await self._read(key)
        if cached is not None:
            return cached
        session = await self._sessions.find_session(token)
        if session is not None and session.staff_id is None:
            await self._write(key, session)
        return session

    async def _read(self, key: str) -> SessionRecord | None:
        assert self._redis is not None
        try:
            text = await self._redis.get(key)
        except RedisError:
            return None
        if text is None:
            return None
        kept = json.loads(text)
        now, kept_at = self._clock.now(), datetime.fromisoformat(kept.pop("kept_at"))
        # An old copy of Redis may have come back: its own clock of expiry is not believed.
        if not timedelta() <= now - kept_at <= timedelta(seconds=CACHED_SECONDS):
            return None
        session = _session(kept)
        return session if is_live(session, now) else None

    async def _write(self, key: str, session: SessionRecord) -> None:
        assert self._redis is not None
        facts = asdict(session) | {
            "subject_index": session.subject_index.hex(),
            "kept_at": self._clock.now().isoformat(),
        }
        try:
            await self._redis.set(key, json.dumps(facts, default=str), ex=CACHED_SECONDS)
        except RedisError:
            return


class SessionForgetter:
    """Drops revoked sessions from the cache; if that fails they fade within 60 s."""

    def __init__(self, redis: Redis | None) -> None:
        self._redis = redis

    async def __call__(self, school_id: int, token_hashes: list[bytes]) -> None:
        """For `Sessions`, called when a revocation has been committed."""
        if self._redis is None or not token_hashes:
            return
        try:
            await self._redis.delete(*(_key(school_id, each) for each in token_hashes))
        except RedisError:
            return


def _key(school_id: int, hashed: bytes) -> str:
    return f"s{school_id}:session:{hashed.hex()}"


def _session(kept: dict[str, str]) -> SessionRecord:
    facts: dict[str, object] = dict(kept)
    for name in _IDS:
        facts[name] = UUID(kept[name]) if kept[name] else None
    for name in _TIMES:
        facts[name] = datetime.fromisoformat(kept[name]) if kept[name] else None
    facts["subject_index"] = bytes.fromhex(kept["subject_index"])
    return SessionRecord(**facts)  # type: ignore[arg-type]  # what asdict took apart
