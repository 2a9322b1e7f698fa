"""A cashier at one till: sells, has the power cut under the hands, uploads, closes the day.

What went over the counter goes into the diary at that moment, whatever the till does next.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bff.fleet.crowd import Crowd, Customer, Part
from bff.fleet.device import TRIES, DayNotEnded, Device, Json
from bff.fleet.diary import Diary, digest
from bff.fleet.dice import Dice

VISITS = 3
"""As often as the caps of one till allow."""
PRICES_MINOR = (100, 1_600)
THIEF_TAKES_MINOR = (2_000, 2_000, 1_000, 600)
"""All that one till lets go, and once more."""
UNCHALLENGED_MINOR = 4_000
CLOCK_FAULTS_SECONDS = (-86_400, -7_200, -90, -20, 20, 90, 7_200, 86_400)
AHEAD_SECONDS = 3_600
"""Phone and till wrong alike: what they make is signed well, and of the future."""
_POWER_CUT, _POWER_SECONDS = 0.012, 1.4
_POWER_CUT_AT_UPLOAD = 0.2
_CLOCK_FAULT = 0.004
_CUSTOMS: tuple[tuple[int, str], ...] = (
    (85, "plain"), (4, "double scan"), (6, "relay"), (2, "above cap"), (2, "old screen"),
    (1, "wrong phone clock"),
)  # fmt: skip
_DECK = tuple(name for weight, name in _CUSTOMS for _ in range(weight))


@dataclass
class Cashier:
    """One till, and who stands behind it; `quota` is how many records it takes offline."""

    till: int
    device: Device
    crowd: Crowd
    diary: Diary
    dice: Dice
    quota: int
    chaos: bool
    forgets: bool = False
    """Whether its disk loses a record."""
    taken: int = 0
    _batches: set[int] = field(default_factory=lambda: {1})
    _given: set[tuple[int, int]] = field(default_factory=set)
    _queue: list[Customer] = field(default_factory=list)
    _stolen: dict[str, int] = field(default_factory=dict)
    _lost: set[int] = field(default_factory=set)
    _clock_off: float = 0

    async def open_day(self) -> None:
        """Fetches documents and time; twice, for the second beat hears that the list is fresh."""
        for _ in range(2):
            await self.device.insist("beat")

    async def serve(self, count: int) -> None:
        """So many customers, whatever comes of them."""
        for _ in range(count):
            await self._serve()

    async def alone(self, share: float) -> None:
        """Without a line: the thieves come first, and once a disk may forget something.

        Raises: DayNotEnded.
        """
        await self.steal(self.crowd.of(Part.THIEF))
        await self.sell_until(share)
        if self.forgets and not self._lost:
            await self.lose_record()

    async def sell_until(self, share: float) -> None:
        """Sells until this share of the quota was taken offline."""
        wanted, before = round(self.quota * share), self.taken
        for _ in range(max(wanted - before, 0) * TRIES):
            if self.taken >= wanted:
                break
            await self._serve()
            if self.chaos and self.dice.between(0, 1) < _CLOCK_FAULT:
                await self._wrong_clock()
        if self.taken < wanted:
            raise DayNotEnded(f"{self.device.name}: no customer is taken offline any more")

    async def sell_all(self, customer: Customer) -> None:
        """Somebody spends everything, in parts that need no challenge."""
        left = customer.balance_minor
        while left:
            part, code = min(left, UNCHALLENGED_MINOR), customer.show(self.crowd.clock())
            assert code is not None  # the first of the day
            await self._sell(customer, part, code)
            left -= part

    async def steal(self, thieves: Sequence[Customer]) -> None:
        """Every thief comes by, and again at once; nobody knows them from others."""
        for thief in (*thieves, *thieves):
            visit = self._stolen.get(thief.number, 0)
            code = thief.show(self.crowd.clock())
            if visit < len(THIEF_TAKES_MINOR) and code is not None:
                self._stolen[thief.number] = visit + 1
                self._note_custom("thief")
                await self._sell(thief, THIEF_TAKES_MINOR[visit], code)

    async def lose_record(self) -> None:
        """The disk forgets a record while the power is off."""
        await self.device.cut()
        found = self.device.lose_record()
        if found is not None:
            self._lost.add(found[0])
            self.diary.note("lost", till=self.till, batch=found[0], seq=found[1])
        await self._start()

    async def upload(self) -> None:
        """Tries to upload over whatever the line is."""
        if self.chaos and self.dice.between(0, 1) < _POWER_CUT_AT_UPLOAD:
            self._note_fault("power cut")
            answer = await self.device.ask_and_cut(self.dice.between(0, 2), "upload")
            self._note_judged(answer or {})
            await self._start()
        else:
            self._note_judged(await self.device.ask("upload"))

    async def end_day(self) -> None:
        """On a good line: settles, uploads, and closes every batch but one that lost a record.

        Raises: DayNotEnded.
        """
        await self.device.insist("beat")
        state = await self.device.settle()
        self._note_judged(await self.device.insist("upload"))
        self._batches.add(state["batchNo"])
        for batch in sorted(self._batches):
            await self._close(batch)

    async def _close(self, batch: int) -> None:
        for _ in range(TRIES):
            answer = await self.device.insist("close", batchNo=batch)
            if answer["net"] is not None or batch in self._lost:
                self.diary.note("closed", till=self.till, batch=batch, net=answer["net"],
                                result=answer.get("result"))  # fmt: skip
                if answer["net"] is not None:
                    self._batches.discard(batch)
                return
            if answer["result"] is not None:
                break
            await self.device.insist("settle")
        raise DayNotEnded(f"{self.device.name}: batch {batch} does not close: {answer}")

    async def _serve(self) -> None:
        custom = self.dice.pick(_DECK) if self.chaos else "plain"
        if custom == "relay":
            screen = self.crowd.seen_at_tills.relayed(self.till, self.dice)
            if screen is not None:
                self._note_custom(custom)
                await self._sell(screen.customer, self._price(), screen.code)
            return
        customer, now = self._next(), self.crowd.clock()
        wrong = {"old screen": now - 200, "wrong phone clock": now + 200}.get(custom)
        code = customer.show(now) if wrong is None else customer.show_by(wrong)
        if code is None:
            return
        price = self._price() + (2_000 if custom == "above cap" else 0)
        self._note_custom(custom)
        await self._sell(customer, price, code)
        if custom == "double scan":
            await self._sell(customer, price, code)

    def _next(self) -> Customer:
        if not self._queue:
            self._queue = self.crowd.queue(self.dice, VISITS)
        return self._queue.pop()

    def _price(self) -> int:
        return PRICES_MINOR[0] + self.dice.below(PRICES_MINOR[1] - PRICES_MINOR[0])

    async def _sell(self, customer: Customer, minor: int, code: str) -> None:
        self.diary.note("asked", till=self.till, code=digest(code))
        if self.chaos and self.dice.between(0, 1) < _POWER_CUT:
            self._note_fault("power cut")
            seconds = self.dice.between(0, _POWER_SECONDS)
            answer = await self.device.ask_and_cut(seconds, "sell", code=code, amount=minor)
            if answer is not None:
                self._note_sold(customer, code, answer)
            await self._start()
            if answer is None:
                await self._look_again(customer, code)
        else:
            answer = await self.device.ask("sell", code=code, amount=minor)
            self._note_sold(customer, code, answer)

    async def _look_again(self, customer: Customer, code: str) -> None:
        """After a power cut: the customer still waits. Was it taken? Then hand it over, or undo."""
        last = await self.device.ask("last")
        key = last.get("batchNo"), last.get("seqNo")
        if last.get("code") != code or last["outcome"] != "APPROVED" or key in self._given:
            return
        if not last["offline"] and self.dice.below(2):
            self._note_fault("undone after a power cut")
            await self.device.ask("void", batchNo=key[0], seqNo=key[1])
            return
        self._note_fault("handed over after a power cut")
        self._note_sold(customer, code, {**last, "approved": True})

    def _note_sold(self, customer: Customer, code: str, answer: Json) -> None:
        if not answer.get("approved"):
            said = answer.get("responseCode") or answer.get("error") or "no answer"
            self.diary.note("refused", till=self.till, said=said)
            return
        batch, seq = answer["batchNo"], answer["seqNo"]
        self._given.add((batch, seq))
        self._batches.add(batch)
        self.diary.note(
            "goods", till=self.till, batch=batch, seq=seq, minor=answer["amount"],
            holder=customer.number, code=digest(code), offline=answer["offline"],
            ahead=self._clock_off == AHEAD_SECONDS,
        )  # fmt: skip
        if answer["offline"]:
            self.taken += 1
            self.crowd.count()
            if self._clock_off == 0 and customer.part is not Part.THIEF:
                self.crowd.seen_at_tills.photograph(self.till, customer, code)

    def _note_judged(self, answer: Json) -> None:
        for judged in answer.get("judged", ()):
            self.diary.note(
                "judged", till=self.till, batch=judged["batchNo"], seq=judged["seqNo"],
                minor=judged["amount"], verdict=judged["verdict"], reason=judged["reason"],
                flags=judged["flags"],
            )  # fmt: skip

    async def _wrong_clock(self) -> None:
        """The board forgets the time at a power cut; soon somebody sets it right."""
        self._note_fault("wrong clock")
        await self.device.cut()
        ahead = self.dice.below(3) == 0
        await self._start(AHEAD_SECONDS if ahead else self.dice.pick(CLOCK_FAULTS_SECONDS))
        for _ in range(2):
            customer, now = self._next(), self.crowd.clock()
            code = customer.show_by(now + AHEAD_SECONDS) if ahead else customer.show(now)
            if code is not None:
                await self._sell(customer, self._price(), code)
        await self.device.cut()
        await self._start()

    async def _start(self, clock_off: float = 0) -> None:
        self._clock_off = clock_off
        await self.device.start(clock_off)

    def _note_custom(self, name: str) -> None:
        self.diary.note("custom", till=self.till, name=name)

    def _note_fault(self, name: str) -> None:
        self.diary.note("fault", till=self.till, name=name)
