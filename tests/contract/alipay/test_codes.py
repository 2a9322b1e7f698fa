"""Each row of the table of codes (channels.md 3.4), over the wire where the sandbox plays it."""

from datetime import timedelta

import pytest

from adapters.alipay.payments import Payments
from core.ports.providers import (
    Pending,
    ProviderMisconfigured,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnavailable,
    RefusalReason,
    Refused,
    Unknown,
)
from tests.contract.alipay.odd_gateway import answering
from tests.contract.alipay.stand import Stand, order_number

# What is said here does not hang on how answers are signed.
pytestmark = pytest.mark.parametrize("stand", ["key"], indirect=True)

LONG = "ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR"


@pytest.mark.parametrize(
    ("sub_code", "reason"),
    [
        ("ACQ.TRADE_HAS_CLOSE", RefusalReason.ORDER_CLOSED),
        ("ACQ.TOTAL_FEE_EXCEED", RefusalReason.LIMIT),
        (LONG, RefusalReason.LIMIT),
        (LONG[:32], RefusalReason.LIMIT),
        ("ACQ.BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR", RefusalReason.LIMIT),
        ("ACQ.BUYER_BALANCE_NOT_ENOUGH", RefusalReason.INSUFFICIENT),
        ("ACQ.BUYER_BANKCARD_BALANCE_NOT_ENOUGH", RefusalReason.INSUFFICIENT),
        ("ACQ.BUYER_BANKCARD_BALANCE_NOT_E", RefusalReason.INSUFFICIENT),
        ("ACQ.BUYER_SELLER_EQUAL", RefusalReason.PAYER),
        ("ACQ.BUYER_ENABLE_STATUS_FORBID", RefusalReason.PAYER),
        ("ACQ.PAYMENT_AUTH_CODE_INVALID", RefusalReason.PAYER),
        ("ACQ.NO_PAYMENT_INSTRUMENTS_AVAILABLE", RefusalReason.PAYER),
        ("ACQ.ERROR_BALANCE_PAYMENT_DISABLE", RefusalReason.PAYER),
        ("ACQ.ERROR_BUYER_CERTIFY_LEVEL_LIMIT", RefusalReason.PAYER),
        ("ACQ.PAYMENT_REQUEST_HAS_RISK", RefusalReason.RISK),
    ],
)
async def test_a_final_no_is_refused_with_its_reason(
    stand: Stand, sub_code: str, reason: RefusalReason
) -> None:
    number, code = order_number(), await stand.pay_code(await stand.person(), sub_code)
    outcome = await stand.payments().pay(number, 1, "午餐", code)
    assert outcome == Refused(reason, sub_code)
    assert await stand.trade(number) is None


@pytest.mark.parametrize(
    "sub_code",
    [
        "ACQ.INVALID_PARAMETER",
        "ACQ.ACCESS_FORBIDDEN",
        "ACQ.PARTNER_ERROR",
        "ACQ.CONTEXT_INCONSISTENT",
    ],
)
async def test_what_is_ours_to_mend_raises_an_alarm(
    stand: Stand, sub_code: str, caplog: pytest.LogCaptureFixture
) -> None:
    number, code = order_number(), await stand.pay_code(await stand.person(), sub_code)
    with pytest.raises(ProviderMisconfigured, match=sub_code):
        await stand.payments().pay(number, 1, "午餐", code)
    assert [(r.name, r.getMessage()) for r in caplog.records] == [
        ("adapters.alarm", f"alipay.trade.pay: 40004 {sub_code}")
    ]


@pytest.mark.parametrize("sub_code", ["ACQ.SYSTEM_ERROR", "ACQ.TRADE_HAS_SUCCESS"])
async def test_what_may_have_happened_is_unknown(stand: Stand, sub_code: str) -> None:
    code = await stand.pay_code(await stand.person(), sub_code)
    outcome = await stand.payments().pay(order_number(), 1, "午餐", code)
    assert outcome == Unknown(sub_code)


async def test_a_code_without_a_row_is_unknown_and_an_alarm(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    code = await stand.pay_code(await stand.person(), "ACQ.SOMETHING_NEW")
    outcome = await stand.payments().pay(order_number(), 1, "午餐", code)
    assert outcome == Unknown("ACQ.SOMETHING_NEW")
    assert [r.getMessage() for r in caplog.records] == [
        "alipay.trade.pay: no row for 40004 ACQ.SOMETHING_NEW"
    ]


@pytest.mark.parametrize(
    ("code", "sub_code", "reason"),
    [
        ("20001", "aop.invalid-auth-token", RefusalReason.SESSION_EXPIRED),
        ("40003", "isv.invalid-auth-relations", RefusalReason.NOT_AUTHORISED),
        ("40002", "isv.code-invalid", RefusalReason.CODE_EXPIRED),
        ("40004", "SOMETHING_NEW", RefusalReason.OTHER),
        ("50000", "isv.new", RefusalReason.OTHER),
    ],
)
async def test_where_no_money_moves_a_no_is_a_refusal(
    stand: Stand, code: str, sub_code: str, reason: RefusalReason
) -> None:
    answers = {"alipay.user.info.share": {"code": code, "sub_code": sub_code}}
    async with answering(stand, answers) as (client, _):
        with pytest.raises(ProviderRefused) as refusal:
            await client.ask("alipay.user.info.share", {})
    assert (refusal.value.reason, str(refusal.value)) == (reason, sub_code)


@pytest.mark.parametrize(
    ("code", "sub_code"),
    [
        ("40001", "isv.missing-method"),
        ("40002", "isv.invalid-signature"),
        ("40003", "isv.missing-signature-config"),
        ("40006", "isv.insufficient-isv-permissions"),
    ],
)
async def test_a_gateway_that_does_not_take_our_calls_is_misconfigured(
    stand: Stand, code: str, sub_code: str
) -> None:
    facts = {"code": code, "sub_code": sub_code}
    answers = {"alipay.user.info.share": facts, "alipay.trade.pay": facts}
    async with answering(stand, answers) as (client, _):
        with pytest.raises(ProviderMisconfigured, match=sub_code):
            await client.ask("alipay.user.info.share", {})
        with pytest.raises(ProviderMisconfigured, match=sub_code):
            await Payments(client, stand.app_id).pay(order_number(), 1, "午餐", "280000")


@pytest.mark.parametrize("sub_code", ["aop.unknow-error", "isp.unknow-error", "new"])
async def test_a_gateway_that_is_down_is_unknown_for_money_and_unavailable_else(
    stand: Stand, sub_code: str
) -> None:
    facts = {"code": "20000", "sub_code": sub_code}
    answers = {"alipay.user.info.share": facts, "alipay.trade.pay": facts}
    async with answering(stand, answers) as (client, _):
        with pytest.raises(ProviderUnavailable, match=sub_code):
            await client.ask("alipay.user.info.share", {})
        outcome = await Payments(client, stand.app_id).pay(order_number(), 1, "午餐", "280000")
    assert outcome == Unknown(sub_code)


async def test_a_spent_quota_waits_a_minute(stand: Stand) -> None:
    payments, number = stand.payments(), order_number()
    await stand.fail("quota")
    code = await stand.pay_code(await stand.person())
    with pytest.raises(ProviderThrottled) as throttled:
        await payments.pay(number, 1, "午餐", code)
    assert throttled.value.seconds == 60
    assert await stand.trade(number) is None


async def test_a_busy_payer_is_pending_for_a_minute(stand: Stand) -> None:
    async with answering(stand, {"alipay.trade.pay": {"code": "10003"}}) as (client, _):
        outcome = await Payments(client, stand.app_id).pay(order_number(), 1, "午餐", "280000")
    assert outcome == Pending(3, stand.clock.now() + timedelta(seconds=60))


async def test_no_sub_code_turns_a_success_into_a_no(stand: Stand) -> None:
    answers = {"alipay.user.info.share": {"code": "10000", "sub_code": "ACQ.SYSTEM_ERROR"}}
    async with answering(stand, answers) as (client, _):
        assert (await client.ask("alipay.user.info.share", {}))["code"] == "10000"
