"""What people do at the doors: sign in, bind, come by another way, unbind, and what thieves try.

Every scene begins with a sign-in and goes by what it finds, so one that was cut off leaves nothing
to be taken up.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection

from bff.fleet.dice import Dice
from clients.endpoint import Json, NoAnswer, NotAllowed, QuestionRefused
from tests.faults.bank.folk import ALIPAY, NATIVE, WECHAT, WECOM, Person
from tests.faults.bank.guesses import guess
from tests.faults.bank.hall import Guest, Hall, form_of

PLATFORMS = (ALIPAY, WECHAT, WECOM)
CHANNELS = (*PLATFORMS, NATIVE)


async def bind(hall: Hall, guest: Guest) -> Guest | None:
    """The guest with a card, bound by one of the ways of the channel."""
    by_wallet = (_by_real_name, _by_real_name, _by_comparison, _by_sign_on)
    elsewhere = (_by_form, _by_form, _by_sign_on)
    way = hall.dice.pick(by_wallet if guest.channel == ALIPAY else elsewhere)
    return await hall.shown(guest, await way(hall, guest, hall.dice.pick(guest.person.numbers)))


async def _by_form(hall: Hall, guest: Guest, number: str) -> Json:
    """Name, number and PIN; now and then mistyped first, or sent twice at once."""
    form, draw = form_of(guest.person, number), hall.dice.below(10)
    if draw == 0:
        wrong = {**form, "pin": f"{hall.dice.below(1_000_000):06d}"}
        await hall.ask("BIND", guest, about={"wrong": number}, **wrong)
    return await hall.ask("BIND", guest, at_once=1 + (draw == 1), **form)


async def _by_real_name(hall: Hall, guest: Guest, number: str) -> Json:
    """What the wallet releases names the card; with several cards, the one that is chosen."""
    facts = await hall.ask("REAL_NAME", guest)
    if facts.get("step") == "CHOOSE":
        facts = await hall.ask("REAL_NAME", guest, number=number)
    return await hall.confirm(guest, facts)


async def _by_comparison(hall: Hall, guest: Guest, number: str) -> Json:
    """The wallet says yes to what the register has of a number."""
    return await hall.confirm(guest, await hall.ask("COMPARE", guest, number=number))


async def _by_sign_on(hall: Hall, guest: Guest, _number: str) -> Json:
    """The school's own sign-on names the card."""
    facts = await hall.ask("SIGN_ON", guest, login=guest.person.id)
    if "kept" in facts:
        await hall.replay(guest, facts["kept"])
    return await hall.confirm(guest, facts)


async def come_in(hall: Hall, person: Person) -> None:
    """By one channel, and bound where it is not."""
    guest = await hall.sign_in(person, hall.dice.pick(CHANNELS))
    if guest is not None and hall.dice.below(3) == 0:
        await hall.use_again(guest)
    if guest is not None and not guest.is_bound:
        await bind(hall, guest)


async def come_by_two(hall: Hall, person: Person) -> None:
    """By one channel and then by another: it is the same card."""
    for channel in hall.dice.shuffled(CHANNELS)[:2]:
        guest = await hall.sign_in(person, channel)
        if guest is not None and not guest.is_bound:
            await bind(hall, guest)


async def leave(hall: Hall, person: Person) -> None:
    """Unbinds while other phones sign in; whoever signs in after that has no card."""
    channel = hall.dice.pick(PLATFORMS)
    guest = await hall.sign_in(person, channel)
    if guest is not None and not guest.is_bound:
        guest = await bind(hall, guest)
    elif guest is not None:
        by_pin = hall.dice.below(2) == 0
        proven = (
            await hall.ask("STEP_UP", guest, pin=person.pin)
            if by_pin
            else await hall.ask("SIGN_ON", guest, login=person.id)
        )
        guest = guest if proven.get("done") else None
    if guest is not None:
        others = (hall.sign_in(person, channel) for _ in range(2))
        await asyncio.gather(hall.ask("UNBIND", guest, channel=channel), *others)
        await hall.sign_in(person, channel)


async def bind_twice(hall: Hall, person: Person) -> None:
    """Two phones of one account bind at once, to two cards where there are two."""
    channel = hall.dice.pick(PLATFORMS)
    phones = await asyncio.gather(*(hall.sign_in(person, channel) for _ in range(2)))
    await asyncio.gather(*(bind(hall, each) for each in phones if each and not each.is_bound))


async def redeem_twice(hall: Hall, person: Person) -> None:
    """The code of a sign-on is sent to both app processes at once: one of them takes it."""
    guest = await hall.sign_in(person, hall.dice.pick(PLATFORMS))
    if guest is None:
        return
    kept = (await hall.ask("SIGN_ON", guest, login=person.id, keeps_code=True)).get("kept")
    if kept is None:
        return

    async def redeem(place: int) -> bool:
        try:
            return "done" in await hall.teller.door(place).redeem(kept, guest.token)
        except NoAnswer:
            return False

    taken = await asyncio.gather(redeem(0), redeem(1))
    hall.teller.note("once", what="code at once", taken=sum(taken))


async def move(hall: Hall, person: Person) -> None:
    """Another chat account of the same person takes the place of the one that is bound."""
    guest = await hall.sign_in(person, WECHAT, hall.dice.pick([person.id, person.second]))
    if guest is not None and not guest.is_bound:
        facts = await hall.ask("SIGN_ON", guest, login=person.id)
        await hall.shown(guest, await hall.confirm(guest, facts))


async def mail_twice(hall: Hall, person: Person) -> None:
    """The code of a letter is sent to both app processes at once: one of them takes it."""
    if not hall.may_be_mailed(person):
        return
    guest = Guest(person, NATIVE, person.id)
    used = (
        await hall.ask("MAIL_IN", guest, school=f"bank-{person.school_id}", mail=person.email,
                       keeps_code=True)
    ).get("used")  # fmt: skip
    if used is None:
        return

    async def use(place: int) -> bool:
        try:
            return "done" in await hall.teller.door(place).use(used)
        except NoAnswer:
            return False

    taken = await asyncio.gather(use(0), use(1))
    hall.teller.note("once", what="letter at once", taken=sum(taken))


async def steal(hall: Hall, person: Person) -> None:
    """A stranger sends what somebody's sign-on came back with, from a sign-in of their own."""
    guest = await hall.sign_in(person, hall.dice.pick(PLATFORMS))
    others = [each for each in hall.strangers if each.school_id == person.school_id]
    thief = await hall.sign_in(hall.dice.pick(others), WECHAT)
    if guest is None or thief is None:
        return
    kept = (await hall.ask("SIGN_ON", guest, login=person.id, keeps_code=True)).get("kept")
    if kept is None:
        return
    try:
        facts = await hall.teller.door(hall.dice.below(2)).redeem(kept, thief.token)
    except (NotAllowed, QuestionRefused):
        taken = False
    except NoAnswer:
        return
    else:
        taken = True
        await hall.shown(thief, facts)
    hall.teller.note("once", what="stolen code", taken=1 + taken)


async def rest(_hall: Hall, _person: Person) -> None:
    """Nothing at all."""


Visit = Callable[[Hall, Person], Awaitable[None]]
MIX: tuple[tuple[int, Visit], ...] = (
    (5, come_in), (5, come_by_two), (4, leave), (2, bind_twice), (3, redeem_twice), (2, move),
    (2, guess), (2, mail_twice), (2, steal),
)  # fmt: skip
VISITS = tuple(visit for weight, visit in MIX for _ in range(weight))


class Deck:
    """Deals scenes: all of a shuffle come before any comes again.

    `named` are those in it; all of them if none is named.
    """

    def __init__(self, dice: Dice, named: Collection[str]) -> None:
        self._dice = dice
        self._all = [each for each in VISITS if not named or each.__name__ in named] or [rest]
        self._left: list[Visit] = []

    def deal(self) -> Visit:
        """The next."""
        self._left = self._left or self._dice.shuffled(self._all)
        return self._left.pop()
