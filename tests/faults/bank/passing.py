"""Gates and merchants' codes: one code opens once, and one challenge is paid once."""

import asyncio
from time import time as unix_time  # noqa: TID251 - tills have clocks of their own

from clients.terminal.till import CHALLENGE_SECONDS
from terminals import ccq
from terminals.ccq import Challenge, Purpose
from terminals.message import RequestKey
from tests.faults.bank.scenes import Street
from tests.faults.bank.town import PIN, Holder
from tests.faults.bank.wire import BATCH, Intent

PAYERS = 2


def _entry(street: Street, gate: int, text: str, holder: Holder) -> Intent:
    given = {"presented": text, "doorNo": 1, "direction": "IN"}
    return street.request("ENTRY", gate, given, 0, {"opener": text, "who": holder.number})


async def gate_twice(street: Street, till: int) -> None:
    """One code at two gates at once, each asked twice; the same screen may also pay."""
    school = street.school(till)
    holder = street.dice.pick(street.phones[school])
    text = street.code(holder)
    gates = [gate for gate in street.gates if street.school(gate) == school]
    asked = [_entry(street, street.dice.pick(gates), text, holder) for _ in range(2)]
    also = []
    if street.dice.below(3) == 0:
        about = {"code": text, "who": holder.number}
        also = [street.teller.ask(street.purchase(till, text, street.amount(), about))]
    await asyncio.gather(*(street.teller.ask(each, at_once=2) for each in asked), *also)


async def challenge(street: Street, till: int) -> None:
    """A till shows what to pay; two phones pay it at once, and now and then the till gives up."""
    identity, amount = street.identities[till], street.amount()
    seq_no = street.teller.next_seq(till)
    asked = Challenge(
        Purpose.PAY, identity.issuer, identity.key_no,
        RequestKey(identity.terminal_no, BATCH, seq_no), int(unix_time()), CHALLENGE_SECONDS,
        amount,
    )  # fmt: skip
    text = ccq.make(asked, identity.sign).text
    key = f"{identity.issuer}.{identity.terminal_no}.{BATCH}.{seq_no}"
    holders = [street.dice.pick(street.phones[street.school(till)]) for _ in range(PAYERS)]
    payments = [
        Intent(
            id=f"pay.{key}.{place}", operation="PAY", school_id=identity.issuer,
            given={"idempotencyKey": street.dice.bytes(16).hex(), "text": text,
                   "minorAmount": None, "pin": PIN if holder.has_pin else None},
            amount_minor=amount, token=holder.token,
            about={"who": holder.number, "asked": key, "numbers": [[till, BATCH, seq_no]]},
        )
        for place, holder in enumerate(holders)
    ]  # fmt: skip
    tasks = [street.teller.ask(each, at_once=1 + street.dice.below(2)) for each in payments]
    if street.dice.below(3) == 0:
        shown = street.request("AUTHORISE", till, {}, amount, {})
        shown.given["key"]["seqNo"] = seq_no
        void = street.follow("VOID", shown, till, 0)
        void.about["of"] = key
        tasks.append(street.teller.ask(void))
    await asyncio.gather(*tasks)
