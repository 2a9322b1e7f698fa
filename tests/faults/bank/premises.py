"""Everything that runs in a bank test: servers, links, the outside, our processes, by their ids."""

import asyncio
import os
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx2

from bff.demo.process import free_port
from bff.embedded import Postgres, Valkey, start_postgres, start_valkey
from bff.fleet.proxy import Proxy, run_loop
from core.db.migrate import migrate
from core.db.provision import provision
from tests.faults.bank import witness
from tests.faults.bank.faults import Targets
from tests.faults.bank.journal import Tail
from tests.faults.bank.outside import Outside, OutsideFault
from tests.faults.bank.processes import Child
from tests.faults.bank.result import HarnessFault, Plan
from tests.faults.bank.town import SCHOOLS, Size, Town, prepare
from tests.faults.defects.planted import seen_at, watched

CLIENTS = 3
DRAIN_SECONDS = 40
READY_SECONDS = 60
DURABLE = ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")
DATABASE = "campus_bank"


class Bank:
    """Everything that runs, by its id."""

    def __init__(self, plan: Plan, home: Path, stack: ExitStack) -> None:
        self.plan = plan
        self.home = home
        self.postgres: Postgres = stack.enter_context(
            start_postgres(_sub(home, "postgres"), durable=True)
        )
        self.valkey: Valkey = stack.enter_context(start_valkey(_sub(home, "valkey")))
        self.owner = self.postgres.dsn("campus_owner", DATABASE)
        self.app = self.postgres.dsn("campus_app", DATABASE)
        loop, stop = run_loop()
        stack.callback(stop)
        ports = [free_port() for _ in range(2)]
        self.links = {
            "database": Proxy(loop, self.postgres.port),
            "cache": Proxy(loop, self.valkey.port),
            **{f"client{place}": Proxy(loop, port) for place, port in enumerate(ports)},
        }
        urls = [f"http://127.0.0.1:{self.links[f'client{place}'].port}" for place in range(2)]
        self._urls = urls
        self.outside = Outside(home, loop, stack, public_url=urls[0])
        self.town = asyncio.run(self._prepare())
        self.apps = [
            self._child(f"app-{place}", ["serve", "--port", str(port)])
            for place, port in enumerate(ports)
        ]
        self.workers = [self._child("worker", ["worker"])]
        self.clients = [
            Child(
                f"client-{n}",
                ["-m", "tests.faults.bank.client", str(home), str(n), str(CLIENTS), plan.seed,
                 *urls],
                dict(os.environ),  # noqa: TID251 - children get the same interpreter's world
                home / f"client-{n}.log",
            )
            for n in range(CLIENTS)
        ]  # fmt: skip
        self.children = (self.outside.sandbox, *self.apps, *self.workers, *self.clients)
        for child in self.children:
            stack.callback(child.kill)

    async def _prepare(self) -> Town:
        """A town whose people the outside knows."""
        await provision(self.postgres.superuser_dsn, self.owner, self.app)
        await migrate(self.owner)
        try:
            self.outside.wait()
        except OutsideFault as fault:
            raise HarnessFault(str(fault)) from None
        made = await prepare(
            self.app, self.valkey.url, self.keys_file, SCHOOLS, Size(folk=True),
            tables=self.outside.tables,
        )  # fmt: skip
        visits = tuple(sorted(seen_at(self.plan.defect)))
        folk = replace(made.folk, issuers=self.outside.issuers)
        town = replace(made, folk=folk, outside_url=self.outside.url, visits=visits)
        self.outside.admit(town.folk)
        town.write(self.home / "town.json")
        return town

    @property
    def keys_file(self) -> Path:
        """The product's keys."""
        return self.home / "keys.json"

    def windows(self, lane: str) -> Path:
        """Where a lane of faults is journalled."""
        return self.home / f"windows-{lane}.jsonl"

    @property
    def witness(self) -> Path:
        """What our processes compared."""
        return self.home / "witness.jsonl"

    @property
    def logs(self) -> list[Path]:
        """What our own processes and the servers wrote."""
        own = [self.home / f"{child.name}.log" for child in (*self.apps, *self.workers)]
        return [*own, *(self.home / name / "server.log" for name in ("postgres", "valkey"))]

    def _child(self, name: str, command: list[str]) -> Child:
        return Child(
            name,
            [*watched(self.plan.defect), *command],
            dict(os.environ)  # noqa: TID251 - children get the same interpreter's world
            | {
                "BFF_DATABASE_URL": _at_port(self.app, self.links["database"].port),
                "BFF_OWNER_DATABASE_URL": self.owner,
                "BFF_REDIS_URL": _at_port(self.valkey.url, self.links["cache"].port),
                "BFF_KEYS_FILE": str(self.keys_file),
                "BFF_ENVIRONMENT": "development",
                "BFF_PUBLIC_URL": self._urls[0],
                witness.VARIABLE: str(self.witness),
                **self.outside.environment,
            },
            self.home / f"{name}.log",
        )

    def query(self, sql: str) -> list[Any]:
        """A statement as the superuser, past every proxy; nothing if the database is down."""
        return asyncio.run(self._query(sql))

    async def _query(self, sql: str) -> list[Any]:
        try:
            connection = await asyncpg.connect(self.postgres.superuser_dsn, timeout=2)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return []
        try:
            return list(await connection.fetch(sql))
        except (OSError, asyncpg.PostgresError):
            return []
        finally:
            connection.terminate()

    def settings(self) -> dict[str, str]:
        """The server's settings that a kill cannot test.

        Raises: HarnessFault where one is off.
        """
        found = {name: str(self.query(f"SHOW {name}")[0][0]) for name in DURABLE}
        if set(found.values()) != {"on"}:
            raise HarnessFault(f"not durable: {found}")
        return found

    def start(self) -> None:
        """Starts apps and worker, and the clients once both apps answer.

        Raises: HarnessFault.
        """
        for child in (*self.apps, *self.workers):
            child.start()
        for app, url in zip(self.apps, self._urls, strict=True):
            give_up_at = time.monotonic() + READY_SECONDS
            while not _answers(url):
                if time.monotonic() > give_up_at or not app.is_running:
                    raise HarnessFault(f"{app.name} does not answer: {app.log_tail()}")
                time.sleep(0.2)
        for child in self.clients:
            child.start()

    def targets(self) -> Targets:
        """What faults may hit."""
        return Targets(
            self.apps, self.workers, self.clients, self.postgres, self.valkey, self.links,
            self.query,
        )  # fmt: skip

    def tails(self) -> list[Tail]:
        """The clients' journals, as they grow."""
        return [Tail(self.home / f"client-{n}.jsonl") for n in range(CLIENTS)]

    def drain(self) -> None:
        """Lets the clients finish what they began."""
        (self.home / "stop").touch()
        give_up_at = time.monotonic() + DRAIN_SECONDS
        for child in self.clients:
            code = child.wait(max(0.1, give_up_at - time.monotonic()))
            if code != 0:
                raise HarnessFault(f"{child.name} ended with {code}: {child.log_tail()}")


def _sub(home: Path, name: str) -> Path:
    folder = home / name
    folder.mkdir(exist_ok=True)
    return folder


def _answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/healthz", timeout=1).status_code == 200
    except httpx2.HTTPError:
        return False


def _at_port(dsn: str, port: int) -> str:
    parts = urlsplit(dsn)
    credentials = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{credentials}@127.0.0.1:{port}"))
