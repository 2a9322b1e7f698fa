"""A campus of its own for each test of the card context."""

from collections.abc import AsyncIterator

import pytest

from core.db.unit import Database
from tests.servers.fixtures import DatabaseDsn
from tests.store.card.campus import Campus


@pytest.fixture
async def campus(database_dsn: DatabaseDsn) -> AsyncIterator[Campus]:
    """An empty school on an empty database."""
    database = Database(database_dsn.app, ["core.card.store.cards", "core.card.store.codes"])
    await database.open()
    place = Campus(database)
    await place.found()
    yield place
    place.hasher.close()
    await database.close()
