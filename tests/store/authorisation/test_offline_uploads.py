"""Uploads of a batch: sent again, out of order, cut, with gaps and faults."""

import asyncio
from dataclasses import replace

import pytest

from core.authorisation.offline import Judgement, Known
from terminals import uploads
from terminals import verdicts as verdicts_of
from terminals.verdicts import Case
from tests.factories.canteen import TILLS
from tests.factories.offline import (
    ACCEPTED,
    GAP,
    SAME,
    Stall,
    failed_bundles,
    rich,
    said,
    verdicts,
)

OTHER = TILLS[1]


async def test_batch_resent_twice_reordered_truncated(stall: Stall) -> None:
    lane, holders = stall.lane(), [await rich(stall) for _ in range(5)]
    for holder in holders:
        stall.canteen.clock.advance(seconds=1)
        lane.write(stall.show(await stall.phone(holder)), 500)
    lane.write(stall.show(await stall.phone(holders[0], cap_class=0)), 500)
    first = await stall.upload(*lane.written[:3])
    assert verdicts(first) == [ACCEPTED] * 3
    whole = await stall.upload(*lane.written)
    assert verdicts(whole) == [SAME] * 3 + [ACCEPTED] * 2 + [("REJECTED", "CAP_EXCEEDED")]
    assert [w.judgement.first for w in whole[:3]] == [f.judgement for f in first]
    assert [w.retrieval_reference for w in whole[:3]] == [f.retrieval_reference for f in first]
    before = await stall.money()
    for again in (lane.written, list(reversed(lane.written)), lane.written[2:4]):
        assert set(verdicts(await stall.upload(*again))) == {SAME}
    bare = [replace(item, previous=None) for item in lane.written[2:4]]
    assert verdicts(await stall.upload(*bare)) == [SAME] * 2, "no place in the chain is needed"
    assert await stall.money() == before
    assert [await stall.balance(holder) for holder in holders] == [19_500] * 5
    assert await stall.canteen.broken() == {}


async def test_two_uploads_of_one_batch_at_once_pay_once(stall: Stall) -> None:
    lane, holder = stall.lane(), await rich(stall)
    for _ in range(3):
        stall.canteen.clock.advance(seconds=1)
        lane.write(stall.show(await stall.phone(holder)), 500)
    answers = await asyncio.gather(*(stall.upload(*lane.written) for _ in range(4)))
    for column in zip(*answers, strict=True):
        assert sorted(verdicts(column)) == sorted([ACCEPTED, SAME, SAME, SAME], key=str)
    assert await stall.balance(holder) == 18_500
    assert await stall.canteen.broken() == {}


async def test_deleted_record_breaks_chain(stall: Stall) -> None:
    lane = stall.lane()
    for _ in range(3):
        stall.canteen.clock.advance(seconds=1)
        lane.write(stall.show(await stall.phone(await rich(stall))), 500)
    first, deleted, third = lane.written
    settled = await stall.upload(first, third)
    assert [said(each) for each in settled] == [(*ACCEPTED, set()), (*ACCEPTED, {GAP})]
    assert said((await stall.upload(deleted))[0]) == (*ACCEPTED, set())
    assert await stall.canteen.broken() == {}


async def test_a_bad_record_stops_no_other(stall: Stall) -> None:
    lane = stall.lane()
    items = []
    for _ in range(3):
        stall.canteen.clock.advance(seconds=1)
        items.append(lane.write(stall.show(await stall.phone(await rich(stall))), 500))
    forged = replace(items[1], signature=bytes(64))
    nonsense = replace(items[1], record=items[1].record._replace(minor_amount=-1))
    settled = await stall.upload(items[0], forged, nonsense, items[2])
    assert verdicts(settled) == [ACCEPTED, *[("REJECTED", "RECORD_SIGNATURE")] * 2, ACCEPTED]
    assert said(settled[3]) == (*ACCEPTED, {GAP}), "a record nobody proved is none to follow"
    assert await stall.one(items[1]) == (*ACCEPTED, set()), "it took no key"
    assert await stall.canteen.broken() == {}


async def test_a_fault_of_one_record_leaves_the_others_settled(
    stall: Stall, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its bundle fails as one; then one after the other, as far as it goes."""

    def falters(case: Case, known: Known) -> Judgement:
        if case.linked.item.record.key.seq_no == 3:
            raise ZeroDivisionError
        return verdicts_of.judge(case, known)

    lane = stall.lane()
    holders = [await rich(stall) for _ in range(4)]
    for holder in holders:
        stall.canteen.clock.advance(seconds=1)
        lane.write(stall.show(await stall.phone(holder)), 500)
    with monkeypatch.context() as patch:
        patch.setattr(uploads, "judge", falters)
        with pytest.raises(ZeroDivisionError):
            await stall.upload(*lane.written)
    assert set(failed_bundles(caplog)) == {
        "a bundle of 4 records failed: ZeroDivisionError",
        "a bundle of 2 records failed: ZeroDivisionError",
    }
    caplog.clear()
    assert [await stall.balance(holder) for holder in holders] == [19_500] * 2 + [20_000] * 2
    assert verdicts(await stall.upload(*lane.written)) == [SAME] * 2 + [ACCEPTED] * 2
    assert [await stall.balance(holder) for holder in holders] == [19_500] * 4
    assert await stall.canteen.broken() == {}


async def test_an_upload_of_nothing_answers_nothing(stall: Stall) -> None:
    assert await stall.upload(lane=stall.lane()) == []
