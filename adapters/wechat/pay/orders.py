"""Orders that a person pays in the app: made, handed to the client, asked about, closed (6.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from adapters.wechat.pay.client import V3
from adapters.wechat.pay.wire import Facts, Order, fen_out, instant_out, order_in, text_in
from core.kit.clock import unix_seconds
from core.kit.money import CURRENCY
from core.ports.providers import Done, Outcome

PATH = "/v3/pay/transactions"


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order of `fen` under our number; the payer's openid is of `app_id`, for `jsapi` only.

    `description` has at most 127 characters; it may be paid until `expires_at`.
    """

    app_id: str
    number: str
    fen: int
    description: str
    notify_url: str
    expires_at: datetime
    openid: str | None = field(default=None, repr=False)


async def create(v3: V3, order: NewOrder) -> Outcome[str]:
    """The prepay_id, good for two hours; the same order again gives a fresh one.

    With an openid it is paid in a mini-program or on an official account's page, without in an app.
    Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
    """
    body: dict[str, object] = {
        "appid": order.app_id,
        "mchid": v3.mchid,
        "description": order.description,
        "out_trade_no": order.number,
        "time_expire": instant_out(order.expires_at),
        "notify_url": order.notify_url,
        "amount": {"total": fen_out(order.fen), "currency": CURRENCY},
    }
    if order.openid is not None:
        body["payer"] = {"openid": order.openid}
    kind = "app" if order.openid is None else "jsapi"

    def read(facts: Facts) -> Outcome[str]:
        return Done(text_in(facts, "prepay_id"))

    return await v3.ask("POST", f"{PATH}/{kind}", read, body=body, moves=True)


def jsapi_parameters(v3: V3, app_id: str, prepay_id: str) -> Mapping[str, str]:
    """What `wx.requestPayment` and the official account's page take."""
    stamp, nonce, package = _stamp(v3), v3.nonce(), f"prepay_id={prepay_id}"
    return {
        "appId": app_id,
        "timeStamp": stamp,
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": v3.signer.sign(app_id, stamp, nonce, package),
    }


def app_parameters(v3: V3, app_id: str, prepay_id: str) -> Mapping[str, str]:
    """What the SDK in a native app takes; the bare prepay_id is signed."""
    stamp, nonce = _stamp(v3), v3.nonce()
    return {
        "appid": app_id,
        "partnerid": v3.mchid,
        "prepayid": prepay_id,
        "package": "Sign=WXPay",
        "noncestr": nonce,
        "timestamp": stamp,
        "sign": v3.signer.sign(app_id, stamp, nonce, prepay_id),
    }


async def find(v3: V3, number: str) -> Outcome[Order]:
    """What became of the order under our number; also of one paid by a wallet code.

    Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
    """

    def read(facts: Facts) -> Outcome[Order]:
        return Done(order_in(facts, number, {"mchid": v3.mchid}))

    path = f"{PATH}/out-trade-no/{quote(number, safe='')}"
    return await v3.ask("GET", path, read, query={"mchid": v3.mchid})


async def close(v3: V3, number: str) -> Outcome[None]:
    """Nobody can pay the order any more; at the earliest five minutes after it was made.

    Not for orders by wallet code, which are reversed.
    Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
    """
    path = f"{PATH}/out-trade-no/{quote(number, safe='')}/close"
    return await v3.ask("POST", path, _done, body={"mchid": v3.mchid}, moves=True)


def _done(_facts: Facts) -> Outcome[None]:
    return Done(None)


def _stamp(v3: V3) -> str:
    return str(unix_seconds(v3.clock.now()))
