"""A porter at one gate: people show codes, the door opens or does not, events are told later."""

from dataclasses import dataclass, field

from bff.fleet.crowd import Crowd, Customer
from bff.fleet.device import TRIES, DayNotEnded, Device, Json
from bff.fleet.diary import Diary, digest
from bff.fleet.dice import Dice
from bff.fleet.register import AHEAD_SECONDS

DOOR, SAFE_DOOR = 1, 2
"""The second opens also to a gate that lost the time: it leads out of a fire."""
LOST_SECONDS = (-86_400, -7_200, 4 * 86_400)
"""Back before signed time last set the clock, or on by more than it may be old."""
_POWER_CUT, _POWER_SECONDS = 0.02, 1.4
_RELAY = 0.06
_TWICE = 0.04
_CLOCK_FAULT = 0.1


@dataclass
class Porter:
    """One gate with one door; `quota` is how often it opens without a line."""

    gate: int
    device: Device
    crowd: Crowd
    diary: Diary
    dice: Dice
    quota: int
    chaos: bool
    opened_alone: int = 0
    _clock_off: float = 0
    _queue: list[Customer] = field(default_factory=list)

    @property
    def number(self) -> int:
        """Of the terminal."""
        return self.gate

    async def open_day(self) -> None:
        """Fetches documents and time; twice, for the second beat hears that the list is fresh."""
        for _ in range(2):
            await self.device.insist("beat")

    async def serve(self, count: int) -> None:
        """So many people, whatever comes of them."""
        for _ in range(count):
            await self._meet()

    async def alone(self, share: float) -> None:
        """Without a line.

        Raises: DayNotEnded.
        """
        wanted, before = round(self.quota * share), self.opened_alone
        for _ in range(max(wanted - before, 0) * TRIES):
            if self.opened_alone >= wanted:
                break
            await self._meet()
            if self.chaos and self.dice.between(0, 1) < _CLOCK_FAULT:
                await self._wrong_clock()
        if self.opened_alone < wanted:
            raise DayNotEnded(f"{self.device.name}: the door does not open alone any more")

    async def upload(self) -> None:
        """Tries to tell what passed, over whatever the line is."""
        self._note_told(await self.device.ask("tell"))

    async def end_day(self) -> None:
        """On a good line: settles, and tells all that passed."""
        await self.device.insist("beat")
        await self.device.settle()
        self._note_told(await self.device.insist("tell"))

    async def _meet(self) -> None:
        screen = None
        if self.chaos and self.dice.between(0, 1) < _RELAY:
            screen = self.crowd.seen_at_doors.relayed(self.gate, self.dice)
        if screen is not None:
            self.diary.note("custom", till=self.gate, name="relay at a door")
            await self._show(screen.customer, screen.code)
            return
        customer = self._next()
        code = customer.show(self.crowd.clock())
        if code is None:
            return
        await self._show(customer, code)
        if self.chaos and self.dice.between(0, 1) < _TWICE:
            self.diary.note("custom", till=self.gate, name="one code twice at a door")
            await self._show(customer, code)

    def _next(self) -> Customer:
        if not self._queue:
            self._queue = self.crowd.queue(self.dice, 1)
        return self._queue.pop()

    async def _wrong_clock(self) -> None:
        """The board forgets the time at a power cut: then only the safe door opens."""
        ahead = self.dice.below(3) == 0
        self.diary.note(
            "fault", till=self.gate, name=f"clock {'wrong' if ahead else 'lost'} at a gate"
        )
        await self.device.cut()
        await self._start(AHEAD_SECONDS if ahead else self.dice.pick(LOST_SECONDS))
        for door in (DOOR, SAFE_DOOR):
            customer, now = self._next(), self.crowd.clock()
            code = customer.show_by(now + AHEAD_SECONDS) if ahead else customer.show(now)
            if code is not None:
                await self._show(customer, code, door)
        await self.device.cut()
        await self._start()

    async def _start(self, clock_off: float = 0) -> None:
        self._clock_off = clock_off
        await self.device.start(clock_off)

    async def _show(self, customer: Customer, code: str, door: int = DOOR) -> None:
        self.diary.note("shown", till=self.gate, code=digest(code))
        asked = {"code": code, "door": door, "direction": "IN"}
        clock_off = self._clock_off  # a power cut sets it right, and what it opened stays as it was
        if self.chaos and self.dice.between(0, 1) < _POWER_CUT:
            self.diary.note("fault", till=self.gate, name="power cut at a door")
            seconds = self.dice.between(0, _POWER_SECONDS)
            answer = await self.device.ask_and_cut(seconds, "pass", **asked)
            await self._start()
            if answer is None:
                # The door stayed shut, whatever the disk says; it will be told as it stands there.
                self._note_opened(customer, code, door, clock_off, {"responseCode": "power cut"})
                return
        else:
            answer = await self.device.ask("pass", **asked)
        self._note_opened(customer, code, door, clock_off, answer)

    def _note_opened(
        self, customer: Customer, code: str, door: int, clock_off: float, answer: Json
    ) -> None:
        if not answer.get("approved"):
            said = answer.get("responseCode") or answer.get("error") or "alone"
            self.diary.note("shut", till=self.gate, holder=customer.number, said=said)
            return
        self.diary.note(
            "opened", till=self.gate, batch=answer["batchNo"], seq=answer["seqNo"],
            holder=customer.number, code=digest(code), offline=answer["offline"], door=door,
            clockLost=clock_off in LOST_SECONDS, ahead=clock_off == AHEAD_SECONDS,
        )  # fmt: skip
        if answer["offline"]:
            self.opened_alone += 1
            if clock_off == 0:
                self.crowd.seen_at_doors.photograph(self.gate, customer, code)

    def _note_told(self, answer: Json) -> None:
        for told in answer.get("told", ()):
            self.diary.note(
                "told", till=self.gate, batch=told["batchNo"], seq=told["seqNo"],
                verdict=told["verdict"], reason=told["reason"],
            )  # fmt: skip
