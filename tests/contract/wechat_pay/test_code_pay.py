"""Wallet codes at a till, by v3 and by V2: the same behaviour twice."""

import socket
from datetime import timedelta
from typing import Any

import pytest

from adapters.wechat.pay.client import V3
from adapters.wechat.pay.codepay import CodePay
from adapters.wechat.pay.micropay import MicroPay
from adapters.wechat.pay.v2 import V2
from adapters.wechat.pay.wire import OrderState
from core.ports.providers import Done, Pending, RefusalReason, Refused, Unknown
from tests.contract.tencent import Watch, act
from tests.contract.wechat_pay.conftest import CodePayments
from tests.contract.wechat_pay.shop import changing, scan

PAY_APIS = ("codepay", "micropay")


async def _state(code_pay: CodePayments, asked: Any) -> OrderState | None:
    found = await code_pay.find(asked)
    return found.fact.state if isinstance(found, Done) else None


async def _fail(watch: Watch, kind: str) -> None:
    for api in PAY_APIS:
        await watch.sandbox.fail("wechat_pay", kind, api=api, count=1)


async def test_a_code_pays_at_once(code_pay: CodePayments, watch: Watch) -> None:
    asked = await scan(watch.sandbox)
    paid = await code_pay.pay(asked)
    assert isinstance(paid, Done)
    assert (paid.fact.number, paid.fact.state) == (asked.number, OrderState.SUCCESS)
    assert (paid.fact.total, paid.fact.payer_total) == (880, 880)
    assert await code_pay.find(asked) == paid
    assert asked.auth_code not in repr(asked)


@pytest.mark.parametrize("mood", ["types", "types_200"])
async def test_a_payer_who_types_a_password_is_pending_and_then_has_paid(
    code_pay: CodePayments, watch: Watch, mood: str
) -> None:
    asked = await scan(watch.sandbox, mood)
    pending = await code_pay.pay(asked)
    assert isinstance(pending, Pending)
    assert pending.poll_seconds == 5
    assert abs(pending.until - watch.clock.now() - timedelta(seconds=45)) < timedelta(seconds=5)
    assert await _state(code_pay, asked) is OrderState.USERPAYING
    await act(watch.sandbox, "wechat_pay/password", number=asked.number, right=True)
    assert await _state(code_pay, asked) is OrderState.SUCCESS


@pytest.mark.parametrize(
    ("mood", "reason"),
    [("poor", RefusalReason.INSUFFICIENT), ("expired", RefusalReason.PAYER)],
)
async def test_a_wallet_that_does_not_pay_is_refused(
    code_pay: CodePayments, watch: Watch, mood: str, reason: RefusalReason
) -> None:
    asked = await scan(watch.sandbox, mood)
    refused = await code_pay.pay(asked)
    assert isinstance(refused, Refused)
    assert refused.reason is reason
    assert await _state(code_pay, asked) is not OrderState.SUCCESS


async def test_a_code_pays_once(code_pay: CodePayments, watch: Watch) -> None:
    first = await scan(watch.sandbox)
    await code_pay.pay(first)
    second = await scan(watch.sandbox)
    stolen = type(second)(
        second.app_id, second.number, 880, "x", first.auth_code, second.device_id, second.store_id
    )
    refused = await code_pay.pay(stolen)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.PAYER


async def test_a_number_that_was_used_is_asked_about(code_pay: CodePayments, watch: Watch) -> None:
    asked = await scan(watch.sandbox)
    await code_pay.pay(asked)
    again = await code_pay.pay(asked)
    assert isinstance(again, Unknown)
    assert await _state(code_pay, asked) is OrderState.SUCCESS


@pytest.mark.parametrize(
    "fault", ["unsigned_answer", "wrong_signature", "html_502", "system_error"]
)
async def test_a_payment_without_a_proof_is_unknown(
    code_pay: CodePayments, watch: Watch, fault: str
) -> None:
    asked = await scan(watch.sandbox)
    await _fail(watch, fault)
    assert isinstance(await code_pay.pay(asked), Unknown)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", ["timeout_after_effect", "reset"])
async def test_a_lost_answer_to_a_payment_is_unknown_and_the_number_tells(
    code_pay: CodePayments, watch: Watch, fault: str
) -> None:
    asked = await scan(watch.sandbox)
    await _fail(watch, fault)
    assert isinstance(await code_pay.pay(asked), Unknown)
    assert await _state(code_pay, asked) is OrderState.SUCCESS


async def test_code_order_is_reversed_never_closed(code_pay: CodePayments, watch: Watch) -> None:
    typing, taken = await scan(watch.sandbox, "types"), await scan(watch.sandbox)
    await code_pay.pay(typing)
    await code_pay.pay(taken)
    await watch.sandbox.move_clock(20)
    for asked in (typing, taken):
        assert await code_pay.reverse(asked) == Done(None)
        assert await code_pay.reverse(asked) == Done(None)
        assert await _state(code_pay, asked) is OrderState.REVOKED
    late = await act(watch.sandbox, "wechat_pay/password", number=typing.number, right=True)
    assert late["state"] == "REVOKED"
    assert not hasattr(code_pay, "close")
    assert "close" not in await watch.asked("wechat_pay")


async def test_a_reversal_without_a_proof_is_repeated(code_pay: CodePayments, watch: Watch) -> None:
    asked = await scan(watch.sandbox)
    await code_pay.pay(asked)
    await watch.sandbox.move_clock(20)
    for api in ("reverse", "v2_reverse"):
        await watch.sandbox.fail("wechat_pay", "unsigned_answer", api=api, count=1)
    assert isinstance(await code_pay.reverse(asked), Unknown)
    assert await code_pay.reverse(asked) == Done(None)


@pytest.mark.parametrize(
    "changed",
    [
        {"amount": {"total": 881, "currency": "CNY"}, "total_fee": "881"},
        {"amount": {"total": 880, "currency": "HKD"}, "fee_type": "HKD"},
        {"out_trade_no": "other"},
        {"mchid": "other", "appid": "wx-other"},
        {"trade_state": "PAYERROR"},
        {"trade_state": "NEW"},
    ],
)
async def test_an_answer_that_does_not_say_paid_what_was_asked_is_unknown(
    code_pay: CodePayments, watch: Watch, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
) -> None:
    asked = await scan(watch.sandbox)
    changing(monkeypatch, changed)
    assert isinstance(await code_pay.pay(asked), Unknown)
    monkeypatch.undo()
    assert await _state(code_pay, asked) is OrderState.SUCCESS


async def test_a_reversal_of_another_order_is_no_answer(
    v3: V3, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await scan(watch.sandbox)
    await CodePay(v3).pay(asked)
    await watch.sandbox.move_clock(20)
    changing(monkeypatch, {"out_trade_no": "other"})
    assert await CodePay(v3).reverse(asked) == Unknown("another out_trade_no")


async def test_a_reversal_that_is_to_be_repeated_is_not_done(v2: V2, watch: Watch) -> None:
    asked = await scan(watch.sandbox)
    await MicroPay(v2).pay(asked)
    await watch.sandbox.move_clock(20)
    await watch.sandbox.fail("wechat_pay", "refuse", api="v2_reverse", count=1)
    assert await MicroPay(v2).reverse(asked) == Unknown("RECALL")
    assert await _state(MicroPay(v2), asked) is OrderState.SUCCESS
    assert await MicroPay(v2).reverse(asked) == Done(None)


async def test_a_payer_who_never_types_is_asked_about_until_the_reversal(
    code_pay: CodePayments, watch: Watch
) -> None:
    asked = await scan(watch.sandbox)
    await _fail(watch, "pending_for_ever")
    assert isinstance(await code_pay.pay(asked), Pending)
    for _ in range(3):
        assert await _state(code_pay, asked) is OrderState.USERPAYING
    await watch.sandbox.move_clock(20)
    assert await code_pay.reverse(asked) == Done(None)
    assert await _state(code_pay, asked) is OrderState.REVOKED


async def test_a_payer_who_types_late_has_paid(code_pay: CodePayments, watch: Watch) -> None:
    asked = await scan(watch.sandbox)
    await _fail(watch, "pending_then_paid")
    assert isinstance(await code_pay.pay(asked), Pending)
    assert await _state(code_pay, asked) is OrderState.USERPAYING
    assert await _state(code_pay, asked) is OrderState.SUCCESS


async def test_a_scan_that_nobody_knows_is_unknown(code_pay: CodePayments, watch: Watch) -> None:
    found = await code_pay.find(await scan(watch.sandbox))
    assert isinstance(found, Unknown)
    assert found.what.replace("_", "") == "ORDERNOTEXIST"


async def test_no_dns_lookup_for_client_ip(
    v2: V2, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await scan(watch.sandbox)
    looked_up: list[object] = []
    for name in ("getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, lambda *host: looked_up.append(host))
    assert isinstance(await MicroPay(v2).pay(asked), Done)
    monkeypatch.undo()
    assert looked_up == []
    (exchange,) = await watch.exchanges("wechat_pay")
    assert "<spbill_create_ip>203.0.113.7</spbill_create_ip>" in exchange["sent"]
