"""The fee of a card that came out after it was given back: a debt, which the next top-up pays."""

import asyncio

import pytest

from core.school.records import Role
from tests.api.campus import Campus
from tests.api.claims import NEW_UID, SINGLE, broken, report_lost, use_policy
from tests.api.devices import SCHOOL, Phone, Till
from tests.api.kiosks import begin, fees_owed, main, report
from tests.api.sample import ALICE


@pytest.fixture
async def phone(campus: Campus) -> Phone:
    """A holder with 50 yuan whose card is reported lost."""
    await use_policy(campus, SINGLE)
    made = await campus.phone()
    await report_lost(campus, made.token)
    return made


async def vended_late(campus: Campus, phone: Phone) -> tuple[Till, str]:
    """A kiosk, and the job whose card came out after its fee was given back."""
    kiosk = await campus.till("KIOSK")
    job = await begin(kiosk, phone.show())
    await report(kiosk, job["jobId"], "FAILED")
    assert (await report(kiosk, job["jobId"], "DELIVERED"))["reason"] == "FEE_OWED"
    return kiosk, job["jobId"]


async def pay_in(campus: Campus, desk: str, minor: int) -> None:
    """Cash at the window."""
    cash = {
        "idempotencyKey": campus.entropy(8).hex(), "number": ALICE.number, "minorAmount": minor,
        "reason": "sample",
    }  # fmt: skip
    payload = await campus.do("cashTopUp", cash, "topUp { balance { minorAmount } }", desk)
    assert payload["userErrors"] == []


async def test_owed_fee_is_paid_by_the_next_top_up_once(campus: Campus, phone: Phone) -> None:
    kiosk, job_id = await vended_late(campus, phone)
    ledger, holder = campus.wired.services.ledger, await campus.id_of(ALICE.number)
    assert (await main(campus), await ledger.arrears_minor(SCHOOL, holder)) == (5_000, 2_000)
    before = await campus.dump("transfer", "vend_job", "card")
    await report(kiosk, job_id, "DELIVERED")
    assert await campus.dump(*before) == before, "told again"
    till = await campus.till()
    for _ in range(2):
        assert (await till.sell(f"CARD:{NEW_UID}", 2_000))["outcome"] == "APPROVED"
    desk = await campus.staff_token("desk", Role.CASHIER, Role.CARD_MANAGER)
    await pay_in(campus, desk, 500)  # 1000 were left
    assert (await main(campus), await ledger.arrears_minor(SCHOOL, holder)) == (0, 500)
    assert len(await fees_owed(campus, desk)) == 1
    await pay_in(campus, desk, 600)
    assert (await main(campus), await ledger.arrears_minor(SCHOOL, holder)) == (100, 0)
    assert await fees_owed(campus, desk) == []
    await pay_in(campus, desk, 700)
    assert await main(campus) == 800
    lines = await campus.holder(
        "statement(first: 10) { edges { node { kind amount { minorAmount } } } }", phone.token
    )
    recovered = [
        each["node"]["amount"]["minorAmount"]
        for each in lines["statement"]["edges"]
        if each["node"]["kind"] == "ARREARS_RECOVERY"
    ]
    assert recovered == [-500, -1_500]
    assert await broken(campus) == {}


async def test_owed_fee_is_owed_once_however_often_it_is_told_at_once(
    campus: Campus, phone: Phone
) -> None:
    kiosk = await campus.till("KIOSK")
    job = await begin(kiosk, phone.show())
    await report(kiosk, job["jobId"], "FAILED")
    told = await asyncio.gather(*(report(kiosk, job["jobId"], "DELIVERED") for _ in range(4)))
    assert {each["reason"] for each in told} == {"FEE_OWED"}
    holder = await campus.id_of(ALICE.number)
    assert await campus.wired.services.ledger.arrears_minor(SCHOOL, holder) == 2_000
    assert await broken(campus) == {}
