"""Reserving a shower: `waterSlots`, `waterReserve`, `waterReservationCancel` (M-103)."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.utility.records import MeterInvalid
from terminals import water
from terminals.water import Slot
from tests.api.campus import Campus
from tests.api.devices import SCHOOL
from tests.api.sample import ALICE, BOB, OPERATOR, school_file
from tests.api.showers import BATH, WATER_ROWS, bath, refused, reserve, slot_from

DAY = "2026-09-01"


async def slots(campus: Campus, token: str, on: str = DAY, group: int = BATH.number) -> Any:
    found = await campus.holder(
        f'waterSlots(groupNo: {group}, on: "{on}") {{ startsAt endsAt free }}', token
    )
    return found["waterSlots"]


async def test_holder_reserves_a_shower_and_is_given_its_code(campus: Campus) -> None:
    await bath(campus)
    token = await campus.bind(ALICE)
    groups = await campus.holder(
        "waterGroups { number name daysAhead tariff { perUnits price { minorAmount } } }", token
    )
    assert groups["waterGroups"] == [
        {
            "number": 9,
            "name": "Sample bath house",
            "daysAhead": 2,
            "tariff": {"perUnits": 10, "price": {"minorAmount": 30}},
        }
    ]
    free = await slots(campus, token)
    assert free[0] == {
        "startsAt": "2026-09-01T04:00:00Z", "endsAt": "2026-09-01T04:30:00Z", "free": 2
    }  # fmt: skip
    assert free[-1]["endsAt"] == "2026-09-01T15:00:00Z"
    payload = await reserve(campus, token, slot_from(campus, 60))
    assert payload["userErrors"] == []
    made = payload["reservation"]
    key = campus.keys.water_key(SCHOOL, BATH.number, 1)
    starts = int(slot_from(campus, 60).timestamp())
    assert made["code8"] == water.code(key, Slot(9, 0, starts, 1_800), 0)
    assert (made["stall"], made["startsAt"], made["group"]["number"]) == (
        None, "2026-09-01T05:00:00Z", 9,
    )  # fmt: skip
    assert made["tariff"] == {
        "perUnits": 10, "maximumUnits": 200, "maximum": {"minorAmount": 600}
    }  # fmt: skip
    assert [each["free"] for each in await slots(campus, token)][:3] == [2, 2, 1]
    listed = await campus.holder("waterReservations { id code8 }", token)
    assert listed["waterReservations"] == [{"id": made["id"], "code8": made["code8"]}]
    # Nobody else sees it.
    other = await campus.holder("waterReservations { id }", await campus.bind(BOB))
    assert other["waterReservations"] == []


async def test_same_key_again_is_the_same_reservation(campus: Campus) -> None:
    await bath(campus)
    token = await campus.bind(ALICE)
    first = await reserve(campus, token, slot_from(campus, 30), idempotencyKey="one")
    before = await campus.dump(*WATER_ROWS)
    assert await reserve(campus, token, slot_from(campus, 30), idempotencyKey="one") == first
    other = await reserve(campus, token, slot_from(campus, 60), idempotencyKey="one")
    assert [each["code"] for each in other["userErrors"]] == ["IDEMPOTENCY_CONFLICT"]
    assert await campus.dump(*WATER_ROWS) == before


async def test_last_place_is_given_to_one_of_two(campus: Campus) -> None:
    await bath(campus, replace(BATH, places=1))
    tokens = await campus.bind(ALICE), await campus.bind(BOB)
    at = slot_from(campus, 30)
    payloads = await asyncio.gather(*(reserve(campus, token, at) for token in tokens))
    codes = sorted(error["code"] for each in payloads for error in each["userErrors"])
    assert codes == ["SLOT_FULL"]
    assert len(await campus.rows("SELECT 1 FROM water_reservation")) == 1


async def test_what_cannot_be_reserved_is_refused_and_nothing_changes(campus: Campus) -> None:
    await bath(campus)
    token = await campus.bind(ALICE)
    held = await reserve(campus, token, slot_from(campus, 30))
    assert held["userErrors"] == []
    before = await campus.dump(*WATER_ROWS)
    late = slot_from(campus) + timedelta(days=3)
    for at, given, code in (
        (slot_from(campus, -30), {}, "SLOT_UNKNOWN"),  # over
        (slot_from(campus, 30) + timedelta(minutes=1), {}, "SLOT_UNKNOWN"),  # no beginning of one
        (slot_from(campus) + timedelta(hours=12), {}, "SLOT_UNKNOWN"),  # closed at night
        (late, {}, "SLOT_UNKNOWN"),  # more than two days ahead
        (slot_from(campus, 30), {}, "RESERVATION_LIMIT"),  # held already
        (slot_from(campus, 60), {"groupNo": 99}, "METER_GROUP_UNKNOWN"),
    ):
        payload = await reserve(campus, token, at, **given)
        assert payload["reservation"] is None
        assert [each["code"] for each in payload["userErrors"]] == [code]
    assert await campus.dump(*WATER_ROWS) == before
    assert await slots(campus, token, "2026-09-04") == []
    assert await slots(campus, token, group=99) == []


async def test_holder_holds_three_reservations_at_most(campus: Campus) -> None:
    await bath(campus)
    token = await campus.bind(ALICE)
    for minutes in (30, 60, 90):
        assert (await reserve(campus, token, slot_from(campus, minutes)))["userErrors"] == []
    payload = await reserve(campus, token, slot_from(campus, 120))
    assert [each["code"] for each in payload["userErrors"]] == ["RESERVATION_LIMIT"]
    assert len(await campus.rows("SELECT 1 FROM water_reservation")) == 3


async def test_who_could_not_pay_the_maximum_gets_no_code(campus: Campus) -> None:
    dear = replace(BATH, tariff=replace(BATH.tariff, price_minor=60))
    await bath(campus, dear)
    payload = await reserve(campus, await campus.bind(BOB), slot_from(campus, 30))
    assert [each["code"] for each in payload["userErrors"]] == ["BALANCE_TOO_LOW"]
    assert await campus.rows("SELECT 1 FROM water_reservation") == []


async def test_place_given_back_is_free_and_its_code_is_not_given_again(campus: Campus) -> None:
    await bath(campus, replace(BATH, places=1))
    token, other = await campus.bind(ALICE), await campus.bind(BOB)
    made = (await reserve(campus, token, slot_from(campus, 30)))["reservation"]
    given = {"reservationId": made["id"]}
    foreign = await campus.do(
        "waterReservationCancel", given, "reservation { id cancelledAt }", other
    )
    assert [each["code"] for each in foreign["userErrors"]] == ["RESERVATION_UNKNOWN"]
    cancelled = await campus.do(
        "waterReservationCancel", given, "reservation { id cancelledAt }", token
    )
    assert cancelled["reservation"]["cancelledAt"] is not None
    campus.clock.advance(seconds=1)
    again = await campus.do(
        "waterReservationCancel", given, "reservation { id cancelledAt }", token
    )
    assert again == cancelled
    taken = (await reserve(campus, other, slot_from(campus, 30)))["reservation"]
    assert taken["code8"] != made["code8"]
    assert [r[0] for r in await campus.rows(
        "SELECT sequence FROM water_reservation ORDER BY sequence"
    )] == [0, 1]  # fmt: skip
    nobody = await campus.do(
        "waterReservationCancel", {"reservationId": "x"}, "reservation { id }", token
    )
    assert [each["code"] for each in nobody["userErrors"]] == ["RESERVATION_UNKNOWN"]


async def test_reservation_whose_code_works_is_not_cancelled(campus: Campus) -> None:
    await bath(campus)
    campus.clock.advance(minutes=15)
    token, at = await campus.bind(ALICE), slot_from(campus, 30)
    made = (await reserve(campus, token, at))["reservation"]
    campus.clock.instant = at - timedelta(minutes=10)
    before = await campus.dump(*WATER_ROWS)
    payload = await campus.do(
        "waterReservationCancel", {"reservationId": made["id"]}, "reservation { id }", token
    )
    assert [each["code"] for each in payload["userErrors"]] == ["RESERVATION_BEGUN"]
    assert await campus.dump(*WATER_ROWS) == before


async def test_code_that_somebody_holds_in_a_neighbouring_slot_is_skipped(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bath(campus)
    maker = campus.wired.services.reservations._codes
    clash = {"code": ""}
    really = maker.code

    def code(school_id: int, slot: Any, sequence: int) -> str:
        return clash["code"] or really(school_id, slot, sequence)

    token, other = await campus.bind(ALICE), await campus.bind(BOB)
    await reserve(campus, token, slot_from(campus, 30))
    key = campus.keys.water_key(SCHOOL, BATH.number, 1)
    starts = int(slot_from(campus, 60).timestamp())
    clash["code"] = water.code(key, Slot(9, 0, starts, 1_800), 0)
    monkeypatch.setattr(maker, "code", code)
    payload = await reserve(campus, other, slot_from(campus, 60))
    assert payload["userErrors"] == []
    (row,) = await campus.rows(
        "SELECT sequence FROM water_reservation WHERE starts_at = $1", slot_from(campus, 60)
    )
    assert row[0] == 1


async def test_campus_without_showers_offers_none(campus: Campus) -> None:
    await bath(campus)
    token = await campus.bind(ALICE)
    text = school_file(SCHOOL, "[policy.campus.features]\nSHOWER = []")
    await campus.wired.services.schools.policy_activate(SCHOOL, text, OPERATOR)
    assert (await campus.holder("waterGroups { number }", token))["waterGroups"] == []
    payload = await reserve(campus, token, slot_from(campus, 30))
    assert [each["code"] for each in payload["userErrors"]] == ["FEATURE_OFF"]
    assert await campus.rows("SELECT 1 FROM water_reservation") == []


async def test_price_of_the_day_it_was_made_stays(campus: Campus) -> None:
    await bath(campus)
    token = await campus.bind(ALICE)
    made = (await reserve(campus, token, slot_from(campus, 30)))["reservation"]
    dear = replace(BATH, tariff=replace(BATH.tariff, price_minor=60))
    await campus.wired.meters.put_group(SCHOOL, dear, OPERATOR)
    listed = await campus.holder("waterReservations { tariff { maximum { minorAmount } } }", token)
    assert listed["waterReservations"] == [{"tariff": {"maximum": made["tariff"]["maximum"]}}]


async def test_what_codes_were_made_of_stays_while_somebody_holds_one(campus: Campus) -> None:
    await bath(campus)
    assert (await reserve(campus, await campus.bind(ALICE), slot_from(campus, 30)))["reservation"]
    before = await campus.dump("meter_group")
    meters = campus.wired.meters
    for changed in (replace(BATH, slot_minutes=60), replace(BATH, places=1)):
        with pytest.raises(MeterInvalid):
            await meters.put_group(SCHOOL, changed, OPERATOR)
    with pytest.raises(MeterInvalid):
        await meters.put_group(SCHOOL, BATH, OPERATOR, new_key=True)
    assert await campus.dump("meter_group") == before
    campus.clock.instant = slot_from(campus, 60)
    assert (await meters.put_group(SCHOOL, BATH, OPERATOR, new_key=True)).key_version == 2


async def test_wrong_codes_are_forgotten_after_a_day(campus: Campus) -> None:
    meter = await bath(campus)
    await refused(meter, code8="00000000")
    campus.clock.advance(hours=24)
    await campus.wired.meters.expire_tries(SCHOOL)
    assert len(await campus.rows("SELECT 1 FROM meter_try")) == 1
    campus.clock.advance(seconds=1)
    await campus.wired.meters.expire_tries(SCHOOL)
    assert await campus.rows("SELECT 1 FROM meter_try") == []
