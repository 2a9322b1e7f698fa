"""What the tills of the storm do: each act is one purchase and what became of it."""

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from clients.endpoint import NoAnswer
from tests.faults.bank.scenes import Street, code_twice, pay_by_card, tap
from tests.faults.bank.wire import Intent, Wire, status_of

PIN_AMOUNT_MINOR = 2_600
"""Above the single limit, which is 25 yuan."""


@dataclass(frozen=True, slots=True)
class Canteen:
    """A street, and a line on which every answer is lost after the work was done."""

    street: Street
    lossy: Wire
    counts: Counter[str] = field(default_factory=Counter)

    async def ask_status(self, purchase: Intent) -> None:
        """Journals what the server keeps of a purchase, as one more answer to its key."""
        assert purchase.till is not None
        teller = self.street.teller
        await teller.insist(status_of(purchase, teller.next_seq(purchase.till)))


Act = Callable[[Canteen, int], Awaitable[None]]


async def card(canteen: Canteen, till: int) -> None:
    """A tap of anybody's card."""
    await tap(canteen.street, till)


async def card_with_pin(canteen: Canteen, till: int) -> None:
    """A tap above the limit, then the PIN."""
    street = canteen.street
    holder = street.dice.pick([each for each in street.people[street.school(till)] if each.has_pin])
    await pay_by_card(street, till, holder, PIN_AMOUNT_MINOR)


async def code(canteen: Canteen, till: int) -> None:
    """A code made by a phone without a network."""
    await canteen.street.teller.ask(canteen.street.by_code(till))


async def code_at_two_tills(canteen: Canteen, till: int) -> None:
    """One code at two tills at once."""
    await code_twice(canteen.street, till)


async def repeated(canteen: Canteen, till: int) -> None:
    """The same key on both connections at once, and half the time once more."""
    intent = canteen.street.by_code(till)
    await canteen.street.teller.ask(intent, at_once=2)
    if canteen.street.dice.below(2):
        await canteen.street.teller.insist(intent)
    canteen.counts["repeated"] += 1


async def voided(canteen: Canteen, till: int) -> None:
    """A purchase, then its void on both connections."""
    intent = canteen.street.by_code(till)
    await canteen.street.teller.ask(intent)
    await canteen.street.teller.ask(canteen.street.follow("VOID", intent, till, 0), at_once=2)
    canteen.counts["voided"] += 1


async def voided_before(canteen: Canteen, till: int) -> None:
    """The void overtakes its purchase."""
    intent = canteen.street.by_code(till)
    await canteen.street.teller.ask(canteen.street.follow("VOID", intent, till, 0))
    await canteen.street.teller.ask(intent)
    canteen.counts["voided before"] += 1


async def lost_then_asked(canteen: Canteen, till: int) -> None:
    """The answer never comes; the till asks for it."""
    await canteen.ask_status(await _lost(canteen, till))
    canteen.counts["lost, then asked"] += 1


async def lost_then_repeated(canteen: Canteen, till: int) -> None:
    """The answer never comes; the till sends the same key again."""
    await canteen.street.teller.insist(await _lost(canteen, till))
    canteen.counts["lost, then repeated"] += 1


async def lost_then_voided(canteen: Canteen, till: int) -> None:
    """The answer never comes; the till voids the purchase and never learns what it was."""
    intent = await _lost(canteen, till)
    await canteen.street.teller.ask(canteen.street.follow("VOID", intent, till, 0))
    canteen.counts["lost, then voided"] += 1


async def _lost(canteen: Canteen, till: int) -> Intent:
    intent = canteen.street.by_code(till)
    canteen.street.teller.begin(intent)
    with suppress(NoAnswer):
        await canteen.lossy.send(intent)
        raise AssertionError("the lossy line let an answer through")
    return intent


MIX: tuple[tuple[int, Act], ...] = (
    (42, card), (1, card_with_pin), (37, code), (2, code_at_two_tills), (10, repeated), (3, voided),
    (2, voided_before), (1, lost_then_asked), (1, lost_then_repeated), (1, lost_then_voided),
)  # fmt: skip
ACTS = tuple(act for weight, act in MIX for _ in range(weight))
"""A hundred: they are dealt like cards, so that each comes as often as its weight says."""
