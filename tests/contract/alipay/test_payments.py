"""Money through Alipay, order by order."""

import json
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs

import pytest

from adapters.alipay.payments import Payment, Payments, Trade, TradeStatus, Undone
from core.ports.providers import (
    Done,
    Pending,
    ProviderMisconfigured,
    ProviderUnavailable,
    RefusalReason,
    Refused,
    Unknown,
)
from tests.contract.alipay.odd_gateway import answering
from tests.contract.alipay.stand import NOTIFY_URL, Stand, done, order_number

# What is said here does not hang on how answers are signed.
pytestmark = pytest.mark.parametrize("stand", ["certificate"], indirect=True)

MEAL = 1250


async def _paid(stand: Stand, amount_minor: int = MEAL) -> str:
    """The number of an order that a wallet code paid."""
    number = order_number()
    code = await stand.pay_code(await stand.person())
    done(await stand.open().payments.pay(number, amount_minor, "午餐", code))
    return number


async def _created(stand: Stand) -> str:
    """The number of an order that waits for its payer."""
    number, buyer = order_number(), await stand.open_id(await stand.person())
    done(await stand.open().payments.create(number, MEAL, "充值", buyer, stand.in_an_hour()))
    return number


async def test_an_order_waits_until_its_payer_pays(stand: Stand) -> None:
    payments, person, number = stand.open().payments, await stand.person(), order_number()
    buyer = await stand.open_id(person)
    trade_no = done(await payments.create(number, MEAL, "充值", buyer, stand.in_an_hour()))
    assert done(await payments.query(number)) == Trade(trade_no, TradeStatus.WAITING, MEAL)
    await stand.wallet("pay", person, out_trade_no=number)
    assert done(await payments.query(number)) == Trade(trade_no, TradeStatus.PAID, MEAL)


async def test_an_order_given_again_is_the_same_order(stand: Stand) -> None:
    payments, number = stand.open().payments, order_number()
    buyer, until = await stand.open_id(await stand.person()), stand.in_an_hour()
    first = done(await payments.create(number, MEAL, "充值", buyer, until))
    assert done(await payments.create(number, MEAL, "充值", buyer, until)) == first


async def test_our_number_with_another_amount_is_our_fault(stand: Stand) -> None:
    payments, number = stand.open().payments, order_number()
    buyer, until = await stand.open_id(await stand.person()), stand.in_an_hour()
    done(await payments.create(number, MEAL, "充值", buyer, until))
    with pytest.raises(ProviderMisconfigured, match=r"ACQ\.CONTEXT_INCONSISTENT"):
        await payments.create(number, MEAL + 1, "充值", buyer, until)
    assert done(await payments.query(number)).amount_minor == MEAL


async def test_an_order_for_the_app_is_paid_in_the_wallet(stand: Stand) -> None:
    payments, person, number = stand.open().payments, await stand.person(), order_number()
    text = payments.app_order(number, MEAL, "充值", stand.in_an_hour())
    await stand.wallet("app_pay", person, text=text)
    assert done(await payments.query(number)).status is TradeStatus.PAID
    assert parse_qs(text)["notify_url"] == [NOTIFY_URL]


async def test_a_wallet_code_is_taken_at_once(stand: Stand) -> None:
    payments, person, number = stand.open().payments, await stand.person(), order_number()
    payment = done(await payments.pay(number, MEAL, "午餐", await stand.pay_code(person)))
    trade = await stand.trade(number)
    assert trade is not None
    assert (trade["trade_status"], trade["total_amount"]) == ("TRADE_SUCCESS", "12.50")
    assert payment == Payment(trade["trade_no"], MEAL, payment.paid_at, await stand.open_id(person))
    assert payment.paid_at.tzinfo is UTC
    assert abs(payment.paid_at - stand.clock.now()) < timedelta(minutes=1)


async def test_a_terminal_that_signs_is_named(stand: Stand) -> None:
    number, code = order_number(), await stand.pay_code(await stand.person())
    done(await stand.open().payments.pay(number, MEAL, "午餐", code, '{"terminalType":"IOT"}'))
    assert "terminal_params" in (await stand.sent("alipay.trade.pay"))[-1]["biz_content"]


async def test_a_payer_who_types_a_password_is_pending(stand: Stand) -> None:
    payments, person, number = stand.open().payments, await stand.person(), order_number()
    outcome = await payments.pay(number, MEAL, "午餐", await stand.pay_code(person, "10003"))
    assert outcome == Pending(3, stand.clock.now() + timedelta(seconds=60))
    assert done(await payments.query(number)).status is TradeStatus.WAITING
    await stand.wallet("pay", person, out_trade_no=number)
    assert done(await payments.query(number)).status is TradeStatus.PAID


async def test_a_payer_who_refuses_leaves_a_closed_order(stand: Stand) -> None:
    payments, person, number = stand.open().payments, await stand.person(), order_number()
    await payments.pay(number, MEAL, "午餐", await stand.pay_code(person, "10003"))
    await stand.wallet("pay", person, out_trade_no=number, agrees=False)
    assert done(await payments.query(number)).status is TradeStatus.CLOSED
    again = await payments.pay(number, MEAL, "午餐", await stand.pay_code(person))
    assert again == Refused(RefusalReason.ORDER_CLOSED, "ACQ.TRADE_HAS_CLOSE")


async def test_a_wallet_code_is_good_once(stand: Stand) -> None:
    payments, code = stand.open().payments, await stand.pay_code(await stand.person())
    done(await payments.pay(order_number(), MEAL, "午餐", code))
    number = order_number()
    outcome = await payments.pay(number, MEAL, "午餐", code)
    assert outcome == Refused(RefusalReason.PAYER, "ACQ.PAYMENT_AUTH_CODE_INVALID")
    assert await stand.trade(number) is None


async def test_a_paid_number_is_asked_for_not_paid_again(stand: Stand) -> None:
    number = await _paid(stand)
    payments, code = stand.open().payments, await stand.pay_code(await stand.person())
    assert await payments.pay(number, MEAL, "午餐", code) == Unknown("ACQ.TRADE_HAS_SUCCESS")
    assert done(await payments.query(number)) == Trade(
        (await stand.trade(number) or {})["trade_no"], TradeStatus.PAID, MEAL
    )


async def test_an_order_alipay_does_not_know_is_unknown_yet(stand: Stand) -> None:
    outcome = await stand.open().payments.query(order_number())
    assert outcome == Unknown("ACQ.TRADE_NOT_EXIST")


async def test_cancelling_closes_what_waits_and_returns_what_was_paid(stand: Stand) -> None:
    payments, waiting, paid = stand.open().payments, await _created(stand), await _paid(stand)
    assert await payments.cancel(waiting) == Done(Undone.CLOSED)
    assert await payments.cancel(paid) == Done(Undone.REFUNDED)
    assert await payments.cancel(order_number()) == Done(Undone.NOTHING)
    for number in (waiting, paid):
        assert done(await payments.query(number)).status is TradeStatus.CLOSED


async def test_closing_closes_only_what_waits(stand: Stand) -> None:
    payments, waiting, paid = stand.open().payments, await _created(stand), await _paid(stand)
    assert await payments.close(waiting) == Done(Undone.CLOSED)
    assert await payments.close(paid) == Unknown("ACQ.REASON_TRADE_STATUS_INVALID")
    assert await payments.close(order_number()) == Done(Undone.NOTHING)
    assert done(await payments.query(paid)).status is TradeStatus.PAID


async def test_parts_are_refunded_up_to_the_whole(stand: Stand) -> None:
    payments, number = stand.open().payments, await _paid(stand)
    assert await payments.refund(number, "R1", 1000) == Done(1000)
    assert await payments.refund(number, "R2", 251) == Unknown("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
    assert await payments.refund(number, "R2", 250) == Done(1250)
    assert done(await payments.query(number)).status is TradeStatus.CLOSED


async def test_the_same_refund_number_is_the_same_refund(stand: Stand) -> None:
    payments, number = stand.open().payments, await _paid(stand)
    assert await payments.refund(number, "R1", 1000) == Done(1000)
    assert await payments.refund(number, "R1", 1000) == Unknown("fund_change")
    assert await payments.refund_query(number, "R1") == Done(1000)
    with pytest.raises(ProviderMisconfigured, match=r"ACQ\.DISCORDANT_REPEAT_REQUEST"):
        await payments.refund(number, "R1", 999)
    assert await payments.refund(number, "R2", 250) == Done(1250)


async def test_a_refund_nobody_made_is_unknown(stand: Stand) -> None:
    payments, number = stand.open().payments, await _paid(stand)
    assert await payments.refund_query(number, "R1") == Unknown("refund_status")
    assert await payments.refund(order_number(), "R1", 1) == Unknown("ACQ.TRADE_NOT_EXIST")


async def test_a_bill_is_there_on_the_next_day(stand: Stand) -> None:
    payments, today = stand.open().payments, stand.clock.now().astimezone().date()
    url = await payments.bill_url(date(2026, 1, 31))
    assert url == "https://bill.sandbox.example/2026-01-31.zip"
    with pytest.raises(ProviderUnavailable, match=r"isp\.bill_not_exist"):
        await payments.bill_url(today + timedelta(days=1))


async def test_an_order_expires_at_the_hour_of_shanghai(stand: Stand) -> None:
    number, buyer = order_number(), await stand.open_id(await stand.person())
    until = datetime(2026, 9, 1, 16, 30, tzinfo=UTC)
    done(await stand.open().payments.create(number, MEAL, "充值", buyer, until))
    sent = (await stand.sent("alipay.trade.create"))[-1]
    assert '"time_expire":"2026-09-02 00:30:00"' in sent["biz_content"]


async def test_signs_that_alipay_refuses_leave_a_subject(stand: Stand) -> None:
    number, code = order_number(), await stand.pay_code(await stand.person())
    done(await stand.open().payments.pay(number, MEAL, "A/B=C&D" + "x" * 300, code))
    sent = json.loads((await stand.sent("alipay.trade.pay"))[-1]["biz_content"])
    assert sent["subject"] == "A／B＝C＆D" + "x" * 249


@pytest.mark.parametrize(
    "facts",
    [
        {"out_trade_no": "another"},
        {"total_amount": "12.51"},
        {"total_amount": None},
        {"gmt_payment": "yesterday"},
    ],
)
async def test_an_answer_about_another_order_or_amount_is_unknown(
    stand: Stand, facts: dict[str, str | None], caplog: pytest.LogCaptureFixture
) -> None:
    number = order_number()
    whole = {
        "code": "10000", "out_trade_no": number, "trade_no": "1", "total_amount": "12.50",
        "gmt_payment": "2026-09-01 12:00:00",
    }  # fmt: skip
    async with answering(stand, {"alipay.trade.pay": whole | facts}) as (client, _):
        outcome = await Payments(client, stand.app_id).pay(number, MEAL, "午餐", "280000")
    assert outcome == Unknown("another answer")
    assert "alipay.trade.pay: the answer is about something else" in caplog.text
    assert number not in caplog.text


async def test_a_refund_of_another_number_is_unknown(stand: Stand) -> None:
    facts = {
        "code": "10000", "refund_status": "REFUND_SUCCESS", "out_trade_no": "N",
        "out_request_no": "R2", "refund_amount": "1.00",
    }  # fmt: skip
    answers = {"alipay.trade.fastpay.refund.query": facts}
    async with answering(stand, answers) as (client, _):
        payments = Payments(client, stand.app_id)
        assert await payments.refund_query("N", "R1") == Unknown("another answer")
        assert await payments.refund_query("N", "R2") == Done(100)


async def test_a_cancellation_alipay_wants_again_is_unknown(stand: Stand) -> None:
    facts = {"code": "10000", "retry_flag": "Y", "action": "close"}
    async with answering(stand, {"alipay.trade.cancel": facts}) as (client, _):
        outcome = await Payments(client, stand.app_id).cancel(order_number())
    assert outcome == Unknown("retry_flag")


async def test_a_bill_without_an_address_is_unavailable(stand: Stand) -> None:
    method = "alipay.data.dataservice.bill.downloadurl.query"
    async with answering(stand, {method: {"code": "10000"}}) as (client, _):
        with pytest.raises(ProviderUnavailable):
            await Payments(client, stand.app_id).bill_url(date(2026, 1, 31))
