"""One run of the fleet: servers of its own, the day of all devices, and what the model says."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2

from bff.clock import SystemClock
from bff.demo.place import CHECKOUT, Place
from bff.demo.process import Child, free_port
from bff.demo.servers import Stores, stores
from bff.fleet.campus import OPERATOR, SCHOOL_ID, found
from bff.fleet.day import Day
from bff.fleet.diary import read
from bff.fleet.door_judge import Doors, judge_doors
from bff.fleet.evidence import Evidence, gather
from bff.fleet.judge import Verdict, judge
from bff.fleet.live import Fleet, Progress
from bff.fleet.plan import Plan
from bff.ground import Ground
from bff.key_documents import create_root, draft
from bff.keys import create_keys, load_keys
from bff.proof import PROOF
from bff.settings import Environment
from bff.wiring import wire
from clients.endpoint import Endpoint, NoAnswer, no_headers
from core.db.connection import PATIENT_SECONDS
from core.db.invariants import Proof, prove
from core.db.migrate import migrate
from core.db.provision import provision

START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it; `seconds` is the time of the day alone."""

    plan: Plan
    day: Day
    books: Evidence
    verdict: Verdict
    doors: Doors
    proof: Proof
    seconds: float

    @property
    def violations(self) -> int:
        """Of the model and of the books' own proof."""
        return len(self.verdict.violations) + self.proof.violations


class NotReady(Exception):
    """The application gave no answer in `START_SECONDS`."""


def run(plan: Plan, progress: Progress, folder: Path | None = None) -> Result:
    """A day of the fleet on an empty database.

    Raises: HomeInUse, BinariesMissing, ChildEnded, NotReady, DeviceSilent, DayNotEnded.
    """
    place = Place(folder or CHECKOUT / ".data" / "fleet")
    place.clear()
    with stores(place) as data:
        try:
            return asyncio.run(_run(plan, progress, place, data))
        except ExceptionGroup as several:
            raise _first(several) from None


def _first(several: BaseExceptionGroup[BaseException]) -> BaseException:
    """What went wrong first among tasks that ran together."""
    first: BaseException = several
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first


async def _run(plan: Plan, progress: Progress, place: Place, data: Stores) -> Result:
    await provision(data.superuser_url, data.owner_url, data.app_url)
    await migrate(data.owner_url)
    root, now = create_root(place.root, 1, os.urandom), SystemClock().now()
    roots = {root.kid: root.public_key}
    create_keys(place.keys, Environment.DEVELOPMENT, os.urandom, now, roots)
    keys = load_keys(place.keys, Environment.DEVELOPMENT, now)
    wired = wire(Ground(data.app_url, data.redis_url, keys, SystemClock(), os.urandom,
                        command_seconds=PATIENT_SECONDS))  # fmt: skip
    async with wired.running():
        posts = await found(wired, plan)
        drafted = draft(keys, SCHOOL_ID, None)
        assert drafted is not None
        await wired.services.documents.publish(root.sign(drafted), OPERATOR)
        async with _serving(place, data, plan.workers) as port:
            fleet = Fleet(plan, progress, place, wired, port)
            opening, seconds = await fleet.live(posts)
        books = await gather(wired.database, SCHOOL_ID)
        proof = await prove(wired.database, PROOF, SystemClock().now())
    day = Day.of(read(fleet.diary_file), plan.tills, opening)
    doors, verdict = Doors.of(read(fleet.diary_file)), judge(day, books)
    violations = verdict.violations + judge_doors(doors, books)
    return Result(plan, day, books, replace(verdict, violations=violations), doors, proof, seconds)


@asynccontextmanager
async def _serving(place: Place, data: Stores, workers: int) -> AsyncIterator[int]:
    port = free_port()
    environment = {
        "BFF_ENVIRONMENT": "development",
        "BFF_DATABASE_URL": data.app_url,
        "BFF_REDIS_URL": data.redis_url,
        "BFF_KEYS_FILE": str(place.keys),
    }
    command = ("bff", "serve", "--port", str(port), "--workers", str(workers))
    with Child("application", command, environment, place.log("application")) as child:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            give_up_at = time.monotonic() + START_SECONDS
            while True:
                child.check()
                try:
                    await Endpoint(http).ask("Schools", {}, no_headers)
                    break
                except NoAnswer:
                    if time.monotonic() > give_up_at:
                        raise NotReady from None
                    await asyncio.sleep(0.1)
        yield port
