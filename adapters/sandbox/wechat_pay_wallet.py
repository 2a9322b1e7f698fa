"""The pretend WeChat Pay as one provider, with what payers do and what it would post."""

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from adapters.sandbox.base import Act, Base, Credentials, Provider
from adapters.sandbox.people import pseudonym
from adapters.sandbox.wechat import MINI_APP, OFFICIAL_APP
from adapters.sandbox.wechat_pay import MCHID, NAME, SUB_MCHID, WechatPay, order_facts, rfc3339
from adapters.sandbox.wechat_pay_easy import EasyPay
from adapters.sandbox.wechat_pay_keys import PUBLIC_KEY_ID, PayKeys
from adapters.sandbox.wechat_pay_orders import MOODS, PayOrders, PayTrouble
from adapters.sandbox.wechat_pay_v2 import WechatPayV2

Asked = Mapping[str, Any]
CODE = "/_wallet/wechat_pay/code"


def wechat_pay(base: Base) -> Provider:
    """The provider."""
    keys, orders = PayKeys(base.clock), PayOrders(base)
    pay, v2 = WechatPay(base, keys, orders), WechatPayV2(base, keys, orders)
    easy = EasyPay(pay)
    wallet = Wallet(base, keys, orders, easy, v2)
    acts = (
        Act("微信付款码", "WeChat payment code", CODE, {"mood": "pays"}),
        Act("微信付款码(需密码)", "WeChat payment code with a password", CODE, {"mood": "types"}),
    )
    routes = [*pay.routes(), *easy.routes(), *v2.routes(), *wallet.routes()]
    return Provider(NAME, routes, wallet.credentials, acts)


class Wallet:
    """What payers do on their phones, and the notices of it."""

    def __init__(
        self, base: Base, keys: PayKeys, orders: PayOrders, easy: EasyPay, v2: WechatPayV2
    ) -> None:
        self._base = base
        self._keys = keys
        self._orders = orders
        self._easy = easy
        self._v2 = v2

    def credentials(self) -> Credentials:
        """What the merchant puts into the settings."""
        return {
            "mchid": MCHID,
            "sub_mchid": SUB_MCHID,
            "app_ids": f"{MINI_APP} {OFFICIAL_APP}",
            "serial_no": self._keys.merchant.serial,
            "private_key": self._keys.merchant.private_pem(),
            "certificate": self._keys.merchant.pem,
            "api_v3_key": self._keys.api_v3_key,
            "api_v2_key": self._keys.api_v2_key,
            "public_key_id": PUBLIC_KEY_ID,
            "public_key": self._keys.public_pem(),
        }

    def routes(self) -> list[BaseRoute]:
        """Their routes."""
        acts: dict[str, Callable[[Asked], Asked]] = {
            CODE: self.code,
            "/_wallet/wechat_pay/pay": self.pay,
            "/_wallet/wechat_pay/password": self.password,
            "/_wallet/wechat_pay/refunded": self.refunded,
            "/_wallet/wechat_pay/sign": self.sign,
            "/_wallet/wechat_pay/debt": self.debt,
            "/_wallet/wechat_pay/notice": self.notice,
            "/_wallet/wechat_pay/v2_notice": self.v2_notice,
        }
        return [Route(path, _endpoint(act), methods=["POST"]) for path, act in acts.items()]

    def code(self, asked: Asked) -> Asked:
        """A payment code: {person, mood} -> {auth_code}."""
        person = self._base.people.find(asked["person"])
        if person is None or asked["mood"] not in MOODS:
            raise KeyError("person or mood")
        openid = pseudonym(MINI_APP, person)
        return {"auth_code": self._orders.wallet_code(openid, asked["mood"])}

    def pay(self, asked: Asked) -> Asked:
        """Pays an order in the app: {prepay_id}."""
        order = self._orders.find(self._orders.prepaid[asked["prepay_id"]])
        if order.state != "NOTPAY":
            raise PayTrouble(400, order.state)
        self._orders.pay(order, order.openid)
        return {"state": order.state}

    def password(self, asked: Asked) -> Asked:
        """Types the password after a scan, or gives up: {number, right}."""
        order = self._orders.find(asked["number"])
        if order.state == "USERPAYING" and asked["right"]:
            self._orders.pay(order, order.openid)
        elif order.state == "USERPAYING":
            order.state = "PAYERROR"
        return {"state": order.state}

    def refunded(self, asked: Asked) -> Asked:
        """The payer's bank is done with a refund: {number, state}."""
        refund = self._orders.refunds[asked["number"]]
        refund.state, refund.done_at = asked["state"], self._base.clock()
        return {}

    def sign(self, asked: Asked) -> Asked:
        """Signs for collections: {presign_token} of easy-pay, or {url} of papay -> {id}."""
        if "url" in asked:
            query = dict(parse_qsl(urlsplit(asked["url"]).query))
            return {"id": self._v2.signed_mandate(query).id}
        return {"id": self._easy.sign(asked["presign_token"]).id}

    def debt(self, asked: Asked) -> Asked:
        """Runs out of money: {openid, count}."""
        self._orders.debts[asked["openid"]] = int(asked["count"])
        return {}

    def notice(self, asked: Asked) -> Asked:
        """What would be posted about an order: {number, serial, late, changes} -> headers, body.

        `serial` picks the key, `late` is its age in seconds, `changes` are put into its resource.
        """
        order = self._orders.find(asked["number"])
        facts = {**order_facts(order), **asked.get("changes", {})}
        now = self._base.clock() - timedelta(seconds=asked.get("late", 0))
        body = json.dumps(
            {
                "id": f"notice-{order.number}",
                "create_time": rfc3339(now),
                "resource_type": "encrypt-resource",
                "event_type": "TRANSACTION.SUCCESS",
                "summary": "支付成功",
                "resource": {
                    "original_type": "transaction",
                    **self._keys.sealed(json.dumps(facts).encode(), "transaction"),
                },
            },
            ensure_ascii=False,
        )
        headers = self._keys.signed(body.encode(), asked.get("serial"), at=now)
        if asked.get("signtest"):
            headers["Wechatpay-Signature"] = f"WECHATPAY/SIGNTEST/{secrets.token_hex(16)}"
        return {"headers": headers, "body": body}

    def v2_notice(self, asked: Asked) -> Asked:
        """What V2 would post: {fields, sign_type} -> {body}; without a sign_type it is MD5."""
        fields, sign_type = dict(asked["fields"]), asked.get("sign_type")
        if sign_type is not None:
            fields["sign_type"] = sign_type
        return {"body": self._v2.message(fields, sign_type or "MD5").decode()}


def _endpoint(act: Callable[[Asked], Asked]) -> Callable[[Request], Any]:
    async def answer(request: Request) -> JSONResponse:
        try:
            return JSONResponse(act(json.loads(await request.body())))
        except (ValueError, KeyError, TypeError, PayTrouble) as wrong:
            return JSONResponse({"wrong": str(wrong)}, 400)

    return answer
