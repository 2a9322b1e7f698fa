"""Bundles of offline records among others who move the same money at the same time."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import astuple, replace
from typing import Any

import pytest

from core.authorisation import store
from core.authorisation.records import Answer, Key, Status
from core.authorisation.service.bundles import BUNDLE_MAXIMUM
from core.db.unit import Database, Unit
from terminals import cc1
from terminals.codes import Use
from terminals.offline import Item
from tests.factories.canteen import TILLS, Holder
from tests.factories.offline import (
    ACCEPTED,
    LOCKED,
    SAME,
    Lane,
    Stall,
    key_of,
    rich,
    said,
    verdicts,
)

OTHER = TILLS[1]


@pytest.fixture
def units(stall: Stall, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """One entry for each unit of work that was begun."""
    begun: list[object] = []
    once = Database._once

    async def counted(self: Database, school_id: int, work: Any) -> Any:
        begun.append(work)
        return await once(self, school_id, work)

    monkeypatch.setattr(Database, "_once", counted)
    return begun


async def sales(stall: Stall, lane: Lane, holders: list[Holder], minor: int = 100) -> list[Item]:
    """A sale to each of them by a pass of their own."""
    phones = [await stall.phone(holder) for holder in holders]
    return [lane.write(stall.show(phone), minor) for phone in phones]


async def test_an_upload_takes_a_unit_for_each_bundle_and_one_for_its_batch(
    stall: Stall, units: list[object]
) -> None:
    holders = [await rich(stall) for _ in range(4)]
    each = BUNDLE_MAXIMUM // 4 + 1
    items = await sales(stall, stall.lane(), holders * each)
    assert len(items) == BUNDLE_MAXIMUM + 4
    units.clear()
    assert verdicts(await stall.upload(*items)) == [ACCEPTED] * len(items)
    assert len(units) == 3
    units.clear()
    assert verdicts(await stall.upload(*items)) == [SAME] * len(items)
    assert len(units) == 3
    assert [await stall.balance(holder) for holder in holders] == [20_000 - 100 * each] * 4
    assert await stall.canteen.broken() == {}


async def test_what_is_not_ordinary_costs_the_others_little(
    stall: Stall, units: list[object]
) -> None:
    """The way is felt: none is read again and again behind records that are settled alone."""
    lane, poor = stall.lane(), [await stall.canteen.holder() for _ in range(8)]
    items = await sales(stall, lane, poor)
    items += await sales(stall, lane, [await rich(stall) for _ in range(8)])
    units.clear()
    heard = [said(each) for each in await stall.upload(*items)]
    assert heard == [(*ACCEPTED, {"ARREARS"})] * 8 + [(*ACCEPTED, set())] * 8
    assert len(units) <= 8 + 8 + 4 + 1, "two for each who owes, then 1, 2, 4, 1 and the batch"
    assert await stall.account("ARREARS") == -800
    assert await stall.canteen.broken() == {}


async def while_held(
    stall: Stall, held: Callable[[Unit], Awaitable[None]], *items: Item
) -> list[tuple[str, str | None, set[str]]]:
    """The verdicts of an upload that comes while another unit has done something."""
    done, go_on = asyncio.Event(), asyncio.Event()

    async def other(unit: Unit) -> None:
        await held(unit)
        done.set()
        await go_on.wait()

    holding = asyncio.create_task(stall.canteen.database.unit(7, other))
    await done.wait()
    uploading = asyncio.create_task(stall.upload(*items))
    await asyncio.sleep(0.3)
    assert not uploading.done(), "it waits for whoever was first"
    kept = "SELECT count(*) FROM offline_item WHERE school_id = 7"
    assert await stall.canteen.rows(kept) == [(0,)]
    go_on.set()
    await holding
    return [said(each) for each in await uploading]


async def test_money_that_another_unit_moves_is_waited_for(stall: Stall) -> None:
    lane, holder = stall.lane(), await stall.canteen.holder(main_minor=150)
    items = await sales(stall, lane, [await rich(stall), holder])
    online = stall.canteen.purchase(holder, 100, seq_no=900)

    async def pays(unit: Unit) -> None:
        answer = await store.authorise_in(unit, ("SUBSIDY", "MAIN"), online)
        assert answer.outcome == "APPROVED"

    heard = await while_held(stall, pays, *items)
    assert heard == [(*ACCEPTED, set()), (*ACCEPTED, {"ARREARS"})]
    assert (await stall.balance(holder), await stall.account("ARREARS")) == (0, -50)
    assert await stall.canteen.broken() == {}


async def test_a_day_that_another_unit_counts_is_waited_for(stall: Stall) -> None:
    lane, holder = stall.lane(), await rich(stall)
    (item,) = await sales(stall, lane, [holder])
    online = stall.canteen.purchase(holder, 700, seq_no=900)

    async def pays(unit: Unit) -> None:
        await store.authorise_in(unit, ("SUBSIDY", "MAIN"), online)

    assert await while_held(stall, pays, item) == [(*ACCEPTED, set())]
    spent = "SELECT spent_minor FROM cardholder_limit WHERE school_id = 7"
    assert await stall.canteen.rows(spent) == [(800,)]
    assert await stall.canteen.broken() == {}


async def test_a_void_that_is_being_written_comes_first(stall: Stall) -> None:
    lane, holder = stall.lane(), await rich(stall)
    items = await sales(stall, lane, [holder] * 3)
    undone = key_of(lane, 2)

    async def voids(unit: Unit) -> None:
        assert await store.insert_tombstone(unit, undone, stall.canteen.clock.now())

    heard = await while_held(stall, voids, *items)
    assert [each[:2] for each in heard] == [ACCEPTED, ("REJECTED", "KEY_CONFLICT"), ACCEPTED]
    assert (await stall.canteen.authorisations.status(7, undone)).state == "TOMBSTONE"
    assert await stall.balance(holder) == 19_800
    assert await stall.canteen.broken() == {}


async def test_the_same_purchase_that_is_being_answered_comes_first(stall: Stall) -> None:
    lane, holders = stall.lane(), [await rich(stall) for _ in range(3)]
    items = await sales(stall, lane, holders)
    code = cc1.read(items[1].record.presented)
    assert isinstance(code, cc1.Presentation)
    online = stall.canteen.purchase(
        holders[1], 100, batch_no=1, seq_no=2, replay_key=code.replay_key(Use.PAY)
    )

    async def pays(unit: Unit) -> None:
        await store.authorise_in(unit, ("SUBSIDY", "MAIN"), online)

    heard = await while_held(stall, pays, *items)
    assert heard == [(*ACCEPTED, set()), (*ACCEPTED, {"ALREADY_POSTED"}), (*ACCEPTED, set())]
    assert [await stall.balance(holder) for holder in holders] == [19_900] * 3
    assert await stall.canteen.broken() == {}


async def test_one_payer_who_is_held_for_long_holds_up_no_record_before(
    stall: Stall, caplog: pytest.LogCaptureFixture
) -> None:
    lane, holders = stall.lane(), [await rich(stall) for _ in range(3)]
    items = await sales(stall, lane, holders)
    done, go_on = asyncio.Event(), asyncio.Event()

    async def holds(unit: Unit) -> None:
        await stall.canteen.limits.lock(unit, holders[1].id)
        done.set()
        await go_on.wait()

    holding = asyncio.create_task(stall.canteen.database.unit(7, holds))
    await done.wait()
    uploading = asyncio.create_task(stall.upload(*items))
    async with asyncio.timeout(20):
        while await stall.balance(holders[0]) == 20_000:  # noqa: ASYNC110 - rows tell nobody
            await asyncio.sleep(0.02)
    assert [await stall.balance(holder) for holder in holders] == [19_900, 20_000, 20_000]
    go_on.set()
    await holding
    assert verdicts(await uploading) == [ACCEPTED] * 3
    assert [await stall.balance(holder) for holder in holders] == [19_900] * 3
    assert caplog.messages[0] == f"a bundle of 3 records failed: {LOCKED}"
    assert await stall.canteen.broken() == {}


async def test_a_refusal_that_is_being_written_is_overridden(stall: Stall) -> None:
    """One that names nobody, so nobody's money lock is held."""
    lane, holder = stall.lane(), await rich(stall)
    items = await sales(stall, lane, [holder] * 2)
    key, now = key_of(lane, 2), stall.canteen.clock.now()
    refusal = Answer.bare(key, "DECLINED", "30", 100, "SAMPLE000001", 1, now)

    async def declines(unit: Unit) -> None:
        await unit.execute(
            "INSERT INTO terminal_answer (school_id, terminal_no, batch_no, seq_no, operation,"
            " content_hash, outcome, response_code, amount_minor, retrieval_reference, answer_kid,"
            " answered_at) VALUES ($1, $2, $3, $4, 'AUTHORISE', $5, $6, $7, $8, $9, $10, $11)",
            unit.school_id, *astuple(key), bytes(32), refusal.outcome, refusal.response_code,
            refusal.amount_minor, refusal.retrieval_reference, refusal.answer_kid, now,
        )  # fmt: skip

    heard = await while_held(stall, declines, *items)
    assert heard == [(*ACCEPTED, set()), (*ACCEPTED, {"OVERRODE_DECLINE"})]
    status = await stall.canteen.authorisations.status(7, key)
    assert status == Status(replace(refusal, verdict="REPEATED"), "CAPTURED")
    assert await stall.balance(holder) == 19_800
    assert await stall.canteen.broken() == {}


async def test_the_records_of_one_terminal_take_turns(stall: Stall) -> None:
    """Also those of nobody we know, whose money lock nobody holds."""
    items = await sales(stall, stall.lane(), [await rich(stall)])

    async def comes_first(unit: Unit) -> None:
        await stall.records.take_turn(unit, TILLS[0])

    assert await while_held(stall, comes_first, *items) == [(*ACCEPTED, set())]


async def test_the_same_key_of_another_payer_comes_first(stall: Stall) -> None:
    """Whose money lock is another's: the key itself is waited for."""
    lane, holder, other = stall.lane(), await rich(stall), await rich(stall)
    items = await sales(stall, lane, [holder] * 2)
    online = stall.canteen.purchase(other, 100, batch_no=1, seq_no=2)

    async def pays(unit: Unit) -> None:
        await store.authorise_in(unit, ("SUBSIDY", "MAIN"), online)

    heard = await while_held(stall, pays, *items)
    assert [each[:2] for each in heard] == [ACCEPTED, ("REJECTED", "KEY_CONFLICT")]
    assert (await stall.balance(holder), await stall.balance(other)) == (19_900, 19_900)
    assert await stall.canteen.broken() == {}


async def test_tills_with_the_same_codes_and_an_online_rush_pay_each_once(stall: Stall) -> None:
    """Two tills, each in an order of its own, twice at once, while all of them pay online."""
    holders = [await rich(stall) for _ in range(12)]
    phones = [await stall.phone(holder) for holder in holders]
    lanes = [stall.lane(number) for number in TILLS]
    texts = [stall.show(phone, ago) for phone in phones for ago in (0, 5, 10)]
    for lane, order in zip(lanes, (texts, texts[::-1]), strict=True):
        for text in order:
            lane.write(text, 300)
    purchases = [
        stall.canteen.purchase(holder, 10, batch_no=9, seq_no=number + 1)
        for number, holder in enumerate(holders * 5)
    ]
    rush = asyncio.gather(*(
        stall.canteen.authorise(each, process=place % 2) for place, each in enumerate(purchases)
    ))  # fmt: skip
    uploads = await asyncio.gather(*(stall.upload(*lane.written) for lane in lanes * 2))
    answers = await rush
    assert {answer.outcome for answer in answers} == {"APPROVED"}
    heard = Counter(verdict for each in uploads for verdict in verdicts(each))
    assert heard == {
        ACCEPTED: len(texts), ("SUSPECT", "CODE_USED_ELSEWHERE"): len(texts), SAME: 2 * len(texts),
    }  # fmt: skip
    assert [await stall.balance(holder) for holder in holders] == [20_000 - 900 - 50] * 12
    assert await stall.account("LOSS") == -300 * len(texts)
    assert await stall.canteen.broken() == {}


async def test_a_key_in_two_shapes_is_judged_by_the_first(stall: Stall) -> None:
    lane, holder = stall.lane(), await rich(stall)
    (item,) = await sales(stall, lane, [holder])
    phone = await stall.phone(holder)
    other = lane.write(stall.show(phone), 200, key=item.record.key)
    heard = verdicts(await stall.upload(item, item, other))
    assert heard == [ACCEPTED, SAME, ("REJECTED", "KEY_CONFLICT")]
    assert await stall.balance(holder) == 19_900
    status = await stall.canteen.authorisations.status(7, Key(*item.record.key))
    assert status.state == "CAPTURED"
    assert await stall.canteen.broken() == {}
