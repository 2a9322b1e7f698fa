"""The reference till and its operators against the real application."""

from pathlib import Path

import pytest

from clients.endpoint import Endpoint, NoAnswer, NotAllowed
from clients.terminal.journal import Journal
from clients.terminal.operators import RightMissing
from clients.terminal.protocol import Line
from clients.terminal.till import Till
from core.kit.clock import unix_seconds
from core.school.operators import OperatorRight
from tests.api.counter import ALICES_CARD, BRISK, Counter
from tests.api.devices import SCHOOL
from tests.api.operators import NUMBER, PIN, WRONG, register
from tests.api.quarter import Quarter
from tests.api.sample import OPERATOR
from tests.api.test_operator_refunds import ask_for_operators

ALONE = {"OperatorSignOn", "OperatorSignOff"}


async def publish(counter: Counter) -> None:
    """The worker publishes, the till fetches."""
    counter.campus.clock.advance(seconds=31)
    await counter.campus.wired.services.publisher.refresh(SCHOOL)
    counter.campus.clock.advance(seconds=31)
    await counter.line.sync()


async def test_operator_of_the_till_refunds_where_the_school_asks_for_one(
    counter: Counter,
) -> None:
    await register(counter.campus)
    await register(counter.campus, "1002", OperatorRight.SALE)
    await ask_for_operators(counter.campus)
    await counter.campus.publish_keys(1)
    await publish(counter)
    till = counter.till
    sold = await till.sell(ALICES_CARD, 1_250)
    with pytest.raises(RightMissing) as nobody:
        await till.refund(sold.entry.key, 250, "cold soup")
    assert nobody.value.response_code == "S1"
    wrong = await till.operators.sign_on(NUMBER, WRONG)
    assert (wrong.shift, wrong.response_code, wrong.tries_left) == (None, "55", 4)
    signed = await till.operators.sign_on("1002", PIN)
    assert signed.shift is not None
    with pytest.raises(RightMissing):
        await till.refund(sold.entry.key, 250, "cold soup")
    assert await counter.balance("S001") == 3_750, "nothing was sent"
    await till.operators.sign_on(NUMBER, PIN)
    refunded = await till.refund(sold.entry.key, 250, "cold soup")
    assert refunded.is_approved
    assert await counter.balance("S001") == 4_000
    noted = await counter.campus.rows("SELECT seq_no FROM operator_refund")
    assert [row[0] for row in noted] == [refunded.entry.key.seq_no]


async def test_killed_till_keeps_its_shift_and_ends_it(counter: Counter, tmp_path: Path) -> None:
    await register(counter.campus)
    signed = await counter.till.operators.sign_on(NUMBER, PIN)
    assert signed.shift is not None
    open_shifts = "SELECT operator_no FROM operator_shift WHERE ended_at IS NULL"
    with Journal(tmp_path / "till.db") as journal:  # what a power cut leaves
        clock = counter.campus.clock
        line = Line(
            Endpoint(counter.http), journal, lambda: unix_seconds(clock.now()),
            counter.campus.entropy,
        )  # fmt: skip
        again = Till(journal, line, BRISK)
        assert again.operators.shift == signed.shift
        assert [row[0] for row in await counter.campus.rows(open_shifts)] == [NUMBER]
        counter.network.lost = lambda operation: operation in ALONE
        with pytest.raises(NoAnswer):
            await again.operators.sign_off()
        assert again.operators.shift is not None
        counter.network.lost = lambda _operation: False
        assert await again.operators.sign_off() == signed.shift
        assert journal.row("SELECT 1 FROM shift") is None
    assert await counter.campus.rows(open_shifts) == []


async def test_network_that_is_there_signs_nobody_on_alone(counter: Counter) -> None:
    await register(counter.campus)
    await counter.campus.publish_keys(1)
    await publish(counter)
    await counter.campus.wired.services.terminals.change_state(
        SCHOOL, counter.journal.identity.terminal_no, "LOCK", "stolen", OPERATOR
    )
    with pytest.raises(NotAllowed):
        await counter.till.operators.sign_on(NUMBER, PIN)
    assert counter.till.operators.shift is None
    counter.network.cut = lambda operation: operation in ALONE
    signed = await counter.till.operators.sign_on(NUMBER, PIN)
    assert signed.shift is not None
    assert signed.shift.id is None, "by the hash of the real document"


async def test_server_that_starts_again_knows_who_is_signed_on(quarter: Quarter) -> None:
    await register(quarter.counter.campus)
    operators = quarter.counter.till.operators
    before = (await operators.sign_on(NUMBER, PIN)).shift
    await quarter.restart()
    after = (await operators.sign_on(NUMBER, PIN)).shift
    assert after is not None
    assert after == before
