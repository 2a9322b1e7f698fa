"""The command line as an operator uses it, over the database of a test."""

from pathlib import Path

from typer.testing import CliRunner, Result

from bff.cli.root import app
from tests.servers.fixtures import DatabaseDsn

SCHOOL_FILE = Path("config/schools/a.toml")


class Commands:
    """Runs commands as an operator with settings and keys would."""

    def __init__(self, dsn: DatabaseDsn, keys_file: Path) -> None:
        self._environment = {
            "BFF_DATABASE_URL": dsn.app,
            "BFF_OWNER_DATABASE_URL": dsn.owner,
            "BFF_KEYS_FILE": str(keys_file),
            "BFF_ENVIRONMENT": "development",
            "LANG": "C.UTF-8",
        }

    def run(self, *words: object, typed: str | None = None, **environment: str) -> Result:
        """What became of a command; `typed` are the answers to its questions."""
        env = self._environment | environment
        return CliRunner().invoke(app, [str(word) for word in words], env=env, input=typed)

    def told(self, *words: object, typed: str | None = None) -> str:
        """What a command that ends well prints."""
        result = self.run(*words, typed=typed)
        assert result.exit_code == 0, result.output
        return result.stdout
