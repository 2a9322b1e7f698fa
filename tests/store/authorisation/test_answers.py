"""One key, one effect, one answer: what terminals.md 13 names, on a real database."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from core.authorisation.records import Key
from core.kit.errors import IdempotencyConflict
from tests.factories.campus import Campus, campus_on, key_of, sign
from tests.servers.fixtures import DatabaseDsn


async def test_repeat_returns_stored_answer_bytes(campus: Campus) -> None:
    holder = await campus.holder(5000)
    request = campus.purchase(holder, 1200)
    first = await campus.authorise(request)
    campus.clock.advance(hours=3)
    again = await campus.authorise(campus.retry(request), process=1)
    assert first.verdict == "NEW"
    assert again == replace(first, verdict="REPEATED")
    assert again.signed_answer == sign(first)
    assert await campus.funds(holder) == (3800, 3800)
    assert await campus.broken() == {}


async def test_a_decline_is_repeated_although_money_came_meanwhile(campus: Campus) -> None:
    holder = await campus.holder(100)
    request = campus.purchase(holder, 101)
    first = await campus.authorise(request)
    await campus.database.unit(7, lambda unit: campus.pay_in(unit, holder, 500))
    again = await campus.authorise(campus.retry(request))
    assert (first.outcome, first.response_code, first.available_minor) == ("DECLINED", "51", 100)
    assert again == replace(first, verdict="REPEATED")
    assert await campus.funds(holder) == (600, 600)


async def test_same_key_other_body_conflicts_and_changes_nothing(campus: Campus) -> None:
    holder, other = await campus.holder(5000), await campus.holder(5000)
    request = campus.purchase(holder, 1200)
    await campus.authorise(request)
    before = await campus.counts()
    for changed in (
        replace(request, content_hash=bytes(32), amount_minor=1300),
        replace(request, content_hash=bytes(32), cardholder_id=other.id, card_id=other.virtual_id),
    ):
        with pytest.raises(IdempotencyConflict):
            await campus.authorise(changed)
    with pytest.raises(IdempotencyConflict):
        await campus.answer(replace(campus.follow("VOID", request), key=key_of(request)))
    assert await campus.counts() == before
    assert await campus.funds(holder) == (3800, 3800)
    assert await campus.funds(other) == (5000, 5000)


async def test_fifty_parallel_equal_requests_post_once(campus: Campus) -> None:
    holder = await campus.holder(5000)
    request = campus.purchase(holder, 700)
    answers = await asyncio.gather(
        *(campus.authorise(campus.retry(request), process=n % 2) for n in range(50))
    )
    assert [a.verdict for a in answers].count("NEW") == 1
    assert len({(a.outcome, a.retrieval_reference, a.signed_answer) for a in answers}) == 1
    assert await campus.funds(holder) == (4300, 4300)
    assert await campus.counts() == (1, 1, 2, 4, 1)
    assert await campus.broken() == {}


async def test_void_before_authorise_leaves_tombstone(campus: Campus) -> None:
    holder = await campus.holder(5000)
    request = campus.purchase(holder, 700)
    voided = await campus.answer(campus.follow("VOID", request))
    late = await campus.authorise(request)
    status = await campus.authorisations.status(7, key_of(request))
    assert (voided.outcome, voided.response_code) == ("VOIDED", "00")
    assert (late.outcome, late.response_code) == ("VOIDED", "22")
    assert status.state == "TOMBSTONE"
    assert await campus.funds(holder) == (5000, 5000)
    assert await campus.broken() == {}


@pytest.mark.parametrize("amount", [5001, 60_000], ids=["too dear", "above the limit"])
async def test_after_a_void_no_other_reason_is_given(campus: Campus, amount: int) -> None:
    holder = await campus.holder(5000 if amount == 5001 else 90_000)
    request = campus.purchase(holder, amount, single_minor=50_000)
    await campus.answer(campus.follow("VOID", request))
    late = await campus.authorise(request)
    assert (late.outcome, late.response_code, late.continuation_id) == ("VOIDED", "22", None)
    assert (await campus.counts())[4] == 0


async def test_void_races_authorise(campus: Campus) -> None:
    holder = await campus.holder(90_000)
    for round_ in range(30):
        request = campus.purchase(holder, 10, manual=round_ % 2 == 0)
        paid, voided = await asyncio.gather(
            campus.authorise(request), campus.answer(campus.follow("VOID", request), process=1)
        )
        assert (voided.outcome, voided.response_code) == ("VOIDED", "00")
        assert paid.response_code in ("00", "22")
        status = await campus.authorisations.status(7, key_of(request))
        assert status.state == ("VOIDED" if paid.response_code == "00" else "TOMBSTONE")
    assert await campus.funds(holder) == (90_000, 90_000)
    assert await campus.broken() == {}


async def test_second_void_answers_as_the_first(campus: Campus) -> None:
    holder = await campus.holder(5000)
    request = campus.purchase(holder, 700)
    await campus.authorise(request)
    void = campus.follow("VOID", request)
    first = await campus.answer(void)
    assert await campus.answer(void, process=1) == replace(first, verdict="REPEATED")
    other_key = await campus.answer(campus.follow("VOID", request))
    assert (other_key.outcome, other_key.response_code) == ("VOIDED", "00")
    assert await campus.funds(holder) == (5000, 5000)
    assert (await campus.counts())[2] == 3
    assert await campus.broken() == {}


async def test_a_void_of_a_capture_or_refund_is_not_possible(campus: Campus) -> None:
    holder = await campus.holder(5000)
    request = campus.purchase(holder, 700)
    await campus.authorise(request)
    refund = campus.follow("REFUND", request, 300)
    await campus.answer(refund)
    void = await campus.answer(campus.follow("VOID", refund.key))
    assert (void.outcome, void.response_code) == ("DECLINED", "12")
    assert await campus.funds(holder) == (4600, 4600)


async def test_six_holds_of_1000_on_5000(campus: Campus) -> None:
    holder = await campus.holder(5000)
    requests = [campus.purchase(holder, 1000, manual=True) for _ in range(6)]
    answers = await asyncio.gather(
        *(campus.authorise(request, process=n % 2) for n, request in enumerate(requests))
    )
    assert sorted(a.response_code for a in answers) == ["00"] * 5 + ["51"]
    assert await campus.funds(holder) == (5000, 0)
    assert await campus.broken() == {}


async def test_retried_hold_keeps_its_id(campus: Campus) -> None:
    holder = await campus.holder(5000)
    request = campus.purchase(holder, 1000, manual=True)
    first = await campus.authorise(request)
    again = await campus.authorise(campus.retry(request), process=1)
    held = await campus.rows(
        "SELECT transfer_ids[1] FROM authorisation WHERE school_id = $1", campus.school_id
    )
    assert held == [(request.transfer_ids[0],)]
    assert again.retrieval_reference == first.retrieval_reference
    assert await campus.funds(holder) == (5000, 4000)


async def test_a_hold_is_captured_in_part_and_the_rest_is_free(campus: Campus) -> None:
    holder = await campus.holder(main_minor=5000, subsidy_minor=300)
    request = campus.purchase(holder, 1000, manual=True)
    await campus.authorise(request)
    answer = await campus.answer(campus.follow("CAPTURE", request, 650))
    assert (answer.outcome, answer.response_code, answer.available_minor) == (
        "APPROVED", "00", 4650,
    )  # fmt: skip
    second = await campus.answer(campus.follow("CAPTURE", request, 100))
    assert (second.outcome, second.response_code) == ("DECLINED", "12")
    assert await campus.funds(holder) == (4650, 4650)
    assert (await campus.limits.get(7, holder.id)).spent_minor == 650
    assert await campus.broken() == {}


async def test_a_hold_that_outlives_its_time_is_released_and_not_captured(campus: Campus) -> None:
    holder = await campus.holder(5000)
    request = campus.purchase(holder, 1000, manual=True)
    await campus.authorise(request)
    campus.clock.advance(hours=1, seconds=1)
    assert await campus.broken() == {"I16": 1}
    assert await campus.authorisations.expire_holds(7) == 1
    late = await campus.answer(campus.follow("CAPTURE", request, 1000))
    assert (late.outcome, late.response_code) == ("DECLINED", "22")
    assert await campus.funds(holder) == (5000, 5000)
    assert await campus.broken() == {}


async def test_concurrent_refunds_never_exceed_capture(campus: Campus) -> None:
    holder = await campus.holder(main_minor=1000, subsidy_minor=400)
    request = campus.purchase(holder, 1000)
    await campus.authorise(request)
    answers = await asyncio.gather(
        *(campus.answer(campus.follow("REFUND", request, 300), n % 2) for n in range(8))
    )
    assert sorted(a.response_code for a in answers) == ["00"] * 3 + ["64"] * 5
    assert await campus.funds(holder) == (1300, 1300)
    last = await campus.answer(campus.follow("REFUND", request, 100))
    assert last.response_code == "00"
    assert (await campus.authorisations.status(7, key_of(request))).state == "REFUNDED"
    purses = (await campus.ledger.balances(7, holder.id)).purses
    assert {purse.kind: purse.balance_minor for purse in purses} == {"MAIN": 1000, "SUBSIDY": 400}
    assert await campus.broken() == {}


async def test_one_code_two_terminals_online(campus: Campus) -> None:
    holder = await campus.holder(5000)
    for _ in range(20):
        first = campus.purchase(holder, 10)
        second = campus.purchase(holder, 10, terminal_no=43, replay_key=first.replay_key)
        answers = await asyncio.gather(campus.authorise(first), campus.authorise(second, 1))
        assert sorted(a.response_code for a in answers) == ["00", "C1"]
    assert await campus.funds(holder) == (4800, 4800)
    assert await campus.broken() == {}


async def test_pin_continuation_needs_no_second_scan(campus: Campus) -> None:
    holder = await campus.holder(50_000)
    scan = campus.purchase(holder, 4000, single_minor=3000)
    asked = await campus.authorise(scan)
    assert (asked.outcome, asked.response_code, asked.reason) == ("PIN_REQUIRED", "70", "SINGLE")
    stolen = await campus.authorise(
        campus.purchase(holder, 10, terminal_no=43, replay_key=scan.replay_key)
    )
    assert stolen.response_code == "C1"
    assert asked.continuation_id is not None
    waiting = await campus.authorisations.continuation(7, asked.continuation_id)
    assert waiting is not None
    assert (waiting.terminal_no, waiting.amount_minor, waiting.replay_key) == (
        42, 4000, scan.replay_key,
    )  # fmt: skip
    proven = campus.purchase(
        holder, 4000, single_minor=3000, pin_proven=True, replay_key=scan.replay_key,
        continuation_id=asked.continuation_id,
    )  # fmt: skip
    assert (await campus.authorise(proven)).response_code == "00"
    twice = replace(proven, seq_no=proven.seq_no + 900, retrieval_reference="Z" * 12)
    assert (await campus.authorise(twice)).response_code == "C1"
    assert await campus.funds(holder) == (46_000, 46_000)
    assert await campus.broken() == {}


async def test_a_day_never_runs_backwards(campus: Campus) -> None:
    holder = await campus.holder(50_000)
    today = campus.purchase(holder, 900, daily_minor=1000)
    tomorrow = today.business_on + timedelta(days=1)
    await campus.authorise(campus.purchase(holder, 900, daily_minor=1000, business_on=tomorrow))
    straggler = await campus.authorise(today)
    after = await campus.authorise(
        campus.purchase(holder, 900, daily_minor=1000, business_on=tomorrow)
    )
    assert [straggler.response_code, after.response_code] == ["70", "70"]
    spending = await campus.limits.get(7, holder.id)
    assert (spending.spent_on, spending.spent_minor) == (tomorrow, 900)
    assert await campus.broken() == {}


async def test_an_idle_queue_wakes_for_a_request_of_the_same_instant(
    database_dsn: DatabaseDsn,
) -> None:
    async with campus_on(database_dsn.app, lanes=1) as (campus,):
        holders = [await campus.holder(5000) for _ in range(2)]
        first = asyncio.ensure_future(campus.authorise(campus.purchase(holders[0], 10)))
        await asyncio.sleep(0)
        (runner,) = campus.authorisations._queue._runners
        while not runner.done():  # noqa: ASYNC110 - the very next step is what is tested
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            second = await campus.authorise(campus.purchase(holders[1], 10))
        assert second.response_code == "00"
        assert (await first).response_code == "00"


async def test_voiding_gives_back_the_day_it_was_spent_on(campus: Campus) -> None:
    holder = await campus.holder(50_000)
    request = campus.purchase(holder, 900, daily_minor=1000)
    await campus.authorise(request)
    await campus.answer(campus.follow("VOID", request))
    again = await campus.authorise(campus.purchase(holder, 1000, daily_minor=1000))
    assert again.response_code == "00"
    assert await campus.broken() == {}


async def test_status_of_a_key_that_never_came(campus: Campus) -> None:
    status = await campus.authorisations.status(7, Key(42, 9, 9))
    assert (status.answer, status.state) == (None, None)
