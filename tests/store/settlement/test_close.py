"""Closing a batch: what stands in its way, what it came to, and what arrives afterwards."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from core.settlement.records import BatchUnknown, Closed, Closing, Difference, Total, TotalKind
from terminals.offline import RecordKind
from tests.factories.canteen import TILLS
from tests.factories.offline import ACCEPTED, Lane, Stall, key_of, later, rich

_TABLES = ("settlement", "settlement_adjustment", "authorisation", "transfer", "leg")


def closing(stall: Stall, lane: Lane, *totals: Total, **changes: Any) -> Closing:
    """What the till says of its batch."""
    made = Closing(
        terminal_no=lane.terminal_no,
        batch_no=lane.batch_no,
        merchant_account_id=stall.canteen.merchant_account_id,
        last_seq=lane.seq_no,
        unused=frozenset(),
        totals=totals,
        head_hash=lane.head,
        first_hash=lane.first,
    )
    return replace(made, **changes)


def purchases(count: int, minor: int) -> Total:
    return Total(TotalKind.PURCHASE, "CC1", count, minor)


async def close(stall: Stall, asked: Closing) -> Closed:
    return await stall.batches.close(7, asked)


async def rows(stall: Stall) -> list[tuple[Any, ...]]:
    found = []
    for table in _TABLES:
        sql = f"SELECT * FROM {table} WHERE school_id = 7"
        found += sorted((table, *map(str, row)) for row in await stall.canteen.rows(sql))
    return found


async def sold(stall: Stall, lane: Lane, *amounts: int) -> None:
    """Offline sales, written and not uploaded."""
    for minor in amounts:
        stall.canteen.clock.advance(seconds=1)
        lane.write(stall.show(await stall.phone(await rich(stall))), minor)


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
