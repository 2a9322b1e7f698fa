"""The people whom one client process plays at the doors, and what each of them asks there."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from time import monotonic

from clients.endpoint import Json, NoAnswer, NotAllowed, QuestionRefused
from core.identity.attempts import LIMITS, Counter
from core.identity.one_time import RESEND_SECONDS
from tests.faults.bank.folk import NATIVE, Folk, Person, share
from tests.faults.bank.scenes import Street
from tests.faults.bank.wire import Intent

TRIES = LIMITS[Counter.NUMBER_DAY].tries
GUESSES = TRIES + 2


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who signed in, by a channel and as one of their accounts there.

    `used` is what they signed in with; it was good once.
    """

    person: Person
    channel: str
    account: str
    token: str = ""
    is_bound: bool = False
    used: Json | None = None


class Hall:
    """The people whom one client process plays. Victims and strangers are used up in order."""

    def __init__(
        self, folk: Folk, street: Street, place: tuple[int, int], incarnation: int
    ) -> None:
        self.street, self.teller, self.dice = street, street.teller, street.dice
        index, players = place
        self.persons = share(folk.persons, index, players)
        self.strangers = share(folk.strangers, index, players)
        self._victims: Iterator[Person] = iter(
            share(folk.victims, index, players)[incarnation - 1 :]
        )
        self._guessed = count(incarnation - 1)
        self._mailed: dict[str, float] = {}

    async def ask(
        self, operation: str, guest: Guest, *, at_once: int = 1,
        about: Json | None = None, **given: object,
    ) -> Json:  # fmt: skip
        """The facts of what a guest wants; none if the run ended before they came."""
        person, key = guest.person, self.dice.bytes(8).hex()
        intent = Intent(
            id=f"door.{person.school_id}.{key}", operation=operation, school_id=person.school_id,
            given={"network": person.network, "account": guest.account,
                   "channel": guest.channel, **given},
            amount_minor=0,
            about={"person": person.id, "channel": guest.channel, "account": guest.account,
                   **(about or {})},
            token=guest.token,
        )  # fmt: skip
        return await self.teller.ask(intent, at_once=at_once) or {}

    async def sign_in(self, person: Person, channel: str, account: str = "") -> Guest | None:
        """Somebody who signed in, and was shown whose card that is.

        None also for whom no other letter may be sent yet.
        """
        guest, school = Guest(person, channel, account or person.id), f"bank-{person.school_id}"
        if channel == NATIVE:
            if not self.may_be_mailed(person):
                return None
            facts = await self.ask("MAIL_IN", guest, school=school, mail=person.email)
        else:
            facts = await self.ask("SIGN_IN", guest, school=school)
        if "token" not in facts:
            return None
        is_bound, used = facts["kind"] == "CARDHOLDER", facts["used"]
        guest = replace(guest, token=facts["token"], is_bound=is_bound, used=used)
        await self.look(guest)
        return guest

    def may_be_mailed(self, person: Person) -> bool:
        """Whether another letter may be asked for; whoever hears yes is to ask at once."""
        now = monotonic()
        if now - self._mailed.get(person.id, -RESEND_SECONDS) < RESEND_SECONDS:
            return False
        self._mailed[person.id] = now
        return True

    async def look(self, guest: Guest) -> None:
        """Notes whose card a session shows."""
        seen = await self.teller.look("Home", {}, guest.token)
        holder = seen and seen["viewer"]["cardholder"]
        if holder:
            card = holder["physicalCard"]
            self.teller.note(
                "seen", person=guest.person.id, channel=guest.channel, number=holder["number"],
                card=card and card["id"], holder=holder["id"],
            )  # fmt: skip

    async def shown(self, guest: Guest, facts: Json) -> Guest | None:
        """The guest whom a proof bound, after a look at the card."""
        if "token" not in facts:
            return None
        bound = replace(guest, token=facts["token"], is_bound=True)
        await self.look(bound)
        return bound

    async def confirm(self, guest: Guest, facts: Json) -> Json:
        """The person's yes, with the PIN where another account gives way."""
        if facts.get("step") == "CONFIRM":
            return await self.ask("CONFIRM", guest)
        if facts.get("step") == "STEP_UP":
            return await self.ask("CONFIRM", guest, pin=guest.person.pin)
        return facts

    async def replay(self, guest: Guest, kept: Json) -> None:
        """Sends what a sign-on has used up once more: none of it may be taken."""
        door = self.teller.door(self.dice.below(2))
        what = self.dice.pick(["start", "callback", "code"])
        try:
            if what == "code":
                taken = "done" in await door.redeem(kept, guest.token)
            elif what == "callback":
                back = await door.open(kept["callback"], kept["network"], kept["cookie"])
                taken = back.status_code < 400
            else:
                taken = (await door.open(kept["start"], kept["network"])).status_code < 400
        except (NotAllowed, QuestionRefused):
            taken = False
        except NoAnswer:
            return
        self.teller.note("once", what=what, taken=1 + taken)

    async def use_again(self, guest: Guest) -> None:
        """Signs in with a code that signed somebody in: it may not be taken."""
        assert guest.used is not None
        try:
            await self.teller.door(self.dice.below(2)).use(guest.used)
        except (NotAllowed, QuestionRefused):
            taken = False
        except NoAnswer:
            return
        else:
            taken = True
        self.teller.note("once", what=f"{guest.channel} code", taken=1 + taken)

    def take_victim(self) -> Person | None:
        """Somebody nobody guessed at yet; None when all are used up."""
        return next(self._victims, None)

    def strangers_for(self, victim: Person) -> list[Person]:
        """Strangers of the victim's school, enough for guesses, and one who is right."""
        own = [each for each in self.strangers if each.school_id == victim.school_id]
        begin = next(self._guessed) * (GUESSES + 1)
        return [own[(begin + place) % len(own)] for place in range(GUESSES + 1)]


def form_of(person: Person, number: str) -> Json:
    """What a person knows of a card of theirs."""
    return {"name": person.name, "number": number, "pin": person.pin}
