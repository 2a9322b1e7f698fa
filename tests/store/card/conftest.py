"""A campus of its own for each test of the card context."""

from collections.abc import AsyncIterator

import pytest

from core.db.unit import Database
from core.kit.slow_hash import SlowHash
from tests.servers.fixtures import DatabaseDsn
from tests.store.card.campus import Campus


@pytest.fixture
async def campus(database_dsn: DatabaseDsn, slow_hash: SlowHash) -> AsyncIterator[Campus]:
    """An empty school on an empty database."""
    database = Database(database_dsn.app, ["core.card.store.cards", "core.card.store.codes"])
    await database.open()
    place = Campus(database, slow_hash)
    await place.found()
    yield place
    await database.close()
