"""What an answer has to be before it is believed, and what becomes of one that is lost."""

import pytest

from adapters.http import HttpAnswer, NothingSent
from adapters.wechat.pay import orders
from adapters.wechat.pay.client import V3
from adapters.wechat.pay.merchant import open_merchant
from adapters.wechat.pay.wire import OrderState
from core.ports.providers import (
    Done,
    ProviderMisconfigured,
    ProviderThrottled,
    RefusalReason,
    Refused,
    Unknown,
)
from tests.contract.sandbox import free_port
from tests.contract.tencent import Watch, real_time
from tests.contract.wechat_pay.shop import new_order, paid_order, settings
from tests.factories.chance import counted_entropy

UNPROVED = ["unsigned_answer", "wrong_signature", "unknown_serial", "clock_skew", "signtest"]


@pytest.mark.parametrize("fault", UNPROVED)
async def test_unsigned_2xx_is_unknown(v3: V3, watch: Watch, fault: str) -> None:
    asked = new_order()
    await watch.sandbox.fail("wechat_pay", fault, api="jsapi")
    assert await orders.create(v3, asked) == Unknown("an unsigned answer")
    assert isinstance(await orders.find(v3, asked.number), Done)


@pytest.mark.parametrize("fault", UNPROVED)
async def test_an_unsigned_no_is_unknown_too(v3: V3, watch: Watch, fault: str) -> None:
    order = await paid_order(v3, watch.sandbox)
    closed = new_order()
    await orders.create(v3, closed)
    await orders.close(v3, closed.number)
    await watch.sandbox.fail("wechat_pay", fault, api="jsapi")
    assert await orders.create(v3, closed) == Unknown("ORDER_CLOSED")
    await watch.sandbox.fail("wechat_pay", fault, api="query")
    assert await orders.find(v3, order.number) == Unknown("an unsigned answer")


@pytest.mark.parametrize(
    ("fault", "known"),
    [
        ("timeout_before", False),
        ("timeout_after_effect", True),
        ("slow_drip", True),
        ("reset", True),
        ("html_502", True),
        ("system_error", False),
    ],
)
@pytest.mark.usefixtures("impatient")
async def test_a_lost_answer_is_unknown_and_the_number_tells(
    v3: V3, watch: Watch, fault: str, known: bool
) -> None:
    asked = new_order()
    await watch.sandbox.fail("wechat_pay", fault, api="jsapi", count=1)
    assert isinstance(await orders.create(v3, asked), Unknown)
    found = await orders.find(v3, asked.number)
    assert isinstance(found, Done) is known
    again = await orders.create(v3, asked)
    assert isinstance(again, Done)
    found = await orders.find(v3, asked.number)
    assert isinstance(found, Done)
    assert found.fact.state is OrderState.NOTPAY


async def test_a_spent_quota_is_throttled_and_makes_nothing(v3: V3, watch: Watch) -> None:
    asked = new_order()
    await watch.sandbox.fail("wechat_pay", "quota", count=1)
    with pytest.raises(ProviderThrottled) as refusal:
        await orders.create(v3, asked)
    assert refusal.value.seconds == 60
    assert await orders.find(v3, asked.number) == Unknown("ORDER_NOT_EXIST")


async def test_where_nobody_listens_nothing_was_sent(keys: dict[str, str]) -> None:
    nowhere = settings(keys, f"http://127.0.0.1:{free_port()}", v2=None)
    merchant = open_merchant(nowhere, real_time(), counted_entropy())
    with pytest.raises(NothingSent):
        await orders.create(merchant.v3, new_order())
    await merchant.close()


async def test_a_wrong_key_or_serial_number_is_ours_to_mend(
    watch: Watch, keys: dict[str, str]
) -> None:
    wrong = settings(keys, watch.sandbox.url, serial_no="00", v2=None)
    merchant = open_merchant(wrong, real_time(), counted_entropy("wrong"))
    with pytest.raises(ProviderMisconfigured, match="SIGN_ERROR"):
        await orders.create(merchant.v3, new_order())
    await merchant.close()


def _answered(v3: V3, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes) -> None:
    """The next answers are signed, and these."""

    async def exchange(*_given: object) -> HttpAnswer:
        return HttpAnswer(status, {}, body)

    async def proves(*_given: object) -> bool:
        return True

    monkeypatch.setattr(v3, "exchange", exchange)
    monkeypatch.setattr(v3.ring, "proves", proves)


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (500, b'{"code": "SYSTEM_ERROR"}', Unknown("SYSTEM_ERROR")),
        (503, b'{"code": "NEW"}', Unknown("NEW")),
        (502, b"{}", Unknown("HTTP 502")),
        (404, b"{}", Refused(RefusalReason.OTHER, "HTTP 404")),
        (302, b"", Refused(RefusalReason.OTHER, "HTTP 302")),
        (200, b"<html>", Unknown("HTTP 200")),
        (200, b"[]", Unknown("HTTP 200")),
        (200, b"{}", Unknown("trade_state")),
        (200, b'{"code": "NEW", "trade_state": "SUCCESS"}', Refused(RefusalReason.OTHER, "NEW")),
    ],
)
async def test_a_status_is_no_order(
    v3: V3, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, outcome: object
) -> None:
    _answered(v3, monkeypatch, status, body)
    assert await orders.find(v3, "001P1") == outcome


async def test_a_status_without_a_code_still_says_whose_fault_it_is(
    v3: V3, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answered(v3, monkeypatch, 401, b"{}")
    with pytest.raises(ProviderMisconfigured):
        await orders.find(v3, "001P1")
    _answered(v3, monkeypatch, 429, b"")
    with pytest.raises(ProviderThrottled):
        await orders.find(v3, "001P1")


@pytest.mark.parametrize(
    "changed",
    [
        {"private_key": "not a key"},
        {"public_keys": {"PUB_KEY_ID_1": "not a key"}},
    ],
)
def test_a_key_that_is_none_stops_the_start(
    keys: dict[str, str], changed: dict[str, object]
) -> None:
    with pytest.raises(ProviderMisconfigured, match="cannot be read"):
        open_merchant(
            settings(keys, "https://x.example", **changed), real_time(), counted_entropy()
        )


def test_a_certificate_that_is_none_stops_the_start(keys: dict[str, str]) -> None:
    v2 = {"key": keys["api_v2_key"], "certificate": "not one", "client_ip": "203.0.113.7"}
    with pytest.raises(ProviderMisconfigured, match="certificate cannot be read"):
        open_merchant(settings(keys, "https://x.example", v2=v2), real_time(), counted_entropy())


async def test_secrets_are_in_no_text(
    v3: V3, watch: Watch, keys: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    made = settings(keys, watch.sandbox.url)
    await paid_order(v3, watch.sandbox)
    told = repr(made) + made.model_dump_json() + caplog.text
    for secret in (keys["private_key"][40:80], keys["api_v3_key"], keys["api_v2_key"]):
        assert secret not in told
