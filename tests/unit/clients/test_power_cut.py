"""A till whose power fails at any step ends with a journal that says what the books say."""

from collections.abc import Awaitable, Callable
from itertools import count

import httpx2
import pytest

from clients.terminal.journal import Journal, Operation
from clients.terminal.receipt import Patience
from clients.terminal.till import Till
from terminals.ccr import Outcome
from terminals.message import RequestKey
from tests.unit.clients.conftest import Counter
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
        was_cut = await _cut_at(counter, step, work)
        counter.server.fault = lambda operation: None
        counter.reopen()
        await counter.till.settle_open()
        assert counter.journal.list_open() == []
        assert _paid_by(counter.journal) == {k: v for k, v in counter.server.paid.items() if v}
        assert not set(counter.server.held) - _captured_later(counter.journal)
        if not was_cut:
            assert step > 4
            break


async def _cut_at(counter: Counter, step: int, work: Work) -> bool:
    """Runs `work` and cuts the power at the step of this number; whether it got that far.

    Steps are: before and after each statement on the journal, and each request.
    """
    steps = count()

    def tick() -> None:
        if next(steps) == step:
            raise PowerCut

    run, handle = counter.journal._run, counter.server.handle_async_request

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

    counter.journal._run = ticking_run  # type: ignore[method-assign]  # planted
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
