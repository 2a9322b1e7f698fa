"""What the Alipay app does for a person: it hands out codes, pays, signs and subscribes."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from adapters.sandbox.alipay.agreements import AgreementBook
from adapters.sandbox.alipay.identity import Identity
from adapters.sandbox.alipay.keys import AlipayKeys, serial
from adapters.sandbox.alipay.protocol import Call, Refusal, read_call, read_fields, sign_notice
from adapters.sandbox.alipay.trades import TradeBook
from adapters.sandbox.base import Act, Base
from adapters.sandbox.people import Person

_ROOT = "/_wallet/alipay"
_RELEASES = ("user_name", "cert_type", "cert_no", "mobile", "is_student_certified")
Asked: TypeAlias = dict[str, Any]
Deed: TypeAlias = Callable[[Asked], Any]


def wallet_acts(app_id: str) -> list[Act]:
    """What a person does in Alipay for one app."""
    code, given = f"{_ROOT}/auth_code", {"app_id": app_id}
    return [
        Act("支付宝登录", "Alipay sign-in", code, {**given, "scopes": ["auth_base"]}),
        Act("支付宝实名", "Alipay real name", code, {**given, "scopes": ["auth_user"]}),
        Act("支付宝核验", "Alipay comparison", code, {**given, "scopes": ["id_verify"]}),
        Act("支付宝手机号", "Alipay number", f"{_ROOT}/phone", given),
    ]


class Wallet:
    """Every path takes JSON by POST; what cannot be done is 404."""

    def __init__(
        self,
        base: Base,
        app_id: str,
        keys: AlipayKeys,
        identity: Identity,
        trades: TradeBook,
        agreements: AgreementBook,
    ) -> None:
        self._base = base
        self._app_id = app_id
        self._keys = keys
        self._identity = identity
        self._trades = trades
        self._agreements = agreements
        self._subscriptions: Counter[tuple[str, str]] = Counter()

    def routes(self) -> list[BaseRoute]:
        """Their routes, all below /_wallet/alipay/."""
        deeds: dict[str, Deed] = {
            "auth_code": self._auth_code,
            "phone": self._phone,
            "subscribe": self._subscribe,
            "pay_code": self._pay_code,
            "pay": self._pay,
            "app_pay": self._app_pay,
            "sign": self._sign,
            "agreement": self._agreement,
            "trade": lambda asked: self._trades.find(asked["out_trade_no"]),
            "notice": self._notice,
        }
        return [
            Route(f"{_ROOT}/{name}", _answering(deed), methods=["POST"])
            for name, deed in deeds.items()
        ]

    def use_subscription(self, open_id: str, template: str) -> bool:
        """Uses up one message that somebody asked for; False if there is none."""
        held = self._subscriptions[open_id, template]
        if held:
            self._subscriptions[open_id, template] -= 1
        return held > 0

    def _auth_code(self, asked: Asked) -> dict[str, str]:
        """{person, app_id, scopes, releases?, grouped?}: `my.getAuthCode`."""
        person = self._person(asked)
        scopes, releases = asked.get("scopes", ["auth_base"]), asked.get("releases", _RELEASES)
        grouped = bool(asked.get("grouped"))
        code = self._identity.new_code(person, scopes, releases, grouped=grouped)
        return {"code": code, "open_id": self._identity.open_id(person)}

    def _phone(self, asked: Asked) -> dict[str, str]:
        """{person, app_id, agrees?}: `my.getPhoneNumber`."""
        person = self._person(asked)
        return self._identity.new_phone(person, agrees=bool(asked.get("agrees", True)))

    def _subscribe(self, asked: Asked) -> dict[str, str]:
        """{person, app_id, template}: `my.requestSubscribeMessage`, for one message."""
        open_id = self._identity.open_id(self._person(asked))
        self._subscriptions[open_id, asked["template"]] += 1
        return {"open_id": open_id}

    def _pay_code(self, asked: Asked) -> dict[str, str]:
        """{person, app_id, answer?}: the code a till scans; `answer` is 10003 or an ACQ code."""
        open_id = self._identity.open_id(self._person(asked))
        return {"auth_code": self._trades.new_wallet_code(open_id, asked.get("answer", ""))}

    def _pay(self, asked: Asked) -> dict[str, str] | None:
        """{person, app_id, out_trade_no, agrees?}: `my.tradePay`, or the typed password."""
        open_id = self._identity.open_id(self._person(asked))
        agrees = bool(asked.get("agrees", True))
        settled = self._trades.settle(asked["out_trade_no"], open_id, agrees=agrees)
        return {"open_id": open_id} if settled else None

    def _app_pay(self, asked: Asked) -> dict[str, str] | None:
        """{person, app_id, text}: the native app hands over its signed order, and it is paid."""
        call = self._verified(asked["text"], "alipay.trade.app.pay")
        self._trades.order(call)
        return self._pay(asked | {"out_trade_no": call.content["out_trade_no"]})

    def _sign(self, asked: Asked) -> dict[str, str] | None:
        """{person, app_id, text}: `my.paySignCenter` with a signed agreement."""
        open_id = self._identity.open_id(self._person(asked))
        call = self._verified(asked["text"], "alipay.user.agreement.page.sign")
        agreement_no = self._agreements.sign(dict(call.content), open_id)
        return None if agreement_no is None else {"agreement_no": agreement_no}

    def _agreement(self, asked: Asked) -> dict[str, str] | None:
        """{external_agreement_no, status}: STOP, NORMAL or ENDED, without any notice."""
        changed = self._agreements.change(asked["external_agreement_no"], asked["status"])
        return {"status": asked["status"]} if changed else None

    def _notice(self, asked: Asked) -> dict[str, str]:
        """{fields, kind: trade or app, certificate?}: the form that Alipay would post."""
        fields = {"app_id": self._app_id, "charset": "utf-8", **asked["fields"]}
        if asked.get("certificate"):
            fields["alipay_cert_sn"] = serial(self._keys.now.certificate)
        signed = sign_notice(fields, self._keys.now, keep_sign_type=asked["kind"] == "app")
        return {"form": urlencode(signed)}

    def _person(self, asked: Asked) -> Person:
        person = self._base.people.find(asked["person"])
        if person is None or asked["app_id"] != self._app_id:
            raise KeyError(asked["person"])
        return person

    def _verified(self, text: str, method: str) -> Call:
        """A signed text that the app passed to the wallet. Raises: Refusal."""
        call = read_call(read_fields(text), self._app_id, self._keys, self._base.clock())
        if call.method != method or not call.fields.get("notify_url"):
            raise Refusal("40004", "INVALID_PARAMETER")
        return call


def _answering(deed: Deed) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def answer(request: Request) -> JSONResponse:
        try:
            done = deed(await request.json())
        except Refusal as refusal:
            return JSONResponse(refusal.facts(), 404)
        except (KeyError, ValueError, TypeError) as error:
            return JSONResponse({"missing": str(error)}, 404)
        return JSONResponse(done, 404 if done is None else 200)

    return answer
