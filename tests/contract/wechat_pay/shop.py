"""What a merchant of the tests sells, under numbers that are never used twice."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from adapters.wechat.pay import orders
from adapters.wechat.pay.client import V3
from adapters.wechat.pay.codepay import Scan
from adapters.wechat.pay.orders import NewOrder
from adapters.wechat.pay.settings import MerchantSettings
from adapters.wechat.pay.v2 import V2
from adapters.wechat.pay.wire import Order, OrderState
from core.ports.providers import Done
from tests.contract.sandbox import Sandbox
from tests.contract.tencent import act, real_time

MINI_APP = "wx5a4db0c5e1f20001"
OPENID = "o-payer-of-the-tests"
NOTIFY = "https://card.school.example/notify/wechat/1"
_numbers = count(1)


def number() -> str:
    """Thirty characters, as the core makes them."""
    return f"001P{next(_numbers):026d}"


def settings(keys: dict[str, str], url: str, **changed: Any) -> MerchantSettings:
    """The merchant's settings, as a table of them would say."""
    table = {
        "mchid": keys["mchid"],
        "app_ids": keys["app_ids"].split(),
        "serial_no": keys["serial_no"],
        "private_key": keys["private_key"],
        "api_v3_key": keys["api_v3_key"],
        "public_keys": {keys["public_key_id"]: keys["public_key"]},
        "v2": {
            "key": keys["api_v2_key"],
            "certificate": keys["certificate"],
            "client_ip": "203.0.113.7",
        },
        "api_base": url,
    }
    return MerchantSettings.model_validate({**table, **changed})


def new_order(fen: int = 1_250, **changed: Any) -> NewOrder:
    """A top-up of 12.50 yuan."""
    facts: dict[str, Any] = {
        "app_id": MINI_APP,
        "number": number(),
        "fen": fen,
        "description": '校园卡充值 {"a/b"}',
        "notify_url": NOTIFY,
        "expires_at": real_time().now() + timedelta(minutes=10),
        "openid": OPENID,
    }
    return NewOrder(**{**facts, **changed})


async def paid_order(v3: V3, sandbox: Sandbox, fen: int = 1_250) -> Order:
    """An order that its payer has paid."""
    asked = new_order(fen)
    made = await orders.create(v3, asked)
    assert isinstance(made, Done), made
    await act(sandbox, "wechat_pay/pay", prepay_id=made.fact)
    found = await orders.find(v3, asked.number)
    assert isinstance(found, Done), found
    assert found.fact.state is OrderState.SUCCESS
    return found.fact


async def scan(sandbox: Sandbox, mood: str = "pays", fen: int = 880) -> Scan:
    """A wallet code held to a till."""
    asked = {"person": "jia", "mood": mood}
    auth_code = (await act(sandbox, "wechat_pay/code", **asked))["auth_code"]
    return Scan(MINI_APP, number(), fen, "示例大学-一食堂", auth_code, "till-1", "canteen1")


def changing(monkeypatch: pytest.MonkeyPatch, changed: Mapping[str, Any]) -> None:
    """Signed good answers say something else from now on."""

    def changed_ask(whole: Callable[..., Any]) -> Callable[..., Any]:
        async def ask(self: Any, *target: Any, **given: Any) -> Any:
            *asked, read = target
            return await whole(self, *asked, lambda facts: read({**facts, **changed}), **given)

        return ask

    for client in (V3, V2):
        monkeypatch.setattr(client, "ask", changed_ask(client.ask))
