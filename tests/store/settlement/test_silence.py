"""Batches that nobody closes: the server does, and what arrives later is not lost."""

from datetime import timedelta
from typing import Any

import pytest

from core.settlement import service, store
from core.settlement.service import ADJUSTED_FOR
from tests.factories.canteen import TILLS
from tests.factories.closing import close, closing, purchases, rows, sold
from tests.factories.offline import ACCEPTED, Stall, key_of, later, rich

DIFFERENCE = (
    "SELECT s.closed_by, s.last_seq, s.net_minor, s.head_hash, d.missing_count, d.missing"
    " FROM settlement s LEFT JOIN settlement_difference d ON d.school_id = s.school_id"
    " AND d.terminal_no = s.terminal_no AND d.batch_no = s.batch_no WHERE s.school_id = 7"
    " ORDER BY s.terminal_no, s.batch_no"
)
ADJUSTMENTS = (
    "SELECT terminal_no, batch_no, number, net_minor FROM settlement_adjustment"
    " WHERE school_id = 7 ORDER BY made_at, number"
)


async def days(stall: Stall, count: float) -> int:
    """Time goes by and the worker looks; how many batches it closed."""
    stall.canteen.clock.advance(seconds=count * 86_400)
    return await stall.batches.close_silent(7)


async def test_silent_batch_is_closed_by_the_server_with_a_difference_row(stall: Stall) -> None:
    lane, other = stall.lane(), stall.lane(TILLS[1])
    await sold(stall, lane, 500, 600, 700)
    await stall.upload(lane.written[0], lane.written[2])
    assert await days(stall, 6.9) == 0
    await sold(stall, other, 300)
    await stall.upload(*other.written)
    assert await days(stall, 0.2) == 1
    closed = ("SERVER", 3, 1_200, None, 1, [2])
    assert await stall.canteen.rows(DIFFERENCE) == [closed]
    settled = await rows(stall)
    assert await days(stall, 1) == 0, "one batch is closed once, the other was heard of lately"
    assert await rows(stall) == settled
    assert await stall.canteen.broken() == {}


async def test_late_record_of_a_batch_the_server_closed_is_adjusted(stall: Stall) -> None:
    lane = stall.lane()
    await sold(stall, lane, 500, 600)
    await stall.upload(lane.written[0])
    assert await days(stall, 7.1) == 1
    (late,) = await stall.upload(lane.written[1])
    assert (late.judgement.verdict, late.judgement.reason) == ACCEPTED
    assert await stall.canteen.rows(ADJUSTMENTS) == [(TILLS[0], 1, 1, 600)]
    answer = await stall.canteen.authorise(
        stall.canteen.purchase(await rich(stall), 100, batch_no=1, seq_no=9)
    )
    assert answer.response_code == "90"
    told = await close(stall, closing(stall, lane, purchases(2, 1_100)))
    assert told.settlement is not None, "its terminal hears what it came to"
    assert await stall.account("MERCHANT") == 1_100
    assert await stall.canteen.broken() == {}


async def test_batch_that_its_terminal_closes_meanwhile_stays_its_own(stall: Stall) -> None:
    lane = stall.lane()
    await sold(stall, lane, 500)
    await stall.upload(*lane.written)
    assert (await close(stall, closing(stall, lane, purchases(1, 500)))).settlement
    assert await days(stall, 8) == 0
    assert [row[0] for row in await stall.canteen.rows(DIFFERENCE)] == ["TERMINAL"]


async def test_silence_is_judged_again_once_the_terminal_is_stopped(
    stall: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = stall.lane()
    await sold(stall, lane, 500, 600)
    await stall.upload(lane.written[0])
    stall.canteen.clock.advance(seconds=8 * 86_400)
    stop = stall.records.stop

    async def late(unit: Any, terminal_no: int) -> None:
        await stall.upload(lane.written[1])
        await stop(unit, terminal_no)

    monkeypatch.setattr(stall.records, "stop", late)
    assert await stall.batches.close_silent(7) == 0
    assert await stall.canteen.rows(DIFFERENCE) == []


async def test_no_batch_starves_behind_others_that_were_touched_before(
    stall: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One look sees one batch here; both are adjusted by two looks, and then none is left."""
    monkeypatch.setattr(service, "_AT_ONCE", 1)
    lanes = [stall.lane(), stall.lane(TILLS[1])]
    for lane in lanes:
        await sold(stall, lane, 500)
        await stall.upload(*lane.written)
        assert (await close(stall, closing(stall, lane, purchases(1, 500)))).settlement
    for number, lane in enumerate(lanes, 1):
        back = stall.canteen.follow("REFUND", key_of(lane), 100, key=key_of(lane, 8))
        stall.canteen.clock.advance(seconds=1)
        assert (await stall.canteen.answer(back)).response_code == "00", number
    for _ in lanes:
        stall.canteen.clock.advance(seconds=1)
        await stall.batches.adjust_touched(7)
    assert [row[0] for row in await stall.canteen.rows(ADJUSTMENTS)] == list(TILLS)
    stall.canteen.clock.advance(seconds=90)
    for _ in lanes:
        await stall.batches.adjust_touched(7)
    since = stall.canteen.clock.now() - ADJUSTED_FOR

    async def left(unit: Any) -> list[tuple[int, int]]:
        return await store.touched(unit, since, timedelta(minutes=1), 10)

    assert await stall.canteen.database.unit(7, left) == []


async def test_an_answer_dated_before_the_close_that_stood_after_it_is_adjusted(
    stall: Stall,
) -> None:
    lane = stall.lane()
    await sold(stall, lane, 500)
    await stall.upload(*lane.written)
    undo = stall.canteen.follow("VOID", key_of(lane), key=later(1))
    stall.canteen.clock.advance(seconds=2)
    assert (await close(stall, closing(stall, lane, purchases(1, 500)))).settlement
    assert (await stall.canteen.answer(undo)).response_code == "00"
    stall.canteen.clock.advance(seconds=30)
    await stall.batches.adjust_touched(7)
    assert await stall.canteen.rows(ADJUSTMENTS) == [(TILLS[0], 1, 1, -500)]
    assert await stall.account("MERCHANT") == 0


async def test_close_is_due_a_day_after_a_batch_began_until_it_is_closed(stall: Stall) -> None:
    lane = stall.lane()
    due = stall.batches.is_close_due
    assert not await due(7, TILLS[0])
    await sold(stall, lane, 500)
    await stall.upload(*lane.written)
    stall.canteen.clock.advance(seconds=86_400)
    assert not await due(7, TILLS[0]), "a day to the second"
    stall.canteen.clock.advance(seconds=299)
    assert not await due(7, TILLS[0]), "that holds for a while"
    stall.canteen.clock.advance(seconds=1)
    assert [await due(7, number) for number in (*TILLS, TILLS[0])] == [True, False, True]
    assert (await close(stall, closing(stall, lane, purchases(1, 500)))).settlement
    assert not await due(7, TILLS[0])
