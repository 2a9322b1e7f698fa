"""Open attempts: small facts kept sealed for seconds or minutes, each taken once."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from core.kit.sealed import Sealer
from core.ports.one_time_store import OneTimeStore

_PLACE = "attempt"


class AttemptStore:
    """What lies in the store names nobody: keys are hashes of secrets, values are sealed."""

    def __init__(self, store: OneTimeStore, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer

    async def put(
        self, school_id: int, kind: str, secret: str, facts: Mapping[str, Any], seconds: int
    ) -> None:
        """Keeps facts under a secret.

        Raises: Overloaded.
        """
        key, row_id = _place(kind, secret)
        text = json.dumps(facts, ensure_ascii=False)
        sealed = self._sealer.seal(school_id, _PLACE, row_id, text)
        await self._store.put(school_id, key, sealed, seconds)

    async def take(self, school_id: int, kind: str, secret: str) -> dict[str, Any] | None:
        """The facts, which are gone by this; None when unknown, taken, expired or lost.

        Raises: Overloaded.
        """
        key, row_id = _place(kind, secret)
        sealed = await self._store.take(school_id, key)
        if sealed is None:
            return None
        facts: dict[str, Any] = json.loads(self._sealer.open(school_id, _PLACE, row_id, sealed))
        return facts


def _place(kind: str, secret: str) -> tuple[str, UUID]:
    digest = hashlib.sha256(secret.encode()).digest()
    return f"{kind}:{digest.hex()}", UUID(bytes=digest[:16])
