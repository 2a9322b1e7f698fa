"""The supervisor: servers, links, processes, seeded faults, drain, verdict."""

import asyncio
import os
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx2

from bff.demo.process import free_port
from bff.embedded import Postgres, Valkey, start_postgres, start_valkey
from bff.proof import PROOF
from bff.wiring import wire
from core.db.invariants import Proof, prove
from core.db.migrate import migrate
from core.db.provision import provision
from tests.faults.bank.coverage import missing
from tests.faults.bank.dice import Dice
from tests.faults.bank.faults import KINDS, Fault, Targets
from tests.faults.bank.guard import Calibration, calibrate, free_home
from tests.faults.bank.journal import Tail, read
from tests.faults.bank.judge import Verdict, judge
from tests.faults.bank.processes import Child
from tests.faults.bank.proxy import Proxy, run_loop
from tests.faults.bank.rows import gather
from tests.faults.bank.town import SCHOOLS, Size, WallClock, ground, prepare
from tests.faults.defects.planted import launcher, plant, shown_by

CLIENTS = 3
DRAIN_SECONDS = 40
TOO_SMALL = 2
"""The exit code of a run that met too little."""
READY_SECONDS = 30
CALM_SECONDS = (0.2, 0.8)
DURABLE = ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")
DATABASE = "campus_bank"
NO_MESSAGES = {
    "BFF_MAIL_URL": "smtp://127.0.0.1:9",
    "BFF_MAIL_SENDER": "card@school.example",
    "BFF_SMS_URL": "http://127.0.0.1:9",
    "BFF_SMS_KEY_ID": "none",
    "BFF_SMS_SECRET": "none",
}
"""The worker will not start without a way to send messages; nothing here makes one."""


class HarnessFault(Exception):
    """The test itself could not run; nothing was judged."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: `defect` is the name of a planted defect, or empty."""

    seconds: float = 60
    seed: str = "1"
    defect: str = ""
    with_faults: bool = True


@dataclass
class Result:
    """What a run found; `exit_code` as reliability.md 3."""

    plan: Plan
    calibration: Calibration
    verdict: Verdict
    proof: Proof
    faults: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    recoveries: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    silence: float = 0.0
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def violations(self) -> dict[str, int]:
        """How often each invariant was broken, over journals and rows."""
        found = Counter(self.verdict.violations)
        for finding in self.proof.findings:
            if finding.count:
                found[finding.invariant.id] += finding.count
        return dict(found)

    @property
    def missing(self) -> dict[str, str]:
        """What the run met too little of."""
        return missing(self.verdict.counts, self.faults, self.plan.seconds)

    @property
    def exit_code(self) -> int:
        """0 pass, 1 violation, 2 too small, 3 correct but times inconclusive."""
        if self.violations:
            return 1
        if self.missing:
            return TOO_SMALL
        return 0 if self.calibration.is_green else 3

    def report(self) -> dict[str, Any]:
        """One JSON object."""
        return {
            "plan": asdict(self.plan),
            "exit": self.exit_code,
            "violations": self.violations,
            "missing": self.missing,
            "counts": dict(sorted(self.verdict.counts.items())),
            "rows": self.proof.figures,
            "faults": dict(self.faults),
            "faults_missed": self.missed,
            "recovery_seconds": {
                kind: {"median": round(median(times), 2), "maximum": round(max(times), 2)}
                for kind, times in sorted(self.recoveries.items())
            },
            "longest_silence_seconds": round(self.silence, 2),
            "calibration": asdict(self.calibration) | {"green": self.calibration.is_green},
            "settings": self.settings,
            "witnesses": {
                **self.verdict.witnesses,
                **{f.invariant.id: list(f.witnesses) for f in self.proof.findings if f.count},
            },
        }


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
        asyncio.run(self._prepare())
        loop, stop = run_loop()
        stack.callback(stop)
        self.links = {
            "database": Proxy(loop, self.postgres.port),
            "cache": Proxy(loop, self.valkey.port),
        }
        self.apps = []
        for place in range(2):
            port = free_port()
            self.links[f"client{place}"] = Proxy(loop, port)
            self.apps.append(self._child(f"app-{place}", ["serve", "--port", str(port)]))
        self.workers = [self._child("worker", ["worker"])]
        urls = [f"http://127.0.0.1:{self.links[f'client{place}'].port}" for place in range(2)]
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
        for child in (*self.apps, *self.workers, *self.clients):
            stack.callback(child.kill)
        self._urls = urls

    async def _prepare(self) -> None:
        await provision(self.postgres.superuser_dsn, self.owner, self.app)
        await migrate(self.owner)
        keys_file = self.home / "keys.json"
        town = await prepare(self.app, self.valkey.url, keys_file, SCHOOLS, Size())
        town.write(self.home / "town.json")

    def _child(self, name: str, command: list[str]) -> Child:
        return Child(
            name,
            [*launcher(self.plan.defect), *command],
            dict(os.environ)  # noqa: TID251 - children get the same interpreter's world
            | {
                "BFF_DATABASE_URL": _at_port(self.app, self.links["database"].port),
                "BFF_OWNER_DATABASE_URL": self.owner,
                "BFF_REDIS_URL": _at_port(self.valkey.url, self.links["cache"].port),
                "BFF_KEYS_FILE": str(self.home / "keys.json"),
                "BFF_ENVIRONMENT": "development",
                **NO_MESSAGES,
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

    async def judge(self) -> tuple[Verdict, Proof]:
        """What journals and rows say."""
        lines = [line for n in range(CLIENTS) for line in read(self.home / f"client-{n}.jsonl")]
        evidence = await gather(self.app, SCHOOLS, lines)
        verdict = judge(evidence)
        made = wire(ground(self.app, self.valkey.url, self.home / "keys.json"))
        async with made.opened():
            proof = await prove(made.database, PROOF, WallClock().now())
            for school in SCHOOLS:
                report = await made.audit.verify(school)
                verdict.counts["audit"] += report.sound
                if report.first_broken_id is not None:
                    verdict.breaks("I22", {"school": school, "audit": report.first_broken_id})
        return verdict, proof


def run(plan: Plan, home: Path | None = None) -> Result:
    """One run. Raises: HarnessFault."""
    calibration = calibrate()
    with ExitStack() as stack:
        if home is None:
            home = free_home()
            stack.callback(shutil.rmtree, home, ignore_errors=True)
        bank = Bank(plan, home, stack)
        settings = bank.settings()
        plant(plan.defect, bank.owner, bank.postgres.superuser_dsn)
        bank.start()
        result = Result(plan, calibration, Verdict(), Proof({}, ()), settings=settings)
        _disturb(bank, result)
        bank.drain()
        result.verdict, result.proof = asyncio.run(bank.judge())
    return result


def _disturb(bank: Bank, result: Result) -> None:
    """Seeded rounds, each a shuffle of all kinds; each fault waits for the recovery of the last."""
    dice = Dice(result.plan.seed, "faults")
    at, watch = bank.targets(), Watch(bank.tails())
    kinds: list[Fault] = []
    dealt = [kind for kind in KINDS if kind.__name__ in shown_by(result.plan.defect)] or KINDS
    watch.wait_for_purchase(time.monotonic(), 10)
    ends_at = time.monotonic() + result.plan.seconds
    while time.monotonic() < ends_at:
        if not result.plan.with_faults:
            time.sleep(0.2)
            continue
        kinds = kinds or dice.shuffled(dealt)
        kind = kinds.pop()
        started = time.monotonic()
        if not kind(at, dice):
            result.missed += 1
            continue
        result.faults[kind.__name__] += 1
        for child in (*bank.apps, *bank.workers, *bank.clients):
            if not child.is_running:
                raise HarnessFault(f"{child.name} ended by itself: {child.log_tail()}")
        recovered = watch.wait_for_purchase(time.monotonic(), 5)
        if recovered is not None:
            result.recoveries[kind.__name__].append(recovered - started)
        time.sleep(dice.between(*CALM_SECONDS))
    result.silence = watch.silence


class Watch:
    """Sees purchases being acknowledged, in the journals."""

    def __init__(self, tails: list[Tail]) -> None:
        self._tails = tails
        self._last: float | None = None
        self.silence = 0.0

    def wait_for_purchase(self, since: float, seconds: float) -> float | None:
        """When a purchase sent after `since` was acknowledged; None if none was in time."""
        give_up_at = time.monotonic() + seconds
        while time.monotonic() < give_up_at:
            for at, sent in sorted(self._acknowledged()):
                if self._last is not None:
                    self.silence = max(self.silence, at - self._last)
                self._last = at
                if sent > since:
                    return at
            time.sleep(0.02)
        return None

    def _acknowledged(self) -> Iterator[tuple[float, float]]:
        for tail in self._tails:
            for line in tail.new_lines():
                if line["t"] == "answer" and line["facts"].get("outcome") == "APPROVED":
                    yield line["at"], line["sent"]


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
