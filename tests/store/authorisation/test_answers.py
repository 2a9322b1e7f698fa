"""One key, one effect, one answer: what terminals.md 13 names, on a real database."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from core.authorisation.records import Key
from core.kit.errors import IdempotencyConflict
from tests.factories.canteen import Canteen, canteen_on, key_of, sign
from tests.servers.fixtures import DatabaseDsn


async def test_repeat_returns_stored_answer_bytes(canteen: Canteen) -> None:
    holder = await canteen.holder(5000)
    request = canteen.purchase(holder, 1200)
    first = await canteen.authorise(request)
    canteen.clock.advance(hours=3)
    again = await canteen.authorise(canteen.retry(request), process=1)
    assert first.verdict == "NEW"
    assert again == replace(first, verdict="REPEATED")
    assert again.signed_answer == sign(first)
    assert await canteen.funds(holder) == (3800, 3800)
    assert await canteen.broken() == {}


async def test_a_decline_is_repeated_although_money_came_meanwhile(canteen: Canteen) -> None:
    holder = await canteen.holder(100)
    request = canteen.purchase(holder, 101)
    first = await canteen.authorise(request)
    await canteen.database.unit(7, lambda unit: canteen.pay_in(unit, holder, 500))
    again = await canteen.authorise(canteen.retry(request))
    assert (first.outcome, first.response_code, first.available_minor) == ("DECLINED", "51", 100)
    assert again == replace(first, verdict="REPEATED")
    assert await canteen.funds(holder) == (600, 600)


async def test_same_key_other_body_conflicts_and_changes_nothing(canteen: Canteen) -> None:
    holder, other = await canteen.holder(5000), await canteen.holder(5000)
    request = canteen.purchase(holder, 1200)
    await canteen.authorise(request)
    before = await canteen.counts()
    for changed in (
        replace(request, content_hash=bytes(32), amount_minor=1300),
        replace(request, content_hash=bytes(32), cardholder_id=other.id, card_id=other.virtual_id),
    ):
        with pytest.raises(IdempotencyConflict):
            await canteen.authorise(changed)
    with pytest.raises(IdempotencyConflict):
        await canteen.answer(replace(canteen.follow("VOID", request), key=key_of(request)))
    assert await canteen.counts() == before
    assert await canteen.funds(holder) == (3800, 3800)
    assert await canteen.funds(other) == (5000, 5000)


async def test_fifty_parallel_equal_requests_post_once(canteen: Canteen) -> None:
    holder = await canteen.holder(5000)
    request = canteen.purchase(holder, 700)
    answers = await asyncio.gather(
        *(canteen.authorise(canteen.retry(request), process=n % 2) for n in range(50))
    )
    assert [a.verdict for a in answers].count("NEW") == 1
    assert len({(a.outcome, a.retrieval_reference, a.signed_answer) for a in answers}) == 1
    assert await canteen.funds(holder) == (4300, 4300)
    assert await canteen.counts() == (1, 1, 2, 4, 1)
    assert await canteen.broken() == {}


async def test_void_before_authorise_leaves_tombstone(canteen: Canteen) -> None:
    holder = await canteen.holder(5000)
    request = canteen.purchase(holder, 700)
    voided = await canteen.answer(canteen.follow("VOID", request))
    late = await canteen.authorise(request)
    status = await canteen.authorisations.status(7, key_of(request))
    assert (voided.outcome, voided.response_code) == ("VOIDED", "00")
    assert (late.outcome, late.response_code) == ("VOIDED", "22")
    assert status.state == "TOMBSTONE"
    assert await canteen.funds(holder) == (5000, 5000)
    assert await canteen.broken() == {}


@pytest.mark.parametrize("amount", [5001, 60_000], ids=["too dear", "above the limit"])
async def test_after_a_void_no_other_reason_is_given(canteen: Canteen, amount: int) -> None:
    holder = await canteen.holder(5000 if amount == 5001 else 90_000)
    request = canteen.purchase(holder, amount, single_minor=50_000)
    await canteen.answer(canteen.follow("VOID", request))
    late = await canteen.authorise(request)
    assert (late.outcome, late.response_code, late.continuation_id) == ("VOIDED", "22", None)
    assert (await canteen.counts())[4] == 0


async def test_void_races_authorise(canteen: Canteen) -> None:
    holder = await canteen.holder(90_000)
    for round_ in range(30):
        request = canteen.purchase(holder, 10, manual=round_ % 2 == 0)
        paid, voided = await asyncio.gather(
            canteen.authorise(request), canteen.answer(canteen.follow("VOID", request), process=1)
        )
        assert (voided.outcome, voided.response_code) == ("VOIDED", "00")
        assert paid.response_code in ("00", "22")
        status = await canteen.authorisations.status(7, key_of(request))
        assert status.state == ("VOIDED" if paid.response_code == "00" else "TOMBSTONE")
    assert await canteen.funds(holder) == (90_000, 90_000)
    assert await canteen.broken() == {}


async def test_second_void_answers_as_the_first(canteen: Canteen) -> None:
    holder = await canteen.holder(5000)
    request = canteen.purchase(holder, 700)
    await canteen.authorise(request)
    void = canteen.follow("VOID", request)
    first = await canteen.answer(void)
    assert await canteen.answer(void, process=1) == replace(first, verdict="REPEATED")
    other_key = await canteen.answer(canteen.follow("VOID", request))
    assert (other_key.outcome, other_key.response_code) == ("VOIDED", "00")
    assert await canteen.funds(holder) == (5000, 5000)
    assert (await canteen.counts())[2] == 3
    assert await canteen.broken() == {}


async def test_a_void_of_a_capture_or_refund_is_not_possible(canteen: Canteen) -> None:
    holder = await canteen.holder(5000)
    request = canteen.purchase(holder, 700)
    await canteen.authorise(request)
    refund = canteen.follow("REFUND", request, 300)
    await canteen.answer(refund)
    void = await canteen.answer(canteen.follow("VOID", refund.key))
    assert (void.outcome, void.response_code) == ("DECLINED", "12")
    assert await canteen.funds(holder) == (4600, 4600)


@pytest.mark.parametrize("operation", ["CAPTURE", "REFUND"])
async def test_a_follow_up_that_was_voided_before_it_came_does_nothing(
    canteen: Canteen, operation: str
) -> None:
    holder = await canteen.holder(5000)
    request = canteen.purchase(holder, 700, manual=operation == "CAPTURE")
    await canteen.authorise(request)
    follow = canteen.follow(operation, request, 300)
    before = await canteen.funds(holder)
    voided = await canteen.answer(canteen.follow("VOID", follow.key))
    late = await canteen.answer(follow, process=1)
    assert (voided.outcome, voided.response_code) == ("VOIDED", "00")
    assert (late.outcome, late.response_code) == ("VOIDED", "22")
    assert await canteen.answer(follow) == replace(late, verdict="REPEATED")
    assert await canteen.funds(holder) == before
    assert await canteen.broken() == {}


async def test_void_races_refund(canteen: Canteen) -> None:
    holder = await canteen.holder(5000)
    request = canteen.purchase(holder, 500)
    await canteen.authorise(request)
    kept = 0
    for round_ in range(30):
        refund = canteen.follow("REFUND", request, 10)
        void = canteen.follow("VOID", refund.key)
        first, second = (refund, void) if round_ % 2 else (void, refund)
        answers = await asyncio.gather(canteen.answer(first), canteen.answer(second, 1))
        given, undone = reversed(answers) if first is void else answers
        assert (given.response_code, undone.response_code) in {("00", "12"), ("22", "00")}
        kept += given.response_code == "00"
    assert await canteen.funds(holder) == (4500 + 10 * kept, 4500 + 10 * kept)
    assert await canteen.broken() == {}


async def test_six_holds_of_1000_on_5000(canteen: Canteen) -> None:
    holder = await canteen.holder(5000)
    requests = [canteen.purchase(holder, 1000, manual=True) for _ in range(6)]
    answers = await asyncio.gather(
        *(canteen.authorise(request, process=n % 2) for n, request in enumerate(requests))
    )
    assert sorted(a.response_code for a in answers) == ["00"] * 5 + ["51"]
    assert await canteen.funds(holder) == (5000, 0)
    assert await canteen.broken() == {}


async def test_retried_hold_keeps_its_id(canteen: Canteen) -> None:
    holder = await canteen.holder(5000)
    request = canteen.purchase(holder, 1000, manual=True)
    first = await canteen.authorise(request)
    again = await canteen.authorise(canteen.retry(request), process=1)
    held = await canteen.rows(
        "SELECT transfer_ids[1] FROM authorisation WHERE school_id = $1", canteen.school_id
    )
    assert held == [(request.transfer_ids[0],)]
    assert again.retrieval_reference == first.retrieval_reference
    assert await canteen.funds(holder) == (5000, 4000)


async def test_a_hold_is_captured_in_part_and_the_rest_is_free(canteen: Canteen) -> None:
    holder = await canteen.holder(main_minor=5000, subsidy_minor=300)
    request = canteen.purchase(holder, 1000, manual=True)
    await canteen.authorise(request)
    answer = await canteen.answer(canteen.follow("CAPTURE", request, 650))
    assert (answer.outcome, answer.response_code, answer.available_minor) == (
        "APPROVED", "00", 4650,
    )  # fmt: skip
    second = await canteen.answer(canteen.follow("CAPTURE", request, 100))
    assert (second.outcome, second.response_code) == ("DECLINED", "12")
    assert await canteen.funds(holder) == (4650, 4650)
    assert (await canteen.limits.get(7, holder.id)).spent_minor == 650
    assert await canteen.broken() == {}


async def test_a_hold_that_outlives_its_time_is_released_and_not_captured(canteen: Canteen) -> None:
    holder = await canteen.holder(5000)
    request = canteen.purchase(holder, 1000, manual=True)
    await canteen.authorise(request)
    canteen.clock.advance(hours=1, seconds=1)
    assert await canteen.broken() == {"I16": 1}
    assert await canteen.authorisations.expire_holds(7) == 1
    late = await canteen.answer(canteen.follow("CAPTURE", request, 1000))
    assert (late.outcome, late.response_code) == ("DECLINED", "22")
    assert await canteen.funds(holder) == (5000, 5000)
    assert await canteen.broken() == {}


async def test_concurrent_refunds_never_exceed_capture(canteen: Canteen) -> None:
    holder = await canteen.holder(main_minor=1000, subsidy_minor=400)
    request = canteen.purchase(holder, 1000)
    await canteen.authorise(request)
    answers = await asyncio.gather(
        *(canteen.answer(canteen.follow("REFUND", request, 300), n % 2) for n in range(8))
    )
    assert sorted(a.response_code for a in answers) == ["00"] * 3 + ["64"] * 5
    assert await canteen.funds(holder) == (1300, 1300)
    last = await canteen.answer(canteen.follow("REFUND", request, 100))
    assert last.response_code == "00"
    assert (await canteen.authorisations.status(7, key_of(request))).state == "REFUNDED"
    purses = (await canteen.ledger.balances(7, holder.id)).purses
    assert {purse.kind: purse.balance_minor for purse in purses} == {"MAIN": 1000, "SUBSIDY": 400}
    assert await canteen.broken() == {}


async def test_one_code_two_terminals_online(canteen: Canteen) -> None:
    holder = await canteen.holder(5000)
    for _ in range(20):
        first = canteen.purchase(holder, 10)
        second = canteen.purchase(holder, 10, terminal_no=43, replay_key=first.replay_key)
        answers = await asyncio.gather(canteen.authorise(first), canteen.authorise(second, 1))
        assert sorted(a.response_code for a in answers) == ["00", "C1"]
    assert await canteen.funds(holder) == (4800, 4800)
    assert await canteen.broken() == {}


async def test_pin_continuation_needs_no_second_scan(canteen: Canteen) -> None:
    holder = await canteen.holder(50_000)
    scan = canteen.purchase(holder, 4000, single_minor=3000)
    asked = await canteen.authorise(scan)
    assert (asked.outcome, asked.response_code, asked.reason) == ("PIN_REQUIRED", "70", "SINGLE")
    stolen = await canteen.authorise(
        canteen.purchase(holder, 10, terminal_no=43, replay_key=scan.replay_key)
    )
    assert stolen.response_code == "C1"
    assert asked.continuation_id is not None
    waiting = await canteen.authorisations.continuation(7, asked.continuation_id)
    assert waiting is not None
    assert (waiting.terminal_no, waiting.amount_minor, waiting.replay_key) == (
        42, 4000, scan.replay_key,
    )  # fmt: skip
    proven = canteen.purchase(
        holder, 4000, single_minor=3000, pin_proven=True, replay_key=scan.replay_key,
        continuation_id=asked.continuation_id,
    )  # fmt: skip
    assert (await canteen.authorise(proven)).response_code == "00"
    twice = replace(proven, seq_no=proven.seq_no + 900, retrieval_reference="Z" * 12)
    assert (await canteen.authorise(twice)).response_code == "C1"
    assert await canteen.funds(holder) == (46_000, 46_000)
    assert await canteen.broken() == {}


async def test_a_day_never_runs_backwards(canteen: Canteen) -> None:
    holder = await canteen.holder(50_000)
    today = canteen.purchase(holder, 900, daily_minor=1000)
    tomorrow = today.business_on + timedelta(days=1)
    await canteen.authorise(canteen.purchase(holder, 900, daily_minor=1000, business_on=tomorrow))
    straggler = await canteen.authorise(today)
    after = await canteen.authorise(
        canteen.purchase(holder, 900, daily_minor=1000, business_on=tomorrow)
    )
    assert [straggler.response_code, after.response_code] == ["70", "70"]
    spending = await canteen.limits.get(7, holder.id)
    assert (spending.spent_on, spending.spent_minor) == (tomorrow, 900)
    assert await canteen.broken() == {}


async def test_an_idle_queue_wakes_for_a_request_of_the_same_instant(
    database_dsn: DatabaseDsn,
) -> None:
    async with canteen_on(database_dsn.app, lanes=1) as (canteen,):
        holders = [await canteen.holder(5000) for _ in range(2)]
        first = asyncio.ensure_future(canteen.authorise(canteen.purchase(holders[0], 10)))
        await asyncio.sleep(0)
        (runner,) = canteen.authorisations._batches._runners
        while not runner.done():  # noqa: ASYNC110 - the very next step is what is tested
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            second = await canteen.authorise(canteen.purchase(holders[1], 10))
        assert second.response_code == "00"
        assert (await first).response_code == "00"


async def test_voiding_gives_back_the_day_it_was_spent_on(canteen: Canteen) -> None:
    holder = await canteen.holder(50_000)
    request = canteen.purchase(holder, 900, daily_minor=1000)
    await canteen.authorise(request)
    await canteen.answer(canteen.follow("VOID", request))
    again = await canteen.authorise(canteen.purchase(holder, 1000, daily_minor=1000))
    assert again.response_code == "00"
    assert await canteen.broken() == {}


async def test_status_of_a_key_that_never_came(canteen: Canteen) -> None:
    status = await canteen.authorisations.status(7, Key(42, 9, 9))
    assert (status.answer, status.state) == (None, None)
