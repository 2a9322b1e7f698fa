"""A bath house of a campus: its meters, what they ask, and holders who reserve."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

from bff.proof import PROOF
from core.db.invariants import judge
from core.utility.records import Meter, MeterGroup, MeterKind, Tariff
from tests.api.campus import Campus
from tests.api.devices import AUTHORISATION, SCHOOL, Till
from tests.api.sample import ALICE, OPERATOR

BATH = MeterGroup(
    number=9,
    campus_code="NORTH",
    kind=MeterKind.SHOWER,
    name_zh="示例浴室",
    name_en="Sample bath house",
    is_shared=True,
    places=2,
    slot_minutes=30,
    opens_at=time(6),
    closes_at=time(23),
    days_ahead=2,
    tariff=Tariff(price_minor=30, per_units=10, maximum_units=200),
)
"""30 fen for 10 units, 600 fen at most."""
DORMITORY = replace(
    BATH, number=10, kind=MeterKind.DORMITORY_WATER, name_zh="示例水房", name_en="Sample taps"
)
RUN = """run { meterNo startedAt endsAt late tariff { perUnits maximumUnits price { minorAmount }
    maximum { minorAmount } } }"""
RESERVATION = """reservation { id code8 stall startsAt endsAt cancelledAt group { number name }
    tariff { perUnits maximumUnits maximum { minorAmount } } }"""
WATER_ROWS = ("water_reservation", "meter_run", "meter_reading", "meter_try")
MONEY = ("transfer", "leg", "account", "authorisation", "cardholder_limit", "code_use")


async def bath(campus: Campus, group: MeterGroup = BATH, stall: int = 0) -> Till:
    """A terminal with meter 1 of a group."""
    till = await campus.till("METER")
    meters = campus.wired.meters
    await meters.put_group(SCHOOL, group, OPERATOR)
    await meters.put(SCHOOL, Meter(till.number, 1, group.number, stall), OPERATOR)
    return till


def slot_from(campus: Campus, minutes: int = 0) -> datetime:
    """The beginning of the slot that is now, or of one after it."""
    now = campus.clock.now()
    return now.replace(minute=now.minute // 30 * 30, second=0, microsecond=0) + timedelta(
        minutes=minutes
    )


async def reserve(campus: Campus, token: str, starts_at: datetime, **given: Any) -> Any:
    """The payload of a reservation."""
    asked = {
        "idempotencyKey": campus.entropy(8).hex(),
        "groupNo": BATH.number,
        "startsAt": starts_at.isoformat(),
        **given,
    }
    return await campus.do("waterReserve", asked, RESERVATION, token)


async def code_of(campus: Campus, token: str, starts_at: datetime) -> str:
    """The digits of a new reservation."""
    payload = await reserve(campus, token, starts_at)
    assert payload["userErrors"] == []
    code: str = payload["reservation"]["code8"]
    return code


async def booked(campus: Campus) -> tuple[Till, str]:
    """A meter, and Alice's code that works at it now."""
    meter, token = await bath(campus), await campus.bind(ALICE)
    return meter, await code_of(campus, token, slot_from(campus))


async def sound(campus: Campus) -> None:
    """The books are what they must be; nobody delivers messages here."""
    books = [each for each in PROOF if each.id != "I16 outbox"]
    found = await judge(campus.wired.database, SCHOOL, books, campus.clock.now())
    assert [(each.invariant.id, each.witnesses) for each in found if each.count] == []


async def start(meter: Till, **given: Any) -> Any:
    """The payload of a start at meter 1, without its userErrors."""
    asked = {"key": meter.next_key(), "meterNo": 1, **given}
    payload = await meter.ask("meterStart", asked, f"{AUTHORISATION} {RUN}")
    assert payload["userErrors"] == []
    return payload


async def refused(meter: Till, **given: Any) -> tuple[str, str | None]:
    """The response code and reason of a start that begins nothing."""
    payload = await start(meter, **given)
    assert payload["run"] is None
    answer = payload["authorisation"]
    assert answer["outcome"] == "DECLINED"
    return answer["responseCode"], answer["reason"]


async def stop(meter: Till, original: dict[str, int], units: int, **given: Any) -> Any:
    """The authorisation of a stop; the amount is that of the price."""
    amount = BATH.tariff.amount_minor(units)
    asked = {
        "key": meter.next_key(), "original": original, "units": units,
        "minorAmount": amount or None, "reason": "CANCEL", **given,
    }  # fmt: skip
    payload = await meter.ask("meterStop", asked, f"{AUTHORISATION} {RUN}")
    assert payload["userErrors"] == []
    return payload["authorisation"]


async def funds(campus: Campus, number: str = "S001") -> tuple[int, int]:
    """Balance and available balance of a holder, in fen."""
    found = await campus.wired.services.ledger.balances(SCHOOL, await campus.id_of(number))
    return found.balance_minor, found.available_minor
