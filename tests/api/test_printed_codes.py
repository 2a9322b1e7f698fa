"""Scanning a printed code to pay it, through the real application."""

from base64 import urlsafe_b64encode

from core.kit.clock import unix_seconds
from terminals import base45, ccq, ccr
from terminals.ccq import Challenge, Purpose
from tests.api.campus import Campus
from tests.api.devices import SCHOOL
from tests.api.sample import OPERATOR, PIN
from tests.api.scanning import MONEY, balance, codes, paid, pay, print_code, reading


async def test_print_takes_what_the_payer_types_each_time_under_a_new_key(campus: Campus) -> None:
    token = await campus.bind()
    named, text = await print_code(campus)
    read = await reading(campus, token, text)
    assert read["code"] == {"merchantName": "Shop", "amount": None, "expiresAt": None}
    assert codes(await pay(campus, token, text)) == ["AMOUNT_MISMATCH"]
    for count, minor in ((1, 300), (2, 200)):
        payment = await paid(campus, token, text, f"k{count}", minorAmount=minor)
        receipt = ccr.read(payment["receipt"])
        assert isinstance(receipt, ccr.SignedAnswer)
        assert receipt.answer.key == (named.terminal_no, named.seq_no, count)
        assert receipt.answer.minor_amount == minor
        again = await paid(campus, token, text, f"k{count}", minorAmount=minor)
        assert again == payment | {"replayed": True}
    assert await balance(campus, "S001") == 4_500


async def test_print_with_an_amount_takes_that_and_as_a_url_too(campus: Campus) -> None:
    token = await campus.bind()
    _, text = await print_code(campus, 700)
    url = "https://card.example/q/" + urlsafe_b64encode(base45.decode(text[4:])).decode()
    assert codes(await pay(campus, token, url, "k1", minorAmount=1)) == ["AMOUNT_MISMATCH"]
    assert (await paid(campus, token, url, "k1"))["amount"] == {"minorAmount": 700}
    assert (await paid(campus, token, text, "k2"))["amount"] == {"minorAmount": 700}
    assert await balance(campus, "S001") == 3_600


async def test_print_that_pays_nothing_counts_nothing(campus: Campus) -> None:
    token = await campus.with_pin()
    named, text = await print_code(campus)
    before = await campus.dump(*MONEY)
    assert codes(await pay(campus, token, text, minorAmount=3_500)) == ["PIN_REQUIRED"]
    declined = await paid(campus, token, text, minorAmount=5_001, pin=PIN)
    assert (declined["responseCode"], declined["receipt"]) == ("51", None)
    assert await campus.dump(*MONEY) == before
    first = await paid(campus, token, text, minorAmount=3_500, pin=PIN)
    receipt = ccr.read(first["receipt"])
    assert isinstance(receipt, ccr.SignedAnswer)
    assert receipt.answer.key == (named.terminal_no, named.seq_no, 1)


async def test_revoked_print_pays_nothing_and_its_neighbour_does(campus: Campus) -> None:
    token, services = await campus.bind(), campus.wired.services
    named, text = await print_code(campus)
    merchant = (await services.schools.merchants(SCHOOL))[0]
    _, neighbour = await print_code(campus, merchant=merchant)
    first = await paid(campus, token, text, "k1", minorAmount=100)
    await services.prints.revoke(SCHOOL, merchant.number, named.seq_no, OPERATOR)
    before = await campus.dump(*MONEY)
    assert codes(await reading(campus, token, text)) == ["CHALLENGE_EXPIRED"]
    assert codes(await pay(campus, token, text, "k2", minorAmount=100)) == ["CHALLENGE_EXPIRED"]
    assert await campus.dump(*MONEY) == before
    again = await paid(campus, token, text, "k1", minorAmount=100)
    assert again == first | {"replayed": True}
    assert (await paid(campus, token, neighbour, "k3", minorAmount=100))["outcome"] == "APPROVED"
    assert await balance(campus, "S001") == 4_800


async def test_print_that_is_not_registered_pays_nothing(campus: Campus) -> None:
    token = await campus.bind()
    named, _ = await print_code(campus)
    key = campus.wired.services.terminal_keys.answer(SCHOOL)
    now = unix_seconds(campus.clock.now())
    asked = Challenge(Purpose.PRINTED, SCHOOL, key.kid, named._replace(seq_no=9), now, 0, 0)
    text = ccq.make(asked, key.sign).text
    assert codes(await pay(campus, token, text, minorAmount=5)) == ["CHALLENGE_EXPIRED"]


async def test_payment_by_a_print_is_refunded_at_the_merchants_till(campus: Campus) -> None:
    token, till = await campus.bind(), await campus.till()
    merchant = (await campus.wired.services.schools.merchants(SCHOOL))[0]
    _, text = await print_code(campus, merchant=merchant)
    payment = await paid(campus, token, text, minorAmount=900)
    given = {
        "key": till.next_key(), "retrievalReference": payment["retrievalReference"],
        "minorAmount": 900, "reason": "sold out",
    }  # fmt: skip
    refund = await till.ask("purchaseRefund", given, "authorisation { outcome }")
    assert refund["authorisation"] == {"outcome": "APPROVED"}
    assert await balance(campus, "S001") == 5_000
