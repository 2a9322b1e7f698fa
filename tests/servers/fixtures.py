"""Servers and databases for tests: one real server per session, one fresh database per test."""

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest
from redis import Redis

from bff.embedded import postgres_at, role_dsn, valkey_at
from core.db.migrate import migrate
from core.db.provision import APP_ROLE, OWNER_ROLE, drop_database, provision


@dataclass(frozen=True, slots=True)
class DatabaseDsn:
    """The two ways into one database: as the application and as its owner."""

    app: str
    owner: str

    @property
    def name(self) -> str:
        """The database's name."""
        return self.owner.rpartition("/")[2]


def database_on(superuser_dsn: str, name: str) -> DatabaseDsn:
    """The DSNs of a database by name, whether it exists or not."""
    return DatabaseDsn(
        app=role_dsn(superuser_dsn, APP_ROLE, name), owner=role_dsn(superuser_dsn, OWNER_ROLE, name)
    )


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The superuser's DSN of the test server: BFF_TEST_DATABASE_URL, or one of our own."""
    given = os.environ.get("BFF_TEST_DATABASE_URL")  # noqa: TID251 - tests have no settings
    with (
        TemporaryDirectory(prefix="campus-card-") as home,
        postgres_at(given, Path(home), durable=False) as dsn,
    ):
        yield dsn


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[str]:
    """The URL of the test cache: BFF_TEST_REDIS_URL, or one of our own."""
    given = os.environ.get("BFF_TEST_REDIS_URL")  # noqa: TID251 - tests have no settings
    with TemporaryDirectory(prefix="campus-card-") as home, valkey_at(given, Path(home)) as url:
        yield url


@pytest.fixture
def redis_url(valkey_server: str) -> str:
    """The URL of an empty cache; what the last test put in is gone."""
    with Redis.from_url(valkey_server) as client:
        client.flushdb()
    return valkey_server


@pytest.fixture(scope="session")
async def template_database(postgres_server: str) -> AsyncIterator[str]:
    """The name of a database with roles and migrations applied, from which others are copied."""
    template = database_on(postgres_server, f"campus_template_{secrets.token_hex(4)}")
    await provision(postgres_server, template.owner, template.app)
    await migrate(template.owner)
    yield template.name
    await drop_database(postgres_server, template.name)


@pytest.fixture
async def database_dsn(postgres_server: str, template_database: str) -> AsyncIterator[DatabaseDsn]:
    """A migrated, empty database of this test's own."""
    dsn = database_on(postgres_server, f"campus_test_{secrets.token_hex(4)}")
    await provision(postgres_server, dsn.owner, dsn.app, template=template_database)
    yield dsn
    await drop_database(postgres_server, dsn.name)


@pytest.fixture
async def tenant_tables(database_dsn: DatabaseDsn) -> frozenset[str]:
    """The names of all tables that have a school."""
    connection = await asyncpg.connect(database_dsn.owner)
    try:
        rows = await connection.fetch(
            "SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
            " WHERE a.attname = 'school_id' AND c.relkind IN ('r', 'p')"
        )
    finally:
        await connection.close()
    return frozenset(row["relname"] for row in rows)
