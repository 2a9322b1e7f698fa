"""Makes the two roles and a database of theirs, as a superuser, before the first migration."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

import asyncpg

OWNER_ROLE = "campus_owner"
APP_ROLE = "campus_app"
_LOCK = 0x63616D707573


async def provision(
    superuser_dsn: str, owner_dsn: str, app_dsn: str, template: str = "template0"
) -> None:
    """Make the roles and the database that two DSNs name; running it again changes nothing.

    `campus_owner` owns the database and migrates it. `campus_app` may connect to it and owns
    nothing; neither can pass row security or make roles (security.md 6). Everybody else has no
    right in it. A database that exists is kept; a new one is a copy of `template`.

    Raises: ValueError for other role names or two databases; asyncpg errors of the superuser.
    """
    owner, app = urlsplit(owner_dsn), urlsplit(app_dsn)
    if (owner.username, app.username) != (OWNER_ROLE, APP_ROLE) or owner.path != app.path:
        raise ValueError(f"the DSNs must name {OWNER_ROLE}, {APP_ROLE} and one database")
    database = owner.path.removeprefix("/")
    async with _connected(superuser_dsn) as connection:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        for role in (owner, app):
            await _make_role(connection, role)
        if not await connection.fetchval(
            "SELECT true FROM pg_database WHERE datname = $1", database
        ):
            await _run(
                connection,
                "CREATE DATABASE %I OWNER %I TEMPLATE %I STRATEGY FILE_COPY",
                *(database, OWNER_ROLE, template),
            )
        await _run(connection, "REVOKE ALL ON DATABASE %I FROM PUBLIC", database)
        await _run(connection, "GRANT CONNECT ON DATABASE %I TO %I", database, APP_ROLE)
        async with _connected(_moved(superuser_dsn, database)) as inside:
            await inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
            await _run(inside, "GRANT USAGE ON SCHEMA public TO %I", APP_ROLE)


async def drop_database(superuser_dsn: str, database: str) -> None:
    """Remove a database with all that is in it and cut its connections; none is no error."""
    async with _connected(superuser_dsn) as connection:
        await _run(connection, "DROP DATABASE IF EXISTS %I WITH (FORCE)", database)


async def _make_role(connection: "asyncpg.Connection[Any]", role: SplitResult) -> None:
    password = unquote(role.password) if role.password else None
    if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role.username):
        await _run(connection, "CREATE ROLE %I", role.username)
    await _run(
        connection,
        "ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
        " PASSWORD %L",
        *(role.username, password),
    )


async def _run(connection: "asyncpg.Connection[Any]", pattern: str, *values: str | None) -> None:
    """Run a statement that takes no parameters; the server quotes names (%I) and texts (%L)."""
    statement = await connection.fetchval("SELECT format($1, VARIADIC $2::text[])", pattern, values)
    await connection.execute(statement)


@asynccontextmanager
async def _connected(dsn: str) -> "AsyncIterator[asyncpg.Connection[Any]]":
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


def _moved(dsn: str, database: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))
