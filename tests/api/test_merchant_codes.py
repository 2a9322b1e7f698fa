"""Scanning a till's code to pay it, through the real application."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from nacl.signing import SigningKey

from bff.push import PushHub
from schema.feed import News
from terminals import base45, ccq, ccr
from terminals.ccq import Purpose
from terminals.keys import signer
from terminals.message import RequestKey
from tests.api.campus import Campus
from tests.api.devices import OTHER_SCHOOL, SCHOOL
from tests.api.sample import BOB, OPERATOR, PIN
from tests.api.scanning import (
    MONEY,
    assert_books_hold,
    balance,
    codes,
    paid,
    pay,
    print_code,
    reading,
)


async def test_code_says_whom_and_how_much_and_nothing_else(campus: Campus) -> None:
    token, till = await campus.bind(), await campus.till()
    _, text = till.ask_for(1_250)
    ends = campus.clock.now() + timedelta(seconds=120 + 15)
    before = await campus.dump(*MONEY)
    read = await reading(campus, token, text + "\r\n")
    assert read["userErrors"] == []
    assert datetime.fromisoformat(read["code"].pop("expiresAt")) == ends
    assert read["code"] == {"merchantName": "Sample Canteen", "amount": {"minorAmount": 1_250}}
    assert await campus.dump(*MONEY) == before


async def test_scanned_code_pays_as_a_purchase_of_the_terminal(campus: Campus) -> None:
    token, till = await campus.bind(), await campus.till()
    key, text = till.ask_for(1_250)
    assert (await till.status(key))["known"] is False
    payment = await paid(campus, token, text)
    assert (payment["outcome"], payment["state"]) == ("APPROVED", "CAPTURED")
    assert payment["amount"] == {"minorAmount": 1_250}
    assert payment["merchantName"] == "Sample Canteen"
    assert await balance(campus, "S001") == 3_750
    receipt = ccr.read(payment["receipt"])
    assert isinstance(receipt, ccr.SignedAnswer)
    assert receipt.answer.key == (till.number, key["batchNo"], key["seqNo"])
    assert receipt.answer.retrieval_reference == payment["retrievalReference"]
    status = await till.status(key)
    assert (status["state"], status["authorisation"]["signedAnswer"]) == (
        "CAPTURED", payment["receipt"],
    )  # fmt: skip
    voided = await till.void(key)
    assert (voided["outcome"], voided["responseCode"]) == ("VOIDED", "00")
    assert await balance(campus, "S001") == 5_000
    since = await paid(campus, token, text)
    assert since == payment | {"replayed": True, "state": "VOIDED"}


async def test_scanned_payment_is_refunded_by_its_terminal(campus: Campus) -> None:
    token, till = await campus.bind(), await campus.till()
    key, text = till.ask_for(1_000)
    await paid(campus, token, text)
    given = {"key": till.next_key(), "original": key, "minorAmount": 400, "reason": "cold"}
    refund = await till.ask("purchaseRefund", given, "authorisation { outcome }")
    assert refund["authorisation"] == {"outcome": "APPROVED"}
    assert await balance(campus, "S001") == 4_400


async def test_payer_sees_it_as_the_last_payment_and_on_the_statement(campus: Campus) -> None:
    token, till = await campus.bind(), await campus.till()
    payment = await paid(campus, token, till.ask_for(300)[1])
    seen = await campus.holder(
        "lastPayment { retrievalReference outcome } statement(first: 1) { nodes { merchantName"
        " amount { minorAmount } } }",
        token,
    )
    assert seen["lastPayment"] == {
        "retrievalReference": payment["retrievalReference"], "outcome": "APPROVED"
    }  # fmt: skip
    line = {"merchantName": "Sample Canteen", "amount": {"minorAmount": -300}}
    assert seen["statement"]["nodes"] == [line]


async def test_repeat_hears_the_same_however_late(campus: Campus) -> None:
    token, till = await campus.bind(), await campus.till()
    key, text = till.ask_for()
    first = await paid(campus, token, text)
    before = await campus.dump(*MONEY)
    assert await paid(campus, token, text) == first | {"replayed": True}
    campus.clock.advance(seconds=600)
    assert await paid(campus, token, text) == first | {"replayed": True}
    assert await campus.dump(*MONEY) == before
    assert (await till.status(key))["state"] == "CAPTURED"


async def test_same_payer_under_another_key_hears_the_stored_answer(campus: Campus) -> None:
    token, till = await campus.bind(), await campus.till()
    _, text = till.ask_for()
    first = await paid(campus, token, text, "k1")
    assert await paid(campus, token, text, "k2") == first | {"replayed": True}
    assert await balance(campus, "S001") == 4_500
    assert (await reading(campus, token, text))["userErrors"] == []


async def test_other_content_under_the_payers_key_conflicts(campus: Campus) -> None:
    token, till = await campus.bind(), await campus.till()
    await paid(campus, token, till.ask_for()[1])
    before = await campus.dump(*MONEY)
    assert codes(await pay(campus, token, till.ask_for()[1])) == ["IDEMPOTENCY_CONFLICT"]
    assert await campus.dump(*MONEY) == before


async def test_payers_keys_are_their_own(campus: Campus) -> None:
    alice, bob, till = await campus.bind(), await campus.bind(BOB), await campus.till()
    await paid(campus, alice, till.ask_for(100)[1], "same")
    await paid(campus, bob, till.ask_for(100)[1], "same")
    assert (await balance(campus, "S001"), await balance(campus, "S002")) == (4_900, 900)


async def test_code_that_another_payer_paid_is_used(campus: Campus) -> None:
    alice, bob, till = await campus.bind(), await campus.with_pin(BOB), await campus.till()
    _, text = till.ask_for()
    await paid(campus, alice, text)
    before = await campus.dump(*MONEY, "pin")
    assert codes(await reading(campus, bob, text)) == ["CODE_USED"]
    assert codes(await pay(campus, bob, text)) == ["CODE_USED"]
    assert codes(await pay(campus, bob, text, pin="000001")) == ["CODE_USED"]
    assert await campus.dump(*MONEY, "pin") == before


async def test_code_whose_terminal_took_a_card_instead_is_used(campus: Campus) -> None:
    phone, till = await campus.phone(), await campus.till()
    key, text = till.ask_for()
    assert (await till.sell(phone.show(), 500, key=key))["outcome"] == "APPROVED"
    assert codes(await pay(campus, phone.token, text)) == ["CODE_USED"]
    assert await balance(campus, "S001") == 4_500


async def test_void_that_came_first_makes_it_22(campus: Campus) -> None:
    token, till = await campus.bind(), await campus.till()
    key, text = till.ask_for()
    await till.void(key)
    assert codes(await reading(campus, token, text)) == ["CHALLENGE_EXPIRED"]
    late = await paid(campus, token, text)
    assert (late["outcome"], late["state"], late["responseCode"]) == ("VOIDED", "TOMBSTONE", "22")
    receipt = ccr.read(late["receipt"])
    assert isinstance(receipt, ccr.SignedAnswer)
    assert receipt.answer.outcome is ccr.Outcome.VOIDED
    assert await paid(campus, token, text) == late | {"replayed": True}
    assert await balance(campus, "S001") == 5_000
    assert (await till.status(key))["state"] == "TOMBSTONE"


async def test_empty_purse_leaves_the_code_to_whoever_can_pay(campus: Campus) -> None:
    alice, bob, till = await campus.bind(), await campus.bind(BOB), await campus.till()
    key, text = till.ask_for(2_000)
    before = await campus.dump(*MONEY)
    declined = await paid(campus, bob, text)
    assert (declined["outcome"], declined["responseCode"]) == ("DECLINED", "51")
    assert (declined["receipt"], declined["retrievalReference"], declined["state"]) == (None,) * 3
    assert await campus.dump(*MONEY) == before
    assert (await till.status(key))["known"] is False
    assert (await paid(campus, alice, text))["outcome"] == "APPROVED"
    assert await balance(campus, "S001") == 3_000


async def test_pin_is_asked_above_the_limit_and_its_tries_count(campus: Campus) -> None:
    token, till = await campus.with_pin(), await campus.till()
    key, text = till.ask_for(3_500)
    before = await campus.dump(*MONEY)
    assert codes(await pay(campus, token, text)) == ["PIN_REQUIRED"]
    wrong = await pay(campus, token, text, pin="000001")
    assert codes(wrong) == ["PIN_WRONG"]
    assert wrong["userErrors"][0]["message"] == "Wrong PIN; 4 tries left."
    assert await campus.dump(*MONEY) == before
    assert (await till.status(key))["known"] is False
    assert (await paid(campus, token, text, pin=PIN))["outcome"] == "APPROVED"
    assert await balance(campus, "S001") == 1_500
    again = await paid(campus, token, text, "k2", pin="000001")  # a repeat costs no try
    assert again["replayed"] is True


async def test_fifth_wrong_pin_locks_it(campus: Campus) -> None:
    token, till = await campus.with_pin(), await campus.till()
    _, text = till.ask_for(3_500)
    tried = [codes(await pay(campus, token, text, pin="000001")) for _ in range(5)]
    assert tried[-1] == ["PIN_LOCKED"]
    assert codes(await pay(campus, token, text, pin=PIN)) == ["PIN_LOCKED"]
    assert await balance(campus, "S001") == 5_000


async def test_day_that_is_spent_asks_for_the_pin_too(campus: Campus) -> None:
    token, till = await campus.with_pin(), await campus.till()
    await campus.do("limitsSet", {"singleMinor": 900, "dailyMinor": 1_000, "pin": PIN}, "", token)
    await paid(campus, token, till.ask_for(800)[1], "k1")
    _, text = till.ask_for(300)
    assert codes(await pay(campus, token, text, "k2")) == ["PIN_REQUIRED"]
    assert (await paid(campus, token, text, "k2", pin=PIN))["outcome"] == "APPROVED"
    assert await balance(campus, "S001") == 3_900


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("another issuer", {"issuer": OTHER_SCHOOL}, "ISSUER_NOT_ACCEPTED"),
    ("another terminal", {"key": RequestKey(4_000, 1, 1)}, "TERMINAL_UNKNOWN"),
    ("another key", {"key_no": 2}, "KEY_UNKNOWN"),
    ("for a door", {"purpose": Purpose.ENTRY, "minor_amount": 0}, "CHALLENGE_EXPIRED"),
]


@pytest.mark.parametrize(("changes", "code"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
async def test_code_of_something_else_is_refused_and_nothing_changes(
    campus: Campus, changes: dict[str, Any], code: str
) -> None:
    token, till = await campus.bind(), await campus.till()
    _, text = till.ask_for(500, **changes)
    before = await campus.dump(*MONEY)
    assert codes(await reading(campus, token, text)) == [code]
    assert codes(await pay(campus, token, text)) == [code]
    assert await campus.dump(*MONEY) == before


async def test_text_that_is_wrong_in_itself_is_refused_in_order(campus: Campus) -> None:
    token, till = await campus.bind(), await campus.till()
    _, text = till.ask_for()
    raw = base45.decode(text[4:])
    for changed, code in (
        ("not a code", "FORMAT"),
        (text + "\n\n", "FORMAT"),
        ("CCQ:" + base45.encode(bytes([0x21]) + raw[1:]), "VERSION"),
        ("CCQ:" + base45.encode(bytes([0x14]) + raw[1:]), "MALFORMED"),
        ("CCQ:" + base45.encode(raw[:-1] + bytes([raw[-1] ^ 1])), "SIGNATURE"),
    ):
        assert codes(await reading(campus, token, changed)) == [code]
        assert codes(await pay(campus, token, changed)) == [code]
    forged = ccq.read(text)
    assert isinstance(forged, ccq.SignedChallenge)
    cheap = ccq.make(
        forged.challenge._replace(minor_amount=1), signer(bytes(SigningKey(b"x" * 32)))
    )
    assert codes(await pay(campus, token, cheap.text)) == ["SIGNATURE"]
    assert await balance(campus, "S001") == 5_000


@pytest.mark.parametrize(("seconds", "code"), [(135, None), (136, "CHALLENGE_EXPIRED")])
async def test_code_lives_as_long_as_it_says_and_the_skew(
    campus: Campus, seconds: int, code: str | None
) -> None:
    token, till = await campus.bind(), await campus.till()
    _, text = till.ask_for()
    campus.clock.advance(seconds=seconds)
    assert codes(await reading(campus, token, text)) == ([code] if code else [])
    assert codes(await pay(campus, token, text)) == ([code] if code else [])
    assert await balance(campus, "S001") == (5_000 if code else 4_500)


async def test_locked_terminal_sells_nothing(campus: Campus) -> None:
    token, till = await campus.bind(), await campus.till()
    _, text = till.ask_for()
    await campus.wired.services.terminals.change_state(SCHOOL, till.number, "LOCK", "", OPERATOR)
    assert codes(await reading(campus, token, text)) == ["TERMINAL_UNKNOWN"]
    assert codes(await pay(campus, token, text)) == ["TERMINAL_UNKNOWN"]
    assert await balance(campus, "S001") == 5_000


async def test_merchant_that_is_not_active_is_paid_nothing(campus: Campus) -> None:
    token, till = await campus.bind(), await campus.till()
    await campus.rows("UPDATE merchant SET active = false")
    campus.clock.advance(seconds=31)
    _, text = till.ask_for()
    before = await campus.dump(*MONEY)
    declined = await paid(campus, token, text)
    assert (declined["outcome"], declined["responseCode"]) == ("DECLINED", "03")
    assert (declined["receipt"], declined["retrievalReference"]) == (None, None)
    assert await campus.dump(*MONEY) == before


async def test_amount_of_the_code_is_the_amount(campus: Campus) -> None:
    token, till = await campus.bind(), await campus.till()
    _, text = till.ask_for(500)
    before = await campus.dump(*MONEY)
    assert codes(await pay(campus, token, text, minorAmount=499)) == ["AMOUNT_MISMATCH"]
    assert await campus.dump(*MONEY) == before
    _, dear = till.ask_for(1_000_000_001)
    assert codes(await pay(campus, token, dear)) == ["AMOUNT_INVALID"]
    assert (await paid(campus, token, text, minorAmount=500))["outcome"] == "APPROVED"
    assert await balance(campus, "S001") == 4_500


async def test_code_is_nothing_to_whoever_has_no_card(campus: Campus) -> None:
    till = await campus.till()
    _, text = till.ask_for()
    assert await reading(campus, None, text) is None
    token = (await campus.sign_in("bob@people.example"))["accessToken"]
    assert await reading(campus, token, text) is None
    query = (
        "mutation($input: MerchantCodePayInput!) { merchantCodePay(input: $input)"
        " { payment { outcome } } }"
    )
    given = {"idempotencyKey": "k", "text": text}
    for who, code in ((None, "UNAUTHENTICATED"), (token, "FORBIDDEN")):
        answer = await campus.query(query, who, input=given)
        assert [e["extensions"]["code"] for e in answer["errors"]] == [code]


async def test_equal_requests_at_once_pay_once(campus: Campus) -> None:
    token, till = await campus.bind(), await campus.till()
    _, text = till.ask_for(500)
    answers = await asyncio.gather(*(paid(campus, token, text) for _ in range(10)))
    assert [each["replayed"] for each in answers].count(False) == 1
    assert len({each["receipt"] for each in answers}) == 1
    assert await balance(campus, "S001") == 4_500


async def test_two_payers_at_once_pay_one_code_once(campus: Campus) -> None:
    alice, bob, till = await campus.bind(), await campus.bind(BOB), await campus.till()
    key, text = till.ask_for(500)
    payloads = await asyncio.gather(*(pay(campus, token, text) for token in (alice, bob)))
    assert sorted(map(codes, payloads)) == [[], ["CODE_USED"]]
    left = [await balance(campus, number) for number in ("S001", "S002")]
    assert left in ([4_500, 1_000], [5_000, 500])
    assert (await till.status(key))["state"] == "CAPTURED"
    await assert_books_hold(campus)


async def test_devices_of_the_payer_hear_of_what_was_kept(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, till = await campus.bind(), await campus.till()
    heard: list[News] = []
    monkeypatch.setattr(PushHub, "tell", lambda _hub, _school, _holder, *news: heard.extend(news))
    assert (await paid(campus, token, till.ask_for(5_001)[1], pin=None))["responseCode"] == "51"
    assert heard == []
    _, text = till.ask_for(500)
    await paid(campus, token, text, "k2")
    assert heard == [News.PAYMENT, News.BALANCE]
    await paid(campus, token, text, "k2")
    await paid(campus, token, text, "k3")
    assert heard == [News.PAYMENT, News.BALANCE]


async def test_books_hold_after_all_kinds_of_scans(campus: Campus) -> None:
    token, till = await campus.bind(), await campus.till()
    key, text = till.ask_for(500)
    await paid(campus, token, text, "k1")
    _, printed = await print_code(campus)
    await paid(campus, token, printed, "k2", minorAmount=100)
    await till.void(key)
    late, other = till.ask_for(200)
    await till.void(late)
    await paid(campus, token, other, "k3")
    await assert_books_hold(campus)
