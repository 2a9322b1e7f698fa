"""Strangers who guess somebody's PIN: a few from phones that signed in, and two hundred at once."""

import asyncio
from itertools import count

from clients.endpoint import Json, NoAnswer, NotAllowed, QuestionRefused
from tests.faults.bank.folk import WECHAT, Person
from tests.faults.bank.hall import TRIES, Hall, form_of
from tests.faults.bank.scenes import pay_by_card
from tests.faults.bank.town import Holder

ABOVE_LIMIT_MINOR = 2_600
"""What a victim pays; above the town's single limit, so that a PIN is asked for."""
AT_ONCE = 200
PHONES = 80
"""Each of them guesses three times at most, which is what its own limit lets pass at once."""
PHONES_IN_A_NETWORK = 10
INSTALLED_AT_ONCE = 8
GIVE_UP_SECONDS = 25.0
"""For all of it, so that a run that ends meanwhile is not held up."""
PAUSE_SECONDS = (0.2, 1.0)
WRONG = "IDENTITY_NOT_CONFIRMED"


def wrong_pin(victim: Person, place: int) -> str:
    """A PIN that is not the victim's, another for each place."""
    return f"{(int(victim.pin) + 1 + place) % 1_000_000:06d}"


async def guess(hall: Hall, _person: Person) -> None:
    """Strangers guess somebody's PIN at once; then the right one is no use, but to the owner."""
    victim = hall.take_victim()
    if victim is None:
        return
    number = victim.numbers[0]
    strangers = hall.strangers_for(victim)
    signed = await asyncio.gather(*(hall.sign_in(each, WECHAT) for each in strangers))
    inside = [each for each in signed if each is not None]
    heard = await asyncio.gather(
        *(
            hall.ask(
                "BIND", each, about={"wrong": number}, name=victim.name, number=number,
                pin=wrong_pin(victim, place),
            )
            for place, each in enumerate(inside[:-1])
        )
    )  # fmt: skip
    wrong = sum(each.get("refused") == WRONG for each in heard)
    if wrong >= TRIES:
        await hall.ask("BIND", inside[-1], about={"closed": number}, **form_of(victim, number))
    await pay_as_owner(hall, victim)


async def guess_by_hundreds(hall: Hall) -> None:
    """Two hundred guesses at once from freshly installed apps, and the right PIN among the last.

    None of them is insisted on as an intent: what was not answered is guessed again, as a thief
    does, until there were two hundred answers or the time is up.
    """
    victim = hall.take_victim()
    if victim is None:
        return
    give_up = asyncio.get_running_loop().time() + GIVE_UP_SECONDS
    tokens = await _installed(hall, victim, give_up)
    if not tokens:
        return
    guesses = count()
    heard = await asyncio.gather(
        *(
            _guess_until(hall, victim, tokens[place % len(tokens)], next(guesses), give_up)
            for place in range(AT_ONCE)
        )
    )
    told = [each for each in heard if each is not None]
    facts: Json = {
        "victim": victim.id, "number": victim.numbers[0], "sent": len(heard), "told": len(told),
        "wrong": told.count(WRONG), "bound": told.count("BOUND"),
        "other": sorted(set(told) - {WRONG, "BOUND"}),
    }  # fmt: skip
    hall.teller.note("hundreds", school=victim.school_id, **facts)
    await pay_as_owner(hall, victim)


async def _installed(hall: Hall, victim: Person, give_up: float) -> list[tuple[str, str]]:
    """Token and network of freshly installed apps."""
    places, found = iter(range(PHONES)), []

    async def install() -> None:
        for place in places:
            if asyncio.get_running_loop().time() > give_up - GIVE_UP_SECONDS / 2:
                return
            network = f"198.51.{100 + place // PHONES_IN_A_NETWORK}.{place + 1}"
            door = hall.teller.door(hall.dice.below(2))
            try:
                found.append((await door.install(f"bank-{victim.school_id}", network), network))
            except NoAnswer:
                await asyncio.sleep(hall.dice.between(*PAUSE_SECONDS))

    await asyncio.gather(*(install() for _ in range(INSTALLED_AT_ONCE)))
    return found


async def _guess_until(
    hall: Hall, victim: Person, phone: tuple[str, str], place: int, give_up: float
) -> str | None:
    """What a guess was told, None if nobody answered in time; the last one is the right PIN."""
    token, network = phone
    pin = victim.pin if place == AT_ONCE - 1 else wrong_pin(victim, place)
    given = {**form_of(victim, victim.numbers[0]), "pin": pin, "network": network}
    while asyncio.get_running_loop().time() < give_up:
        try:
            await hall.teller.door(hall.dice.below(2)).play("BIND", given, token)
        except QuestionRefused as refused:
            return refused.code
        except NotAllowed as refused:
            return refused.code
        except NoAnswer:
            await asyncio.sleep(hall.dice.between(*PAUSE_SECONDS))
        else:
            return "BOUND"
    return None


async def pay_as_owner(hall: Hall, victim: Person) -> None:
    """The owner's PIN pays as if nobody had guessed."""
    street = hall.street
    till = street.dice.pick([t for t in street.tills if street.school(t) == victim.school_id])
    owner = Holder(victim.school_id, victim.numbers[0], victim.uid, "", "", "", "", 0, has_pin=True)
    await pay_by_card(street, till, owner, ABOVE_LIMIT_MINOR, victim.pin, guessed=True)
