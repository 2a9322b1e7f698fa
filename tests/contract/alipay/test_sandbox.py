"""The pretend Alipay itself: strict with its callers, in both modes, by GET and by POST."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import httpx2
import pytest
from starlette.applications import Starlette

from adapters.alipay.certificates import app_serial, root_serial
from adapters.alipay.forms import Forms
from adapters.sandbox.alipay.gateway import Alipay
from adapters.sandbox.base import Base, Mode
from tests.contract.alipay.stand import Stand
from tests.contract.sandbox import Sandbox
from tests.factories.chance import HandClock


class Own:
    """A pretend Alipay in this process, with a caller."""

    def __init__(self, mode: Mode) -> None:
        self.clock = HandClock(datetime(2026, 9, 1, 4, tzinfo=UTC))
        self.base = Base.on(self.clock.now, mode)
        provider = Alipay(self.base).provider()
        self.application = Starlette(routes=list(provider.routes))
        self.stand = Stand(Sandbox("http://127.0.0.1:1", 1), dict(provider.credentials()), "key")

    @property
    def app_serial(self) -> str:
        """How Alipay calls the app's certificate."""
        return app_serial(self.stand.credentials["app_certificate"])

    @property
    def root_serial(self) -> str:
        """How Alipay calls its root."""
        return root_serial(self.stand.credentials["alipay_root_certificate"])

    def form(self, method: str, content: dict[str, Any], **changes: str) -> dict[str, str]:
        """A signed form, changed after it was signed."""
        forms = Forms(self.stand.settings(), self.clock)
        return dict(parse_qsl(forms.signed(method, content))) | changes

    async def ask(self, form: dict[str, str], *, get: bool = False) -> dict[str, Any]:
        """The answer."""
        transport = httpx2.ASGITransport(app=self.application)
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://sandbox.example", trust_env=False
        ) as client:
            if get:
                answer = await client.get("/gateway.do", params=form)
            else:
                answer = await client.post("/gateway.do", data=form)
        found: dict[str, Any] = answer.json()
        return found


QUERY = "alipay.trade.query"
NOT_THERE = "ACQ.TRADE_NOT_EXIST"


def _sub_code(answer: dict[str, Any]) -> str:
    code: str = answer["alipay_trade_query_response"]["sub_code"]
    return code


@pytest.mark.parametrize("get", [False, True])
async def test_the_gateway_answers_get_and_post(get: bool) -> None:
    own = Own(Mode.STRICT)
    answer = await own.ask(own.form(QUERY, {"out_trade_no": "N"}), get=get)
    assert _sub_code(answer) == NOT_THERE
    assert set(answer) == {"alipay_trade_query_response", "sign"}
    assert own.base.failures == []


async def test_a_strict_gateway_refuses_and_counts_what_it_does_not_know() -> None:
    own = Own(Mode.STRICT)
    strange = await own.ask(own.form(QUERY, {"out_trade_no": "N", "trade_number": "T"}))
    assert _sub_code(strange) == "isv.invalid-parameter"
    unknown = await own.ask(own.form("alipay.trade.guess", {}))
    assert unknown["alipay_trade_guess_response"]["sub_code"] == "isv.invalid-method"
    assert own.base.failures == [
        "alipay: alipay.trade.query: trade_number",
        "alipay: no method alipay.trade.guess",
    ]


async def test_a_demonstration_forgives() -> None:
    own = Own(Mode.DEMO)
    strange = await own.ask(own.form(QUERY, {"out_trade_no": "N", "trade_number": "T"}))
    assert _sub_code(strange) == NOT_THERE
    await own.ask(own.form("alipay.trade.guess", {}))
    assert own.base.failures == []


@pytest.mark.parametrize(
    ("changes", "sub_code"),
    [
        ({"biz_content": '{"out_trade_no":"M"}'}, "isv.invalid-signature"),
        ({"sign": ""}, "isv.invalid-signature"),
        ({"timestamp": "2026-09-01 12:00:01"}, "isv.invalid-signature"),
        ({"sign_type": "RSA"}, "isv.invalid-signature-type"),
        ({"app_id": "2099000000000002"}, "isv.invalid-app-id"),
        ({"app_cert_sn": "0" * 32, "alipay_root_cert_sn": "0" * 32}, "isv.invalid-signature"),
    ],
)
async def test_what_our_app_did_not_sign_is_refused(changes: dict[str, str], sub_code: str) -> None:
    own = Own(Mode.STRICT)
    answer = await own.ask(own.form(QUERY, {"out_trade_no": "N"}, **changes))
    assert _sub_code(answer) == sub_code
    assert ("sign" in answer) is (sub_code == "isv.invalid-signature")


async def test_a_signature_under_a_foreign_certificate_is_refused() -> None:
    own = Own(Mode.STRICT)
    for app, root, good in (
        (own.app_serial, "0" * 32, False),
        ("0" * 32, own.root_serial, False),
        (own.app_serial, own.root_serial, True),
    ):
        named = {"app_cert_sn": app, "alipay_root_cert_sn": root}
        forms = Forms(own.stand.settings(), own.clock)
        form = dict(parse_qsl(forms.signed(QUERY, {"out_trade_no": "N"}, named)))
        assert _sub_code(await own.ask(form)) == (NOT_THERE if good else "isv.invalid-signature")


async def test_an_old_request_is_refused() -> None:
    own = Own(Mode.STRICT)
    form = own.form(QUERY, {"out_trade_no": "N"})
    own.clock.advance(minutes=16)
    assert _sub_code(await own.ask(form)) == "isv.invalid-timestamp"


@pytest.mark.parametrize(
    ("deed", "asked"),
    [
        ("auth_code", {"person": "nobody", "app_id": "2099000000000001"}),
        ("auth_code", {"person": "nobody"}),
        ("auth_code", []),
        ("pay", {}),
        ("agreement", {"external_agreement_no": "N", "status": "STOP"}),
        ("sign", {"person": "nobody", "text": "x"}),
        ("trade", {"out_trade_no": "nothing"}),
    ],
)
async def test_what_the_wallet_cannot_do_is_not_found(
    sandbox: Sandbox, deed: str, asked: object
) -> None:
    answer = await sandbox.ask("POST", f"/_wallet/alipay/{deed}", json=asked)
    assert answer.status_code == 404


async def test_the_trace_shows_what_was_made_of_a_call(stand: Stand) -> None:
    await stand.open().payments.query("traced")
    trace = await stand.sandbox.ask("GET", "/_trace", params={"provider": "alipay"})
    newest = trace.json()[-1]
    assert (newest["api"], newest["verdict"]) == (QUERY, f"40004 {NOT_THERE}")
