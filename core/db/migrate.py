"""Applies the reviewed DDL, in order, as the owner of the tables."""

import warnings
from collections.abc import Callable

from tortoise import Tortoise
from tortoise.migrations.api.migrate import migrate as run_migrations

from core.db.connection import CONNECTION_NAME, credentials


async def migrate(owner_dsn: str, progress: Callable[[str], None] | None = None) -> None:
    """Brings a database to the newest schema; running it again changes nothing.

    `owner_dsn` connects as the role that owns the tables; the app's role `campus_app` must exist.
    `progress` hears the name of each migration as it starts.
    """

    def hear(state: str, _app: str, name: str) -> None:
        if progress is not None and state.endswith("start"):
            progress(name)

    try:
        with warnings.catch_warnings():
            # The migrations are SQL and know no models; the ORM insists on a module of them.
            warnings.filterwarnings("ignore", message="Module .* has no models")
            await run_migrations(
                config={
                    "connections": {
                        CONNECTION_NAME: {
                            "engine": "tortoise.backends.asyncpg",
                            "credentials": {**credentials(owner_dsn), "minsize": 1, "maxsize": 1},
                        }
                    },
                    "apps": {"core": {"models": [__name__], "migrations": "core.db.migrations"}},
                },
                progress=hear,
            )
    finally:
        await Tortoise.close_connections()
