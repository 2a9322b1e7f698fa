"""Meters of water through the real application: `meterStart`, `meterStop`, `meterSync`."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.kit.clock import unix_seconds
from terminals import ccr
from terminals.message import RequestKey
from tests.api.campus import Campus
from tests.api.devices import AUTHORISATION, SCHOOL
from tests.api.sample import ALICE, BOB, OPERATOR, PIN, school_file
from tests.api.showers import (
    BATH,
    DORMITORY,
    MONEY,
    RUN,
    WATER_ROWS,
    bath,
    booked,
    code_of,
    funds,
    refused,
    reserve,
    slot_from,
    sound,
    start,
    stop,
)

ROWS = (*MONEY, *WATER_ROWS, "terminal_answer")
TAP = f"CARD:{ALICE.card_uid}"


async def test_typed_code_starts_water_and_what_ran_is_paid(campus: Campus) -> None:
    meter, code = await booked(campus)
    key = meter.next_key()
    payload = await start(meter, key=key, code8=code)
    answer, run = payload["authorisation"], payload["run"]
    assert (answer["outcome"], answer["responseCode"]) == ("APPROVED", "00")
    assert answer["amount"] == {"minorAmount": 600}
    assert answer["expiresAt"] == "2026-09-02T04:30:00Z"  # the slot's end and 24 hours
    assert run == {
        "meterNo": 1,
        "startedAt": unix_seconds(campus.clock.now()),
        "endsAt": unix_seconds(slot_from(campus, 30)),
        "late": False,
        "tariff": {
            "perUnits": 10, "maximumUnits": 200, "price": {"minorAmount": 30},
            "maximum": {"minorAmount": 600},
        },
    }  # fmt: skip
    assert answer["holder"] is None
    assert answer["balance"] is None
    assert await funds(campus) == (5_000, 4_400)
    ended = await stop(meter, key, 75)
    assert (ended["outcome"], ended["amount"]) == ("APPROVED", {"minorAmount": 225})
    assert await funds(campus) == (4_775, 4_775)
    assert (await meter.status(key))["state"] == "CAPTURED"
    signed = ccr.read(ended["signedAnswer"])
    assert isinstance(signed, ccr.SignedAnswer)
    assert signed.answer.minor_amount == 225
    assert await refused(meter, code8=code) == ("C1", "CODE_USED")
    await sound(campus)


async def test_repeats_hear_the_stored_answers_to_the_byte(campus: Campus) -> None:
    meter, code = await booked(campus)
    start_key, stop_key = meter.next_key(), meter.next_key()
    first = await start(meter, key=start_key, code8=code)
    ended = await stop(meter, start_key, 40, key=stop_key)
    before = await campus.dump(*ROWS)
    campus.clock.advance(hours=30)
    again = await start(meter, key=start_key, code8=code)
    assert again["run"] == first["run"]
    assert again["authorisation"]["signedAnswer"] == first["authorisation"]["signedAnswer"]
    assert again["authorisation"]["replayed"]
    repeat = await stop(meter, start_key, 40, key=stop_key)
    assert repeat == {**ended, "replayed": True}
    assert await campus.dump(*ROWS) == before


async def test_same_key_other_content_conflicts_and_changes_nothing(campus: Campus) -> None:
    meter, code = await booked(campus)
    key, stop_key = meter.next_key(), meter.next_key()
    await start(meter, key=key, code8=code)
    await stop(meter, key, 40, key=stop_key)
    before = await campus.dump(*ROWS)
    for given in ({"code8": "00000000"}, {"code8": code, "meterNo": 2}, {"presented": TAP}):
        payload = await meter.ask(
            "meterStart", {"key": key, "meterNo": 1, **given}, f"{AUTHORISATION} {RUN}"
        )
        assert [each["code"] for each in payload["userErrors"]] == ["IDEMPOTENCY_CONFLICT"]
    asked = {"key": stop_key, "original": key, "units": 50, "minorAmount": 150, "reason": "IDLE"}
    payload = await meter.ask("meterStop", asked, AUTHORISATION)
    assert [each["code"] for each in payload["userErrors"]] == ["IDEMPOTENCY_CONFLICT"]
    assert await campus.dump(*ROWS) == before


async def test_stop_of_nothing_releases_the_hold(campus: Campus) -> None:
    meter, code = await booked(campus)
    key = meter.next_key()
    await start(meter, key=key, code8=code)
    ended = await stop(meter, key, 0)
    assert (ended["outcome"], ended["responseCode"]) == ("VOIDED", "00")
    signed = ccr.read(ended["signedAnswer"])
    assert isinstance(signed, ccr.SignedAnswer)
    assert signed.answer.key == RequestKey(meter.number, key["batchNo"], key["seqNo"])
    assert await funds(campus) == (5_000, 5_000)
    before = await campus.dump(*MONEY)
    twice = await stop(meter, key, 10)
    assert (twice["outcome"], twice["responseCode"]) == ("DECLINED", "22")
    assert await campus.dump(*MONEY) == before
    await sound(campus)


async def test_second_stop_gives_nothing_back_and_takes_nothing(campus: Campus) -> None:
    meter, code = await booked(campus)
    key = meter.next_key()
    await start(meter, key=key, code8=code)
    await stop(meter, key, 100)
    before = await campus.dump(*MONEY, "meter_reading")
    for units in (0, 100, 200):
        ended = await stop(meter, key, units)
        assert (ended["outcome"], ended["responseCode"]) == ("DECLINED", "12")
    assert await campus.dump(*MONEY, "meter_reading") == before


async def test_more_than_the_maximum_is_never_paid(campus: Campus) -> None:
    meter, code = await booked(campus)
    key = meter.next_key()
    await start(meter, key=key, code8=code)
    ended = await stop(meter, key, 100_000, reason="MAXIMUM")
    assert ended["amount"] == {"minorAmount": 600}
    assert await funds(campus) == (4_400, 4_400)
    await sound(campus)


@pytest.mark.parametrize(
    ("units", "given", "code"),
    [
        (75, {"minorAmount": 226}, "64"),
        (75, {"minorAmount": None}, "64"),
        (0, {"minorAmount": 1}, "64"),
        (-1, {}, "13"),
    ],
)
async def test_reading_that_does_not_fit_its_price_is_declined_and_changes_nothing(
    campus: Campus, units: int, given: dict[str, Any], code: str
) -> None:
    meter, typed = await booked(campus)
    key = meter.next_key()
    await start(meter, key=key, code8=typed)
    before = await campus.dump(*MONEY, *WATER_ROWS)
    amount = {"minorAmount": None} if units < 0 else {}
    ended = await stop(meter, key, units, **{**amount, **given})
    assert (ended["outcome"], ended["responseCode"]) == ("DECLINED", code)
    assert await campus.dump(*MONEY, *WATER_ROWS) == before


async def test_stop_of_what_never_began_is_declined(campus: Campus) -> None:
    meter = await bath(campus)
    ended = await stop(meter, {"batchNo": 1, "seqNo": 999}, 10)
    assert (ended["outcome"], ended["responseCode"]) == ("DECLINED", "25")


async def test_wrong_code_and_code_of_another_time_are_told_apart(campus: Campus) -> None:
    meter, token = await bath(campus), await campus.bind(ALICE)
    code = await code_of(campus, token, slot_from(campus, 60))
    before = await campus.dump(*MONEY, "meter_run")
    assert await refused(meter, code8="00000000") == ("M1", "CODE8_WRONG")
    campus.clock.instant = slot_from(campus, 60) - timedelta(seconds=601)
    assert await refused(meter, code8=code) == ("M2", "SLOT_CLOSED")
    assert await campus.dump(*MONEY, "meter_run") == before
    campus.clock.advance(seconds=1)
    assert (await start(meter, code8=code))["authorisation"]["responseCode"] == "00"


async def test_code_of_a_slot_that_is_over_starts_nothing(campus: Campus) -> None:
    meter, code = await booked(campus)
    campus.clock.instant = slot_from(campus, 30)
    assert await refused(meter, code8=code) == ("M2", "SLOT_CLOSED")


async def test_five_wrong_codes_lock_the_meter_for_ten_minutes(campus: Campus) -> None:
    meter, code = await booked(campus)
    for tried in range(5):
        key = meter.next_key()
        assert await refused(meter, code8=f"0000000{tried}", key=key) == ("M1", "CODE8_WRONG")
        assert await refused(meter, code8=f"0000000{tried}", key=key) == ("M1", "CODE8_WRONG")
        campus.clock.advance(seconds=100)
    assert await refused(meter, code8=code) == ("65", "METER_LOCKED")
    campus.clock.advance(seconds=600 - 101)
    assert await refused(meter, code8=code) == ("65", "METER_LOCKED")
    campus.clock.advance(seconds=1)
    assert (await start(meter, code8=code))["authorisation"]["responseCode"] == "00"


async def test_parallel_guesses_evaluate_five(campus: Campus) -> None:
    meter, _ = await booked(campus)
    told = await asyncio.gather(*(refused(meter, code8=f"000000{n:02}") for n in range(20)))
    assert sorted({code for code, _ in told}) == ["65", "M1"]
    assert [code for code, _ in told].count("M1") == 5


async def test_start_that_was_undone_can_be_made_again_with_the_same_digits(
    campus: Campus,
) -> None:
    meter, code = await booked(campus)
    key = meter.next_key()
    await start(meter, key=key, code8=code)
    assert (await meter.void(key))["outcome"] == "VOIDED"
    again = meter.next_key()
    assert (await start(meter, key=again, code8=code))["authorisation"]["responseCode"] == "00"
    await stop(meter, again, 0)
    last = meter.next_key()
    assert (await start(meter, key=last, code8=code))["authorisation"]["responseCode"] == "00"
    await stop(meter, last, 10)
    assert await refused(meter, code8=code) == ("C1", "CODE_USED")
    assert await funds(campus) == (4_970, 4_970)
    await sound(campus)


async def test_meter_that_runs_is_busy(campus: Campus) -> None:
    meter, code = await booked(campus)
    other = await code_of(campus, await campus.bind(BOB), slot_from(campus))
    key = meter.next_key()
    await start(meter, key=key, code8=code)
    before = await campus.dump(*MONEY, "meter_run")
    assert await refused(meter, code8=other) == ("M3", "METER_BUSY")
    assert await campus.dump(*MONEY, "meter_run") == before
    await stop(meter, key, 10)
    assert (await start(meter, code8=other))["authorisation"]["responseCode"] == "00"
    await sound(campus)


async def test_code_of_a_stall_is_good_at_that_stall_alone(campus: Campus) -> None:
    stalls = replace(BATH, is_shared=False)
    first, second = await bath(campus, stalls, 1), await bath(campus, stalls, 2)
    made = await reserve(campus, await campus.bind(ALICE), slot_from(campus))
    assert made["reservation"]["stall"] == 1
    code = made["reservation"]["code8"]
    assert await refused(second, code8=code) == ("M1", "CODE8_WRONG")
    assert (await start(first, code8=code))["authorisation"]["responseCode"] == "00"


async def test_one_code_at_two_requests_starts_once(campus: Campus) -> None:
    meter, code = await booked(campus)
    payloads = await asyncio.gather(*(start(meter, code8=code) for _ in range(4)))
    codes = sorted(each["authorisation"]["responseCode"] for each in payloads)
    assert codes[0] == "00"
    assert set(codes[1:]) <= {"C1", "M3"}
    assert len(await campus.rows("SELECT 1 FROM meter_run")) == 1
    await sound(campus)


async def test_scan_at_a_shower_starts_what_its_holder_reserved(campus: Campus) -> None:
    phone, meter = await campus.phone(), await bath(campus)
    assert await refused(meter, presented=phone.show()) == ("M2", "SLOT_CLOSED")
    await reserve(campus, phone.token, slot_from(campus, 30))
    campus.clock.instant = slot_from(campus, 30)
    key = meter.next_key()
    payload = await start(meter, key=key, presented=phone.show())
    assert payload["authorisation"]["responseCode"] == "00"
    await stop(meter, key, 10)
    campus.clock.advance(seconds=60)
    assert await refused(meter, presented=phone.show()) == ("C1", "CODE_USED")
    await sound(campus)


async def test_dormitory_water_runs_by_a_scan_where_the_campus_has_it(campus: Campus) -> None:
    phone, meter = await campus.phone(), await bath(campus, DORMITORY)
    key = meter.next_key()
    payload = await start(meter, key=key, presented=phone.show())
    assert payload["authorisation"]["responseCode"] == "00"
    assert payload["run"]["endsAt"] == unix_seconds(campus.clock.now()) + 1_800
    await stop(meter, key, 10)
    text = school_file(SCHOOL, "[policy.campus.features]\nDORMITORY_WATER = []")
    await campus.wired.services.schools.policy_activate(SCHOOL, text, OPERATOR)
    campus.clock.advance(seconds=60)
    before = await campus.dump(*MONEY, *WATER_ROWS)
    assert await refused(meter, presented=phone.show()) == ("40", "NOT_SUPPORTED")
    assert await campus.dump(*MONEY, *WATER_ROWS) == before
    await sound(campus)


async def test_dormitory_water_is_closed_at_night_and_takes_no_digits(campus: Campus) -> None:
    meter = await bath(campus, DORMITORY)
    assert await refused(meter, code8="12345678") == ("M1", "CODE8_WRONG")
    campus.clock.advance(hours=11)
    assert await refused(meter, presented=TAP) == ("M2", "SLOT_CLOSED")
    campus.clock.advance(hours=11)
    assert (await start(meter, presented=TAP))["authorisation"]["responseCode"] == "00"


async def test_holder_with_too_little_starts_nothing(campus: Campus) -> None:
    dear = replace(DORMITORY, tariff=replace(DORMITORY.tariff, price_minor=60))
    meter = await bath(campus, dear)
    before = await campus.dump(*MONEY, *WATER_ROWS)
    assert await refused(meter, presented=f"CARD:{BOB.card_uid}") == ("51", None)
    assert await campus.dump(*MONEY, *WATER_ROWS) == before


async def test_hold_above_a_limit_starts_nothing_and_spends_no_code(campus: Campus) -> None:
    token, meter = await campus.with_pin(ALICE), await bath(campus)
    code = await code_of(campus, token, slot_from(campus))
    limits = {"singleMinor": 599, "dailyMinor": 5_000, "pin": PIN}
    await campus.do("limitsSet", limits, "limits { single { minorAmount } }", token)
    before = await campus.dump(*MONEY, *WATER_ROWS)
    assert await refused(meter, code8=code) == ("61", "PIN_REQUIRED")
    assert await campus.dump(*MONEY, *WATER_ROWS) == before
    await campus.do(
        "limitsSet", {**limits, "singleMinor": 600}, "limits { single { minorAmount } }", token
    )
    assert (await start(meter, code8=code))["authorisation"]["responseCode"] == "00"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, ("30", "FORMAT_ERROR")),
        ({"code8": "1234567"}, ("30", "FORMAT_ERROR")),
        ({"code8": "１２３４５６７８"}, ("30", "FORMAT_ERROR")),
        ({"code8": "12345678", "presented": TAP}, ("30", "FORMAT_ERROR")),
        ({"code8": "12345678", "meterNo": 7}, ("58", "METER_UNKNOWN")),
        ({"presented": "nonsense"}, ("C2", "FORMAT")),
        ({"presented": TAP, "startedAt": 1_788_235_200}, ("C8", "OFFLINE_NOT_ALLOWED")),
        ({"code8": "12345678", "startedAt": 1_798_235_200}, ("C9", "CLOCK_UNTRUSTED")),
        ({"code8": "12345678", "startedAt": 1_700_000_000}, ("M2", "TOO_LATE")),
    ],
)
async def test_start_that_cannot_be_is_declined(
    campus: Campus, given: dict[str, Any], code: tuple[str, str]
) -> None:
    meter = await bath(campus)
    before = await campus.dump(*MONEY, *WATER_ROWS)
    assert await refused(meter, **given) == code
    assert await campus.dump(*MONEY, *WATER_ROWS) == before


async def test_terminal_that_is_no_meter_starts_nothing(campus: Campus) -> None:
    till = await campus.till("MEAL")
    assert await refused(till, code8="12345678") == ("58", "TERMINAL_NOT_ALLOWED")


async def test_merchant_that_is_stopped_sells_no_water(campus: Campus) -> None:
    meter, code = await booked(campus)

    async def work(unit: Any) -> None:
        await unit.execute("UPDATE merchant SET active = false WHERE school_id = $1", SCHOOL)

    await campus.wired.database.unit(SCHOOL, work)
    campus.clock.advance(seconds=31)
    assert await refused(meter, code8=code) == ("03", "MERCHANT_INVALID")


async def test_time_that_cannot_be_is_a_bad_document(campus: Campus) -> None:
    meter = await bath(campus)
    key = meter.next_key()
    asked = {"key": key, "meterNo": 1, "code8": "12345678", "startedAt": -1}
    answer = await meter.post(
        "mutation($input: MeterStartInput!) { meterStart(input: $input) { run { meterNo } } }",
        {"input": asked},
        key,
    )
    assert answer["errors"][0]["extensions"]["code"] == "BAD_DOCUMENT"
