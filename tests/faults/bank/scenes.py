"""What people and tills do: the work mix of the bank test, drawn by the client's dice."""

import asyncio
from collections.abc import Sequence
from time import time as unix_time  # noqa: TID251 - phones and tills have clocks of their own

from bff.fleet.dice import Dice
from clients.endpoint import Json
from clients.screen import month_of
from clients.terminal.keys import Identity
from terminals.message import RequestKey
from tests.faults.bank.teller import Teller
from tests.faults.bank.town import PIN, Holder, Town
from tests.faults.bank.wire import BATCH, Intent, show_code


def by_number(identities: Sequence[str]) -> dict[int, Identity]:
    """Terminals by school times a million plus their number."""
    read = [Identity.read(text) for text in identities]
    return {each.issuer * 1_000_000 + each.terminal_no: each for each in read}


class Street:
    """The tills, cardholders and desks one client process plays."""

    def __init__(self, town: Town, teller: Teller, share: tuple[int, int], dice: Dice) -> None:
        index, count = share
        self.teller = teller
        self.dice = dice
        tills, gates = by_number(town.tills), by_number(town.gates)
        self.identities = tills | gates
        self.tills = sorted(tills)[index::count]
        self.gates = sorted(gates)[index::count]
        self.desks = {desk.school_id: desk for desk in town.desks}
        self.people = {school: [h for h in town.holders if h.school_id == school]
                       for school in self.desks}  # fmt: skip
        # A phone is one client's: no device ever shows two codes with one time.
        self.phones = {school: people[index::count] for school, people in self.people.items()}
        self._shown: dict[str, int] = {}

    def school(self, till: int) -> int:
        """The school of a till."""
        return till // 1_000_000

    def amount(self) -> int:
        """1 fen to 40 yuan, mostly small."""
        return 1 + self.dice.below(self.dice.pick([200, 800, 1_500, 4_000]))

    def code(self, holder: Holder) -> str:
        """A code this phone never showed before."""
        now = int(unix_time())
        shown = max(now - 20, holder.not_before, self._shown.get(holder.seed, 0) + 1)
        self._shown[holder.seed] = min(shown, now + 10)
        return show_code(holder, self._shown[holder.seed])

    def request(
        self, operation: str, till: int, given: Json, amount: int, about: Json,
        original: tuple[int, int] | None = None,
    ) -> Intent:  # fmt: skip
        """An intent under the till's next key."""
        seq = self.teller.next_seq(till)
        key = {"batchNo": BATCH, "seqNo": seq}
        school, number = divmod(till, 1_000_000)
        return Intent(
            id=f"{school}.{number}.{BATCH}.{seq}", operation=operation, school_id=school,
            given={"key": key, **given}, amount_minor=amount, about=about, till=till,
            named=original if operation == "VOID" and original else (BATCH, seq),
        )  # fmt: skip

    def purchase(
        self, till: int, presented: str, amount: int, about: Json, **given: object
    ) -> Intent:
        """A purchase."""
        asked = {"presented": presented, "minorAmount": amount, "scene": "MEAL", **given}
        return self.request("AUTHORISE", till, asked, amount, about)

    def follow(self, operation: str, of: Intent, till: int, amount: int) -> Intent:
        """A capture, void or refund of a purchase."""
        original = of.given["key"]
        given: Json = {"original": original}
        if operation == "VOID":
            given["reason"] = "TIMEOUT"
        else:
            given["minorAmount"] = amount
        if operation == "REFUND":
            given["reason"] = "bank test"
        return self.request(
            operation, till, given, amount, {"of": of.id}, (original["batchNo"], original["seqNo"])
        )

    def elsewhere(self, till: int) -> int:
        """Another till of the same school."""
        return self.dice.pick(
            [t for t in self.tills if t != till and self.school(t) == self.school(till)]
        )

    async def at_once(self, first: Intent, second: Intent) -> None:
        """Two intents at the same time, through two app processes."""
        for intent in (first, second):
            self.teller.begin(intent)
        await asyncio.gather(self.teller.insist(first, 0), self.teller.insist(second, 1))

    def by_code(self, till: int, **given: object) -> Intent:
        """A purchase with a fresh code of some phone."""
        holder = self.dice.pick(self.phones[self.school(till)])
        text, amount = self.code(holder), self.amount()
        return self.purchase(till, text, amount, {"code": text, "who": holder.number}, **given)


async def tap(street: Street, till: int) -> None:
    """A physical card of anybody."""
    holder = street.dice.pick(street.people[street.school(till)])
    await pay_by_card(street, till, holder, street.amount())


async def pay_by_card(
    street: Street, till: int, holder: Holder, amount: int, pin: str = PIN, **more: object
) -> None:
    """A tap; above the limit the PIN follows, without a second tap. `more` is what it is about."""
    about = {"uid": holder.uid, "who": holder.number, **more}
    facts = await street.teller.ask(street.purchase(till, f"CARD:{holder.uid}", amount, about))
    if facts and facts.get("outcome") == "PIN_REQUIRED" and holder.has_pin:
        intent = street.request(
            "AUTHORISE", till,
            {"continuation": facts["continuation"], "minorAmount": amount, "scene": "MEAL"},
            amount, about,
        )  # fmt: skip
        key = RequestKey(street.identities[till].terminal_no, BATCH, intent.given["key"]["seqNo"])
        intent.given["pinBlock"] = street.identities[till].seal(pin, key, int(unix_time()))
        await street.teller.ask(intent)


async def code_twice(street: Street, till: int) -> None:
    """One code at two tills at once."""
    first = street.by_code(till)
    second = street.purchase(
        street.elsewhere(till), first.given["presented"], first.amount_minor, first.about
    )
    await street.at_once(first, second)


async def card_and_code(street: Street, till: int) -> None:
    """One purse pays by card at one till and by phone at another, at once."""
    holder = street.dice.pick(street.phones[street.school(till)])
    text, about = street.code(holder), {"who": holder.number}
    await street.at_once(
        street.purchase(till, text, street.amount(), {"code": text, **about}),
        street.purchase(
            street.elsewhere(till), f"CARD:{holder.uid}", street.amount(),
            {"uid": holder.uid, **about},
        ),
    )  # fmt: skip


async def same_twice(street: Street, till: int) -> None:
    """One request sent twice at once, to two app processes; now and then again, or changed."""
    intent = street.by_code(till)
    facts = await street.teller.ask(intent, at_once=2)
    if facts is not None and street.dice.below(3) == 0:
        await street.teller.insist(intent)
    if facts is not None and street.dice.below(2) == 0:
        changed = Intent(**{
            **{name: getattr(intent, name) for name in Intent.__slots__},
            "given": {**intent.given, "minorAmount": intent.amount_minor + 1},
        })  # fmt: skip
        answer = await street.teller.probe(changed)
        street.teller.note("conflict", id=intent.id, facts=answer)


async def hold(street: Street, till: int) -> None:
    """Authorise, then capture or void; also the void first, or at the same time."""
    intent = street.by_code(till, capture="MANUAL")
    ending = street.dice.below(4)
    if ending == 0:
        await street.teller.ask(street.follow("VOID", intent, till, 0))
        await street.teller.ask(intent)
    elif ending == 1:
        await asyncio.gather(
            street.teller.ask(intent), street.teller.ask(street.follow("VOID", intent, till, 0))
        )
    else:
        facts = await street.teller.ask(intent)
        if facts and facts.get("outcome") == "APPROVED":
            part = 1 + street.dice.below(intent.amount_minor)
            operation = "CAPTURE" if ending == 2 else "VOID"
            await street.teller.ask(street.follow(operation, intent, till, part), at_once=2)


async def refund(street: Street, till: int) -> None:
    """A purchase, then refunds of parts of it at once: together more than was paid."""
    intent = street.by_code(till)
    facts = await street.teller.ask(intent)
    if facts and facts.get("outcome") == "APPROVED" and intent.amount_minor > 3:
        part = intent.amount_minor * 2 // 5
        await asyncio.gather(
            *(street.teller.ask(street.follow("REFUND", intent, till, part)) for _ in range(3))
        )


async def top_up(street: Street, till: int) -> None:
    """Cash at the window, now and then the same request twice at once."""
    desk = street.desks[street.school(till)]
    holder = street.dice.pick(street.people[desk.school_id])
    amount = 100 + street.dice.below(1_500)
    key = street.dice.bytes(16).hex()
    intent = Intent(
        id=f"cash.{desk.school_id}.{key}", operation="TOP_UP", school_id=desk.school_id,
        given={"idempotencyKey": key, "number": holder.number, "minorAmount": amount,
               "reason": "bank test"},
        amount_minor=amount, about={"who": holder.number}, token=desk.cashier,
    )  # fmt: skip
    await street.teller.ask(intent, at_once=1 + street.dice.below(2))


def by_phone(street: Street, operation: str, holder: Holder, given: Json) -> Intent:
    """What a cardholder asks on the phone."""
    key = street.dice.bytes(8).hex()
    return Intent(
        id=f"phone.{holder.school_id}.{key}", operation=operation, school_id=holder.school_id,
        given=given, amount_minor=0, about={"uid": holder.uid}, token=holder.token,
    )  # fmt: skip


async def loss(street: Street, till: int) -> None:
    """A loss report racing taps, then a tap that must be refused; some cards are released."""
    school = street.school(till)
    holder = street.dice.pick([h for h in street.phones[school] if h.has_pin])
    about = {"uid": holder.uid, "who": holder.number}

    def one_tap() -> Intent:
        return street.purchase(till, f"CARD:{holder.uid}", 1, about)

    report = by_phone(street, "LOSS", holder, {"cardId": holder.card_id})
    await asyncio.gather(street.teller.ask(report), street.teller.ask(one_tap()))
    await street.teller.ask(one_tap())
    await street.teller.ask(
        by_phone(street, "RELEASE", holder, {"cardId": holder.card_id, "pin": PIN})
    )


async def limits(street: Street, till: int) -> None:
    """A cardholder changes both limits."""
    holder = street.dice.pick([h for h in street.phones[street.school(till)] if h.has_pin])
    single = 500 + street.dice.below(2_000)
    given = {"singleMinor": single, "dailyMinor": single + street.dice.below(9_000), "pin": PIN}
    await street.teller.ask(by_phone(street, "LIMITS", holder, given))


async def read_back(street: Street, till: int) -> None:
    """A purchase, then the payer's statement from any app process: it must be there."""
    holder = street.dice.pick(street.phones[street.school(till)])
    text = street.code(holder)
    intent = street.purchase(till, text, 1, {"code": text, "who": holder.number})
    facts = await street.teller.ask(intent)
    if facts and facts.get("outcome") == "APPROVED":
        seen = await street.teller.look(
            "Statement", {"month": month_of(unix_time()), "first": 100, "after": None}, holder.token
        )
        if seen is not None:
            nodes = seen["viewer"]["cardholder"]["statement"]["nodes"]
            found = any(node["retrievalReference"] == facts["reference"] for node in nodes)
            street.teller.note("read", id=intent.id, found=found)


async def trial(street: Street, till: int) -> None:
    """The auditor's trial balance, in the middle of it all."""
    desk = street.desks[street.school(till)]
    seen = await street.teller.look("TrialBalance", {}, desk.auditor)
    if seen is not None:
        total = seen["viewer"]["staff"]["trialBalance"]["total"]["minorAmount"]
        street.teller.note("trial", school=desk.school_id, total=total)
