"""Kiosks through the real application: a card released, a card handed out for a fee."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from core.card.vending import SILENCE
from core.school.records import Role
from tests.api.campus import Campus
from tests.api.claims import (
    APP,
    CARD,
    JOB,
    NEW_UID,
    ROWS,
    SINGLE,
    Purse,
    broken,
    job_of,
    pin_block,
    report_lost,
    use_policy,
)
from tests.api.devices import SCHOOL, Phone, Till
from tests.api.kiosks import begin, fees_owed, main, report
from tests.api.sample import ALICE, BOB, OPERATOR, school_file

TAP = {"cardUid": ALICE.card_uid, "chip": None}
FEES = "SELECT kind, amount_minor FROM transfer WHERE kind LIKE 'CARD_FEE%' ORDER BY made_at, kind"


@pytest.fixture
async def phone(campus: Campus) -> Phone:
    """A holder with 50 yuan whose card is reported lost."""
    await use_policy(campus, SINGLE)
    made = await campus.phone()
    await report_lost(campus, made.token)
    return made


async def release(kiosk: Till, tap: dict[str, Any] = TAP, **given: Any) -> Any:
    """The answer to a release."""
    key = given.pop("key", None) or kiosk.next_key()
    given = {"key": key, "tap": tap, "pinBlock": pin_block(kiosk, key), **given}
    payload = await kiosk.ask("kioskRelease", given, CARD)
    assert payload["userErrors"] == []
    return payload["card"]


async def test_vend_failure_refunds_fee(campus: Campus, phone: Phone) -> None:
    kiosk = await campus.till("KIOSK")
    job = await begin(kiosk, phone.show())
    assert (job["outcome"], job["fee"]) == ("APPROVED", {"minorAmount": 2_000})
    assert await main(campus) == 3_000
    told = {"jobId": job["jobId"], "result": "FAILED"}
    failed = await job_of(kiosk, "kioskVendReport", told)
    assert (failed["outcome"], failed["responseCode"]) == ("VOIDED", "00")
    assert await main(campus) == 5_000
    assert await campus.rows(FEES) == [("CARD_FEE", 2_000), ("CARD_FEE_RETURN", 2_000)]
    before = await campus.dump("transfer", "vend_job", "card")
    for result in ("FAILED", "UNKNOWN"):
        assert (await report(kiosk, job["jobId"], result))["outcome"] == "VOIDED"
    assert await campus.dump("transfer", "vend_job", "card") == before
    assert await broken(campus) == {}


async def test_card_that_comes_out_takes_the_place_of_the_lost_one(
    campus: Campus, phone: Phone
) -> None:
    kiosk, till = await campus.till("KIOSK"), await campus.till()
    job = await begin(kiosk, phone.show())
    done = await report(kiosk, job["jobId"], "DELIVERED")
    assert (done["outcome"], done["responseCode"], done["reason"]) == ("APPROVED", "00", None)
    assert (await till.sell(f"CARD:{NEW_UID}", 100))["outcome"] == "APPROVED"
    assert (await till.sell(f"CARD:{ALICE.card_uid}", 100))["outcome"] == "DECLINED"
    assert await campus.rows(FEES) == [("CARD_FEE", 2_000)]
    assert (await report(kiosk, job["jobId"], "DELIVERED"))["responseCode"] == "00"
    late = await report(kiosk, job["jobId"], "FAILED")
    assert (late["responseCode"], late["reason"]) == ("12", "JOB_DELIVERED")
    assert await broken(campus) == {}


async def test_silent_job_gives_its_fee_back_and_a_late_card_reopens_it(
    campus: Campus, phone: Phone
) -> None:
    kiosk, jobs = await campus.till("KIOSK"), campus.wired.services.card_desk.jobs
    job = await begin(kiosk, phone.show())
    unknown = await report(kiosk, job["jobId"], "UNKNOWN")
    assert (unknown["outcome"], unknown["responseCode"]) == ("IN_PROGRESS", "09")
    assert await jobs.expire(SCHOOL) == 0
    campus.clock.advance(seconds=SILENCE.total_seconds())
    assert await jobs.expire(SCHOOL) == 1
    assert await jobs.expire(SCHOOL) == 0
    assert await main(campus) == 5_000
    late = await report(kiosk, job["jobId"], "DELIVERED")
    assert (late["outcome"], late["reason"]) == ("APPROVED", "FEE_OWED")
    assert (await (await campus.till()).sell(f"CARD:{NEW_UID}", 100))["outcome"] == "APPROVED"
    manager = await campus.staff_token("manager", Role.CARD_MANAGER)
    assert await fees_owed(campus, manager) == [
        {
            "terminalNo": kiosk.number,
            "fee": {"minorAmount": 2_000},
            "retrievalReference": job["retrievalReference"],
        }
    ]
    assert (await report(kiosk, job["jobId"], "DELIVERED"))["reason"] == "FEE_OWED"
    await campus.deliver()
    assert await broken(campus) == {}


async def test_report_races_the_worker(campus: Campus, phone: Phone) -> None:
    kiosk, jobs = await campus.till("KIOSK"), campus.wired.services.card_desk.jobs
    job = await begin(kiosk, phone.show())
    campus.clock.advance(seconds=SILENCE.total_seconds())
    await asyncio.gather(
        report(kiosk, job["jobId"], "FAILED"), jobs.expire(SCHOOL), jobs.expire(SCHOOL)
    )
    day = campus.clock.now().date()
    await jobs._fall_silent(SCHOOL, UUID(job["jobId"]), day)  # a worker that listed it before
    assert await main(campus) == 5_000
    assert await campus.rows(FEES) == [("CARD_FEE", 2_000), ("CARD_FEE_RETURN", 2_000)]


async def test_late_card_of_a_holder_with_another_is_left_to_staff(
    campus: Campus, phone: Phone
) -> None:
    kiosk = await campus.till("KIOSK")
    first = await begin(kiosk, phone.show())
    await report(kiosk, first["jobId"], "FAILED")
    campus.clock.advance(minutes=1)
    second = await begin(kiosk, phone.show(), "00000000000008")
    await report(kiosk, second["jobId"], "DELIVERED")
    late = await report(kiosk, first["jobId"], "DELIVERED")
    assert (late["outcome"], late["reason"]) == ("APPROVED", "FEE_OWED")
    live = await campus.rows("SELECT uid, state FROM card WHERE kind = 'PHYSICAL' ORDER BY uid")
    assert ("00000000000008", "ACTIVE") in live
    assert NEW_UID not in {uid for uid, _ in live}
    holder = await campus.id_of(ALICE.number)
    assert await campus.wired.services.ledger.arrears_minor(SCHOOL, holder) == 0, "it is no card"
    desk = await campus.staff_token("desk", Role.CARD_MANAGER)
    assert len(await fees_owed(campus, desk)) == 1
    assert await broken(campus) == {}


async def test_free_card_that_comes_late_is_owed_by_nobody(campus: Campus) -> None:
    await use_policy(campus, '[policy.replace]\nvia = ["KIOSK"]\n')
    phone, kiosk = await campus.phone(), await campus.till("KIOSK")
    await report_lost(campus, phone.token)
    job = await begin(kiosk, phone.show())
    assert job["fee"] == {"minorAmount": 0}
    await report(kiosk, job["jobId"], "FAILED")
    campus.clock.advance(minutes=1)
    other = await begin(kiosk, phone.show(), "00000000000008")
    await report(kiosk, other["jobId"], "DELIVERED")
    late = await report(kiosk, job["jobId"], "DELIVERED")
    assert (late["responseCode"], late["reason"]) == ("12", "CARD_UID_TAKEN")
    assert await campus.rows(FEES) == []
    assert await broken(campus) == {}


async def test_chip_given_to_somebody_meanwhile_hands_out_nothing(
    campus: Campus, phone: Phone
) -> None:
    kiosk = await campus.till("KIOSK")
    job = await begin(kiosk, phone.show())
    await campus.rows("UPDATE card SET state = 'CLOSED' WHERE uid = $1 RETURNING 1", BOB.card_uid)
    bob = await campus.id_of(BOB.number)
    await campus.rows(
        "INSERT INTO card (school_id, id, cardholder_id, kind, state, uid, issued_at, changed_at)"
        " VALUES ($1, $2, $3, 'PHYSICAL', 'ACTIVE', $4, now(), now()) RETURNING 1",
        SCHOOL, UUID(int=1), bob, NEW_UID,
    )  # fmt: skip
    refused = await report(kiosk, job["jobId"], "DELIVERED")
    assert (refused["responseCode"], refused["reason"]) == ("12", "CARD_UID_TAKEN")
    states = await campus.rows("SELECT state FROM card WHERE uid = $1", ALICE.card_uid)
    assert states == [("LOST",)]


async def test_repeat_begins_no_second_job(campus: Campus, phone: Phone) -> None:
    kiosk = await campus.till("KIOSK")
    key, code = kiosk.next_key(), phone.show()
    first = await begin(kiosk, code, key=key)
    before = await campus.dump(*ROWS)
    assert await begin(kiosk, code, key=key) == {**first, "replayed": True}
    given = {"key": key, "presented": code, "newUid": "0A0B0C0D", "pinBlock": None}
    payload = await kiosk.ask("kioskReplace", given, JOB)
    assert [each["code"] for each in payload["userErrors"]] == ["IDEMPOTENCY_CONFLICT"]
    assert await campus.dump(*ROWS) == before
    other = await begin(kiosk, phone.show(), "0A0B0C0D")
    assert (other["responseCode"], other["reason"]) == ("12", "VEND_OPEN")
    assert await main(campus) == 3_000


@pytest.mark.parametrize(
    ("given", "code", "reason"),
    [
        ({"uid": "XY"}, "30", "NEW_UID"),
        ({"uid": BOB.card_uid}, "12", "CARD_UID_TAKEN"),
        ({"presented": "CARD:0102030405060708"}, "14", "CARD_UNKNOWN"),
        ({"presented": "nonsense"}, "C2", "FORMAT"),
        ({"pinBlock": None}, "70", "PIN_MISSING"),
        ({"presented": f"CARD:{ALICE.card_uid}"}, "00", None),
    ],
)
async def test_replacement_says_why_not(
    campus: Campus, phone: Phone, given: dict[str, Any], code: str, reason: str | None
) -> None:
    kiosk = await campus.till("KIOSK")
    before = await campus.dump("transfer", "vend_job")
    job = await begin(kiosk, **({"presented": phone.show()} | given))
    assert (job["responseCode"], job["reason"]) == (code, reason)
    assert (await campus.dump("transfer", "vend_job") == before) is (code != "00")


async def test_replacement_needs_a_reported_card_a_kiosk_and_the_money(campus: Campus) -> None:
    await use_policy(campus, SINGLE)
    phone, kiosk, till = await campus.phone(), await campus.till("KIOSK"), await campus.till()
    assert (await begin(kiosk, phone.show()))["reason"] == "NOT_REPORTED"
    assert (await begin(till, phone.show()))["responseCode"] == "58"
    assert (await report(till, str(UUID(int=1)), "FAILED"))["responseCode"] == "58"
    assert (await report(kiosk, "nonsense", "FAILED"))["responseCode"] == "25"
    await till.sell(phone.show(), 3_500, pinBlock=None)
    await report_lost(campus, phone.token)
    await campus.rows("UPDATE cardholder_limit SET single_minor = 9000, daily_minor = 9000"
                      " RETURNING 1")  # fmt: skip
    campus.clock.advance(minutes=1)
    assert (await till.sell(phone.show(), 3_500))["outcome"] == "APPROVED"
    campus.clock.advance(minutes=1)
    assert (await begin(kiosk, phone.show()))["responseCode"] == "51"
    await campus.rows("UPDATE cardholder SET status = 'FROZEN' RETURNING 1")
    assert (await begin(kiosk, phone.show()))["reason"] == "CARDHOLDER_FROZEN"
    await campus.rows("UPDATE cardholder SET status = 'CLOSING' RETURNING 1")
    assert (await begin(kiosk, phone.show()))["responseCode"] == "57"
    await campus.rows("UPDATE cardholder SET status = 'ACTIVE' RETURNING 1")
    await campus.rows("UPDATE card SET state = 'CLOSED' WHERE kind = 'PHYSICAL' RETURNING 1")
    assert (await begin(kiosk, phone.show()))["responseCode"] == "14"
    await use_policy(campus, '[policy.replace]\nvia = ["WINDOW"]\n')
    campus.clock.advance(minutes=2)
    refused = await begin(kiosk, phone.show())
    assert (refused["responseCode"], refused["reason"]) == ("40", "REPLACE_ELSEWHERE")
    assert await campus.rows(FEES) == []


async def test_job_of_another_kiosk_is_unknown(campus: Campus, phone: Phone) -> None:
    kiosk, other = await campus.till("KIOSK"), await campus.till("KIOSK")
    job = await begin(kiosk, phone.show())
    assert (await report(other, job["jobId"], "FAILED"))["responseCode"] == "25"
    assert await main(campus) == 3_000


async def test_kiosk_releases_a_card_in_hand(campus: Campus, phone: Phone) -> None:
    kiosk, till = await campus.till("KIOSK"), await campus.till()
    assert (await till.sell(f"CARD:{ALICE.card_uid}", 100))["responseCode"] == "41"
    no_pin = await release(kiosk, pinBlock=None)
    assert (no_pin["responseCode"], no_pin["cardState"]) == ("70", None)
    key = kiosk.next_key()
    wrong = await release(kiosk, key=key, pinBlock=pin_block(kiosk, key, "999999"))
    assert (wrong["responseCode"], wrong["triesLeft"]) == ("55", 4)
    assert (await till.sell(f"CARD:{ALICE.card_uid}", 100))["responseCode"] == "41"
    done = await release(kiosk)
    assert (done["outcome"], done["cardState"]) == ("APPROVED", "ACTIVE")
    payload = await till.ask("cardRefresh", {"key": till.next_key(), "tap": TAP}, CARD)
    told = payload["card"]
    assert (told["responseCode"], told["cardState"], told["command"]) == ("00", "ACTIVE", None)
    assert (await till.sell(f"CARD:{ALICE.card_uid}", 100))["outcome"] == "APPROVED"
    assert (await release(kiosk))["cardState"] == "ACTIVE"
    assert (await release(till))["responseCode"] == "58"
    unknown = {"cardUid": "0102030405060708", "chip": None}
    assert (await release(kiosk, unknown))["responseCode"] == "14"


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        ('release_via = ["WINDOW"]', "RELEASE_ELSEWHERE"),
        ('release_via = ["KIOSK"]\nrelease_with = ["ID"]', "ID_NEEDED"),
    ],
)
async def test_kiosk_releases_only_as_the_school_says(
    campus: Campus, phone: Phone, loss: str, reason: str
) -> None:
    text = school_file(SCHOOL, SINGLE).replace(APP, loss)
    await campus.wired.services.schools.policy_activate(SCHOOL, text, OPERATOR)
    campus.clock.advance(minutes=2)
    refused = await release(await campus.till("KIOSK"))
    assert (refused["responseCode"], refused["reason"]) == ("40", reason)
    states = await campus.rows("SELECT state FROM card WHERE uid = $1", ALICE.card_uid)
    assert states == [("LOST",)]


async def test_release_of_a_chip_takes_its_proof_and_a_refresh(
    campus: Campus, tmp_path: Path
) -> None:
    await use_policy(campus)
    token, kiosk, till = await campus.with_pin(), await campus.till("KIOSK"), await campus.till()
    purse = Purse.of(campus, tmp_path)
    await report_lost(campus, token)
    purse.write(await purse.refresh(till))
    blocked = purse.chip.memory
    assert not blocked.usable
    bare = await release(kiosk)
    assert (bare["responseCode"], bare["reason"]) == ("63", "CHIP_NOT_PROVEN")
    key = kiosk.next_key()
    assert (await release(kiosk, purse.tap(kiosk, key), key=key))["cardState"] == "ACTIVE"
    purse.write(await purse.refresh(till))
    assert purse.chip.memory.usable
    assert (purse.chip.memory.single, purse.chip.memory.daily) == (3_000, 5_000)


async def test_new_card_gets_what_the_lost_one_held(campus: Campus, tmp_path: Path) -> None:
    await use_policy(campus)
    phone, kiosk, till = await campus.phone(), await campus.till("KIOSK"), await campus.till()
    purse = Purse.of(campus, tmp_path)
    await purse.put(3_000)
    load = await purse.claim(till)
    purse.write(load)
    await purse.confirm(till, load["loadId"])
    await purse.put(2_500)
    await purse.claim(till)  # never confirmed
    await report_lost(campus, phone.token)
    job = await begin(kiosk, phone.show())
    assert (await purse.purses())["MAIN"] == (3_000, 0)  # CLAIM is held, so MAIN pays the fee
    assert (await report(kiosk, job["jobId"], "DELIVERED"))["outcome"] == "APPROVED"
    seen = await purse.purses()
    assert (seen["CARD"], seen["CLAIM"]) == ((0, 0), (5_500, 0))
    assert await broken(campus) == {}


async def test_card_in_review_is_not_replaced_at_a_kiosk(campus: Campus, tmp_path: Path) -> None:
    await use_policy(campus)
    phone, kiosk, till = await campus.phone(), await campus.till("KIOSK"), await campus.till()
    purse = Purse.of(campus, tmp_path)
    purse.becomes(balance=1)
    assert (await purse.refresh(till))["responseCode"] == "L3"
    await report_lost(campus, phone.token)
    refused = await begin(kiosk, phone.show())
    assert (refused["responseCode"], refused["reason"]) == ("12", "CARD_IN_REVIEW")
