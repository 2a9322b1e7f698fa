"""How calls are made: with one token, a deadline, to one place, and with nothing told."""

import json
import time
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from redis.asyncio import Redis
from wechatpy.client.api import WeChatMenu, WeChatUser

from adapters.http import HttpAnswer, HttpClient
from adapters.tencent.calls import Facts, Kind
from adapters.wechat import wire
from adapters.wechat.client import WechatClient
from core.ports.providers import (
    ProviderMisconfigured,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnavailable,
)
from tests.contract.tencent import Watch, act
from tests.contract.wechat.spying import sent

CODE = "c0de" * 8
PHONE = "wxa/business/getuserphonenumber"


async def _phone(client: WechatClient, code: str = CODE) -> Facts:
    origin = f"{client.calls.origin}/"
    return await client.calls.post(PHONE, data={"code": code}, api_base_url=origin)


async def _page(client: WechatClient) -> Facts:
    asked = {
        "appid": client.calls.appid,
        "secret": client.calls.secret,
        "code": CODE,
        "grant_type": "authorization_code",
    }
    origin = f"{client.calls.origin}/"
    return await client.calls.get("sns/oauth2/access_token", params=asked, api_base_url=origin)


CALLS: dict[str, Callable[[WechatClient], Awaitable[Any]]] = {
    "/cgi-bin/stable_token": lambda client: client.calls.fetch_token(),
    "/sns/jscode2session": lambda client: client.wxa.code_to_session(CODE),
    "/sns/oauth2/access_token": _page,
    "/wxa/business/getuserphonenumber": _phone,
    "/cgi-bin/message/subscribe/send": lambda client: client.wxa.send_subscribe_message(
        "o1", "t1", {}
    ),
    "/cgi-bin/message/subscribe/bizsend": lambda client: client.message.send_subscribe_message(
        "o1", "t1", {}
    ),
    "/cgi-bin/message/template/send": lambda client: client.message.send_template("o1", "t1", {}),
}
API = {path: path.removeprefix("/").removeprefix("cgi-bin/") for path in CALLS}


def test_each_listed_call_is_tried_here() -> None:
    assert CALLS.keys() == wire.PATHS.keys()


async def test_permanent_40001_costs_one_token_two_calls(
    client: WechatClient, watch: Watch
) -> None:
    with pytest.raises(ProviderRefused):
        await _phone(client)
    assert await watch.asked("wechat") == ["stable_token", PHONE]
    await watch.sandbox.fail("wechat", "token_dead", api=PHONE)
    with pytest.raises(ProviderMisconfigured):
        await _phone(client)
    assert (await watch.asked("wechat"))[2:] == [PHONE, "stable_token", PHONE]


async def test_a_token_that_died_is_replaced_once(client: WechatClient, watch: Watch) -> None:
    code = (await act(
        watch.sandbox, "wechat/phone_code", person="jia", app_id=client.calls.appid
    ))["code"]  # fmt: skip
    await watch.sandbox.fail("wechat", "token_dead", count=1, api=PHONE)
    facts = await _phone(client, code)
    assert facts["phone_info"]["purePhoneNumber"] == "13800000001"
    assert await watch.asked("wechat") == ["stable_token", PHONE, "stable_token", PHONE]


async def test_stable_token_only(client: WechatClient, watch: Watch) -> None:
    for call in CALLS.values():
        with suppress(ProviderRefused, ProviderMisconfigured):
            await call(client)
    tokens = [each for each in await watch.exchanges("wechat") if "token" in each["api"]]
    assert [each["api"] for each in tokens] == [
        "stable_token", "sns/oauth2/access_token", "stable_token"
    ]  # fmt: skip
    assert '"force_refresh": false' in tokens[0]["sent"]
    assert len(tokens) == 3
    with pytest.raises(ProviderMisconfigured):
        await client.calls.get("token", params={"grant_type": "client_credential"})


@pytest.mark.parametrize("path", CALLS)
async def test_every_request_has_a_timeout(
    client: WechatClient, watch: Watch, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    if wire.PATHS[path] is not Kind.OPEN:
        with pytest.raises(ProviderRefused):
            await _phone(client)
    monkeypatch.setattr("adapters.http.CONNECT_SECONDS", 0.2)
    requests = sent(monkeypatch)
    for fault in ("timeout_before", "slow_drip"):
        await watch.sandbox.fail("wechat", fault, api=API[path], count=1)
        began = time.monotonic()
        with pytest.raises(ProviderUnavailable):
            await CALLS[path](client)
        assert time.monotonic() - began < 2
    waits = [request.extensions["timeout"] for request in requests]
    assert waits
    assert all(None not in each.values() and max(each.values()) <= 5 for each in waits)


async def test_no_request_leaves_the_base_url(
    client: WechatClient, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = sent(monkeypatch)
    for call in CALLS.values():
        with suppress(ProviderRefused, ProviderMisconfigured):
            await call(client)
    asked = len(requests)
    elsewhere = [
        client.calls.get("https://elsewhere.example/sns/jscode2session"),
        client.calls.get("//elsewhere.example/sns/jscode2session"),
        client.calls.get("jscode2session", api_base_url="https://elsewhere.example/sns/"),
        client.calls.get("jscode2session", api_base_url="http://api.weixin.qq.com/sns/"),
        client.calls.get("@elsewhere.example/sns/jscode2session", api_base_url=client.calls.origin),
    ]
    for going in elsewhere:
        with pytest.raises(ProviderMisconfigured):
            await going
    assert len(requests) == asked
    assert {f"http://{request.url.netloc.decode()}" for request in requests} == {watch.sandbox.url}
    assert {request.url.path for request in requests} == set(CALLS)


async def test_only_listed_methods_are_called(client: WechatClient, watch: Watch) -> None:
    unlisted: list[Callable[[], Awaitable[Any]]] = [
        WeChatMenu(client.calls).get,
        lambda: WeChatUser(client.calls).get("o1"),
        lambda: client.wxa.get_wxa_code("pages/home"),
        lambda: client.message.send_text("o1", "text"),
    ]
    for call in unlisted:
        with pytest.raises(ProviderMisconfigured, match="not a call of ours"):
            await call()
    for processing in (client.wxa.get_category, client.wxa.get_page):
        with pytest.raises(TypeError, match="result_processor"):
            processing()
    assert await watch.asked("wechat") == []


FAULTS: dict[str, type[Exception]] = {
    "system_error": ProviderUnavailable,
    "quota": ProviderThrottled,
    "token_dead": ProviderMisconfigured,
    "refuse": ProviderMisconfigured,
    "html_502": ProviderUnavailable,
    "reset": ProviderUnavailable,
    "timeout_before": ProviderUnavailable,
    "timeout_after_effect": ProviderUnavailable,
    "slow": ProviderUnavailable,
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_token_never_in_error_or_log(
    client: WechatClient, watch: Watch, redis: Redis, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    caplog.set_level("DEBUG")
    with pytest.raises(ProviderRefused):
        await _phone(client)
    kept = await redis.get((await redis.keys("tok:*"))[0])
    assert kept is not None
    words = [client.calls.secret, json.loads(kept)["t"], CODE]
    await watch.sandbox.fail("wechat", fault)
    told = [await _told(CALLS[path](client)) for path in ("/sns/jscode2session", f"/{PHONE}")]
    told += [caplog.text, *(str(record.__dict__) for record in caplog.records)]
    assert len(words[1]) > 64
    assert [word for word in words for text in told if word in text] == []


async def _told(call: Awaitable[Any]) -> str:
    try:
        await call
    except (ProviderRefused, ProviderMisconfigured, ProviderUnavailable) as error:
        return repr(error) + "".join(traceback.format_exception(error))
    return ""


@pytest.mark.parametrize(("fault", "error"), FAULTS.items())
async def test_a_fault_is_told_apart(
    client: WechatClient, watch: Watch, fault: str, error: type[Exception]
) -> None:
    with pytest.raises(ProviderRefused):
        await _phone(client)
    await watch.sandbox.fail("wechat", fault)
    with pytest.raises(error):
        await _phone(client)


async def test_a_busy_provider_is_asked_once_more_for_a_read(
    client: WechatClient, watch: Watch
) -> None:
    code = (await act(
        watch.sandbox, "wechat/login_code", person="jia", app_id=client.calls.appid
    ))["code"]  # fmt: skip
    await watch.sandbox.fail("wechat", "system_error", count=1)
    assert "openid" in await client.wxa.code_to_session(code)
    await watch.sandbox.fail("wechat", "system_error")
    with pytest.raises(ProviderUnavailable):
        await client.wxa.code_to_session(code)
    assert await watch.asked("wechat") == ["sns/jscode2session"] * 4


async def test_a_wrong_secret_is_ours_to_mend(
    client: WechatClient, watch: Watch, redis: Redis
) -> None:
    client.calls.secret = "wrong"
    for call in (client.wxa.code_to_session("x"), _phone(client)):
        with pytest.raises(ProviderMisconfigured):
            await call
    assert await redis.keys("*") == []


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"x"', b'{"errcode": "x"}', b"<html>"])
async def test_an_answer_that_is_none_is_unavailable(
    client: WechatClient, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    async def answer(*_request: object, **_given: object) -> HttpAnswer:
        return HttpAnswer(200, {}, body)

    monkeypatch.setattr(HttpClient, "request", answer)
    with pytest.raises(ProviderUnavailable):
        await client.wxa.code_to_session("x")


@pytest.mark.parametrize("facts", [b'{"access_token": "t"}', b'{"expires_in": 7200}', b"{}"])
async def test_a_token_without_a_life_is_unavailable(
    client: WechatClient, monkeypatch: pytest.MonkeyPatch, facts: bytes
) -> None:
    async def answer(*_request: object, **_given: object) -> HttpAnswer:
        return HttpAnswer(200, {}, facts)

    monkeypatch.setattr(HttpClient, "request", answer)
    with pytest.raises(ProviderUnavailable):
        await client.calls.fetch_token()
