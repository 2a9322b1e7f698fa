"""Closing a batch: what stands in its way, what it came to, and what arrives afterwards."""

import asyncio
from dataclasses import replace

import pytest

from core.authorisation import store
from core.db.unit import Unit
from core.settlement.records import BatchUnknown, Closed, Closing, Difference, Total, TotalKind
from terminals.offline import RecordKind
from tests.factories.canteen import PURSES, TILLS
from tests.factories.closing import close, closing, purchases, rows, sold
from tests.factories.offline import ACCEPTED, Stall, key_of, later, rich


async def refused(stall: Stall, asked: Closing) -> Closed:
    """The batch stays open, and nothing changes."""
    before = await rows(stall)
    answer = await close(stall, asked)
    assert answer.settlement is None
    assert await rows(stall) == before
    return answer


async def test_close_names_missing(stall: Stall) -> None:
    lane = stall.lane()
    await sold(stall, lane, 500, 600, 700)
    await stall.upload(lane.written[0], lane.written[2])
    asked = closing(stall, lane, purchases(3, 1_800), last_seq=5, unused=frozenset({5}))
    answer = await refused(stall, asked)
    assert (answer.missing, answer.unexpected) == ((2, 4), ())
    assert answer.different == (
        Difference(TotalKind.PURCHASE, "CC1", purchases(3, 1_800), purchases(2, 1_200)),
    )
    await stall.upload(lane.written[1])
    balanced = await close(stall, replace(asked, unused=frozenset({4, 5})))
    assert balanced.settlement is not None
    assert balanced.settlement.net_minor == 1_800
    assert await stall.canteen.broken() == {}


async def test_unused_numbers_can_never_pay(stall: Stall) -> None:
    lane = stall.lane()
    await sold(stall, lane, 500)
    await stall.upload(*lane.written)
    unused = frozenset({2})
    assert (await close(stall, closing(stall, lane, purchases(1, 500), last_seq=2, unused=unused))
            ).settlement  # fmt: skip
    holder = await rich(stall)
    late = await stall.canteen.authorise(stall.canteen.purchase(holder, 300, seq_no=2))
    assert (late.outcome, late.response_code) == ("VOIDED", "22")
    assert await stall.balance(holder) == 20_000
    assert await stall.canteen.broken() == {}


async def test_close_names_what_the_terminal_does_not_know(stall: Stall) -> None:
    lane = stall.lane()
    await sold(stall, lane, 500, 600)
    await stall.upload(*lane.written)
    asked = closing(stall, lane, purchases(2, 1_100), last_seq=1, unused=frozenset({1}))
    assert (await refused(stall, asked)).unexpected == (1, 2)
    hidden = closing(stall, lane, purchases(2, 1_100), head_hash=bytes(32))
    assert not (await refused(stall, hidden)).head_is_known
    with pytest.raises(BatchUnknown):
        await close(stall, closing(stall, stall.lane(batch_no=5), purchases(1, 1)))


async def test_close_balances_sales_voids_and_refunds_once(stall: Stall) -> None:
    lane, holder = stall.lane(), await rich(stall)
    await sold(stall, lane, 500, 600)
    await stall.upload(*lane.written)
    tapped = stall.canteen.purchase(
        holder, 900, seq_no=3, instrument="CARD", replay_key=None, device_id=None
    )
    assert (await stall.canteen.authorise(tapped)).outcome == "APPROVED"
    await stall.canteen.answer(stall.canteen.follow("VOID", key_of(lane, 1), key=key_of(lane, 4)))
    back = stall.canteen.follow("REFUND", key_of(lane, 2), 250, key=key_of(lane, 5))
    assert (await stall.canteen.answer(back)).response_code == "00"
    totals = (
        purchases(1, 600),
        Total(TotalKind.PURCHASE, "CARD", 1, 900),
        Total(TotalKind.REFUND, "", 1, 250),
        Total(TotalKind.PURCHASE, "T0", 0, 0),
    )
    wrong = closing(stall, lane, *totals[:2], last_seq=5)
    (difference,) = (await refused(stall, wrong)).different
    assert (difference.kind, difference.claimed) == (TotalKind.REFUND, None)
    asked = closing(stall, lane, *totals, last_seq=5)
    first = await close(stall, asked)
    assert first.settlement is not None
    assert first.settlement.net_minor == 1_500 - 250
    assert await stall.account("MERCHANT") == first.settlement.net_minor
    before = await rows(stall)
    stall.canteen.clock.advance(seconds=60)
    again = await asyncio.gather(*(close(stall, asked) for _ in range(3)))
    assert again == [first] * 3
    assert await close(stall, wrong) == first, "a closed batch repeats its result"
    assert await rows(stall) == before


async def test_late_record_after_close_is_adjusted(stall: Stall) -> None:
    lane = stall.lane()
    await sold(stall, lane, 500, 600)
    await stall.upload(lane.written[0])
    asked = closing(
        stall, lane, purchases(1, 500), unused=frozenset(), last_seq=1,
        head_hash=lane.written[1].previous or b"",
    )  # fmt: skip
    assert (await close(stall, asked)).settlement
    (late,) = await stall.upload(lane.written[1])
    assert (late.judgement.verdict, late.judgement.reason) == ACCEPTED
    await stall.upload(lane.written[1])
    adjustments = await stall.canteen.rows(
        "SELECT number, purchases_minor, net_minor FROM settlement_adjustment WHERE school_id = 7"
    )
    assert adjustments == [(1, 600, 600)]
    back = stall.canteen.follow("REFUND", key_of(lane, 2), 100, key=key_of(lane, 8))
    stall.canteen.clock.advance(seconds=1)
    await stall.canteen.answer(back)
    for _ in range(2):
        await stall.batches.adjust_touched(7)
    adjustments = await stall.canteen.rows(
        "SELECT number, refunds_minor, net_minor FROM settlement_adjustment"
        " WHERE school_id = 7 AND number > 1"
    )
    assert adjustments == [(2, 100, -100)]
    assert await stall.account("MERCHANT") == 1_000
    assert await stall.canteen.broken() == {}


async def test_purchase_in_a_closed_batch_is_answered_90_and_changes_nothing(stall: Stall) -> None:
    lane, holder = stall.lane(), await rich(stall)
    before_close = stall.canteen.purchase(holder, 300, seq_no=1)
    first = await stall.canteen.authorise(before_close)
    tapped = Total(TotalKind.PURCHASE, "CC1", 1, 300)
    assert (await close(stall, closing(stall, lane, tapped, last_seq=1))).settlement
    money = await rows(stall)
    late = stall.canteen.purchase(holder, 700, seq_no=2)
    answer = await stall.canteen.authorise(late)
    assert (answer.verdict, answer.outcome, answer.response_code) == ("NEW", "DECLINED", "90")
    assert (answer.reason, answer.available_minor) == ("BATCH_CLOSED", None)
    again = await stall.canteen.authorise(stall.canteen.retry(late))
    assert (again.verdict, again.signed_answer) == ("REPEATED", answer.signed_answer)
    kept = await stall.canteen.authorise(stall.canteen.retry(before_close))
    assert (kept.verdict, kept.signed_answer) == ("REPEATED", first.signed_answer)
    assert await rows(stall) == money
    spent = "SELECT 1 FROM code_use WHERE school_id = 7 AND replay_key = $1"
    assert await stall.canteen.rows(spent, late.replay_key) == [], "the code is good elsewhere"
    new = replace(stall.canteen.retry(late), batch_no=2, seq_no=1)
    assert (await stall.canteen.authorise(new)).outcome == "APPROVED"
    assert await stall.canteen.broken() == {}


async def test_purchases_of_open_and_closed_batches_decided_together(stall: Stall) -> None:
    holders = [await rich(stall) for _ in range(3)]
    lane = stall.lane()
    sold_ = stall.canteen.purchase(holders[0], 100, seq_no=1)
    await stall.canteen.authorise(sold_)
    assert (await close(stall, closing(stall, lane, purchases(1, 100), last_seq=1))).settlement
    asked = [
        stall.canteen.purchase(holders[0], 200, batch_no=2, seq_no=1),
        stall.canteen.purchase(holders[1], 300, batch_no=1, seq_no=2),
        stall.canteen.purchase(holders[2], 400, batch_no=2, seq_no=2),
    ]
    async with stall.canteen.lanes[0].take() as taken:
        answers = await store.authorise(taken, (7, PURSES), asked)
    assert [(a.seq_no, a.response_code) for a in answers] == [(1, "00"), (2, "90"), (2, "00")]
    assert await stall.balance(holders[1]) == 20_000


async def test_a_close_waits_for_the_purchase_that_is_being_answered(stall: Stall) -> None:
    """It is counted by the close or answered 90: never paid and left out."""
    lane, holder = stall.lane(), await rich(stall)
    await stall.canteen.authorise(stall.canteen.purchase(await rich(stall), 100, seq_no=1))
    late = stall.canteen.purchase(holder, 500, seq_no=2)

    async def answering(unit: Unit) -> "asyncio.Task[Closed]":
        assert (await store.authorise_in(unit, PURSES, late)).outcome == "APPROVED"
        whole = closing(stall, lane, purchases(1, 100), last_seq=1)
        closed = asyncio.create_task(close(stall, whole))
        async with asyncio.timeout(5):
            while not await unit.value("SELECT 1 FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110 - no event tells of it
                await asyncio.sleep(0.01)
        return closed

    answer = await (await stall.canteen.database.unit(7, answering))
    assert (answer.settlement, answer.unexpected) == (None, (2,))
    whole = closing(stall, lane, purchases(2, 600), last_seq=2)
    assert (await close(stall, whole)).settlement


async def test_a_void_written_offline_after_the_close_comes_too_late(stall: Stall) -> None:
    lane = stall.lane()
    await sold(stall, lane, 500)
    await stall.upload(*lane.written)
    assert (await close(stall, closing(stall, lane, purchases(1, 500)))).settlement
    late = lane.write("VOID:1", 500, kind=RecordKind.VOID)
    (settled,) = await stall.upload(late)
    assert settled.judgement.reason == "VOID_TOO_LATE"
    assert await stall.account("MERCHANT") == 500
    assert await stall.batches.is_closed(7, TILLS[0], 1)
    assert not await stall.batches.is_closed(7, TILLS[0], later(1).batch_no)


async def test_a_hold_captured_in_a_later_batch_adjusts_its_own(stall: Stall) -> None:
    lane, holder = stall.lane(), await rich(stall)
    held = stall.canteen.purchase(holder, 900, seq_no=1, manual=True)
    await stall.canteen.authorise(held)
    assert (await close(stall, closing(stall, lane, last_seq=1))).settlement
    stall.canteen.clock.advance(seconds=60)
    await stall.canteen.answer(stall.canteen.follow("CAPTURE", held, 400, key=later(1)))
    await stall.batches.adjust_touched(7)
    adjustments = await stall.canteen.rows(
        "SELECT batch_no, net_minor FROM settlement_adjustment WHERE school_id = 7"
    )
    assert adjustments == [(1, 400)]
