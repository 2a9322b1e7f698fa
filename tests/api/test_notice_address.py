"""The addresses that providers post to: proved, capped, bounded in time, and nobody else's."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import bff.callbacks.notices as notices_module
from bff.ratelimit import Buckets, Limit
from tests.api.devices import OTHER_SCHOOL, SCHOOL
from tests.api.notified import Notified
from tests.api.posters import POSTERS, AlipayPoster, Posted, WechatPoster, connect, post


@pytest.mark.parametrize("provider", ["wechat", "wecom"])
async def test_the_console_proves_the_address(
    notified: Notified, provider: str, caplog: pytest.LogCaptureFixture
) -> None:
    poster = notified.posters[provider]
    assert not isinstance(poster, AlipayPoster)
    now, text = poster.seconds, "<b>4096</b>"
    query = poster.key.proof(text, now)
    if provider == "wecom":
        query = poster.key.encrypted_proof(text, poster.receiver, now)
    before = await notified.dump()
    good = await notified.campus.http.get(f"/notify/{provider}/{SCHOOL}?{query}")
    assert (good.status_code, good.text) == (200, text)
    assert good.headers["content-type"] == "text/plain; charset=utf-8"
    assert good.headers["x-content-type-options"] == "nosniff"
    forged = query.replace("nonce=", "nonce=0")
    bad = await notified.campus.http.get(f"/notify/{provider}/{SCHOOL}?{forged}")
    assert (bad.status_code, bad.text, await notified.dump()) == (403, "", before)
    assert [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING] == [
        f"notice of {provider} refused at school 7: callback: signature"
    ]


async def test_nothing_is_taken_where_nobody_posts(
    notified: Notified, caplog: pytest.LogCaptureFixture
) -> None:
    sent = notified.posters["alipay"].revoked("open-1")
    before = await notified.dump()
    for provider, school, status in (
        ("alipay", 9, 404), ("alipay", 65_536, 404), ("alipay", 10**30, 404),
        ("alipay", "seven", 404), ("alipay", -7, 404), ("unionpay", 7, 404), ("alipay", "7/x", 404),
    ):  # fmt: skip
        assert (await post(notified.campus, provider, sent, school)).status_code == status
    for method, provider in (("GET", "alipay"), ("PUT", "wechat"), ("DELETE", "wecom")):
        answer = await notified.campus.http.request(method, f"/notify/{provider}/7")
        assert answer.status_code == 405
    assert await notified.dump() == before
    told = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert [line.rpartition(": ")[2] for line in told] == ["no such school"] * 3


async def test_a_school_without_the_app_takes_nothing(notified: Notified, tmp_path: Path) -> None:
    poster = notified.posters["wechat"]
    assert isinstance(poster, WechatPoster)
    table = poster.table(tmp_path)
    silent = "\n".join(line for line in table.splitlines() if not line.startswith("callback"))
    await connect(notified.campus, tmp_path, more=silent)
    for provider in POSTERS:
        assert await notified.post(provider, notified.posters[provider].revoked("open-1")) == (
            404,
            "",
        )
    assert await notified.kept() == []


@pytest.mark.parametrize("provider", POSTERS)
async def test_a_body_over_64_kib_is_too_large(notified: Notified, provider: str) -> None:
    before = await notified.dump()
    query = notified.posters[provider].revoked("open-1").query
    assert await notified.post(provider, Posted(b"a" * 65_537, query)) == (413, "")
    assert await notified.post(provider, Posted(b"a" * 65_536, query)) == (403, "")
    assert await notified.dump() == before


async def test_a_body_that_does_not_come_is_not_waited_for(
    notified: Notified, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices_module, "ANSWER_SECONDS", 0.1)

    async def slow() -> AsyncIterator[bytes]:
        yield b"app_id="
        await asyncio.sleep(5)
        yield b""

    async with asyncio.timeout(2):
        answer = await notified.campus.http.post("/notify/alipay/7", content=slow())
    assert (answer.status_code, await notified.kept()) == (503, [])


async def test_a_sender_that_leaves_is_told_of_in_one_line(
    notified: Notified, caplog: pytest.LogCaptureFixture
) -> None:
    messages = iter([{"type": "http.request", "body": b"x", "more_body": True}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(messages, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/notify/alipay/7", "query_string": b"",
             "headers": [], "scheme": "http", "root_path": ""}  # fmt: skip
    await notified.campus.app(scope, receive, send)
    assert sent[0]["status"] == 400
    assert [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING] == [
        "notice of alipay refused at school 7: cut off"
    ]


async def test_a_flood_at_one_address_is_limited_there_alone(
    notified: Notified, monkeypatch: pytest.MonkeyPatch
) -> None:
    routes = Buckets(lambda: 0.0)
    taken = Buckets.take
    monkeypatch.setattr(notices_module, "NOTICES", Limit("notices", 1, 3))
    monkeypatch.setattr(Buckets, "take", lambda _self, limit, caller: taken(routes, limit, caller))
    forged = Posted(b"x")
    assert [(await notified.post("alipay", forged))[0] for _ in range(5)] == [
        403,
        403,
        403,
        429,
        429,
    ]
    assert (await notified.post("alipay", forged, OTHER_SCHOOL))[0] == 403
    assert (await notified.post("wechat", forged))[0] == 403
