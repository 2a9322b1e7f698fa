"""A till whose power fails at any step ends with a journal that says what the books say."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count

import httpx2
import pytest

from clients.endpoint import NoAnswer
from clients.terminal.batches import Batches, BatchNotWhole
from clients.terminal.journal import Journal, Operation
from clients.terminal.receipt import Patience
from clients.terminal.till import Till
from terminals import parameters
from terminals.ccr import Outcome
from terminals.documents import DocumentKind
from terminals.message import RequestKey
from tests.unit.clients.conftest import Counter
from tests.unit.clients.outage import OPEN, code, cut, prepare, restore
from tests.unit.clients.pretend_keys import school_document
from tests.unit.clients.pretend_server import NOW
from tests.unit.clients.test_till import CODE, on

Work = Callable[[Till], Awaitable[object]]


class PowerCut(BaseException):
    """The program is gone; nothing in it may catch this."""


async def _sale(till: Till) -> None:
    await till.sell(CODE, 1_000)


async def _held_sale(till: Till) -> None:
    held = await till.sell(CODE, 2_000, is_held=True)
    await till.capture(held.entry.key, 1_500)


async def _voided_sale(till: Till) -> None:
    sold = await till.sell(CODE, 1_000)
    await till.void(sold.entry.key)


async def _refunded_sale(till: Till) -> None:
    sold = await till.sell(CODE, 1_000)
    await till.refund(sold.entry.key, 400, "cold soup")


async def _settled(till: Till) -> None:
    batches = Batches(till._journal, till.line, till.line.store)
    with suppress(NoAnswer, BatchNotWhole):
        await batches.upload()
        await batches.close(1)


async def _sale_by_challenge(till: Till) -> None:
    shown = await till.show_challenge(1_000)
    await till.sell(CODE, 1_000, challenge=shown)


@pytest.mark.parametrize("network", ["good", "LOSE_ANSWER", "LOSE_REQUEST"])
@pytest.mark.parametrize(
    "work", [_sale, _held_sale, _voided_sale, _refunded_sale, _sale_by_challenge]
)
async def test_kill_at_every_journal_step(counter: Counter, work: Work, network: str) -> None:
    counter.patience = Patience(budget_seconds=0.02, pause_seconds=0.002)
    for step in count():
        if network != "good":
            counter.server.fault = on("PurchaseAuthorise", network)
        was_cut = await cut_at(counter, step, work)
        counter.server.fault = lambda operation: None
        counter.reopen()
        await counter.till.settle_open()
        assert counter.journal.list_open() == []
        assert _paid_by(counter.journal) == {k: v for k, v in counter.server.paid.items() if v}
        assert not set(counter.server.held) - _captured_later(counter.journal)
        if not was_cut:
            assert step > 4
            break


@pytest.mark.parametrize("network", ["LOSE_ANSWER", "LOSE_REQUEST"])
async def test_kill_at_every_journal_step_of_offline_sales(counter: Counter, network: str) -> None:
    counter.patience = Patience(budget_seconds=0.02, pause_seconds=0.002, status_tries=1)
    counter.reopen()
    shown: list[RequestKey] = []
    await prepare(counter)
    for step in count():
        cut(counter, network)
        was_cut = await cut_at(counter, step, lambda till: _told(till, shown))
        restore(counter)
        counter.reopen()
        await counter.till.settle_open()
        await _settled(counter.till)
        # What was shown as sold is paid, once, and what is in the journal is in the books.
        paid = {key: minor for key, minor in counter.server.paid.items() if minor}
        assert set(shown) <= paid.keys()
        assert _paid_by(counter.journal) == paid
        assert counter.till.line.store.waiting() == (0, 0)
        assert counter.journal.list_open() == []
        assert counter.till.line.store.is_settled(1)
        if not was_cut:
            assert step > 20
            break
        counter = await _next_day(counter)
        shown.clear()


async def _told(till: Till, shown: list[RequestKey]) -> None:
    """Sells without a network; `shown` are the sales whose success a cashier saw."""
    for number in (1, 2):
        receipt = await till.sell(code(number), 1_000)
        if receipt.is_approved:
            shown.append(receipt.entry.key)
    await _settled(till)


async def _next_day(counter: Counter) -> Counter:
    """The same terminal with an empty journal, at a server with empty books."""
    identity, server = counter.journal.identity, counter.server
    counter.journal.close()
    for path in counter.path.parent.glob(counter.path.name + "*"):
        path.unlink()
    for book in (server.paid, server.answers, server.records, server.settled, server.voided):
        book.clear()
    counter.journal = Journal(counter.path)
    counter.journal.enrol(identity)
    counter.till = Till(counter.journal, counter.line(), counter.patience)
    for _ in range(2):
        await counter.till.line.set_clock()
    return counter


async def test_kill_at_every_step_of_a_document_leaves_a_whole_one(counter: Counter) -> None:
    await prepare(counter)
    store, ring = counter.till.line.store, counter.journal.identity.ring
    newer = school_document(
        DocumentKind.PARAMETERS, 8, parameters.write(OPEN.model_copy(update={"skew_seconds": 9}))
    )
    for step in count():

        async def take(till: Till) -> None:
            till.line.store.take(newer, 7, ring, NOW)

        was_cut = await cut_at(counter, step, take)
        counter.reopen()
        store = counter.till.line.store
        held, version = store.parameters(), store.version(DocumentKind.PARAMETERS)
        assert held is not None
        assert (version, held.skew_seconds) in ((7, 15), (8, 9))
        if not was_cut:
            assert version == 8
            break
        if version == 7:
            continue
        assert step == 3, "only once the switch is written"
        break


async def cut_at(counter: Counter, step: int, work: Work) -> bool:
    """Runs `work` and cuts the power at the step of this number; whether it got that far.

    Steps are: before and after each statement on the journal, and each request.
    """
    steps = count()

    def tick() -> None:
        if next(steps) == step:
            raise PowerCut

    run, handle = counter.journal.run, counter.server.handle_async_request

    def ticking_run(sql: str, *values: object) -> int:
        tick()
        changed = run(sql, *values)
        tick()
        return changed

    async def ticking_handle(request: httpx2.Request) -> httpx2.Response:
        tick()
        answer = await handle(request)
        tick()
        return answer

    counter.journal.run = ticking_run  # type: ignore[method-assign]  # planted
    counter.server.handle_async_request = ticking_handle  # type: ignore[method-assign]  # planted
    try:
        await work(counter.till)
    except PowerCut:
        return True
    finally:
        counter.server.handle_async_request = handle  # type: ignore[method-assign]  # planted
    return False


def _paid_by(journal: Journal) -> dict[RequestKey, int]:
    """What the journal says was paid, by purchase."""
    paid: dict[RequestKey, int] = {}
    for entry in reversed(journal.list_newest(10_000)):
        if entry.outcome is not Outcome.APPROVED:
            continue
        if entry.operation is Operation.AUTHORISE and entry.given["capture"] == "IMMEDIATE":
            paid[entry.key] = entry.minor_amount
        elif entry.operation is Operation.CAPTURE and entry.original:
            paid[entry.original] = entry.minor_amount
        elif entry.operation is Operation.REFUND and entry.original:
            paid[entry.original] -= entry.minor_amount
    return paid


def _captured_later(journal: Journal) -> set[RequestKey]:
    """Holds that the journal knows of, whether or not their capture was begun."""
    return {
        entry.key
        for entry in journal.list_newest(10_000)
        if entry.outcome is Outcome.APPROVED and entry.given.get("capture") == "MANUAL"
    }
