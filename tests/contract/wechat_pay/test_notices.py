"""Posted notices: WeChat's, about us, now; anything else is one kind of refusal."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from adapters.wechat.pay import notices
from adapters.wechat.pay.client import V3
from adapters.wechat.pay.notices import NoticeRefused
from adapters.wechat.pay.v2 import V2
from core.ports.providers import ProviderRefused
from tests.contract.sandbox import Sandbox
from tests.contract.tencent import Watch, act
from tests.contract.wechat_pay.shop import MINI_APP, paid_order

Headers = dict[str, str]
APPS = frozenset({MINI_APP})


async def _posted(v3: V3, sandbox: Sandbox, **asked: Any) -> tuple[Headers, bytes]:
    order = await paid_order(v3, sandbox)
    posted = await act(sandbox, "wechat_pay/notice", number=order.number, **asked)
    return posted["headers"], posted["body"].encode()


@pytest.mark.parametrize("by_public_key", [True, False])
async def test_a_genuine_notice_opens_whichever_key_signs(
    v3: V3, certified: V3, watch: Watch, keys: dict[str, str], by_public_key: bool
) -> None:
    serial = keys["public_key_id"] if by_public_key else None
    headers, body = await _posted(v3, watch.sandbox, serial=serial)
    notice = await notices.open_v3(v3 if by_public_key else certified, headers, body)
    number = notice.facts["out_trade_no"]
    assert (notice.id, notice.kind) == (f"notice-{number}", "TRANSACTION.SUCCESS")
    assert notice.facts["amount"]["total"] == 1_250
    assert number not in repr(notice).replace(notice.id, "")


async def test_day_old_notice_is_refused(v3: V3, watch: Watch, keys: dict[str, str]) -> None:
    for late in (86_400, 310, -310):
        headers, body = await _posted(v3, watch.sandbox, serial=keys["public_key_id"], late=late)
        with pytest.raises(NoticeRefused):
            await notices.open_v3(v3, headers, body)
    headers, body = await _posted(v3, watch.sandbox, serial=keys["public_key_id"], late=280)
    assert (await notices.open_v3(v3, headers, body)).facts["trade_state"] == "SUCCESS"


async def test_signtest_probe_is_401(v3: V3, watch: Watch, keys: dict[str, str]) -> None:
    headers, body = await _posted(v3, watch.sandbox, serial=keys["public_key_id"], signtest=True)
    assert headers["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")
    with pytest.raises(NoticeRefused) as refusal:
        await notices.open_v3(v3, headers, body)
    assert refusal.value.status == 401
    assert isinstance(refusal.value, ProviderRefused)


GARBAGE: dict[str, Callable[[Headers], Mapping[str, str]]] = {
    "none": lambda _headers: {},
    "no signature": lambda headers: {**headers, "Wechatpay-Signature": ""},
    "not base64": lambda headers: {**headers, "Wechatpay-Signature": "é{}"},
    "short": lambda headers: {**headers, "Wechatpay-Signature": "AAAA"},
    "no time": lambda headers: {**headers, "Wechatpay-Timestamp": ""},
    "a time in words": lambda headers: {**headers, "Wechatpay-Timestamp": "now"},
    "other digits": lambda headers: {**headers, "Wechatpay-Timestamp": "١٢٣"},
    "a huge time": lambda headers: {**headers, "Wechatpay-Timestamp": "9" * 5_000},
    "another nonce": lambda headers: {**headers, "Wechatpay-Nonce": "x"},
    "no nonce": lambda headers: {k: v for k, v in headers.items() if k != "Wechatpay-Nonce"},
    "no serial": lambda headers: {k: v for k, v in headers.items() if k != "Wechatpay-Serial"},
    "an unknown serial": lambda headers: {**headers, "Wechatpay-Serial": "00"},
    "an unknown public key": lambda headers: {**headers, "Wechatpay-Serial": "PUB_KEY_ID_0"},
}


@pytest.mark.parametrize("garble", GARBAGE.values(), ids=GARBAGE.keys())
async def test_garbage_headers_raise_one_type(
    v3: V3, watch: Watch, keys: dict[str, str], garble: Callable[[Headers], Mapping[str, str]]
) -> None:
    headers, body = await _posted(v3, watch.sandbox, serial=keys["public_key_id"])
    with pytest.raises(NoticeRefused):
        await notices.open_v3(v3, garble(headers), body)


async def test_a_changed_body_is_refused_and_header_names_have_any_case(
    v3: V3, watch: Watch, keys: dict[str, str]
) -> None:
    headers, body = await _posted(v3, watch.sandbox, serial=keys["public_key_id"])
    for changed in (body + b" ", body[:-1], b"", json.dumps(json.loads(body)).encode() + b"\n"):
        with pytest.raises(NoticeRefused):
            await notices.open_v3(v3, headers, changed)
    lower = {name.lower(): value for name, value in headers.items()}
    assert (await notices.open_v3(v3, lower, body)).facts["mchid"] == v3.mchid


@pytest.mark.parametrize(
    "changes", [{"mchid": "1000000002"}, {"mchid": None}, {"appid": "wx-other"}, {"appid": []}]
)
async def test_a_signed_notice_about_somebody_else_is_refused(
    v3: V3, watch: Watch, keys: dict[str, str], changes: dict[str, Any]
) -> None:
    headers, body = await _posted(v3, watch.sandbox, serial=keys["public_key_id"], changes=changes)
    with pytest.raises(NoticeRefused):
        await notices.open_v3(v3, headers, body)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"resource": {}}', b'{"resource": 1}'])
async def test_a_signed_notice_that_is_none_is_refused(
    v3: V3, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    async def proves(*_given: object) -> bool:
        return True

    monkeypatch.setattr(v3.ring, "proves", proves)
    with pytest.raises(NoticeRefused):
        await notices.open_v3(v3, {}, body)


async def test_a_notice_sealed_with_another_key_is_refused(
    v3: V3, watch: Watch, keys: dict[str, str]
) -> None:
    headers, body = await _posted(v3, watch.sandbox, serial=keys["public_key_id"])
    v3.api_v3_key = b"x" * 32
    with pytest.raises(NoticeRefused, match="shape"):
        await notices.open_v3(v3, headers, body)


FIELDS = {
    "return_code": "SUCCESS",
    "result_code": "SUCCESS",
    "appid": MINI_APP,
    "out_trade_no": "001P1",
    "total_fee": "1250",
    "trade_type": "PAP",
    "attach": "0",
}


async def _posted_v2(watch: Watch, sign_type: str | None, **changed: str) -> bytes:
    asked = {"fields": {**FIELDS, **changed}, "sign_type": sign_type}
    body: str = (await act(watch.sandbox, "wechat_pay/v2_notice", **asked))["body"]
    return body.encode()


async def test_v2_hmac_notice_verifies(v2: V2, watch: Watch) -> None:
    hmac, md5, silent = [
        notices.open_v2(v2, APPS, await _posted_v2(watch, kind))
        for kind in ("HMAC-SHA256", "MD5", None)
    ]
    for notice in (hmac, md5, silent):
        assert notice.kind == "PAP"
        assert notice.facts["total_fee"] == "1250"
        assert len(notice.id) == 64


async def test_a_repeated_v2_notice_has_the_same_id(v2: V2, watch: Watch) -> None:
    first, again = await _posted_v2(watch, None), await _posted_v2(watch, None)
    assert first != again
    other = await _posted_v2(watch, None, out_trade_no="001P2")
    ids = [notices.open_v2(v2, APPS, body).id for body in (first, again, other)]
    assert ids[0] == ids[1] != ids[2]


V2_FORGERIES: dict[str, Callable[[bytes], bytes]] = {
    "another amount": lambda body: body.replace(b"1250", b"125000"),
    "a field more": lambda body: body.replace(b"</xml>", b"<coupon_fee>1</coupon_fee></xml>"),
    "no signature": lambda body: body[: body.index(b"<sign>")] + b"</xml>",
    "a weaker kind": lambda body: body.replace(b"HMAC-SHA256", b"MD5"),
    "an unknown kind": lambda body: body.replace(b"HMAC-SHA256", b"NONE"),
    "a document type": lambda body: b'<!DOCTYPE xml [<!ENTITY a "b">]>' + body,
    "said twice": lambda body: body.replace(b"<xml>", b"<xml><total_fee>1</total_fee>"),
    "not XML": lambda _body: b"{}",
    "nothing": lambda _body: b"",
}


@pytest.mark.parametrize("forge", V2_FORGERIES.values(), ids=V2_FORGERIES.keys())
async def test_a_forged_v2_notice_is_refused(
    v2: V2, watch: Watch, forge: Callable[[bytes], bytes]
) -> None:
    body = await _posted_v2(watch, "HMAC-SHA256")
    with pytest.raises(NoticeRefused):
        notices.open_v2(v2, APPS, forge(body))


async def test_a_signed_v2_notice_about_somebody_else_is_refused(v2: V2, watch: Watch) -> None:
    with pytest.raises(NoticeRefused, match="another app"):
        notices.open_v2(v2, APPS, await _posted_v2(watch, None, appid="wx-other"))
    v2.mchid = "1000000002"
    with pytest.raises(NoticeRefused, match="merchant"):
        notices.open_v2(v2, APPS, await _posted_v2(watch, None))


def test_a_taken_v2_notice_is_answered_in_xml() -> None:
    assert notices.V2_TAKEN == (
        b"<xml><return_code>SUCCESS</return_code><return_msg>OK</return_msg></xml>"
    )
