"""The identity context on a fresh database for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.factories.identity import Identity, identity_on
from tests.servers.fixtures import DatabaseDsn


@pytest.fixture
async def identity(database_dsn: DatabaseDsn) -> AsyncIterator[Identity]:
    """All services, two schools, nobody in them."""
    async with identity_on(database_dsn.app) as services:
        yield services
