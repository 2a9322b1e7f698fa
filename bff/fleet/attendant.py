"""An attendant at one water meter: people scan or type, water runs, lines and power go."""

from dataclasses import dataclass, field

from bff.fleet.crowd import Crowd, Customer
from bff.fleet.device import TRIES, DayNotEnded, Device, Json
from bff.fleet.diary import Diary
from bff.fleet.dice import Dice
from bff.fleet.porter import LOST_SECONDS

TAPS, SHOWER = 1, 2
"""The two keypads of a controller: hot water by a scan, a shower by the digits of a reservation."""
_POWER_CUT, _POWER_SECONDS = 0.08, 1.2
_FLUSHES_MAXIMUM, _UNITS_MAXIMUM = 4, 60


@dataclass
class Attendant:
    """One controller; `codes` are the reservations, with the digits that open the shower."""

    meter: int
    device: Device
    crowd: Crowd
    diary: Diary
    dice: Dice
    chaos: bool
    codes: list[tuple[Customer, str]] = field(default_factory=list)
    _used: int = 0
    _clock_off: float = 0
    _runs_alone: bool = False
    _batches: set[int] = field(default_factory=lambda: {1})

    @property
    def number(self) -> int:
        """Of the terminal."""
        return self.meter

    async def open_day(self) -> None:
        """Fetches time, documents and meters."""
        for do in ("beat", "beat", "meters"):
            await self.device.insist(do)

    async def serve(self, count: int) -> None:
        """So many people fill a bottle, whatever comes of them."""
        for _ in range(count):
            customer = self.dice.pick(self.crowd.customers)
            code = customer.show(self.crowd.clock())
            if code is not None:
                await self._use(customer, meter=TAPS, code=code)

    async def alone(self, share: float) -> None:
        """Without a line: whoever has reserved takes a shower."""
        wanted = round(len(self.codes) * share)
        if self.chaos and self._used < wanted:
            await self._lose_time(*self.codes[self._used])
        while self._used < wanted:
            customer, digits = self.codes[self._used]
            self._used += 1
            await self._use(customer, meter=SHOWER, code8=digits)

    async def upload(self) -> None:
        """Tries to tell what ran, over whatever the line is."""
        await self.device.ask("ran")

    async def end_day(self) -> None:
        """On a good line: tells what ran, settles, and closes every batch.

        Raises: DayNotEnded.
        """
        await self.device.insist("beat")
        for _ in range(TRIES):
            left = (await self.device.insist("ran"))["left"]
            if left == 0:
                break
        else:
            raise DayNotEnded(f"{self.device.name}: {left} runs are not told")
        self._batches.add((await self.device.settle())["batchNo"])
        for batch in sorted(self._batches):
            answer = await self.device.insist("close", batchNo=batch)
            self.diary.note("closed", till=self.meter, batch=batch, net=answer["net"],
                            result=answer.get("result"))  # fmt: skip
        self._batches.clear()

    async def _lose_time(self, customer: Customer, digits: str) -> None:
        """The board forgets the time at a power cut: no water runs alone."""
        self.diary.note("fault", till=self.meter, name="clock lost at a meter")
        await self.device.cut()
        self._clock_off = self.dice.pick(LOST_SECONDS)
        await self.device.start(self._clock_off)
        await self._use(customer, meter=SHOWER, code8=digits)
        await self.device.cut()
        self._clock_off = 0
        await self.device.start()

    async def _use(self, customer: Customer, **asked: object) -> None:
        started = await self._ask("water", **asked)
        if started is None or not started.get("run"):
            said = (started or {}).get("responseCode") or "no water"
            self.diary.note("dry", till=self.meter, said=said)
            return
        key = {"batchNo": started["batchNo"], "seqNo": started["seqNo"]}
        self._runs_alone = started["offline"]
        self._batches.add(started["batchNo"])
        low = units = 0
        for _ in range(1 + self.dice.below(_FLUSHES_MAXIMUM)):
            units += self.dice.below(_UNITS_MAXIMUM)
            if await self._ask("flush", **key, units=units) is None:
                self._note_ran(customer, key, low, units, "power cut")
                return
            low = units
        stopped = await self._ask("stop", **key, units=units, reason="CANCEL")
        self._note_ran(customer, key, low, units, "power cut" if stopped is None else "stop")

    async def _ask(self, do: str, **given: object) -> Json | None:
        """The answer; none if the power was cut before it."""
        if not self.chaos or self.dice.between(0, 1) >= _POWER_CUT:
            return await self.device.ask(do, **given)
        self.diary.note("fault", till=self.meter, name="power cut at a meter")
        await self.device.ask_and_cut(self.dice.between(0, _POWER_SECONDS), do, **given)
        await self.device.start()
        return None

    def _note_ran(self, customer: Customer, key: Json, low: int, high: int, how: str) -> None:
        self.diary.note(
            "water", till=self.meter, batch=key["batchNo"], seq=key["seqNo"],
            holder=customer.number, low=low, high=high, how=how, alone=self._runs_alone,
            clockLost=self._clock_off != 0,
        )  # fmt: skip
