"""One run of the fleet: servers of its own, the day of all devices, and what the model says."""

import asyncio
import os
from dataclasses import dataclass, replace
from pathlib import Path

from bff.clock import SystemClock
from bff.demo.place import CHECKOUT, Place
from bff.demo.servers import Stores, stores
from bff.fleet.campus import OPERATOR, SCHOOL_ID, found
from bff.fleet.day import Day
from bff.fleet.diary import read
from bff.fleet.door_judge import Doors, judge_doors
from bff.fleet.evidence import Evidence, gather
from bff.fleet.judge import Verdict, judge
from bff.fleet.live import Fleet, Progress
from bff.fleet.plan import Plan
from bff.fleet.servers import Servers
from bff.ground import Ground
from bff.key_documents import create_root, draft
from bff.keys import create_keys, load_keys
from bff.proof import PROOF
from bff.settings import Environment
from bff.wiring import wire
from core.db.connection import PATIENT_SECONDS
from core.db.invariants import Proof, prove
from core.db.migrate import migrate
from core.db.provision import provision


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
        with Servers(place, data, plan.workers) as servers:
            fleet = Fleet(plan, progress, place, wired, servers)
            opening, seconds = await fleet.live(posts)
        books = await gather(wired.database, SCHOOL_ID)
        proof = await prove(wired.database, PROOF, SystemClock().now())
    day = Day.of(read(fleet.diary_file), plan.tills, opening)
    doors, verdict = Doors.of(read(fleet.diary_file)), judge(day, books)
    violations = verdict.violations + judge_doors(doors, books)
    return Result(plan, day, books, replace(verdict, violations=violations), doors, proof, seconds)
