"""Water that ran without a network is charged: by the purses, and what they lack is owed."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from core.kit.clock import unix_seconds
from core.school.records import Role
from terminals import ccr
from terminals.ccr import Outcome
from tests.api.campus import Campus
from tests.api.devices import SCHOOL, Till
from tests.api.sample import ALICE
from tests.api.showers import (
    MONEY,
    WATER_ROWS,
    booked,
    funds,
    refused,
    slot_from,
    sound,
    start,
    stop,
)

ROWS = (*MONEY, *WATER_ROWS, "terminal_answer")
TAP = f"CARD:{ALICE.card_uid}"
MAXIMUM_MINOR = 600


@dataclass
class Bath:
    """A meter with a code of Alice's that it took alone; afterwards she spent her money."""

    campus: Campus
    meter: Till
    code: str
    key: dict[str, int]
    began: int
    desk: str = ""

    async def leave(self, left: int) -> None:
        """Alice buys until so many fen are left."""
        till = await self.campus.till()
        balance, _ = await funds(self.campus)
        while balance > left:
            step = min(2_000, balance - left)
            sold = await till.sell(TAP, step)
            assert sold["responseCode"] == "00", sold
            balance -= step

    async def tell(self, **given: Any) -> Any:
        return await start(self.meter, key=self.key, code8=self.code, startedAt=self.began, **given)

    async def owes(self) -> int:
        ledger, holder = self.campus.wired.services.ledger, await self.campus.id_of("S001")
        return await ledger.arrears_minor(SCHOOL, holder)

    async def earned(self) -> int:
        """What the meter's merchant has got for water."""
        (row,) = await self.campus.rows(
            "SELECT coalesce(sum(a.captured_minor - a.refunded_minor), 0)::int AS minor"
            " FROM authorisation a WHERE a.terminal_no = $1",
            self.meter.number,
        )
        return int(row["minor"])

    async def pay_in(self, minor: int) -> None:
        """Cash at the desk."""
        if not self.desk:
            self.desk = await self.campus.staff_token("kassel", Role.CASHIER)
        cash = {
            "number": "S001", "minorAmount": minor, "reason": "sample",
            "idempotencyKey": self.campus.entropy(8).hex(),
        }  # fmt: skip
        paid = await self.campus.do(
            "cashTopUp", cash, "topUp { balance { minorAmount } }", self.desk
        )
        assert paid["userErrors"] == []


def same(again: Any, first: Any) -> bool:
    """Whether a start hears what it heard before."""
    kept = first["authorisation"] | {"replayed": True}
    return bool(again == first | {"authorisation": kept})


@pytest.fixture
async def taken(campus: Campus) -> Bath:
    meter, code = await booked(campus)
    began = unix_seconds(campus.clock.now())
    return Bath(campus, meter, code, meter.next_key(), began)


async def test_what_ran_is_paid_by_what_is_left_and_the_rest_is_owed(taken: Bath) -> None:
    await taken.leave(100)
    payload = await taken.tell()
    assert payload["authorisation"]["responseCode"] == "00"
    assert payload["authorisation"]["amount"] == {"minorAmount": MAXIMUM_MINOR}
    assert payload["run"]["late"]
    assert (await funds(taken.campus), await taken.owes()) == ((100, 0), 0), "held, not owed yet"
    before = await taken.campus.dump(*ROWS)
    assert same(await taken.tell(), payload)
    assert await taken.campus.dump(*before) == before, "told again"
    stop_key = taken.meter.next_key()
    ended = await stop(taken.meter, taken.key, 50, key=stop_key)
    assert (ended["responseCode"], ended["amount"]) == ("00", {"minorAmount": 150})
    assert (await funds(taken.campus), await taken.owes()) == ((0, 0), 50)
    assert await taken.earned() == 150
    before = await taken.campus.dump(*ROWS)
    again = await stop(taken.meter, taken.key, 50, key=stop_key)
    assert again == ended | {"replayed": True}
    assert await taken.campus.dump(*before) == before, "stopped again"
    await sound(taken.campus)


@pytest.mark.parametrize(("units", "left", "owed"), [(30, 10, 0), (0, 100, 0), (200, 0, 500)])
async def test_only_what_the_purses_lack_is_owed(
    taken: Bath, units: int, left: int, owed: int
) -> None:
    await taken.leave(100)
    await taken.tell()
    ended = await stop(taken.meter, taken.key, units)
    assert ended["responseCode"] == "00"
    assert (await funds(taken.campus), await taken.owes()) == ((left, left), owed)
    await sound(taken.campus)


async def test_limits_ask_no_pin_of_water_that_ran(taken: Bath) -> None:
    await taken.campus.rows(
        "UPDATE cardholder_limit SET single_minor = 100, daily_minor = 100 RETURNING 1"
    )
    assert (await taken.tell())["authorisation"]["responseCode"] == "00"
    await stop(taken.meter, taken.key, 50)
    assert await funds(taken.campus) == (4_850, 4_850)
    await sound(taken.campus)


@pytest.mark.parametrize(("left", "code"), [(0, "51"), (4_000, "61")])
async def test_decline_that_the_meter_never_heard_stays_and_the_water_is_charged(
    taken: Bath, left: int, code: str
) -> None:
    """terminals.md 5, OVERRODE_DECLINE: the answer stays, what ran is paid."""
    await taken.leave(left)
    single = 100 if code == "61" else 10_000
    await taken.campus.rows(
        "UPDATE cardholder_limit SET single_minor = $1, daily_minor = 100000 RETURNING 1", single
    )
    declined = await start(taken.meter, key=taken.key, code8=taken.code)
    assert (declined["authorisation"]["responseCode"], declined["run"]) == (code, None)
    told = await taken.tell()
    assert told["authorisation"]["signedAnswer"] == declined["authorisation"]["signedAnswer"]
    assert told["run"]["late"]
    answer = ccr.read(told["authorisation"]["signedAnswer"])
    assert isinstance(answer, ccr.SignedAnswer)
    assert answer.answer.outcome is Outcome.DECLINED
    assert same(await taken.tell(), told)
    ended = await stop(taken.meter, taken.key, 50)
    assert (ended["responseCode"], ended["outcome"]) == ("00", "APPROVED")
    assert (await funds(taken.campus))[0] == max(0, left - 150)
    assert await taken.owes() == max(0, 150 - left)
    await sound(taken.campus)


async def test_start_that_was_voided_charges_nobody(taken: Bath) -> None:
    await taken.leave(0)
    await taken.meter.void(taken.key)
    told = await taken.tell()
    assert (told["authorisation"]["responseCode"], told["run"]) == ("22", None)
    assert (await stop(taken.meter, taken.key, 50))["responseCode"] == "25"
    assert await taken.owes() == 0
    await sound(taken.campus)


async def test_one_reservation_runs_once_also_when_it_is_told_late(taken: Bath) -> None:
    await taken.leave(0)
    await taken.tell()
    before = await taken.campus.dump(*MONEY, *WATER_ROWS)
    again = {"code8": taken.code, "startedAt": taken.began}
    assert await refused(taken.meter, **again) == ("C1", "CODE_USED")
    assert await taken.campus.dump(*before) == before


async def test_money_that_came_before_the_stop_pays_the_debt_at_once(taken: Bath) -> None:
    await taken.leave(0)
    await taken.tell()
    ledger, holder = taken.campus.wired.services.ledger, await taken.campus.id_of("S001")
    await taken.pay_in(120)
    await stop(taken.meter, taken.key, 50)
    assert (await funds(taken.campus), await taken.owes()) == ((0, 0), 30)
    await taken.pay_in(100)
    assert (await funds(taken.campus), await taken.owes()) == ((70, 70), 0)
    assert await ledger.arrears_minor(SCHOOL, holder) == 0
    await sound(taken.campus)


async def test_hold_that_nobody_stopped_owes_nothing(taken: Bath) -> None:
    await taken.leave(0)
    await taken.tell()
    taken.campus.clock.instant = slot_from(taken.campus, 30) + timedelta(hours=24, seconds=1)
    assert await taken.campus.wired.services.authorisations.expire_holds(SCHOOL) == 1
    assert (await funds(taken.campus), await taken.owes()) == ((0, 0), 0)
    await sound(taken.campus)


async def test_code_that_nobody_has_stays_declined_when_it_is_told_again(taken: Bath) -> None:
    wrong = {"key": taken.key, "code8": "00000000"}
    declined = await start(taken.meter, **wrong)
    assert declined["authorisation"]["responseCode"] == "M1"
    before = await taken.campus.dump(*ROWS)
    assert same(await start(taken.meter, **wrong, startedAt=taken.began), declined)
    assert await taken.campus.dump(*before) == before
