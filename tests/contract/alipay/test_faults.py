"""Each way in which Alipay fails on purpose, and what a caller must make of it."""

import pytest

from adapters.alipay.payments import Payments, TradeStatus, Undone
from adapters.alipay.sign_in import AlipaySignIn
from adapters.http import NothingSent
from core.ports.providers import (
    Done,
    Pending,
    ProviderMisconfigured,
    ProviderThrottled,
    ProviderUnavailable,
    Unknown,
)
from tests.contract.alipay.stand import Stand, done, order_number
from tests.contract.doors import by_app
from tests.contract.sandbox import free_port


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("timeout_after_effect", "ReadTimeout"),
        ("reset", "RemoteProtocolError"),
        ("html_502", "HTTP 502"),
        ("system_error", "aop.unknow-error"),
        ("unsigned_answer", "unsigned"),
        ("wrong_signature", "wrong signature"),
        ("key_rotated", "wrong signature"),
        ("slow_drip", "deadline"),
    ],
)
async def test_a_lost_answer_about_money_is_unknown_and_the_money_was_taken(
    stand: Stand, fault: str, what: str
) -> None:
    number, code = order_number(), await stand.pay_code(await stand.person())
    await stand.fail(fault, "alipay.trade.pay")
    assert await stand.payments().pay(number, 1, "午餐", code) == Unknown(what)
    assert done(await stand.open().payments.query(number)).status is TradeStatus.PAID


async def test_timeout_after_send_is_unknown(stand: Stand) -> None:
    number, code = order_number(), await stand.pay_code(await stand.person())
    await stand.fail("timeout_after_effect", "alipay.trade.pay", count=1)
    payments = stand.payments()
    assert await payments.pay(number, 1, "午餐", code) == Unknown("ReadTimeout")
    assert await payments.pay(number, 1, "午餐", code) == Unknown("ACQ.TRADE_HAS_SUCCESS")
    assert (await stand.trade(number) or {})["total_amount"] == "0.01"


async def test_a_timeout_before_the_effect_is_as_unknown(stand: Stand) -> None:
    number, code = order_number(), await stand.pay_code(await stand.person())
    await stand.fail("timeout_before", "alipay.trade.pay", count=1)
    payments = stand.payments()
    assert await payments.pay(number, 1, "午餐", code) == Unknown("ReadTimeout")
    assert await payments.query(number) == Unknown("ACQ.TRADE_NOT_EXIST")
    assert await payments.cancel(number) == Done(Undone.NOTHING)


async def test_a_gateway_that_cannot_be_reached_has_done_nothing(stand: Stand) -> None:
    closed = {"gateway": f"http://127.0.0.1:{free_port()}/gateway.do"}
    with pytest.raises(NothingSent):
        await stand.payments(**closed).pay(order_number(), 1, "午餐", "280000")


@pytest.mark.parametrize(
    "fault",
    [
        "timeout_before", "timeout_after_effect", "reset", "html_502", "system_error",
        "unsigned_answer", "wrong_signature", "key_rotated",
    ],
)  # fmt: skip
async def test_a_sign_in_without_a_good_answer_is_unavailable(stand: Stand, fault: str) -> None:
    code = await stand.code(await stand.person())
    await stand.fail(fault)
    with pytest.raises(ProviderUnavailable):
        await AlipaySignIn(stand.client(), stand.issuer).sign_in(code)


async def test_a_slow_answer_is_an_answer(stand: Stand) -> None:
    person = await stand.person()
    await stand.fail("slow")
    subject = await by_app(stand.open().door).sign_in(await stand.code(person))
    assert subject.subject == await stand.open_id(person)


async def test_an_answer_about_money_may_take_longer_than_another(stand: Stand) -> None:
    number, code = order_number(), await stand.pay_code(await stand.person())
    await stand.fail("slow")
    payments = Payments(stand.client(seconds=0.5, money_seconds=5), stand.app_id)
    done(await payments.pay(number, 1, "午餐", code))
    assert await payments.query(number) == Unknown("ReadTimeout")


async def test_a_clock_that_runs_wrong_is_ours_to_mend(stand: Stand) -> None:
    number, code = order_number(), await stand.pay_code(await stand.person())
    await stand.fail("clock_skew")
    with pytest.raises(ProviderMisconfigured, match=r"isv\.invalid-timestamp"):
        await stand.payments().pay(number, 1, "午餐", code)
    stand.clock.advance(hours=1)
    done(await stand.payments().pay(number, 1, "午餐", code))


async def test_a_quota_leaves_the_code_good(stand: Stand) -> None:
    code, door = await stand.code(await stand.person()), stand.open().door
    await stand.fail("quota", count=1)
    with pytest.raises(ProviderThrottled):
        await by_app(door).sign_in(code)
    await by_app(door).sign_in(code)


async def test_a_pending_payer_pays_later(stand: Stand) -> None:
    number, code = order_number(), await stand.pay_code(await stand.person())
    await stand.fail("pending_then_paid")
    payments = stand.payments()
    assert isinstance(await payments.pay(number, 1, "午餐", code), Pending)
    assert done(await payments.query(number)).status is TradeStatus.PAID


async def test_a_payer_pending_for_ever_is_cancelled(stand: Stand) -> None:
    number, code = order_number(), await stand.pay_code(await stand.person())
    await stand.fail("pending_for_ever")
    payments = stand.payments()
    assert isinstance(await payments.pay(number, 1, "午餐", code), Pending)
    assert done(await payments.query(number)).status is TradeStatus.WAITING
    assert await payments.cancel(number) == Done(Undone.CLOSED)
    assert done(await payments.query(number)).status is TradeStatus.CLOSED


async def test_the_sandbox_says_which_faults_it_plays(stand: Stand) -> None:
    assert await stand.sandbox.fail("alipay", "signtest") == 400
    asked = {"provider": "alipay", "kind": "refuse"}
    answer = await stand.sandbox.ask("PUT", "/_faults", json=asked)
    assert answer.json()["alipay"] == [
        "brace_in_text", "clock_skew", "escaped_slash", "html_502", "key_rotated",
        "pending_for_ever", "pending_then_paid", "quota", "reset", "slow", "slow_drip",
        "system_error", "timeout_after_effect", "timeout_before", "token_dead",
        "unknown_serial", "unsigned_answer", "wrong_signature",
    ]  # fmt: skip
