"""The pretend WeChat Pay, API v3: verifies what merchants sign, signs what it answers."""

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from adapters.sandbox.base import Base
from adapters.sandbox.carriage import CARRIAGE, carried
from adapters.sandbox.faults import Fault
from adapters.sandbox.wechat_pay_keys import PayKeys
from adapters.sandbox.wechat_pay_orders import PayOrder, PayOrders, PayRefund, PayTrouble

NAME = "wechat_pay"
MCHID, SUB_MCHID = "1000000001", "1000000109"
TOLERANCE_SECONDS = 300
SHANGHAI = timezone(timedelta(hours=8))
PAY_FAULTS = CARRIAGE | {
    Fault.REFUSE, Fault.SYSTEM_ERROR, Fault.QUOTA, Fault.UNSIGNED_ANSWER, Fault.WRONG_SIGNATURE,
    Fault.UNKNOWN_SERIAL, Fault.CLOCK_SKEW, Fault.KEY_ROTATED, Fault.SIGNTEST,
    Fault.REFUND_ABNORMAL, Fault.BILL_NOT_READY, Fault.PENDING_THEN_PAID, Fault.PENDING_FOR_EVER,
}  # fmt: skip
_SCHEME = re.compile(r"WECHATPAY2-SHA256-RSA2048 (.+)")
_PAIR = re.compile(r'(\w+)="([^"]*)"')
Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A verified request."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Facts
    fault: Fault | None


@dataclass(frozen=True, slots=True)
class PayApi:
    """One path; `play` answers a status, and a body or none."""

    method: str
    path: str
    name: str
    fields: frozenset[str]
    play: Callable[[Call], tuple[int, Facts | None]]


class WechatPay:
    """The merchants' side of v3."""

    def __init__(self, base: Base, keys: PayKeys, orders: PayOrders) -> None:
        base.faults.known[NAME] = PAY_FAULTS
        self.base = base
        self.keys = keys
        self.orders = orders
        self.bills: dict[str, bytes] = {}
        self._nonces: set[str] = set()

    def routes(self) -> list[BaseRoute]:
        """Their routes."""
        apis = self._apis()
        routes: list[BaseRoute] = [
            Route(api.path, self.endpoint(api), methods=[api.method]) for api in apis
        ]
        return [*routes, Route("/v3/billdownload/file", self.download)]

    def _apis(self) -> list[PayApi]:
        order = frozenset(
            {
                "appid", "mchid", "description", "out_trade_no", "time_expire", "notify_url",
                "amount", "payer",
            }
        )  # fmt: skip
        scan = frozenset(
            {"appid", "mchid", "description", "out_trade_no", "amount", "payer", "scene_info"}
        )
        refund = frozenset({"transaction_id", "out_refund_no", "reason", "notify_url", "amount"})
        number = "/v3/pay/transactions/out-trade-no/{number}"
        return [
            PayApi("GET", "/v3/certificates", "certificates", frozenset(), self._certificates),
            PayApi("POST", "/v3/pay/transactions/jsapi", "jsapi", order, self._jsapi),
            PayApi("POST", "/v3/pay/transactions/app", "app", order - {"payer"}, self._app),
            PayApi("POST", "/v3/pay/transactions/codepay", "codepay", scan, self._codepay),
            PayApi("GET", number, "query", frozenset({"mchid"}), self._query),
            PayApi("POST", f"{number}/close", "close", frozenset({"mchid"}), self._close),
            PayApi("POST", f"{number}/reverse", "reverse", frozenset({"appid", "mchid"}),
                   self._reverse),
            PayApi("POST", "/v3/refund/domestic/refunds", "refund", refund, self._refund),
            PayApi("GET", "/v3/refund/domestic/refunds/{number}", "refund_query", frozenset(),
                   self._refund_query),
            PayApi("GET", "/v3/bill/tradebill", "tradebill", frozenset({"bill_date"}),
                   self._tradebill),
        ]  # fmt: skip

    def endpoint(self, api: PayApi) -> Callable[[Request], Any]:
        """What takes the requests of a path; also for the other products of v3."""

        async def answer(request: Request) -> Response:
            body = await request.body()
            faults = self.base.faults
            fault = faults.take(NAME, api.name)
            return await carried(
                self.base.faults, fault, lambda: self._answer(api, request, body, fault)
            )

        return answer

    def _answer(self, api: PayApi, request: Request, body: bytes, fault: Fault | None) -> Response:
        try:
            self.verify(request, body)
            status, facts = api.play(self._call(api, request, body, fault))
        except PayTrouble as trouble:
            status, facts = trouble.status, {"code": trouble.code, "message": str(trouble)}
        sent = b"" if facts is None else json.dumps(facts, ensure_ascii=False).encode()
        self.base.trace.note(NAME, api.name, body, f"{status} {(facts or {}).get('code', '')}")
        serial = request.headers.get("wechatpay-serial")
        headers = {"Content-Type": "application/json"} | self._proof(sent, serial, fault)
        return Response(sent, status, headers)

    def verify(self, request: Request, body: bytes) -> None:
        """Whether the merchant signed exactly this request, now and never before."""
        scheme = _SCHEME.fullmatch(request.headers.get("authorization", ""))
        given = dict(_PAIR.findall(scheme[1])) if scheme else {}
        target = request.scope["raw_path"].split(b"?")[0]
        if request.scope["query_string"]:
            target += b"?" + request.scope["query_string"]
        seconds, nonce = given.get("timestamp", ""), given.get("nonce_str", "")
        text = b"\n".join(
            (request.method.encode(), target, seconds.encode(), nonce.encode(), body, b"")
        )
        ours = (MCHID, self.keys.merchant.serial) == (given.get("mchid"), given.get("serial_no"))
        if not ours or not self.keys.is_merchants(text, given.get("signature", "")):
            raise PayTrouble(401, "SIGN_ERROR", "signature")
        if abs(self.base.clock().timestamp() - int(seconds)) > TOLERANCE_SECONDS:
            raise PayTrouble(401, "SIGN_ERROR", "timestamp")
        if nonce in self._nonces:
            self.base.fail("wechat_pay: a nonce was used twice")
        self._nonces.add(nonce)

    def _call(self, api: PayApi, request: Request, body: bytes, fault: Fault | None) -> Call:
        query = dict(request.query_params)
        facts = json.loads(body) if body else {}
        unknown = sorted((set(query) | set(facts)) - api.fields)
        if unknown:
            self.base.fail(f"wechat_pay {api.name}: unknown {unknown}")
        if fault is Fault.SYSTEM_ERROR:
            raise PayTrouble(500, "SYSTEM_ERROR")
        if fault is Fault.QUOTA:
            raise PayTrouble(429, "FREQUENCY_LIMITED")
        if facts.get("mchid", query.get("mchid", MCHID)) != MCHID:
            raise PayTrouble(400, "APPID_MCHID_NOT_MATCH")
        return Call(request.path_params, query, facts, fault)

    def _proof(self, body: bytes, serial: str | None, fault: Fault | None) -> dict[str, str]:
        if fault is Fault.KEY_ROTATED:
            self.keys.rotate()
        skewed = self.base.clock() - timedelta(seconds=600)
        headers = self.keys.signed(body, serial, at=skewed if fault is Fault.CLOCK_SKEW else None)
        if fault is Fault.UNSIGNED_ANSWER:
            return {}
        if fault is Fault.WRONG_SIGNATURE:
            return headers | {
                "Wechatpay-Signature": self.keys.signed(body + b" ", serial)["Wechatpay-Signature"]
            }
        if fault is Fault.UNKNOWN_SERIAL:
            return headers | {"Wechatpay-Serial": "0" * 40}
        if fault is Fault.SIGNTEST:
            return headers | {"Wechatpay-Signature": f"WECHATPAY/SIGNTEST/{secrets.token_hex(16)}"}
        return headers

    def _certificates(self, _call: Call) -> tuple[int, Facts]:
        listed = [
            {
                "serial_no": each.serial,
                "effective_time": rfc3339(each.certificate.not_valid_before_utc),
                "expire_time": rfc3339(each.certificate.not_valid_after_utc),
                "encrypt_certificate": self.keys.sealed(each.pem.encode(), "certificate"),
            }
            for each in self.keys.platform
        ]
        return 200, {"data": listed}

    def _jsapi(self, call: Call) -> tuple[int, Facts]:
        return self._prepay(call, "JSAPI", call.body["payer"]["openid"])

    def _app(self, call: Call) -> tuple[int, Facts]:
        return self._prepay(call, "APP", "")

    def _prepay(self, call: Call, kind: str, openid: str) -> tuple[int, Facts]:
        body = call.body
        content, total = json.dumps(body, sort_keys=True), amount_in(body)
        order, _ = self.orders.make(body["out_trade_no"], kind, body["appid"], total, content)
        order = self.orders.find(order.number)
        order.openid, order.until = openid, datetime.fromisoformat(body["time_expire"])
        if order.state == "CLOSED":
            raise PayTrouble(400, "ORDER_CLOSED")
        if order.state != "NOTPAY":
            raise PayTrouble(400, "ORDERPAID")
        prepay_id = f"wx{secrets.token_hex(17)}"
        self.orders.prepaid[prepay_id] = order.number
        return 200, {"prepay_id": prepay_id}

    def _codepay(self, call: Call) -> tuple[int, Facts]:
        body = call.body
        content, total = json.dumps(body, sort_keys=True), amount_in(body)
        if body["out_trade_no"] in self.orders.orders:
            raise PayTrouble(403, "OUT_TRADE_NO_USED")
        order, _ = self.orders.make(body["out_trade_no"], "MICROPAY", body["appid"], total, content)
        mood = self.orders.scan(order, body["payer"]["auth_code"])
        if call.fault in {Fault.PENDING_THEN_PAID, Fault.PENDING_FOR_EVER}:
            order.state, mood = "USERPAYING", "types"
            order.waits = 2 if call.fault is Fault.PENDING_THEN_PAID else 0
        if mood == "types":
            raise PayTrouble(202, "USERPAYING")
        return 200, order_facts(order) if mood == "pays" else {"trade_state": "USERPAYING"}

    def _query(self, call: Call) -> tuple[int, Facts]:
        kinds = frozenset({"JSAPI", "APP", "MICROPAY"})
        return 200, order_facts(self.orders.find(call.path["number"], kinds))

    def _close(self, call: Call) -> tuple[int, None]:
        self.orders.close(call.path["number"])
        return 204, None

    def _reverse(self, call: Call) -> tuple[int, Facts]:
        number = call.path["number"]
        self.orders.reverse(number)
        return 200, {"appid": call.body["appid"], "mchid": MCHID, "out_trade_no": number}

    def _refund(self, call: Call) -> tuple[int, Facts]:
        body, amount = call.body, call.body["amount"]
        made = self.orders.refund(
            body["transaction_id"], body["out_refund_no"], amount["refund"], amount["total"]
        )
        if call.fault is Fault.REFUND_ABNORMAL:
            made.state = "ABNORMAL"
        return 200, refund_facts(made)

    def _refund_query(self, call: Call) -> tuple[int, Facts]:
        found = self.orders.refunds.get(call.path["number"])
        if found is None:
            raise PayTrouble(404, "RESOURCE_NOT_EXISTS")
        return 200, refund_facts(found)

    def _tradebill(self, call: Call) -> tuple[int, Facts]:
        day = call.query["bill_date"]
        if call.fault is Fault.BILL_NOT_READY:
            raise PayTrouble(400, "STATEMENT_CREATING")
        rows = [
            f"`{o.paid_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S},`{o.number},"
            f"`{o.total // 100}.{o.total % 100:02d}"
            for o in self.orders.orders.values()
            if o.paid_at is not None and f"{o.paid_at.astimezone(SHANGHAI):%Y-%m-%d}" == day
        ]
        if not rows:
            raise PayTrouble(400, "NO_STATEMENT_EXIST")
        file = "\r\n".join(["\ufeff交易时间,商户订单号,订单金额", *rows]).encode()
        token = secrets.token_urlsafe(24)
        self.bills[token] = file
        digest = hashlib.sha1(file).hexdigest()  # noqa: S324 - the protocol's own
        url = f"https://api.mch.weixin.qq.com/v3/billdownload/file?token={token}"
        return 200, {"hash_type": "SHA1", "hash_value": digest, "download_url": url}

    async def download(self, request: Request) -> Response:
        """GET /v3/billdownload/file: signed for, and answered without a signature."""
        fault = self.base.faults.take(NAME, "billdownload")

        def file() -> Response:
            try:
                self.verify(request, b"")
            except PayTrouble as trouble:
                return Response(trouble.code, trouble.status)
            bill = self.bills.get(request.query_params.get("token", ""), b"")
            changed = fault is Fault.WRONG_SIGNATURE
            return Response(bill.replace(b"`0.", b"`9.") if changed else bill)

        return await carried(self.base.faults, fault, file)


def amount_in(body: Facts) -> int:
    """The fen of a request, which are a whole number of yuan's hundredths."""
    amount = body["amount"]
    if type(amount["total"]) is not int or amount["total"] < 1 or amount["currency"] != "CNY":
        raise PayTrouble(400, "PARAM_ERROR", "amount")
    return int(amount["total"])


def order_facts(order: PayOrder) -> Facts:
    """An order as v3 tells of it."""
    facts: dict[str, Any] = {
        "appid": order.app_id,
        "mchid": MCHID,
        "out_trade_no": order.number,
        "trade_type": order.kind,
        "trade_state": order.state,
        "trade_state_desc": '说明 {a "brace"}',
    }
    if order.sub_mchid:
        facts["sub_mchid"] = order.sub_mchid
    if order.paid_at is None:
        return facts
    return facts | {
        "transaction_id": order.transaction_id,
        "success_time": rfc3339(order.paid_at),
        "payer": {"openid": order.openid},
        "amount": {
            "total": order.total,
            "payer_total": order.total,
            "currency": "CNY",
            "payer_currency": "CNY",
        },
    }


def refund_facts(refund: PayRefund) -> Facts:
    """A refund as v3 tells of it."""
    facts: dict[str, Any] = {
        "refund_id": refund.refund_id,
        "out_refund_no": refund.number,
        "transaction_id": refund.order.transaction_id,
        "out_trade_no": refund.order.number,
        "status": refund.state,
        "amount": {"refund": refund.fen, "total": refund.order.total, "currency": "CNY"},
    }
    return facts | ({"success_time": rfc3339(refund.done_at)} if refund.done_at else {})


def rfc3339(instant: datetime) -> str:
    """An instant with Shanghai's offset."""
    return instant.astimezone(SHANGHAI).isoformat(timespec="seconds")
