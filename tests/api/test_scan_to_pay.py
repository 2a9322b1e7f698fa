"""Scan to pay between the reference clients, through the real application."""

import pytest

from clients.endpoint import NoAnswer, QuestionRefused
from clients.terminal.receipt import ReceiptRefused
from terminals.ccr import Outcome
from tests.api.counter import Counter
from tests.api.devices import SCHOOL
from tests.api.sample import OPERATOR, PIN, school_file
from tests.api.scanning import assert_books_hold, print_code

CHALLENGE_ABOVE = "[policy.code]\nchallenge_above_minor = 2000"


def cut(counter: Counter, *operations: str) -> None:
    """Loses every answer to these operations; to none of them the line is whole again."""
    counter.network.lost = lambda operation: operation in operations


async def test_phone_pays_what_the_till_shows_and_the_till_sees_it(counter: Counter) -> None:
    phone, till = await counter.phone(), counter.till
    shown = await till.show_challenge(1_250)
    text = till.challenge_text(shown)
    code = await phone.read_code(text)
    assert (code["merchantName"], code["amount"]) == ("示例食堂", {"minorAmount": 1_250})
    assert await till.look(shown) is None
    payment = await phone.pay_code(text)
    assert payment["outcome"] == "APPROVED"
    receipt = await till.await_payment(shown)
    assert receipt.is_approved
    assert await counter.balance("S001") == 3_750
    voided = await till.void(shown.key)
    assert voided.is_approved
    assert await counter.balance("S001") == 5_000
    await assert_books_hold(counter.campus)


async def test_till_without_a_network_believes_the_receipt_on_the_phone(counter: Counter) -> None:
    phone, till = await counter.phone(), counter.till
    shown = await till.show_challenge(1_250)
    cut(counter, "PurchaseStatus")
    payment = await phone.pay_code(till.challenge_text(shown))
    with pytest.raises(NoAnswer):
        await till.look(shown)
    other = await phone.pay_code((await print_code(counter.campus))[1], 1_250)
    with pytest.raises(ReceiptRefused, match="NOT_MINE"):
        till.take_receipt(other["receipt"])
    assert till.take_receipt(payment["receipt"]).is_approved
    assert counter.journal.list_open() == []
    assert await counter.balance("S001") == 2_500


async def test_code_that_nobody_paid_in_time_can_never_be_paid(counter: Counter) -> None:
    phone, till = await counter.phone(), counter.till
    shown = await till.show_challenge(1_250)
    ended = await till.give_up(shown)
    assert ended.outcome is Outcome.VOIDED
    payment = await phone.pay_code(till.challenge_text(shown))
    assert (payment["outcome"], payment["responseCode"]) == ("VOIDED", "22")
    assert await counter.balance("S001") == 5_000
    with pytest.raises(ReceiptRefused, match="NOT_OUTSTANDING"):
        till.take_receipt(payment["receipt"])
    await assert_books_hold(counter.campus)


async def test_phone_whose_answer_was_lost_asks_again_and_pays_once(counter: Counter) -> None:
    phone = await counter.phone()
    _, text = await print_code(counter.campus)
    cut(counter, "MerchantCodePay")
    with pytest.raises(NoAnswer):
        await phone.pay_code(text, 300)
    cut(counter)
    payment = await phone.pay_code(text, 300)
    assert payment["replayed"] is True
    assert await counter.balance("S001") == 4_700
    assert (await phone.pay_code(text, 300))["replayed"] is False  # a second coffee
    assert await counter.balance("S001") == 4_400


async def test_pin_in_the_app_above_the_limit(counter: Counter) -> None:
    phone, till = await counter.phone(), counter.till
    shown = await till.show_challenge(3_500)
    text = till.challenge_text(shown)
    with pytest.raises(QuestionRefused, match="PIN_REQUIRED"):
        await phone.pay_code(text)
    with pytest.raises(QuestionRefused, match="PIN_WRONG"):
        await phone.pay_code(text, pin="000001")
    assert await till.look(shown) is None
    assert (await phone.pay_code(text, pin=PIN))["outcome"] == "APPROVED"
    assert (await till.await_payment(shown)).is_approved
    assert await counter.balance("S001") == 1_500


async def test_above_the_schools_amount_a_phone_without_network_answers_the_tills_code(
    counter: Counter,
) -> None:
    phone, till = await counter.phone(), counter.till
    await counter.campus.wired.services.schools.policy_activate(
        SCHOOL, school_file(SCHOOL, CHALLENGE_ABOVE), OPERATOR
    )
    assert (await till.sell(phone.show(), 2_000)).is_approved
    counter.campus.clock.advance(seconds=1)
    unbound = phone.show()
    asked = await till.sell(unbound, 2_001)
    assert asked.answer is not None
    assert (asked.answer.response_code, asked.shown["reason"]) == ("C5", "CHALLENGE_REQUIRED")
    assert await counter.balance("S001") == 3_000
    shown = await till.show_challenge(2_001)
    assert (await till.sell(unbound, 2_001, challenge=shown)).outcome is Outcome.DECLINED
    assert await counter.balance("S001") == 3_000
    shown = await till.show_challenge(2_001)
    bound = phone.show(till.challenge_text(shown))
    paid = await till.sell(bound, 2_001, challenge=shown)
    assert paid.is_approved
    assert paid.entry.key == shown.key
    assert await counter.balance("S001") == 999
    await assert_books_hold(counter.campus)


async def test_bound_code_and_scan_of_one_challenge_pay_once(counter: Counter) -> None:
    phone, till = await counter.phone(), counter.till
    shown = await till.show_challenge(1_000)
    text = till.challenge_text(shown)
    await phone.pay_code(text)
    sold = await till.sell(phone.show(text), 1_000, challenge=shown)
    assert sold.is_approved  # the stored answer: the phone had paid it
    assert await counter.balance("S001") == 4_000
    await assert_books_hold(counter.campus)
