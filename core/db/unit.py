"""Units of work: one use case, one database transaction, one school."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar, cast

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.connection import get_connection, get_connections
from tortoise.exceptions import IntegrityError, OperationalError

from core.db.connection import (
    COMMAND_SECONDS,
    CONNECTION_NAME,
    GONE,
    POOL_MAXIMUM,
    DatabaseUnavailable,
    close_orm,
    open_orm,
)
from core.db.reading import Reader, Reading, ReadingQueue

TRIES = 5


class Raced(Exception):
    """Another transaction took the key first: run again, the work will find its answer."""


_RETRIED = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, Raced)
Result = TypeVar("Result")


class Unit:
    """One open transaction of one school; stores take it as their first argument."""

    def __init__(self, school_id: int, client: TransactionWrapper, raw: Any) -> None:  # noqa: ANN401 - asyncpg ships no types
        self.school_id = school_id
        self.connection = client
        self._raw = raw

    async def rows(self, sql: str, *values: object) -> Sequence[Any]:
        """The rows of any statement, also of INSERT and UPDATE ... RETURNING."""
        found: Sequence[Any] = await self._raw.fetch(sql, *values)
        return found

    async def row(self, sql: str, *values: object) -> Any | None:  # noqa: ANN401 - a row's columns are the statement's
        """The first row, or None."""
        return await self._raw.fetchrow(sql, *values)

    async def value(self, sql: str, *values: object) -> Any | None:  # noqa: ANN401 - a column's type is the statement's
        """The first column of the first row, or None."""
        return await self._raw.fetchval(sql, *values)

    async def call(self, reader: Reader, *values: object) -> Sequence[Any]:
        """The rows of a function that reads, as this unit sees them."""
        return await self.rows(reader.alone, self.school_id, *values)

    async def execute(self, sql: str, *values: object) -> int:
        """Runs a statement; the count of rows it touched."""
        status: str = await self._raw.execute(sql, *values)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def execute_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Runs one statement for many rows of values."""
        await self._raw.executemany(sql, rows)


class Database:
    """Opens units of work. `models` names the store modules the ORM reads its tables from.

    `command_seconds` is how long a statement, or a connection of the pool, is waited for.
    """

    def __init__(
        self,
        dsn: str,
        models: Sequence[str],
        pool_maximum: int = POOL_MAXIMUM,
        command_seconds: float = COMMAND_SECONDS,
    ) -> None:
        self._dsn = dsn
        self._models = models
        self._pool_maximum = pool_maximum
        self._command_seconds = command_seconds
        self._reading = ReadingQueue(dsn, command_seconds)

    async def open(self) -> None:
        """Prepares the pool; nothing connects before the first unit."""
        await open_orm(self._dsn, self._models, self._pool_maximum, self._command_seconds)

    async def close(self) -> None:
        """Closes every connection."""
        await self._reading.close()
        await close_orm()

    def reading(self, school_id: int) -> Reading:
        """Reads of one school that need no transaction."""
        return Reading(school_id, self._reading)

    async def unit(self, school_id: int, work: Callable[[Unit], Awaitable[Result]]) -> Result:
        """Runs `work` in one transaction of one school and commits it.

        A serialization failure or deadlock runs the work again, at most 5 times in all, so `work`
        reads everything it decides on inside the unit. A refusal rolls back and goes to the caller.
        Raises: DatabaseUnavailable.
        """
        for attempt in range(1, TRIES + 1):
            try:
                return await self._once(school_id, work)
            except (*_RETRIED, OperationalError, IntegrityError) as error:
                if attempt == TRIES or not isinstance(_origin(error), _RETRIED):
                    raise
                await asyncio.sleep(0.005 * attempt)
            except GONE as error:
                raise DatabaseUnavailable from error
        raise AssertionError

    async def _once(self, school_id: int, work: Callable[[Unit], Awaitable[Result]]) -> Result:
        parent = cast("AsyncpgDBClient", get_connection(CONNECTION_NAME))
        if isinstance(parent, TransactionWrapper):
            # A unit opened within another (a policy read afresh, say) is a transaction of its own.
            parent = parent._parent  # noqa: SLF001 - the pool behind the running transaction
        if parent._pool is None:  # noqa: SLF001 - the ORM offers no call that connects
            await parent.create_connection(with_db=True)
        pool: Any = parent._pool  # noqa: SLF001 - as above
        raw = await pool.acquire(timeout=self._command_seconds)
        client = TransactionWrapper(parent)
        client._connection = raw  # noqa: SLF001 - as the ORM's own pooled transaction does
        token = get_connections().set(CONNECTION_NAME, client)
        unit = Unit(school_id, client, raw)
        try:
            # One message: the school costs no round trip of its own. It is an int, formatted by us.
            await raw.execute(f"BEGIN; SET LOCAL app.school = {int(school_id)}")
            result = await work(unit)
            await raw.execute("COMMIT")
            return result
        except BaseException as error:
            await _undo(raw, error)
            raise
        finally:
            get_connections().reset(token)
            await pool.release(raw)


async def _undo(raw: Any, error: BaseException) -> None:  # noqa: ANN401 - asyncpg ships no types
    """Rolls back, or ends a connection that cannot: it never goes back to the pool half-way.

    One that did not answer is not asked again: that would be waited for as long once more.
    """
    if isinstance(_origin(error), GONE):
        raw.terminate()
        return
    try:
        await raw.execute("ROLLBACK")
    except (*GONE, asyncpg.PostgresError):
        raw.terminate()


def _origin(error: BaseException) -> BaseException:
    """The driver's error behind one the ORM wrapped."""
    return error.__cause__ or error
