"""The pool of database connections that units of work borrow from."""

import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg
from tortoise import Tortoise
from tortoise.exceptions import DBConnectionError

from core.kit.errors import Refusal

CONNECT_SECONDS = 2.0
COMMAND_SECONDS = 2.0
"""How long one statement, or a connection of the pool, is waited for where somebody is served.

A terminal gives up after 3 s (terminals.md 5): what takes longer helps nobody and holds a lane.
"""
PATIENT_SECONDS = 60.0
"""The same for an operator's commands: a statement over whole books, a chunk of a roster."""
POOL_MAXIMUM = 10
CONNECTION_NAME = "default"
GONE = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, DBConnectionError,
        asyncpg.CannotConnectNowError, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError,
        asyncpg.InternalClientError, TimeoutError)  # fmt: skip
"""What a driver raises when nobody answers."""


class DatabaseUnavailable(Refusal):
    """The database did not answer; whether the work was done is unknown: send it again."""

    retryable = True


class PooledConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg ships no types
    """A connection that goes back to the pool without a reset statement.

    Units of work set nothing beyond their transaction (`SET LOCAL`), so there is nothing to reset;
    the statement would cost every unit one more round trip.
    """

    def get_reset_query(self) -> str:
        """No statement."""
        return ""


def credentials(dsn: str) -> dict[str, Any]:
    """The parts of `postgresql://user:password@host:port/database` as keyword arguments."""
    parts = urlsplit(dsn)
    return {
        "host": parts.hostname or "127.0.0.1",
        "port": parts.port or 5432,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "database": parts.path.removeprefix("/"),
    }


def _without_trace(record: logging.LogRecord) -> bool:
    """Takes the stack off a line of the driver's pool; the line itself says what failed.

    A stack ends with the text of an exception, which no log may hold (security.md 5).
    """
    record.exc_info = record.exc_text = None
    return True


logging.getLogger("asyncpg.pool").addFilter(_without_trace)


async def open_orm(
    dsn: str, models: Sequence[str], pool_maximum: int, command_seconds: float
) -> None:
    """Prepares the ORM; the pool connects at the first query."""
    await Tortoise.init(
        config={
            "connections": {
                CONNECTION_NAME: {
                    "engine": "tortoise.backends.asyncpg",
                    "credentials": {
                        **credentials(dsn),
                        "minsize": 1,
                        "maxsize": pool_maximum,
                        "timeout": CONNECT_SECONDS,
                        "command_timeout": command_seconds,
                        "connection_class": PooledConnection,
                    },
                }
            },
            "apps": {
                "core": {"models": list(models), "migrations": "core.db.migrations"},
            },
            "use_tz": True,
            "timezone": "UTC",
        },
        _enable_global_fallback=True,
    )


async def close_orm() -> None:
    """Closes the pool."""
    await Tortoise.close_connections()
