"""A till that undoes what it took without a network: by a record, once, whatever the power does."""

from itertools import count

import pytest

from clients.terminal.batches import Batches
from clients.terminal.journal import Operation
from clients.terminal.receipt import Patience, Receipt
from clients.terminal.words import tell
from terminals.ccr import Outcome
from terminals.offline import RecordKind
from tests.unit.clients.conftest import Counter
from tests.unit.clients.outage import code, cut, prepare, restore
from tests.unit.clients.test_power_cut import cut_at


@pytest.fixture
async def alone(counter: Counter) -> Counter:
    """A till that has lost its network."""
    counter.patience = Patience(budget_seconds=0.02, pause_seconds=0.002, status_tries=1)
    counter.reopen()
    await prepare(counter)
    cut(counter, "LOSE_REQUEST")
    return counter


def batches(counter: Counter) -> Batches:
    return Batches(counter.journal, counter.till.line, counter.till.line.store)


async def sold(counter: Counter, number: int = 1) -> Receipt:
    receipt = await counter.till.sell(code(number), 1_000)
    assert receipt.is_offline
    return receipt


async def test_sale_taken_alone_is_undone_alone_by_a_record_and_nobody_pays(
    alone: Counter,
) -> None:
    first, other = await sold(alone), await sold(alone, 2)
    asked = len(alone.server.asked)
    undone = await alone.till.void(first.entry.key)
    assert (undone.is_approved, undone.is_offline, undone.answer) == (True, True, None)
    assert tell(undone, "en").endswith(
        "Voided offline and recorded; uploaded when the network is back"
    )
    assert "已脱机撤销" in tell(undone, "zh")
    assert len(alone.server.asked) == asked, "nobody is asked"
    assert alone.journal.get(first.entry.key).outcome is Outcome.VOIDED
    record = alone.till.line.store.of_batch(1)[-1].item.record
    assert (record.key, record.kind, record.presented, record.minor_amount) == (
        undone.entry.key, RecordKind.VOID, f"VOID:{first.entry.key.seq_no}", 1_000,
    )  # fmt: skip
    restore(alone)
    assert [judged.verdict for judged in await batches(alone).upload()] == ["ACCEPTED"] * 3
    assert alone.server.paid == {first.entry.key: 0, other.entry.key: 1_000}
    assert await batches(alone).close(1) == 1_000


async def test_undone_again_is_the_same_void(alone: Counter) -> None:
    receipt = await sold(alone)
    undone = await alone.till.void(receipt.entry.key)
    assert await alone.till.void(receipt.entry.key) == undone
    assert len(alone.till.line.store.of_batch(1)) == 2


async def test_sale_that_was_judged_is_undone_by_the_server(alone: Counter) -> None:
    receipt = await sold(alone)
    restore(alone)
    await batches(alone).upload()
    undone = await alone.till.void(receipt.entry.key)
    assert (undone.is_offline, undone.outcome) == (False, Outcome.VOIDED)
    assert alone.server.voided == {receipt.entry.key}


async def test_sale_of_another_batch_waits_for_the_server(alone: Counter) -> None:
    receipt = await sold(alone)
    alone.journal.open_batch()
    before = alone.journal.batch_no()
    undone = await alone.till.void(receipt.entry.key)
    assert (undone.is_approved, undone.is_offline) == (False, False)
    assert len(alone.till.line.store.of_batch(1)) == 1
    waiting = [entry.operation for entry in alone.journal.list_open()]
    assert (alone.journal.batch_no(), waiting) == (before, [Operation.VOID])


async def test_kill_at_every_step_of_undoing_leaves_a_sale_or_none(alone: Counter) -> None:
    for step in count():
        receipt = await sold(alone, step + 1)
        key = receipt.entry.key
        was_cut = await cut_at(alone, step, lambda till, key=key: till.void(key))  # type: ignore[misc]  # bound above
        alone.reopen()
        assert alone.journal.list_open() == []
        is_undone = alone.journal.get(key).outcome is Outcome.VOIDED
        records = [each.item.record.presented for each in alone.till.line.store.of_batch(1)]
        assert (f"VOID:{key.seq_no}" in records) == is_undone
        assert (await alone.till.void(key)).is_offline
        if not was_cut:
            assert step > 8
            break
    restore(alone)
    await batches(alone).upload()
    assert set(alone.server.paid.values()) == {0}
