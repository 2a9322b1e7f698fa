"""A key is used once: what a door was answered is never paid for, and what paid opens no door."""

import asyncio
from dataclasses import replace

import pytest

from core.authorisation.records import Key, PurchaseRequest
from core.entry.records import (
    EntryAnswer,
    EntryKey,
    EntryOutcome,
    EventAnswer,
    EventVerdict,
)
from core.kit.errors import IdempotencyConflict
from tests.factories.canteen import Holder
from tests.factories.gates import Gates, sign

MONEY = ("terminal_answer", "authorisation", "transfer", "leg", "code_use", "account")
CONFLICT = EventAnswer(EventVerdict.REJECTED, "KEY_CONFLICT")


def sale(gates: Gates, holder: Holder, key: EntryKey) -> PurchaseRequest:
    asked = gates.canteen.purchase(holder, 100)
    return replace(asked, terminal_no=key.terminal_no, batch_no=key.batch_no, seq_no=key.seq_no)


def key_of(request: PurchaseRequest) -> EntryKey:
    return EntryKey(request.terminal_no, request.batch_no, request.seq_no)


async def test_purchase_under_the_key_of_an_entry_conflicts_and_pays_nothing(gates: Gates) -> None:
    holder = await gates.canteen.holder(5000)
    asked = gates.asks(gates.tapper(holder))
    event = gates.event(gates.tapper(holder))
    await gates.ask(asked)
    await gates.tell(event)
    before = await gates.dump(*MONEY)
    for key in (asked.key, event.key):
        with pytest.raises(IdempotencyConflict):
            await gates.canteen.authorise(sale(gates, holder, key))
    void = gates.canteen.follow("VOID", gates.canteen.purchase(holder, 1))
    with pytest.raises(IdempotencyConflict):
        await gates.canteen.answer(replace(void, key=Key(*asked.key)))
    assert await gates.dump(*MONEY) == before
    assert await gates.canteen.broken() == {}


async def test_entry_under_the_key_of_a_purchase_conflicts_and_opens_nothing(gates: Gates) -> None:
    holder = await gates.canteen.holder(5000)
    paid = gates.canteen.purchase(holder, 100)
    await gates.canteen.authorise(paid)
    before = await gates.dump()
    with pytest.raises(IdempotencyConflict):
        await gates.ask(gates.asks(gates.tapper(holder), key=key_of(paid)))
    refused = EntryAnswer(
        key_of(paid), EntryOutcome.DENIED, "C2", "FORMAT", None, None, None, 1, paid.answered_at
    )
    with pytest.raises(IdempotencyConflict):
        await gates.passages.refuse(7, bytes(32), refused, sign)
    assert await gates.tell(gates.event(gates.tapper(holder), key=key_of(paid))) == CONFLICT
    assert await gates.dump() == before
    assert await gates.canteen.broken() == {}


async def test_batch_with_one_conflict_answers_the_others(gates: Gates) -> None:
    people = [await gates.canteen.holder(5000) for _ in range(4)]
    taken = gates.asks(gates.tapper(people[0]))
    await gates.ask(taken)
    sales = [gates.canteen.purchase(each, 100, batch_no=2) for each in people[1:]]
    refused, *answers = await asyncio.gather(
        *map(gates.canteen.authorise, (sale(gates, people[0], taken.key), *sales)),
        return_exceptions=True,
    )
    assert isinstance(refused, IdempotencyConflict)
    assert [getattr(each, "outcome", each) for each in answers] == ["APPROVED"] * 3
    assert await gates.canteen.broken() == {}
