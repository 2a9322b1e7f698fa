"""An operator with settings and keys of their own."""

from pathlib import Path

import pytest

from tests.servers.commands import Commands
from tests.servers.fixtures import DatabaseDsn


@pytest.fixture
def commands(database_dsn: DatabaseDsn, tmp_path: Path) -> Commands:
    """Over an empty database."""
    keys_file = tmp_path / "keys.json"
    made = Commands(database_dsn, keys_file)
    made.told("keys", "create", keys_file, "--for", "development")
    return made
