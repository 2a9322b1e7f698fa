"""One run of the fleet: servers of its own, the day of all devices, and what the model says."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from bff.clock import SystemClock
from bff.demo.place import CHECKOUT, Place
from bff.demo.process import Child, free_port
from bff.demo.servers import Stores, stores
from bff.fleet.campus import OPERATOR, SCHOOL_ID, Post, found, open_phones
from bff.fleet.cashier import Cashier, DayNotEnded
from bff.fleet.crowd import Crowd, Customer, Part
from bff.fleet.device import Device
from bff.fleet.diary import Diary, read
from bff.fleet.dice import Dice
from bff.fleet.evidence import Evidence, gather
from bff.fleet.group import GROUP, Group
from bff.fleet.judge import Day, Verdict, judge
from bff.fleet.plan import Plan
from bff.fleet.proxy import Proxy, run_loop
from bff.ground import Ground
from bff.key_documents import create_root, draft
from bff.keys import create_keys, load_keys
from bff.proof import PROOF
from bff.settings import Environment
from bff.wiring import Wired, wire
from clients.endpoint import Endpoint, NoAnswer, no_headers
from clients.screen import unix_clock
from core.db.connection import PATIENT_SECONDS
from core.db.invariants import Proof, prove
from core.db.migrate import migrate
from core.db.provision import provision

START_SECONDS = 60
_BOOTS_AT_ONCE = 4
_ENROL_TRIES, _ENROL_PAUSE_SECONDS = 60, 3
_REPORT_AT = 0.4
"""The share of the records after which the reporters give up their phones."""
_FORGETFUL_EVERY = 25
Told = Callable[[int, int], None]
Progress = Callable[[str, str], AbstractContextManager[Told]]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it; `seconds` is the time of the day alone."""

    plan: Plan
    day: Day
    books: Evidence
    verdict: Verdict
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
            fleet = _Fleet(plan, progress, place, wired, port)
            opening, seconds = await fleet.live(posts)
        books = await gather(wired.database, SCHOOL_ID)
        proof = await prove(wired.database, PROOF, SystemClock().now())
    day = Day.of(read(fleet.diary_file), plan.tills, opening)
    return Result(plan, day, books, judge(day, books), proof, seconds)


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


class _Fleet:
    """All devices of a run, from their activation to the end of the day."""

    def __init__(
        self, plan: Plan, progress: Progress, place: Place, wired: Wired, port: int
    ) -> None:
        self._plan = plan
        self._progress = progress
        self._wired = wired
        self._port = port
        self._boots = asyncio.Semaphore(_BOOTS_AT_ONCE)
        self._devices = place.folder / "devices"
        self._devices.mkdir()
        self.diary_file = place.folder / "diary.jsonl"

    async def live(self, posts: Sequence[Post]) -> tuple[dict[str, int], float]:
        """The day; the opening balances by cardholder, and how many seconds it took."""
        diary = Diary(self.diary_file)
        async with AsyncExitStack() as stack:
            stack.callback(diary.close)
            http = await stack.enter_async_context(
                httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self._port}", timeout=30)
            )
            loop, stop = run_loop()
            stack.callback(stop)
            with self._progress("手机", "Phones") as told:
                customers = await open_phones(self._wired, self._plan, http, told)
            crowd = Crowd(customers, unix_clock, round(self._plan.records * _REPORT_AT))
            with self._progress("开机", "Devices") as told:
                groups = await self._switched_on(stack, loop, posts, crowd, diary, told)
            started = time.monotonic()
            await _empty_accounts(groups[0].cashiers[0], crowd.of(Part.THIEF))
            with self._progress("脱机消费", "Offline sales") as told:
                await self._day(groups, crowd, diary, told)
            return {each.number: each.balance_minor for each in customers}, (
                time.monotonic() - started
            )

    async def _switched_on(
        self,
        stack: AsyncExitStack,
        loop: asyncio.AbstractEventLoop,
        posts: Sequence[Post],
        crowd: Crowd,
        diary: Diary,
        told: Told,
    ) -> list[Group]:
        groups = []
        with ExitStack() as proxies:
            for number, first in enumerate(range(0, len(posts), GROUP)):
                line = Proxy(loop, self._port, _address(number))
                proxies.callback(line.close)
                places = range(first, min(first + GROUP, len(posts)))
                cashiers = [
                    self._cashier(posts[place], place, line, crowd, diary) for place in places
                ]
                dice = Dice(self._plan.seed, "line", number)
                groups.append(Group(line, cashiers, diary, dice, self._plan))
            stack.push(proxies.pop_all())
        cashiers = [cashier for group in groups for cashier in group.cashiers]
        done = 0
        async with asyncio.TaskGroup() as tasks:
            for cashier, post in zip(cashiers, posts, strict=True):
                stack.push_async_callback(cashier.device.stop)

                async def enrol(cashier: Cashier = cashier, post: Post = post) -> None:
                    nonlocal done
                    await self._enrol(cashier.device, post)
                    done += 1
                    told(done, len(posts))

                tasks.create_task(enrol())
        return groups

    def _cashier(self, post: Post, place: int, line: Proxy, crowd: Crowd, diary: Diary) -> Cashier:
        name = f"till-{post.number:03d}"
        device = Device(
            name, self._devices / f"{name}.db", line.port, self._plan.budget_seconds, self._boots
        )
        plan = self._plan
        return Cashier(
            post.number, device, crowd, diary, Dice(plan.seed, name), plan.quota(place), plan.chaos,
            forgets=plan.chaos and place % _FORGETFUL_EVERY == plan.tills % _FORGETFUL_EVERY - 1,
        )  # fmt: skip

    async def _enrol(self, device: Device, post: Post) -> None:
        """Over the public API; one address may enrol only so many in a minute."""
        await device.start()
        for _ in range(_ENROL_TRIES):
            answer = await device.ask(
                "enrol", issuer=SCHOOL_ID, code=post.activation_code, serial=device.name
            )
            if "error" not in answer:
                break
            await asyncio.sleep(_ENROL_PAUSE_SECONDS)
        else:
            raise DayNotEnded(f"{device.name} is not enrolled: {answer}")
        terminals, fingerprint = self._wired.services.terminals, answer["fingerprint"]
        await terminals.confirm(SCHOOL_ID, post.number, fingerprint, OPERATOR)

    async def _day(self, groups: Sequence[Group], crowd: Crowd, diary: Diary, told: Told) -> None:
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(_watch(crowd, self._plan.records, told))
            if self._plan.chaos:
                tasks.create_task(_report(crowd, diary))
            await asyncio.gather(*(group.work() for group in groups))
            watch.cancel()


def _address(number: int) -> str | None:
    """What the server sees of a line: an address of its own, where this machine has many."""
    return f"127.0.0.{10 + number % 200}" if sys.platform == "linux" else None


async def _watch(crowd: Crowd, records: int, told: Told) -> None:
    while True:
        told(crowd.taken, records)
        await asyncio.sleep(0.5)


async def _report(crowd: Crowd, diary: Diary) -> None:
    await crowd.is_late.wait()
    for customer in crowd.of(Part.REPORTER):
        diary.note("reported", holder=customer.number)
        await customer.phone.give_up_device()


async def _empty_accounts(cashier: Cashier, thieves: Sequence[Customer]) -> None:
    """Who means to take what is not there first spends what is."""
    await cashier.open_day()
    for thief in thieves:
        await cashier.sell_all(thief)
