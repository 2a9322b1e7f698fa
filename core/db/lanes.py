"""Lanes: dedicated connections with prepared statements, beside the ORM's pool.

A pooled fetch pays for borrowing, resetting and ORM plumbing; the authorise path does not.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from core.db.connection import (
    COMMAND_SECONDS,
    CONNECT_SECONDS,
    GONE,
    DatabaseUnavailable,
    credentials,
)


class Lane:
    """One connection that runs one statement at a time, each its own transaction.

    Only functions that set their school themselves may run here: no unit surrounds them.
    """

    def __init__(self, dsn: str, command_seconds: float) -> None:
        self._credentials = credentials(dsn)
        self._command_seconds = command_seconds
        self._raw: Any = None
        self._prepared: dict[str, Any] = {}

    async def fetch(self, sql: str, *values: object) -> Sequence[Any]:
        """The rows of one prepared statement.

        Raises: DatabaseUnavailable (whether the statement took effect is unknown).
        """
        try:
            if self._raw is None or self._raw.is_closed():
                await self._connect()
            statement = self._prepared.get(sql)
            if statement is None:
                statement = self._prepared[sql] = await self._raw.prepare(sql)
            rows: Sequence[Any] = await statement.fetch(*values)
        except GONE as error:
            await self.close()
            raise DatabaseUnavailable from error
        return rows

    async def _connect(self) -> None:
        self._prepared = {}
        self._raw = await asyncpg.connect(
            **self._credentials, timeout=CONNECT_SECONDS, command_timeout=self._command_seconds
        )

    async def close(self) -> None:
        """Drops the connection; a broken one is never used again."""
        raw, self._raw = self._raw, None
        if raw is not None:
            raw.terminate()


class Lanes:
    """A few lanes that wait their turn: `async with lanes.take() as lane`."""

    def __init__(self, dsn: str, count: int, command_seconds: float = COMMAND_SECONDS) -> None:
        self.count = count
        self._lanes = [Lane(dsn, command_seconds) for _ in range(count)]
        self._free: asyncio.Queue[Lane] = asyncio.Queue()
        for lane in self._lanes:
            self._free.put_nowait(lane)

    @asynccontextmanager
    async def take(self) -> AsyncIterator[Lane]:
        """The next free lane, for one `async with`."""
        lane = await self._free.get()
        try:
            yield lane
        finally:
            self._free.put_nowait(lane)

    async def fetch(self, sql: str, *values: object) -> Sequence[Any]:
        """One statement on the next free lane."""
        lane = await self._free.get()
        try:
            return await lane.fetch(sql, *values)
        finally:
            self._free.put_nowait(lane)

    async def close(self) -> None:
        """Closes every lane."""
        for lane in self._lanes:
            await lane.close()
