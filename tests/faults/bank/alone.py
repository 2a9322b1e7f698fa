"""Tills without a network: what they took comes in twice, and beside sales of the same key."""

import asyncio
from base64 import b64encode
from time import time as unix_time  # noqa: TID251 - tills have clocks of their own

from clients.endpoint import Json
from clients.terminal.journal import CONTROL_BATCH
from terminals import offline
from terminals.codes import CodeRefusal, classify
from terminals.message import RequestKey
from terminals.offline import ClockState, Record, RecordKind
from tests.faults.bank.scenes import Street
from tests.faults.bank.spending import PAID, told
from tests.faults.bank.wire import BATCH, Intent

CAP_MINOR = 800
"""The town's cap per offline purchase; now and then a till takes more than it may."""
PARAMETERS_VERSION = 1
RECORDS = 3


class Chain:
    """The records of one batch of one till, signed and chained in the order of writing."""

    def __init__(self, street: Street, till: int, batch_no: int) -> None:
        self._street = street
        self._till = till
        self._identity = street.identities[till]
        self._batch_no = batch_no
        issuer, terminal_no = self._identity.issuer, self._identity.terminal_no
        self._first = self._head = offline.first_link(issuer, terminal_no, batch_no)
        self._items: list[Json] = []

    @property
    def head(self) -> str:
        """The last hash, in base64."""
        return b64encode(self._head).decode()

    def write(self, seq_no: int, presented: str, amount: int, *, timed_out: bool = False) -> None:
        """One record."""
        record = Record(
            issuer=self._identity.issuer,
            key=RequestKey(self._identity.terminal_no, self._batch_no, seq_no),
            kind=RecordKind.PURCHASE,
            created_at=int(unix_time()),
            minor_amount=amount,
            parameters_version=PARAMETERS_VERSION,
            deny_version=0,
            clock_state=ClockState.TRUSTED,
            presented=presented,
        )
        previous, self._head = self._head, offline.link(self._head, record.packed())
        self._items.append(
            {
                "seqNo": seq_no,
                "kind": "PURCHASE",
                "createdAt": record.created_at,
                "minorAmount": str(amount),
                "parametersVersion": PARAMETERS_VERSION,
                "denyVersion": 0,
                "clockState": "TRUSTED",
                "presented": presented,
                "challenge": None,
                "afterTimeout": timed_out,
                "previousHash": b64encode(previous).decode(),
                "signature": b64encode(offline.sign_link(self._head, self._identity.sign)).decode(),
            }
        )

    def upload(self) -> Intent:
        """All of them, in an order of no meaning."""
        given = {
            "batchNo": self._batch_no,
            "previousHash": b64encode(self._first).decode(),
            "items": self._street.dice.shuffled(self._items),
        }
        numbers = [[self._till, self._batch_no, each["seqNo"]] for each in self._items]
        return control(self._street, "UPLOAD", self._till, given, {"numbers": numbers})

    def close(self, verdicts: dict[int, Json]) -> Intent:
        """The end of the batch, with the totals of what was paid."""
        paid = {n for n, told in verdicts.items() if told["verdict"] in PAID}
        amounts = [int(i["minorAmount"]) for i in self._items if i["seqNo"] in paid]
        instrument = classify(self._items[0]["presented"])
        assert not isinstance(instrument, CodeRefusal)
        total = {"kind": "PURCHASE", "instrument": instrument.value, "count": len(amounts),
                 "minorAmount": sum(amounts)}  # fmt: skip
        given = {
            "batchNo": self._batch_no,
            "lastSeq": len(self._items),
            "unused": [],
            "totals": [total] if amounts else [],
            "headHash": self.head,
        }
        return control(self._street, "CLOSE", self._till, given, {"numbers": []})


def control(street: Street, operation: str, till: int, given: Json, about: Json) -> Intent:
    """A request that no answer is kept for under its own key."""
    key = {"batchNo": CONTROL_BATCH, "seqNo": 1 + street.dice.below(999_999)}
    school = street.school(till)
    mark = street.dice.bytes(6).hex()
    return Intent(
        id=f"{operation.lower()}.{till}.{given['batchNo']}.{mark}", operation=operation,
        school_id=school, given={"key": key, **given}, amount_minor=0, about=about, till=till,
    )  # fmt: skip


def _amount(street: Street) -> int:
    is_much = street.dice.below(8) == 0
    return CAP_MINOR + 1 if is_much else 1 + street.dice.below(CAP_MINOR // 2)


async def batch_alone(street: Street, till: int) -> None:
    """A batch of records, sent twice at once while one of its codes pays online; then the close."""
    chain = Chain(street, till, street.teller.next_batch(till))
    holders = [street.dice.pick(street.phones[street.school(till)]) for _ in range(RECORDS)]
    codes = [street.code(holder) for holder in holders]
    for place, code in enumerate(codes):
        chain.write(place + 1, code, _amount(street))
    upload = chain.upload()
    if street.dice.below(2) == 0:
        about = {"code": codes[0], "who": holders[0].number}
        other = street.purchase(street.elsewhere(till), codes[0], street.amount(), about)
        facts, _ = await asyncio.gather(
            street.teller.ask(upload, at_once=2), street.teller.ask(other)
        )
    else:
        facts = await street.teller.ask(upload, at_once=2)
    if facts and "verdicts" in facts:
        await street.teller.ask(chain.close(told(facts)), at_once=2)


async def sale_and_record(street: Street, till: int) -> None:
    """A sale whose answer does not come in time, and the record of it under the same key."""
    holder = street.dice.pick(street.phones[street.school(till)])
    text, amount = street.code(holder), _amount(street)
    sale = street.purchase(till, text, amount, {"code": text, "who": holder.number})
    chain = Chain(street, till, BATCH)
    chain.write(sale.given["key"]["seqNo"], text, amount, timed_out=True)
    await street.at_once(sale, chain.upload())
