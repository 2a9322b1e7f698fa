"""A cashier at one till: who comes, what they hold out, and what is done to the till meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bff.fleet.crowd import Customer, Part
from bff.fleet.day import Means
from bff.fleet.device import TRIES, DayNotEnded
from bff.fleet.register import AHEAD_SECONDS, Register

VISITS = 3
"""As often as the caps of one till allow."""
PRICES_MINOR = (100, 1_600)
CARD_PRICES_MINOR = (100, 1_050)
"""A few of them above what a card pays alone."""
THIEF_TAKES_MINOR = (2_000, 2_000, 1_000, 600)
"""All that one till lets go, and once more."""
THIEF_TAPS_MINOR = (1_000, 1_000, 600)
"""The same of a card."""
FOUND_MINOR = 300
"""What somebody takes with a card that they found."""
UNCHALLENGED_MINOR = 4_000
CLOCK_FAULTS_SECONDS = (-86_400, -7_200, -90, -20, 20, 90, 7_200, 86_400)
_CLOCK_FAULT = 0.004
_CUSTOMS: tuple[tuple[int, str], ...] = (
    (62, "plain"), (12, "card"), (6, "receipt"), (5, "undone"), (4, "double scan"), (6, "relay"),
    (2, "above cap"), (2, "old screen"), (1, "wrong phone clock"),
)  # fmt: skip
_DECK = tuple(name for weight, name in _CUSTOMS for _ in range(weight))


@dataclass(kw_only=True)
class Cashier(Register):
    """One till through a day; `quota` is how many records it takes offline."""

    quota: int
    forgets: bool = False
    """Whether its disk loses a record, and once its list of lost cards."""
    _queue: list[Customer] = field(default_factory=list)
    _stolen: dict[str, int] = field(default_factory=dict)
    _lost: set[int] = field(default_factory=set)
    _knows_lost_cards: bool = False
    _is_careless: bool = False

    async def open_day(self) -> None:
        """Fetches documents and time; twice, for the second beat says that the list is fresh."""
        since, knows = self.crowd.clock(), self.crowd.cards_are_reported
        for _ in range(2):
            await self.device.insist("beat")
        self._knows_lost_cards = knows
        self.diary.note("beat", till=self.till, since=since, until=self.crowd.clock())

    async def serve(self, count: int) -> None:
        """So many customers, whatever comes of them."""
        for _ in range(count):
            await self._serve()

    async def alone(self, share: float) -> None:
        """Without a line: the thieves come first, and once a disk may forget something.

        Raises: DayNotEnded.
        """
        await self.steal(self.crowd.of(Part.THIEF))
        await self.tap_found_cards()
        await self.sell_until(share)
        if self.forgets and self._knows_lost_cards and not self._is_careless:
            await self._forget_lost_cards()  # last: whoever owes is on that list, too
        await self.tap_found_cards()
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
            await self.sell(customer, part, code)
            left -= part

    async def steal(self, thieves: Sequence[Customer]) -> None:
        """Every thief comes by with phone and card, again and again; nobody knows them."""
        for thief in (*thieves, *thieves):
            visit = self._stolen.get(thief.number, 0)
            code = thief.show(self.crowd.clock())
            if visit < len(THIEF_TAKES_MINOR) and code is not None:
                self._stolen[thief.number] = visit + 1
                self.note_custom("thief")
                await self.sell(thief, THIEF_TAKES_MINOR[visit], code)
                if visit < len(THIEF_TAPS_MINOR):
                    await self.sell(thief, THIEF_TAPS_MINOR[visit], thief.card, Means.CARD)

    async def tap_found_cards(self) -> None:
        """Somebody tries the cards that others lost, at a till that forgets not before it did."""
        if self.chaos and self.forgets == self._is_careless:
            for loser in self.crowd.of(Part.LOSER):
                self.note_custom("lost card")
                await self.sell(loser, FOUND_MINOR, loser.card, Means.CARD)

    async def lose_record(self) -> None:
        """The disk forgets a record while the power is off."""
        await self.device.cut()
        found = self.device.lose_record()
        if found is not None:
            self._lost.add(found[0])
            self.diary.note("lost", till=self.till, batch=found[0], seq=found[1])
        await self.start()

    async def end_day(self) -> None:
        """On a good line: settles, uploads, and closes every batch but one that lost a record.

        Raises: DayNotEnded.
        """
        await self.device.insist("beat")
        state = await self.device.settle()
        self.note_judged(await self.device.insist("upload"))
        self._batches.add(state["batchNo"])
        for batch in sorted(self._batches):
            await self.close(batch, has_lost=batch in self._lost)

    async def _serve(self) -> None:
        custom = self.dice.pick(_DECK) if self.chaos else "plain"
        if custom == "relay":
            screen = self.crowd.seen_at_tills.relayed(self.till, self.dice)
            if screen is not None:
                self.note_custom(custom)
                await self.sell(screen.customer, self._price(), screen.code)
            return
        customer = self._next()
        if custom == "card":
            self.note_custom(custom)
            await self.sell(customer, self._price(CARD_PRICES_MINOR), customer.card, Means.CARD)
        elif custom == "receipt":
            self.note_custom(custom)
            await self.charge(customer, self._price())
        else:
            await self._show_code(customer, custom)

    async def _show_code(self, customer: Customer, custom: str) -> None:
        now = self.crowd.clock()
        wrong = {"old screen": now - 200, "wrong phone clock": now + 200}.get(custom)
        code = customer.show(now) if wrong is None else customer.show_by(wrong)
        if code is None:
            return
        price = self._price() + (2_000 if custom == "above cap" else 0)
        self.note_custom(custom)
        sold = await self.sell(customer, price, code)
        if custom == "double scan":
            await self.sell(customer, price, code)
        if custom == "undone" and sold is not None and sold.get("offline"):
            await self.undo(sold)

    def _next(self) -> Customer:
        if not self._queue:
            self._queue = self.crowd.queue(self.dice, VISITS)
        return self._queue.pop()

    def _price(self, between: tuple[int, int] = PRICES_MINOR) -> int:
        return between[0] + self.dice.below(between[1] - between[0])

    async def _wrong_clock(self) -> None:
        """The board forgets the time at a power cut; soon somebody sets it right."""
        self.note_fault("wrong clock")
        await self.device.cut()
        ahead = self.dice.below(3) == 0
        await self.start(AHEAD_SECONDS if ahead else self.dice.pick(CLOCK_FAULTS_SECONDS))
        for _ in range(2):
            customer, now = self._next(), self.crowd.clock()
            code = customer.show_by(now + AHEAD_SECONDS) if ahead else customer.show(now)
            if code is not None:
                await self.sell(customer, self._price(), code)
        if ahead:
            customer = self._next()
            await self.sell(customer, self._price(CARD_PRICES_MINOR), customer.card, Means.CARD)
        await self.device.cut()
        await self.start()

    async def _forget_lost_cards(self) -> None:
        """A till whose disk lost the list that it has said to go by."""
        self.note_fault("list of lost cards forgotten")
        await self.device.cut()
        self.device.forget_deny_list()
        self._is_careless = True
        self.diary.note("careless", till=self.till)
        await self.start()
