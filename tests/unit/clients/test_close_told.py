"""A till that is told to upload and to close, and one whose batch was closed without it."""

import pytest

from clients.endpoint import NoAnswer
from clients.terminal.batches import Batches
from clients.terminal.receipt import Patience
from terminals.ccr import Outcome
from tests.unit.clients.conftest import Counter
from tests.unit.clients.outage import code, cut, prepare, restore


@pytest.fixture(autouse=True)
def short(counter: Counter) -> None:
    """A till that does not insist long."""
    counter.patience = Patience(budget_seconds=0.02, pause_seconds=0.002, status_tries=1)
    counter.reopen()


async def told(counter: Counter) -> list[str]:
    """One heartbeat, and what it told; the till does so."""
    line = counter.till.line
    beat = await line.set_clock()
    await Batches(counter.journal, line, line.store).obey(beat["directives"])
    directives: list[str] = beat["directives"]
    return directives


async def test_queue_goes_up_when_the_heartbeat_asks_for_it(counter: Counter) -> None:
    await prepare(counter)
    sold = await counter.till.sell(code(), 500)
    assert sold.is_offline
    restore(counter)
    assert await told(counter) == ["UPLOAD"]
    assert counter.server.paid == {sold.entry.key: 500}
    assert await told(counter) == []
    assert counter.server.asked.count("OfflineBatchUpload") == 1


async def test_old_batches_are_closed_and_the_newest_only_when_it_is_alone(
    counter: Counter,
) -> None:
    await prepare(counter)
    assert (await counter.till.sell(code(), 500)).is_offline
    restore(counter)
    counter.journal.open_batch()
    assert (await counter.till.sell(code(2), 700)).is_approved
    counter.server.is_close_due = True
    assert await told(counter) == ["UPLOAD", "CLOSE"]
    assert counter.server.settled == {1: 500}
    assert counter.journal.batch_no() == 2
    await told(counter)
    assert counter.server.settled == {1: 500, 2: 700}
    assert counter.journal.batch_no() == 3
    await told(counter)
    assert counter.server.asked.count("BatchClose") == 2, "nothing is left to close"


@pytest.mark.parametrize(("fault", "outcome"), [
    ("LOSE_ANSWER", Outcome.APPROVED), ("LOSE_REQUEST", Outcome.DECLINED),
])  # fmt: skip
async def test_sale_of_a_batch_that_the_server_closed_ends_as_the_server_knows_it(
    counter: Counter, fault: str, outcome: Outcome
) -> None:
    """A week of silence: nothing can be undone any more, and nothing that did not come can come."""
    await counter.till.line.set_clock()
    faults = {"PurchaseAuthorise": fault, "PurchaseVoid": "LOSE_REQUEST",
              "PurchaseStatus": "LOSE_REQUEST"}  # fmt: skip
    counter.server.fault = faults.get
    asked = await counter.till.sell(code(), 500)
    assert asked.outcome is None
    restore(counter)
    counter.server.settled[1] = sum(counter.server.paid.values())
    cut(counter, "LOSE_REQUEST")
    counter.server.fault = {"PurchaseStatus": "LOSE_REQUEST"}.get
    await counter.till.settle_open()
    assert len(counter.journal.list_open()) == 2, "what the server knows is not known yet"
    restore(counter)
    paid = dict(counter.server.paid)
    await counter.till.settle_open()
    assert counter.journal.list_open() == []
    assert counter.journal.get(asked.entry.key).outcome is outcome
    assert counter.server.paid == paid


async def test_what_is_told_in_vain_is_told_again(counter: Counter) -> None:
    await prepare(counter)
    assert (await counter.till.sell(code(), 500)).is_offline
    cut(counter, "LOSE_ANSWER", "OfflineBatchUpload")
    with pytest.raises(NoAnswer):
        await told(counter)
    restore(counter)
    assert await told(counter) == ["UPLOAD"]
    assert counter.till.line.store.waiting() == (0, 0)
