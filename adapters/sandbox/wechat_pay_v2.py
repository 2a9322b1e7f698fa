"""The pretend WeChat Pay, V2: XML signed with a shared key, over the same orders."""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from adapters.sandbox.base import Base
from adapters.sandbox.carriage import carried
from adapters.sandbox.faults import Fault
from adapters.sandbox.wechat_pay import MCHID, NAME, SHANGHAI
from adapters.sandbox.wechat_pay_keys import PayKeys
from adapters.sandbox.wechat_pay_orders import PayContract, PayOrder, PayOrders, PayTrouble

_CHILD = re.compile(r"<(\w+)>(?:<!\[CDATA\[(.*?)\]\]>|([^<]*))</\1>", re.DOTALL)
Fields = Mapping[str, str]
Play = Callable[[Fields, Fault | None], dict[str, str]]


@dataclass(frozen=True, slots=True)
class V2Api:
    """One path and the fields it takes beside those of every message; mandates take no nonce."""

    path: str
    name: str
    fields: frozenset[str]
    play: Play
    nonce: bool = True


class WechatPayV2:
    """The merchants' side of V2."""

    def __init__(self, base: Base, keys: PayKeys, orders: PayOrders) -> None:
        self._base = base
        self._key = keys.api_v2_key
        self._orders = orders

    def routes(self) -> list[BaseRoute]:
        """Their routes."""
        number = frozenset({"appid", "out_trade_no"})
        scan = number | {"device_info", "body", "total_fee", "spbill_create_ip", "auth_code"}
        collect = number | {
            "body", "total_fee", "spbill_create_ip", "notify_url", "trade_type", "contract_id"
        }  # fmt: skip
        agreement = frozenset({"appid", "plan_id", "contract_code", "version"})
        ended = frozenset({"appid", "contract_id", "contract_termination_remark", "version"})
        apis = [
            V2Api("/pay/micropay", "micropay", scan, self._micropay),
            V2Api("/pay/orderquery", "orderquery", number, self._query),
            V2Api("/secapi/pay/reverse", "v2_reverse", number, self._reverse),
            V2Api("/papay/querycontract", "querycontract", agreement, self._agreement, nonce=False),
            V2Api("/papay/deletecontract", "deletecontract", ended, self._end, nonce=False),
            V2Api("/pay/pappayapply", "pappayapply", collect, self._collect),
            V2Api("/pay/paporderquery", "paporderquery", number, self._query),
        ]
        return [Route(api.path, self._endpoint(api), methods=["POST"]) for api in apis]

    def sign(self, fields: Fields, sign_type: str) -> str:
        """The signature over sorted fields, by our own reading."""
        parts = [f"{name}={text}" for name, text in sorted(fields.items()) if text]
        text = "&".join([*(each for each in parts if not each.startswith("sign=")),
                         f"key={self._key}"]).encode()  # fmt: skip
        if sign_type == "HMAC-SHA256":
            mac = HMAC(self._key.encode(), hashes.SHA256())
            mac.update(text)
            return mac.finalize().hex().upper()
        digest = hashes.Hash(hashes.MD5())  # noqa: S303 - the protocol's own
        digest.update(text)
        return digest.finalize().hex().upper()

    def message(self, fields: Fields, sign_type: str) -> bytes:
        """A signed message of ours."""
        whole = {**fields, "mch_id": MCHID, "nonce_str": secrets.token_hex(16)}
        signed = {**whole, "sign": self.sign(whole, sign_type)}
        children = "".join(f"<{name}><![CDATA[{text}]]></{name}>" for name, text in signed.items())
        return f"<xml>{children}</xml>".encode()

    def signed_mandate(self, query: Fields) -> PayContract:
        """A person signs on the page that a merchant's signed address opens."""
        if self.sign(query, "MD5") != query.get("sign") or query.get("mch_id") != MCHID:
            raise PayTrouble(401, "SIGN_ERROR")
        return self._orders.contract(query["contract_code"], query["plan_id"], "o-mandate", "")

    def _endpoint(self, api: V2Api) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            body = await request.body()
            fault = self._base.faults.take(NAME, api.name)
            return await carried(self._base.faults, fault, lambda: self._answer(api, body, fault))

        return answer

    def _answer(self, api: V2Api, body: bytes, fault: Fault | None) -> Response:
        given = {
            name: unescape(cdata or text) for name, cdata, text in _CHILD.findall(body.decode())
        }
        sign_type = given.get("sign_type", "MD5")
        if self.sign(given, sign_type) != given.get("sign") or given.get("mch_id") != MCHID:
            self._base.trace.note(NAME, api.name, body, "FAIL")
            said = "<return_code><![CDATA[FAIL]]></return_code><return_msg>签名错误</return_msg>"
            return _xml(f"<xml>{said}</xml>".encode())
        unknown = sorted(set(given) - api.fields - {"mch_id", "nonce_str", "sign_type", "sign"})
        if unknown or ("nonce_str" in given) is not api.nonce:
            self._base.fail(f"wechat_pay {api.name}: unknown {unknown}")
        facts = self._facts(api, given, fault)
        self._base.trace.note(NAME, api.name, body, facts.get("err_code", "SUCCESS"))
        sent = self.message({"return_code": "SUCCESS", "return_msg": "OK", **facts}, sign_type)
        if fault is Fault.UNSIGNED_ANSWER:
            sent = re.sub(rb"<sign>.*?</sign>", b"", sent)
        if fault is Fault.WRONG_SIGNATURE:
            sent = sent.replace(b"</xml>", b"<attach>x</attach></xml>")
        return _xml(sent)

    def _facts(self, api: V2Api, given: Fields, fault: Fault | None) -> dict[str, str]:
        try:
            if fault is Fault.SYSTEM_ERROR:
                raise PayTrouble(500, "SYSTEM_ERROR")
            return {"result_code": "SUCCESS", **api.play(given, fault)}
        except PayTrouble as trouble:
            # V2 writes its codes without underscores.
            code = trouble.code.replace("_", "")
            return {"result_code": "FAIL", "err_code": code, "err_code_des": str(trouble)}

    def _micropay(self, given: Fields, fault: Fault | None) -> dict[str, str]:
        number, content = given["out_trade_no"], "|".join(sorted(given.values()))
        if number in self._orders.orders:
            raise PayTrouble(403, "OUT_TRADE_NO_USED")
        order, _ = self._orders.make(
            number, "MICROPAY", given["appid"], int(given["total_fee"]), content
        )
        mood = self._orders.scan(order, given["auth_code"])
        if fault in {Fault.PENDING_THEN_PAID, Fault.PENDING_FOR_EVER}:
            order.state, mood = "USERPAYING", "types"
            order.waits = 2 if fault is Fault.PENDING_THEN_PAID else 0
        if mood != "pays":
            raise PayTrouble(202, "USER_PAYING")
        facts = _order(order)
        del facts["trade_state"]
        return facts

    def _query(self, given: Fields, _fault: Fault | None) -> dict[str, str]:
        return _order(self._orders.find(given["out_trade_no"]))

    def _reverse(self, given: Fields, fault: Fault | None) -> dict[str, str]:
        if fault is Fault.REFUSE:
            return {"recall": "Y"}
        self._orders.reverse(given["out_trade_no"])
        return {"recall": "N"}

    def _agreement(self, given: Fields, _fault: Fault | None) -> dict[str, str]:
        found = self._contract(lambda each: each.number == given["contract_code"])
        return {
            "contract_id": found.id,
            "contract_code": found.number,
            "plan_id": found.plan_id,
            "openid": found.openid,
            "contract_state": "0" if found.active else "1",
        }

    def _end(self, given: Fields, _fault: Fault | None) -> dict[str, str]:
        found = self._contract(lambda each: each.id == given["contract_id"])
        found.active = False
        return {"contract_id": found.id, "plan_id": found.plan_id}

    def _contract(self, wanted: Callable[[PayContract], bool]) -> PayContract:
        found = next(filter(wanted, self._orders.contracts.values()), None)
        if found is None:
            raise PayTrouble(404, "CONTRACT_NOT_EXIST")
        return found

    def _collect(self, given: Fields, _fault: Fault | None) -> dict[str, str]:
        said = sorted(set(given) - {"nonce_str", "sign"})
        content = "|".join(given[name] for name in said)
        order, new = self._orders.make(
            given["out_trade_no"], "PAP", given["appid"], int(given["total_fee"]), content
        )
        if new:
            try:
                self._orders.collect(order, given["contract_id"], None)
            except PayTrouble as trouble:
                if trouble.code != "NOT_ENOUGH":
                    del self._orders.orders[order.number]
                    raise
        return {"appid": given["appid"]}


def _order(order: PayOrder) -> dict[str, str]:
    facts = {
        "appid": order.app_id,
        "out_trade_no": order.number,
        "trade_state": order.state,
        "trade_state_desc": "说明",
    }
    if order.paid_at is None:
        return facts
    return facts | {
        "openid": order.openid,
        "trade_type": order.kind,
        "transaction_id": order.transaction_id,
        "total_fee": str(order.total),
        "cash_fee": str(order.total),
        "fee_type": "CNY",
        "time_end": v2_instant(order.paid_at),
    }


def v2_instant(instant: datetime) -> str:
    """Fourteen digits of Shanghai."""
    return f"{instant.astimezone(SHANGHAI):%Y%m%d%H%M%S}"


def _xml(body: bytes) -> Response:
    return Response(body, media_type="text/xml")
