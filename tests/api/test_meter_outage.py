"""Meters that had no network or no power, holds that nobody ended, and `meterSync`."""

from base64 import b64decode
from datetime import timedelta

from core.kit.clock import unix_seconds
from terminals import water
from terminals.water import Slot
from tests.api.campus import Campus
from tests.api.devices import SCHOOL
from tests.api.sample import ALICE, BOB
from tests.api.showers import (
    MONEY,
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


async def test_start_of_a_meter_without_a_network_is_told_within_a_day(campus: Campus) -> None:
    meter, code = await booked(campus)
    began = unix_seconds(campus.clock.now())
    key, stop_key = meter.next_key(), meter.next_key()
    campus.clock.advance(hours=23, minutes=59)
    payload = await start(meter, key=key, code8=code, startedAt=began)
    assert payload["authorisation"]["responseCode"] == "00"
    assert (payload["run"]["late"], payload["run"]["startedAt"]) == (True, began)
    ended = await stop(meter, key, 50, key=stop_key)
    assert ended["amount"] == {"minorAmount": 150}
    assert await funds(campus) == (4_850, 4_850)
    # The same key told again, later or without the time: the stored answer.
    campus.clock.advance(hours=5)
    again = await start(meter, key=key, code8=code)
    assert again["authorisation"]["signedAnswer"] == payload["authorisation"]["signedAnswer"]
    await sound(campus)


async def test_start_that_is_told_after_a_day_is_declined(campus: Campus) -> None:
    meter, code = await booked(campus)
    began = unix_seconds(campus.clock.now())
    campus.clock.advance(hours=24, seconds=1)
    assert await refused(meter, code8=code, startedAt=began) == ("M2", "TOO_LATE")
    assert await funds(campus) == (5_000, 5_000)


async def test_late_start_is_told_though_the_meter_is_busy_and_counts_no_try(
    campus: Campus,
) -> None:
    meter, code = await booked(campus)
    began = unix_seconds(campus.clock.now())
    other = await code_of(campus, await campus.bind(BOB), slot_from(campus, 30))
    campus.clock.instant = slot_from(campus, 30)
    await start(meter, code8=other)
    for tried in range(6):
        assert await refused(meter, code8=f"0000000{tried}", startedAt=began) == (
            "M1", "CODE8_WRONG",
        )  # fmt: skip
    payload = await start(meter, code8=code, startedAt=began)
    assert payload["authorisation"]["responseCode"] == "00"


async def test_code_that_was_cancelled_pays_for_water_that_ran_by_it(campus: Campus) -> None:
    meter, token = await bath(campus), await campus.bind(ALICE)
    at = slot_from(campus, 60)
    made = (await reserve(campus, token, at))["reservation"]
    given = {"reservationId": made["id"]}
    await campus.do("waterReservationCancel", given, "reservation { id }", token)
    campus.clock.instant = at
    assert await refused(meter, code8=made["code8"]) == ("M1", "CODE8_WRONG")
    late = await start(meter, code8=made["code8"], startedAt=unix_seconds(at))
    assert late["authorisation"]["responseCode"] == "00"


async def test_unused_hold_is_voided_a_day_after_its_slot(campus: Campus) -> None:
    meter, code = await booked(campus)
    key = meter.next_key()
    await start(meter, key=key, code8=code)
    expire = campus.wired.services.authorisations.expire_holds
    campus.clock.instant = slot_from(campus, 30) + timedelta(hours=24)
    assert await expire(SCHOOL) == 0
    campus.clock.advance(seconds=1)
    assert await expire(SCHOOL) == 1
    assert await funds(campus) == (5_000, 5_000)
    ended = await stop(meter, key, 10)
    assert ended["responseCode"] == "22"
    assert await funds(campus) == (5_000, 5_000)
    await sound(campus)


async def test_meter_is_told_its_group_and_a_key_that_only_it_can_open(campus: Campus) -> None:
    meter, token = await bath(campus), await campus.bind(ALICE)
    code = await code_of(campus, token, slot_from(campus))
    asked = {"key": meter.next_key(0)}
    selection = (
        "meters { meterNo groupNo stall kind firstSlotAt slotCount slotSeconds sealedKey"
        " tariff { perUnits maximumUnits price { minorAmount } } }"
    )
    (known,) = (await meter.ask("meterSync", asked, selection))["meters"]
    assert (known["meterNo"], known["groupNo"], known["stall"], known["kind"]) == (
        1, 9, 0, "SHOWER",
    )  # fmt: skip
    key = water.open_key(b64decode(known["sealedKey"]), bytes(meter.key))
    assert key is not None
    assert water.open_key(b64decode(known["sealedKey"]), bytes(32)) is None
    now, seconds = unix_seconds(campus.clock.now()), known["slotSeconds"]
    index = (now - known["firstSlotAt"]) // seconds
    assert 0 <= index < known["slotCount"]
    slot = Slot(9, 0, known["firstSlotAt"] + index * seconds, seconds)
    assert water.find_sequence(key, slot, code, now) == 0
