"""Money back, and the day's file of trades."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from adapters.wechat.pay import bills, orders, refunds
from adapters.wechat.pay.client import V3
from adapters.wechat.pay.refunds import NewRefund, RefundState
from adapters.wechat.pay.wire import Order, OrderState
from core.ports.providers import (
    Done,
    ProviderMisconfigured,
    RefusalReason,
    Refused,
    Unknown,
)
from tests.contract.tencent import Watch, act, real_time
from tests.contract.wechat.spying import sent
from tests.contract.wechat_pay.shop import NOTIFY, changing, number, paid_order


def _refund(order: Order, fen: int = 1_250) -> NewRefund:
    assert order.transaction_id is not None
    assert order.total is not None
    return NewRefund(order.transaction_id, number(), fen, order.total, "退卡", NOTIFY)


async def test_accepted_is_not_refunded(v3: V3, watch: Watch) -> None:
    asked = _refund(await paid_order(v3, watch.sandbox))
    begun = await refunds.refund(v3, asked)
    assert isinstance(begun, Done)
    assert (begun.fact.state, begun.fact.fen) == (RefundState.PROCESSING, 1_250)
    assert begun.fact.done_at is None
    await act(watch.sandbox, "wechat_pay/refunded", number=asked.number, state="SUCCESS")
    ended = await refunds.find(v3, asked.number)
    assert isinstance(ended, Done)
    assert ended.fact.state is RefundState.SUCCESS
    assert ended.fact.done_at is not None
    assert abs(ended.fact.done_at - real_time().now()) < timedelta(seconds=5)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", ["timeout_after_effect", "unsigned_answer"])
async def test_refund_retry_keeps_its_number(
    v3: V3, watch: Watch, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    order = await paid_order(v3, watch.sandbox)
    asked = _refund(order, 1_000)
    requests = sent(monkeypatch)
    await watch.sandbox.fail("wechat_pay", fault, api="refund", count=1)
    assert isinstance(await refunds.refund(v3, asked), Unknown)
    again = await refunds.refund(v3, asked)
    assert isinstance(again, Done)
    assert requests[0].content == requests[1].content
    assert asked.number.encode() in requests[0].content
    rest = await refunds.refund(v3, _refund(order, 250))
    assert isinstance(rest, Done)
    with pytest.raises(ProviderMisconfigured):
        await refunds.refund(v3, _refund(order, 1))


async def test_a_refund_that_the_bank_does_not_take_is_for_staff(v3: V3, watch: Watch) -> None:
    asked = _refund(await paid_order(v3, watch.sandbox))
    await watch.sandbox.fail("wechat_pay", "refund_abnormal", count=1)
    await refunds.refund(v3, asked)
    found = await refunds.find(v3, asked.number)
    assert isinstance(found, Done)
    assert found.fact.state is RefundState.ABNORMAL


async def test_a_refund_of_nothing_is_unknown_and_moves_nothing(v3: V3, watch: Watch) -> None:
    order = await paid_order(v3, watch.sandbox)
    asked = replace(_refund(order), transaction_id="4200000000000000000000000000")
    assert await refunds.refund(v3, asked) == Unknown("RESOURCE_NOT_EXISTS")
    assert await refunds.find(v3, asked.number) == Unknown("RESOURCE_NOT_EXISTS")
    found = await orders.find(v3, order.number)
    assert isinstance(found, Done)
    assert found.fact.state is OrderState.SUCCESS


@pytest.mark.parametrize(
    "changed",
    [
        {"out_refund_no": "other"},
        {"transaction_id": "other"},
        {"amount": {"refund": 1, "total": 1_250, "currency": "CNY"}},
        {"amount": {"refund": 1_250, "currency": "USD"}},
        {"amount": None},
        {"status": "NEW"},
        {"refund_id": ""},
    ],
)
async def test_an_answer_about_another_refund_is_unknown(
    v3: V3, watch: Watch, monkeypatch: pytest.MonkeyPatch, changed: Mapping[str, Any]
) -> None:
    asked = _refund(await paid_order(v3, watch.sandbox))
    changing(monkeypatch, changed)
    assert isinstance(await refunds.refund(v3, asked), Unknown)


def _today() -> date:
    return (real_time().now() + timedelta(hours=8)).date()


async def test_bill_hash_is_checked(v3: V3, watch: Watch) -> None:
    order = await paid_order(v3, watch.sandbox, 7)
    bill = await bills.trade_bill(v3, _today())
    assert isinstance(bill, Done)
    assert f"`{order.number},`0.07" in bill.fact.decode("utf-8-sig")
    await watch.sandbox.fail("wechat_pay", "wrong_signature", api="billdownload", count=1)
    assert await bills.trade_bill(v3, _today()) == Unknown("a file with another hash")


async def test_a_bill_comes_from_our_provider_and_is_signed_for(
    v3: V3, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    await paid_order(v3, watch.sandbox)
    requests = sent(monkeypatch)
    assert isinstance(await bills.trade_bill(v3, _today()), Done)
    listed, download = requests
    assert listed.url.query.decode() == f"bill_date={_today()}"
    assert download.url.host == "127.0.0.1"
    assert download.headers["authorization"].startswith("WECHATPAY2-SHA256-RSA2048 ")
    assert download.extensions["timeout"]["read"] == 60


async def test_a_day_without_trades_has_no_bill(v3: V3) -> None:
    assert await bills.trade_bill(v3, date(2020, 1, 1)) == Refused(
        RefusalReason.OTHER, "NO_STATEMENT_EXIST"
    )


async def test_a_bill_that_is_not_ready_is_asked_for_later(v3: V3, watch: Watch) -> None:
    await watch.sandbox.fail("wechat_pay", "bill_not_ready", count=1)
    assert await bills.trade_bill(v3, _today()) == Unknown("STATEMENT_CREATING")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", ["timeout_before", "html_502", "reset"])
async def test_a_bill_that_does_not_arrive_is_unknown(v3: V3, watch: Watch, fault: str) -> None:
    await paid_order(v3, watch.sandbox)
    await watch.sandbox.fail("wechat_pay", fault, api="billdownload", count=1)
    assert isinstance(await bills.trade_bill(v3, _today()), Unknown)


@pytest.mark.parametrize("changed", [{"hash_type": "MD5"}, {"hash_value": ""}, {"download_url": 1}])
async def test_a_bill_without_a_hash_of_the_known_kind_is_unknown(
    v3: V3, watch: Watch, monkeypatch: pytest.MonkeyPatch, changed: Mapping[str, Any]
) -> None:
    await paid_order(v3, watch.sandbox)
    changing(monkeypatch, changed)
    assert isinstance(await bills.trade_bill(v3, _today()), Unknown)
