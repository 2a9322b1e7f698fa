"""`/gateway.do` of the pretend Alipay, by GET and by POST, in both modes, with its faults."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.sandbox.alipay.agreements import AgreementBook
from adapters.sandbox.alipay.identity import Identity
from adapters.sandbox.alipay.keys import AlipayKeys
from adapters.sandbox.alipay.protocol import (
    SHANGHAI,
    Call,
    Refusal,
    read_call,
    read_fields,
    write_answer,
)
from adapters.sandbox.alipay.trades import TradeBook
from adapters.sandbox.alipay.wallet import Wallet, wallet_acts
from adapters.sandbox.base import Base, Credentials, Mode, Provider
from adapters.sandbox.carriage import carried
from adapters.sandbox.faults import Fault

NAME = "alipay"
APP_ID = "2099000000000001"
GATEWAY = "/gateway.do"
_SKEW = timedelta(hours=1)
_JSON = "application/json;charset=utf-8"
_FAULTS = frozenset({
    Fault.SLOW, Fault.SLOW_DRIP, Fault.TIMEOUT_BEFORE, Fault.TIMEOUT_AFTER_EFFECT, Fault.RESET,
    Fault.HTML_502, Fault.SYSTEM_ERROR, Fault.UNSIGNED_ANSWER, Fault.WRONG_SIGNATURE,
    Fault.UNKNOWN_SERIAL, Fault.BRACE_IN_TEXT, Fault.ESCAPED_SLASH, Fault.TOKEN_DEAD, Fault.QUOTA,
    Fault.KEY_ROTATED, Fault.CLOCK_SKEW, Fault.PENDING_THEN_PAID, Fault.PENDING_FOR_EVER,
})  # fmt: skip
_SYSTEM_ERROR = Refusal("20000", "aop.unknow-error")
_COMMON = frozenset({
    "app_id", "method", "format", "charset", "sign_type", "sign", "timestamp", "version",
    "biz_content", "app_cert_sn", "alipay_root_cert_sn",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Method:
    """An API: what it does, and which fields it takes inside and beside biz_content."""

    run: Callable[[Call, Fault | None], Mapping[str, Any]]
    inside: frozenset[str]
    beside: frozenset[str] = frozenset()
    notifies: bool = False


class Alipay:
    """One customer with one app."""

    def __init__(self, base: Base) -> None:
        base.faults.known[NAME] = _FAULTS
        self._base = base
        self._keys = AlipayKeys(base.clock())
        self._identity = Identity(APP_ID, self._keys, base.clock)
        self._agreements = AgreementBook(base.clock)
        self._trades = TradeBook(base.clock, self._agreements)
        self._wallet = Wallet(
            base, APP_ID, self._keys, self._identity, self._trades, self._agreements
        )
        self._methods = self._all_methods()

    def provider(self) -> Provider:
        """Its routes."""
        gateway = Route(GATEWAY, self.gateway, methods=["GET", "POST"])
        return Provider(
            NAME, [gateway, *self._wallet.routes()], self._credentials, wallet_acts(APP_ID)
        )

    async def gateway(self, request: Request) -> Response:
        """One call; HTTP 200 whatever becomes of it."""
        query, form = request.url.query, (await request.body()).decode()
        try:
            fields = read_fields(query, form)
        except Refusal as refusal:
            return self._answered(query, form, {}, None, refusal)
        fault = self._base.faults.take(NAME, fields.get("method", ""))

        def effect() -> Response:
            try:
                facts: Mapping[str, Any] | Refusal = self._facts(fields, fault)
            except Refusal as refusal:
                facts = refusal
            return self._answered(query, form, fields, fault, facts)

        return await carried(self._base.faults, fault, effect)

    def _answered(
        self, query: str, form: str, fields: Mapping[str, str], fault: Fault | None,
        found: Mapping[str, Any] | Refusal,
    ) -> Response:  # fmt: skip
        signed = not isinstance(found, Refusal) or found.signed
        if fault is Fault.SYSTEM_ERROR:
            found = _SYSTEM_ERROR
        facts = found.facts() if isinstance(found, Refusal) else found
        method, serials = fields.get("method", ""), "app_cert_sn" in fields
        verdict = f"{facts.get('code', '10000')} {facts.get('sub_code', '')} {fault or ''}"
        self._base.trace.note(NAME, method, f"{query}\n{form}", verdict.strip())
        spoiled = fault if signed else Fault.UNSIGNED_ANSWER
        answer = write_answer(method, facts, self._keys, spoiled, serials=serials)
        return Response(answer, media_type=_JSON)

    def _facts(self, fields: Mapping[str, str], fault: Fault | None) -> Mapping[str, Any]:
        now = self._base.clock() + (_SKEW if fault is Fault.CLOCK_SKEW else timedelta())
        call = read_call(fields, APP_ID, self._keys, now)
        if fault is Fault.QUOTA:
            raise Refusal("40005", "isv.app-call-limited")
        if fault is Fault.TOKEN_DEAD and "auth_token" in fields:
            raise Refusal("20001", "aop.auth-token-time-out")
        method = self._methods.get(call.method)
        if method is None:
            self._base.fail(f"alipay: no method {call.method}")
            raise Refusal("40001", "isv.invalid-method")
        self._check(call, method)
        return method.run(call, fault)

    def _check(self, call: Call, method: Method) -> None:
        beside = _COMMON | method.beside | ({"notify_url"} if method.notifies else set())
        strange = (set(call.fields) - beside) | (set(call.content) - method.inside)
        if method.notifies and "notify_url" not in call.fields:
            strange.add("no notify_url")
        for name in sorted(strange):
            self._base.fail(f"alipay: {call.method}: {name}")
        if strange and self._base.mode is Mode.STRICT:
            raise Refusal("40002", "isv.invalid-parameter")

    def _credentials(self) -> Credentials:
        return {"app_id": APP_ID, "gateway": GATEWAY, **self._keys.credentials()}

    def _all_methods(self) -> dict[str, Method]:
        identity, trades, agreements = self._identity, self._trades, self._agreements
        order = {"out_trade_no", "total_amount", "subject", "product_code", "time_expire"}
        named = {"external_agreement_no", "personal_product_code", "sign_scene", "alipay_open_id"}
        number = frozenset({"out_trade_no"})
        code_pay = order | {"scene", "auth_code", "terminal_params"}
        debit = order | {"agreement_params", "is_async_pay", "query_options"}
        return {
            "alipay.system.oauth.token": Method(
                _plain(identity.token), frozenset(), frozenset({"grant_type", "code"})
            ),
            "alipay.user.info.share": Method(
                _plain(identity.share), frozenset(), frozenset({"auth_token"})
            ),
            "alipay.user.certdoc.certverify.preconsult": Method(
                _plain(identity.preconsult),
                frozenset({"user_name", "cert_type", "cert_no", "mobile"}),
            ),
            "alipay.user.certdoc.certverify.consult": Method(
                _plain(identity.consult), frozenset({"verify_id"}), frozenset({"auth_token"})
            ),
            "alipay.open.app.mini.templatemessage.send": Method(
                _plain(self._send), frozenset({"to_open_id", "user_template_id", "page", "data"})
            ),
            "alipay.trade.create": Method(
                _plain(trades.create),
                frozenset(order | {"op_app_id", "buyer_open_id"}),
                notifies=True,
            ),
            "alipay.trade.pay": Method(
                self._pay(frozenset(code_pay), frozenset(debit)),
                frozenset(code_pay | debit),
                notifies=True,
            ),
            "alipay.trade.query": Method(_plain(trades.query), number),
            "alipay.trade.cancel": Method(_plain(trades.cancel), number),
            "alipay.trade.close": Method(_plain(trades.close), number),
            "alipay.trade.refund": Method(
                _plain(trades.refund), number | {"out_request_no", "refund_amount"}
            ),
            "alipay.trade.fastpay.refund.query": Method(
                _plain(trades.refund_query), number | {"out_request_no"}
            ),
            "alipay.user.agreement.query": Method(
                _plain(agreements.query), frozenset(named | {"agreement_no"})
            ),
            "alipay.user.agreement.unsign": Method(
                _plain(agreements.unsign), frozenset(named), notifies=True
            ),
            "alipay.data.dataservice.bill.downloadurl.query": Method(
                _plain(self._bill), frozenset({"bill_type", "bill_date"})
            ),
        }

    def _pay(
        self, code_pay: frozenset[str], debit: frozenset[str]
    ) -> Callable[[Call, Fault | None], Mapping[str, Any]]:
        def run(call: Call, fault: Fault | None) -> Mapping[str, Any]:
            allowed = debit if "agreement_params" in call.content else code_pay
            for name in sorted(set(call.content) - allowed):
                self._base.fail(f"alipay: {call.method}: {name} of the other product")
            return self._trades.pay(call, fault)

        return run

    def _send(self, call: Call) -> Mapping[str, Any]:
        """alipay.open.app.mini.templatemessage.send: a subscription is used up."""
        to, template = call.content.get("to_open_id", ""), call.content.get("user_template_id", "")
        if not self._wallet.use_subscription(to, template):
            raise Refusal("40004", "USER_NOT_SUBSCRIBED")
        text = str(call.content.get("data", ""))
        self._base.mailbox.put(secrets.token_hex(16), "ALIPAY", to, template, text)
        return {"code": "10000", "msg": "Success"}

    def _bill(self, call: Call) -> Mapping[str, Any]:
        """alipay.data.dataservice.bill.downloadurl.query: a day's bill is there on the next."""
        today = self._base.clock().astimezone(SHANGHAI).date()
        if date.fromisoformat(call.content["bill_date"]) >= today:
            raise Refusal("40004", "isp.bill_not_exist")
        url = f"https://bill.sandbox.example/{call.content['bill_date']}.zip"
        return {"code": "10000", "msg": "Success", "bill_download_url": url}


def _plain(
    run: Callable[[Call], Mapping[str, Any]],
) -> Callable[[Call, Fault | None], Mapping[str, Any]]:
    """A method that plays no fault of its own."""
    return lambda call, _fault: run(call)
