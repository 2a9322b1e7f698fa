"""Orders that a person pays in the app."""

import base64
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate

from adapters.wechat.pay import orders
from adapters.wechat.pay.client import V3
from adapters.wechat.pay.wire import Order, OrderState
from core.ports.providers import Done, ProviderMisconfigured, RefusalReason, Refused, Unknown
from tests.contract.tencent import Watch, act, real_time
from tests.contract.wechat.spying import sent
from tests.contract.wechat_pay.shop import MINI_APP, OPENID, new_order, number, paid_order


def _merchants_key(keys: dict[str, str]) -> RSAPublicKey:
    key = load_pem_x509_certificate(keys["certificate"].encode()).public_key()
    assert isinstance(key, RSAPublicKey)
    return key


async def test_an_order_is_unpaid_until_its_payer_pays(v3: V3, watch: Watch) -> None:
    asked = new_order()
    made = await orders.create(v3, asked)
    assert isinstance(made, Done)
    assert await orders.find(v3, asked.number) == Done(Order(asked.number, OrderState.NOTPAY))
    await act(watch.sandbox, "wechat_pay/pay", prepay_id=made.fact)
    found = await orders.find(v3, asked.number)
    assert isinstance(found, Done)
    order = found.fact
    assert (order.number, order.state) == (asked.number, OrderState.SUCCESS)
    assert (order.total, order.payer_total, order.payer) == (1_250, 1_250, OPENID)
    assert order.transaction_id is not None
    assert order.paid_at is not None
    assert abs(order.paid_at - real_time().now()) < timedelta(seconds=5)
    assert order.paid_at.utcoffset() == timedelta(0)
    assert OPENID not in repr(order)


async def test_the_same_order_again_is_the_same_and_another_under_its_number_is_our_fault(
    v3: V3, watch: Watch
) -> None:
    asked = new_order()
    first, again = [await orders.create(v3, asked) for _ in range(2)]
    assert isinstance(first, Done)
    assert isinstance(again, Done)
    assert first.fact != again.fact
    with pytest.raises(ProviderMisconfigured, match="INVALID_REQUEST"):
        await orders.create(v3, replace(asked, fen=1))
    await act(watch.sandbox, "wechat_pay/pay", prepay_id=first.fact)
    assert await orders.create(v3, asked) == Unknown("ORDERPAID")
    found = await orders.find(v3, asked.number)
    assert isinstance(found, Done)
    assert found.fact.total == 1_250


async def test_signed_body_is_sent_body(
    v3: V3, watch: Watch, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = sent(monkeypatch)
    asked = new_order()
    assert isinstance(await orders.create(v3, asked), Done)
    assert isinstance(await orders.find(v3, asked.number), Done)
    await orders.find(v3, "A/B?c=d&e 中")
    for request in requests:
        given = dict(
            part.split("=", 1)
            for part in request.headers["authorization"].split(" ", 1)[1].split(",")
        )
        words = {name: text.strip('"') for name, text in given.items()}
        lines = [
            request.method.encode(), request.url.raw_path, words["timestamp"].encode(),
            words["nonce_str"].encode(), request.content, b"",
        ]  # fmt: skip
        _merchants_key(keys).verify(
            base64.b64decode(words["signature"]), b"\n".join(lines), PKCS1v15(), SHA256()
        )
    assert "校园卡充值".encode() in requests[0].content
    assert requests[1].url.raw_path.decode() == (
        f"/v3/pay/transactions/out-trade-no/{asked.number}?mchid={v3.mchid}"
    )
    assert requests[2].url.raw_path.startswith(
        b"/v3/pay/transactions/out-trade-no/A%2FB%3Fc%3Dd%26e%20%E4%B8%AD?"
    )
    assert requests[0].headers["wechatpay-serial"] == keys["public_key_id"]
    assert len({request.headers["authorization"] for request in requests}) == 3


def test_app_and_jsapi_lines_differ(v3: V3, keys: dict[str, str]) -> None:
    jsapi = orders.jsapi_parameters(v3, MINI_APP, "wx201410272009395522657")
    app = orders.app_parameters(v3, MINI_APP, "wx201410272009395522657")
    signed = {
        jsapi["paySign"]: [MINI_APP, jsapi["timeStamp"], jsapi["nonceStr"], jsapi["package"]],
        app["sign"]: [MINI_APP, app["timestamp"], app["noncestr"], app["prepayid"]],
    }
    for signature, lines in signed.items():
        text = "".join(f"{line}\n" for line in lines).encode()
        _merchants_key(keys).verify(base64.b64decode(signature), text, PKCS1v15(), SHA256())
    assert jsapi["package"] == "prepay_id=wx201410272009395522657"
    assert jsapi["signType"] == "RSA"
    assert (app["prepayid"], app["package"]) == ("wx201410272009395522657", "Sign=WXPay")
    assert app["partnerid"] == v3.mchid
    assert jsapi["nonceStr"] != app["noncestr"]


async def test_an_order_for_an_app_has_no_payer_yet(v3: V3, watch: Watch) -> None:
    assert isinstance(await orders.create(v3, new_order(openid=None)), Done)
    assert await watch.asked("wechat_pay") == ["app"]


async def test_close_204_signature_covers_empty_body(v3: V3, watch: Watch) -> None:
    asked = new_order()
    await orders.create(v3, asked)
    await watch.sandbox.fail("wechat_pay", "wrong_signature", api="close", count=1)
    assert await orders.close(v3, asked.number) == Unknown("an unsigned answer")
    assert await orders.close(v3, asked.number) == Done(None)
    assert await orders.find(v3, asked.number) == Done(Order(asked.number, OrderState.CLOSED))
    assert await orders.create(v3, asked) == Refused(RefusalReason.ORDER_CLOSED, "ORDER_CLOSED")


async def test_a_paid_order_is_not_closed(v3: V3, watch: Watch) -> None:
    order = await paid_order(v3, watch.sandbox)
    assert await orders.close(v3, order.number) == Unknown("ORDER_PAID")
    found = await orders.find(v3, order.number)
    assert isinstance(found, Done)
    assert found.fact.state is OrderState.SUCCESS


async def test_an_order_is_over_at_its_time(v3: V3, watch: Watch) -> None:
    asked = new_order()
    await orders.create(v3, asked)
    await watch.sandbox.move_clock(290)
    found = await orders.find(v3, asked.number)
    assert found == Done(Order(asked.number, OrderState.NOTPAY))
    short = new_order(expires_at=real_time().now() + timedelta(seconds=280))
    await orders.create(v3, short)
    assert await orders.find(v3, short.number) == Done(Order(short.number, OrderState.CLOSED))


async def test_an_order_nobody_knows_is_unknown_and_not_refused(v3: V3, watch: Watch) -> None:
    assert await orders.find(v3, number()) == Unknown("ORDER_NOT_EXIST")


async def test_an_order_of_another_merchant_is_no_answer(v3: V3, watch: Watch) -> None:
    order = await paid_order(v3, watch.sandbox)
    v3.mchid = "1000000002"
    with pytest.raises(ProviderMisconfigured, match="APPID_MCHID_NOT_MATCH"):
        await orders.find(v3, order.number)
