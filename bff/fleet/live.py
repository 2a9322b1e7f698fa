"""All devices of a run: switched on, activated over the public API, and kept through the day."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, suppress

import httpx2

from bff.demo.place import Place
from bff.fleet.attendant import SHOWER, Attendant
from bff.fleet.campus import (
    OPERATOR,
    SCHOOL_ID,
    SHOWERS,
    Post,
    open_phones,
    put_door,
    put_meters,
    reserve,
    sign_in,
)
from bff.fleet.cashier import Cashier
from bff.fleet.crowd import Crowd, Customer, Part
from bff.fleet.day import Means
from bff.fleet.device import TRIES, DayNotEnded, Device
from bff.fleet.diary import Diary
from bff.fleet.dice import Dice
from bff.fleet.group import GROUP, Group, Keeper
from bff.fleet.plan import Plan
from bff.fleet.porter import Porter
from bff.fleet.proxy import Proxy, run_loop
from bff.fleet.servers import Servers, add_pass_key
from bff.wiring import Wired
from clients.endpoint import NoAnswer, QuestionRefused
from clients.screen import unix_clock
from core.school.records import DeviceClass

_BOOTS_AT_ONCE = 4
_ENROL_TRIES, _ENROL_PAUSE_SECONDS = 60, 3
_REPORT_AT = 0.4
"""The share of the records after which the reporters give up their phones."""
_FORGETFUL_EVERY = 25
Told = Callable[[int, int], None]
Progress = Callable[[str, str], AbstractContextManager[Told]]


class Fleet:
    """All devices of a run, from their activation to the end of the day."""

    def __init__(
        self, plan: Plan, progress: Progress, place: Place, wired: Wired, servers: Servers
    ) -> None:
        self._plan = plan
        self._progress = progress
        self._wired = wired
        self._servers = servers
        self._place = place
        self._lines: list[Proxy] = []
        self._boots = asyncio.Semaphore(_BOOTS_AT_ONCE)
        self._devices = place.folder / "devices"
        self._devices.mkdir()
        self._enrolled = 0
        self.diary_file = place.folder / "diary.jsonl"

    async def live(self, posts: Sequence[Post]) -> tuple[dict[str, int], float]:
        """The day; the opening balances by cardholder, and how many seconds it took."""
        diary = Diary(self.diary_file)
        async with AsyncExitStack() as stack:
            stack.callback(diary.close)
            loop, stop = run_loop()
            stack.callback(stop)
            port = await self._servers.start()
            phones = self._line(stack, loop, port)
            http = await stack.enter_async_context(
                httpx2.AsyncClient(base_url=f"http://127.0.0.1:{phones.port}", timeout=30)
            )
            with self._progress("手机", "Phones") as told:
                customers = await open_phones(self._wired, self._plan, http, told)
            crowd = Crowd(customers, unix_clock, round(self._plan.records * _REPORT_AT))
            with self._progress("开机", "Devices") as told:
                groups = await self._switched_on(stack, loop, port, posts, crowd, diary, told)
            started = time.monotonic()
            keepers = [each for group in groups for each in group.keepers]
            await self._reserved(keepers, crowd)
            first = next(each for each in keepers if isinstance(each, Cashier))
            await _empty_accounts(first, crowd.of(Part.THIEF))
            with self._progress("脱机消费", "Offline sales") as told:
                await self._day(groups, crowd, diary, told)
            return {each.number: each.balance_minor for each in customers}, (
                time.monotonic() - started
            )

    async def _switched_on(
        self, stack: AsyncExitStack, loop: asyncio.AbstractEventLoop, port: int,
        posts: Sequence[Post], crowd: Crowd, diary: Diary, told: Told,
    ) -> list[Group]:  # fmt: skip
        groups, opened = [], list[tuple[Keeper, Post]]()
        for number, first in enumerate(range(0, len(posts), GROUP)):
            line = self._line(stack, loop, port, _address(number))
            here = [
                (self._keeper(post, line, crowd, diary), post)
                for post in posts[first : first + GROUP]
            ]
            dice = Dice(self._plan.seed, "line", number)
            groups.append(Group(line, [each for each, _ in here], diary, dice, self._plan))
            opened += here
        async with asyncio.TaskGroup() as tasks:
            for keeper, post in opened:
                stack.push_async_callback(keeper.device.stop)
                tasks.create_task(self._enrol(keeper.device, post))
            tasks.create_task(self._count(opened, told))
        await self._wired.services.publisher.refresh(SCHOOL_ID)
        return groups

    def _line(
        self, stack: AsyncExitStack, loop: asyncio.AbstractEventLoop, port: int,
        source: str | None = None,
    ) -> Proxy:  # fmt: skip
        line = Proxy(loop, port, source)
        stack.callback(line.close)
        self._lines.append(line)
        return line

    async def _midday(self, crowd: Crowd, diary: Diary) -> None:
        await crowd.is_late.wait()
        reported = [each async for each in self._report(crowd)]
        await self._change_pass_key(diary)
        # An application keeps the version of its deny list for seconds; the new one has none yet.
        for customer, means, since in reported:
            _note_report(diary, customer, means, since, crowd.clock())
        crowd.cards_are_reported = True
        await self._fetch_passes(crowd, diary)

    async def _report(self, crowd: Crowd) -> AsyncIterator[tuple[Customer, Means, float]]:
        """Who reports what, and since when the server may know it."""
        for customer in crowd.of(Part.REPORTER):
            since = crowd.clock()
            await customer.phone.give_up_device()
            yield customer, Means.CODE, since
        for customer in crowd.of(Part.LOSER):
            await sign_in(self._wired, customer.phone, customer.number)
            card = (await customer.phone.home())["physicalCard"]
            since = crowd.clock()
            await customer.phone.report_lost(card["id"])
            yield customer, Means.CARD, since

    async def _change_pass_key(self, diary: Diary) -> None:
        """An application with another PASS key takes over."""
        await add_pass_key(self._place, self._wired)
        port, last = await self._servers.follow()
        for line in self._lines:
            line.lead_to(port)
        await asyncio.to_thread(last.close)
        diary.note("fault", till=0, name="application replaced")

    async def _fetch_passes(self, crowd: Crowd, diary: Diary) -> None:
        """Half of the phones ask for passes."""
        for customer in crowd.of(Part.RICH)[::2]:
            before = customer.running_passes(crowd.clock())
            await _insist(customer.phone.fetch_passes)
            kept = before <= customer.running_passes(crowd.clock())
            diary.note("passes", holder=customer.number, kept=kept)

    async def _reserved(self, keepers: Sequence[Keeper], crowd: Crowd) -> None:
        """Who has money reserves a shower at each meter in turn."""
        dice, now = Dice(self._plan.seed, "showers"), self._wired.services.clock.now()
        for attendant in keepers:
            if not isinstance(attendant, Attendant):
                continue
            for customer in dice.shuffled(crowd.of(Part.RICH))[:SHOWERS]:
                group_no = attendant.meter * 10 + SHOWER
                with suppress(QuestionRefused):  # enough others of this slot are reserved
                    digits = await reserve(customer, group_no, now)
                    if digits is not None:
                        attendant.codes.append((customer, digits))

    def _keeper(self, post: Post, line: Proxy, crowd: Crowd, diary: Diary) -> Keeper:
        plan, name = self._plan, f"{post.kind.lower()}-{post.number:03d}"
        journal = self._devices / f"{name}.db"
        device = Device(name, journal, line.port, plan.budget_seconds, self._boots)
        dice = Dice(plan.seed, name)
        if post.kind is DeviceClass.METER:
            return Attendant(post.number, device, crowd, diary, dice, plan.chaos)
        if post.kind is DeviceClass.GATE:
            return Porter(post.number, device, crowd, diary, dice, plan.passages, plan.chaos)
        last = (plan.tills - 1 - post.place) % _FORGETFUL_EVERY == 0
        return Cashier(
            post.number, device, crowd, diary, dice, plan.chaos, quota=plan.quota(post.place),
            forgets=plan.chaos and last,
        )  # fmt: skip

    async def _count(self, opened: Sequence[tuple[Keeper, Post]], told: Told) -> None:
        while self._enrolled < len(opened):
            told(self._enrolled, len(opened))
            await asyncio.sleep(0.2)

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
        if post.kind is DeviceClass.GATE:
            await put_door(self._wired, post)
        if post.kind is DeviceClass.METER:
            await put_meters(self._wired, post)
        self._enrolled += 1

    async def _day(self, groups: Sequence[Group], crowd: Crowd, diary: Diary, told: Told) -> None:
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(_watch(crowd, self._plan.records, told))
            if self._plan.chaos:
                tasks.create_task(self._midday(crowd, diary))
            await asyncio.gather(*(group.work() for group in groups))
            watch.cancel()


def _address(number: int) -> str | None:
    """What the server sees of a line: an address of its own, where this machine has many."""
    return f"127.0.0.{10 + number % 200}" if sys.platform == "linux" else None


async def _watch(crowd: Crowd, records: int, told: Told) -> None:
    while True:
        told(crowd.taken, records)
        await asyncio.sleep(0.5)


async def _insist(ask: Callable[[], Awaitable[None]]) -> None:
    """Asks again while there is no answer: a connection may have ended with the application."""
    for _ in range(TRIES):
        with suppress(NoAnswer):
            return await ask()
    raise DayNotEnded("a phone hears nothing of the application that took over")


def _note_report(
    diary: Diary, customer: Customer, means: Means, since: float, until: float
) -> None:
    diary.note("reported", holder=customer.number, means=means, since=since, until=until)


async def _empty_accounts(cashier: Cashier, thieves: Sequence[Customer]) -> None:
    """Who means to take what is not there first spends what is."""
    await cashier.open_day()
    for thief in thieves:
        await cashier.sell_all(thief)
