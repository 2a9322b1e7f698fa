"""Servers, two worker processes, the storm itself, and what journals, rows and books say of it."""

import asyncio
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from time import time as unix_time  # noqa: TID251 - tills have clocks of their own

import httpx2

from bff.cli.voice import Voice
from bff.demo.process import Child, free_port
from bff.embedded import Postgres, Valkey, start_postgres, start_valkey
from bff.fleet.dice import Dice
from bff.fleet.proxy import Mode, Proxy, run_loop
from clients.endpoint import Endpoint
from core.db.migrate import migrate
from core.db.provision import provision
from tests.faults.bank.guard import free_home
from tests.faults.bank.journal import Journal, read
from tests.faults.bank.judge import Verdict, judge
from tests.faults.bank.rows import gather
from tests.faults.bank.scenes import Street
from tests.faults.bank.teller import ATTEMPT_SECONDS, Teller
from tests.faults.bank.town import Size, Told, Town, prepare
from tests.faults.bank.wire import Intent, Wire
from tests.faults.defects.planted import launcher, plant
from tests.faults.storm.acts import ACTS, Act, Canteen
from tests.faults.storm.states import disagreements

SCHOOL = 71
DATABASE = "campus_storm"
WORKERS = 2
READY_SECONDS = 30
PATIENCE_SECONDS, PATIENCE_PER_PURCHASE_SECONDS = 30, 0.03
"""After this long nobody insists any more; what has no answer then is a violation."""
NEEDED = (
    "AUTHORISE 00", "AUTHORISE 51", "AUTHORISE 70", "AUTHORISE C1", "AUTHORISE 22", "VOID 00",
    "repeated", "voided", "voided before", "lost, then asked", "lost, then repeated",
    "lost, then voided",
)  # fmt: skip
"""What must have happened at least once."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One storm: `defect` is the name of a planted defect, or empty."""

    purchases: int = 10_000
    terminals: int = 50
    holders: int = 2_000
    seed: str = "1"
    defect: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it; `seconds` is the time the purchases took."""

    plan: Plan
    verdict: Verdict
    seconds: float
    ledger: subprocess.CompletedProcess[str]

    @property
    def missing(self) -> list[str]:
        """What never happened, though it should have."""
        return [name for name in NEEDED if not self.verdict.counts[name]]

    @property
    def is_passed(self) -> bool:
        """Whether nothing is wrong, the books above all."""
        is_proved = self.ledger.returncode == 0 and "violations=0" in self.ledger.stdout
        return is_proved and not self.verdict.violations and not self.missing


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything is; the servers run already."""

    home: Path
    postgres: Postgres
    valkey: Valkey
    port: int

    @property
    def keys_file(self) -> Path:
        """The key file."""
        return self.home / "keys.json"

    @property
    def journal(self) -> Path:
        """What the tills remember."""
        return self.home / "tills.jsonl"

    @property
    def app_url(self) -> str:
        """The database as the app."""
        return self.postgres.dsn("campus_app", DATABASE)

    @property
    def owner_url(self) -> str:
        """The database as its owner."""
        return self.postgres.dsn("campus_owner", DATABASE)

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings of the product's processes."""
        return {
            "BFF_DATABASE_URL": self.app_url,
            "BFF_REDIS_URL": self.valkey.url,
            "BFF_KEYS_FILE": str(self.keys_file),
            "BFF_ENVIRONMENT": "development",
        }


def run(plan: Plan) -> Result:
    """One storm on servers of its own."""
    voice = Voice("en")
    with ExitStack() as stack:
        home = free_home()
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        place = Place(
            home,
            stack.enter_context(start_postgres(_sub(home, "postgres"), durable=True)),
            stack.enter_context(start_valkey(_sub(home, "valkey"))),
            free_port(),
        )
        with voice.progress("持卡人", "Cardholders") as told:
            town = asyncio.run(_populate(place, plan, told))
        plant(plan.defect, place.owner_url, place.postgres.superuser_dsn)
        command = [*launcher(plan.defect)[1:], "serve", "--port", str(place.port)]
        server = Child("server", [*command, "--workers", str(WORKERS)], place.environment,
                       home / "server.log")  # fmt: skip
        stack.enter_context(server)
        _wait_for(server, place.port)
        loop, stop = run_loop()
        stack.callback(stop)
        lossy = Proxy(loop, place.port)
        lossy.set(Mode.LOSE_ANSWERS)
        with voice.progress("消费", "Purchases") as told:
            seconds, counts = asyncio.run(_rage(place, plan, town, lossy.port, told))
        server.check()
        return _judged(place, plan, seconds, counts)


async def _populate(place: Place, plan: Plan, told: Told) -> Town:
    await provision(place.postgres.superuser_dsn, place.owner_url, place.app_url)
    await migrate(place.owner_url)
    size = Size(plan.terminals, plan.holders, pins=max(1, plan.holders // 40))
    return await prepare(place.app_url, place.valkey.url, place.keys_file, [SCHOOL], size, told)


async def _rage(
    place: Place, plan: Plan, town: Town, lossy: int, told: Told
) -> tuple[float, Counter[str]]:
    """All purchases, then the status of each; how long the purchases took, and what they were."""
    async with _canteen(place, plan, town, lossy) as canteen:
        street, started = canteen.street, time.monotonic()
        patience = PATIENCE_SECONDS + PATIENCE_PER_PURCHASE_SECONDS * plan.purchases
        asyncio.get_running_loop().call_later(patience, street.teller.gives_up.set)
        deck = islice(cycle(street.dice.shuffled(ACTS)), plan.purchases)
        async with asyncio.TaskGroup() as group:
            acts = _told(deck, plan.purchases, told)
            for till in street.tills:
                group.create_task(_sell(canteen, till, acts))
        seconds = time.monotonic() - started
        purchases = (
            Intent.of(line) for line in read(place.journal)
            if line["t"] == "intent" and line["operation"] == "AUTHORISE"
        )  # fmt: skip
        async with asyncio.TaskGroup() as group:
            for _ in street.tills:
                group.create_task(_ask(canteen, purchases))
        return seconds, canteen.counts


@asynccontextmanager
async def _canteen(place: Place, plan: Plan, town: Town, lossy: int) -> AsyncIterator[Canteen]:
    dice, apps = Dice(plan.seed, "storm"), list[Wire]()
    street = Street(town, Teller(Journal(place.journal), apps, dice), (0, 1), dice)
    async with AsyncExitStack() as stack:

        async def line(port: int) -> Wire:
            http = httpx2.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", timeout=ATTEMPT_SECONDS,
                limits=httpx2.Limits(max_keepalive_connections=None),
            )  # fmt: skip
            await stack.enter_async_context(http)
            return Wire(Endpoint(http), street.identities, unix_time, dice)

        apps += [await line(place.port), await line(place.port)]
        yield Canteen(street, await line(lossy))


def _told(deck: Iterator[Act], of: int, told: Told) -> Iterator[Act]:
    for done, act in enumerate(deck):
        told(done, of)
        yield act


async def _sell(canteen: Canteen, till: int, acts: Iterator[Act]) -> None:
    for act in acts:
        await act(canteen, till)


async def _ask(canteen: Canteen, purchases: Iterator[Intent]) -> None:
    for purchase in purchases:
        await canteen.ask_status(purchase)


def _wait_for(server: Child, port: int) -> None:
    give_up_at = time.monotonic() + READY_SECONDS
    while time.monotonic() < give_up_at:
        server.check()
        try:
            if httpx2.get(f"http://127.0.0.1:{port}/healthz", timeout=1).status_code == 200:
                return
        except httpx2.HTTPError:
            time.sleep(0.1)
    raise TimeoutError("the server does not answer")


def _judged(place: Place, plan: Plan, seconds: float, counts: Counter[str]) -> Result:
    lines = list(read(place.journal))
    verdict = judge(asyncio.run(gather(place.app_url, [SCHOOL], lines)))
    verdict.counts += counts
    for witness in disagreements(lines):
        verdict.breaks("status", witness)
    ledger = subprocess.run(
        [sys.executable, "-m", "bff", "ledger", "check"],
        env={"PYTHONUTF8": "1", **place.environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return Result(plan, verdict, seconds, ledger)


def _sub(home: Path, name: str) -> Path:
    folder = home / name
    folder.mkdir()
    return folder
