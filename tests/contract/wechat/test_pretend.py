"""The sandbox itself: it shows people as text, notes what is wrong, and lets tokens live."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from adapters.sandbox.application import build_application
from adapters.sandbox.base import Base, Mode
from adapters.sandbox.grants import AccessTokens
from adapters.sandbox.people import Person
from adapters.sandbox.tencent import tencent
from adapters.sandbox.wechat import MINI_APP, OFFICIAL_APP

HOSTILE = "<script>甲</script>"


@pytest.fixture
def base() -> Base:
    """A ground with one person."""
    ground = Base.on(lambda: datetime(2026, 9, 1, tzinfo=UTC), Mode.STRICT)
    ground.people.put([Person('a"b', HOSTILE)])
    return ground


@pytest.fixture
async def browser(base: Base) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser before the sandbox, without a network."""
    transport = httpx2.ASGITransport(app=build_application(base, tencent(base), 0))
    async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox.example") as it:
        yield it


async def test_the_wallet_lists_people_and_what_they_can_do_as_text(
    browser: httpx2.AsyncClient,
) -> None:
    shown = (await browser.get("/_wallet")).text
    assert HOSTILE not in shown
    assert "&lt;script&gt;甲" in shown
    for words in (
        "微信登录",
        "WeChat sign-in",
        "企业微信登录",
        "/_wallet/wecom/login_code",
    ):
        assert words in shown
    assert 'data-given="{&quot;person&quot;: &quot;a\\&quot;b&quot;' in shown


async def test_an_empty_wallet_says_how_people_come() -> None:
    ground = Base.on(lambda: datetime(2026, 9, 1, tzinfo=UTC), Mode.DEMO)
    transport = httpx2.ASGITransport(app=build_application(ground, tencent(ground), 0))
    async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox.example") as it:
        assert "PUT /_people" in (await it.get("/_wallet")).text


PAGE = {
    "appid": OFFICIAL_APP,
    "redirect_uri": "https://card.school.example/back",
    "response_type": "code",
    "scope": "snsapi_base",
    "state": "aZ09",
}


async def test_the_page_shows_hostile_text_as_text(browser: httpx2.AsyncClient) -> None:
    hostile = {**PAGE, "redirect_uri": 'https://card.school.example/"><script>'}
    shown = (await browser.get("/connect/oauth2/authorize", params=hostile)).text
    assert "<script>" not in shown
    assert "&quot;&gt;&lt;script&gt;" in shown


@pytest.mark.parametrize(
    ("wrong", "value"),
    [
        ("appid", "wx-other"),
        ("redirect_uri", "https://elsewhere.test/"),
        ("response_type", "token"),
        ("scope", "snsapi_privateinfo"),
        ("state", "a-b"),
        ("state", ""),
    ],
)
async def test_a_wrong_address_is_no_page_and_a_failure_of_the_run(
    browser: httpx2.AsyncClient, base: Base, wrong: str, value: str
) -> None:
    answer = await browser.get("/connect/oauth2/authorize", params={**PAGE, wrong: value})
    assert answer.status_code == 400
    assert base.failures == [f"authorise page: {wrong}"]


async def test_nobody_is_sent_back_as_nobody(browser: httpx2.AsyncClient) -> None:
    form = {**PAGE, "person": "nobody", "decision": "agree"}
    assert (await browser.post("/connect/oauth2/authorize", data=form)).status_code == 400
    sent = await browser.post("/connect/oauth2/authorize", data={**form, "person": 'a"b'})
    back = dict(parse_qsl(urlsplit(sent.headers["location"]).query))
    assert set(back) == {"code", "state"}


@pytest.mark.parametrize(
    ("query", "body", "failure"),
    [
        ("", b'{"colour": 1}', "wechat stable_token: unknown ['colour']"),
        ("", b"[", "wechat stable_token: not a JSON object"),
        ("", b"[1]", "wechat stable_token: not a JSON object"),
        (
            "?access_token=x",
            b"{}",
            "wechat stable_token: a token where none is wanted, or none",
        ),
    ],
)
async def test_what_a_strict_provider_would_not_take_is_noted(
    browser: httpx2.AsyncClient, base: Base, query: str, body: bytes, failure: str
) -> None:
    answer = await browser.post(f"/cgi-bin/stable_token{query}", content=body)
    assert answer.json()["errcode"] in {40013, 47001}
    assert base.failures == [failure]


async def test_acts_of_nobody_or_in_no_app_are_refused(browser: httpx2.AsyncClient) -> None:
    for path, given in (
        ("wechat/login_code", {"person": "nobody", "app_id": MINI_APP}),
        ("wechat/login_code", {"person": 'a"b', "app_id": "wx-other"}),
        ("wecom/login_code", {"person": 'a"b'}),
        ("wechat/login_code", []),
    ):
        assert (await browser.post(f"/_wallet/{path}", json=given)).status_code == 400


def test_a_stable_token_changes_five_minutes_before_its_end_and_both_live_until_then() -> None:
    instant = datetime(2026, 9, 1, tzinfo=UTC)
    tokens = AccessTokens(lambda: instant, 300)
    first, seconds = tokens.issue("app")
    assert (tokens.issue("app"), seconds) == ((first, 7_200), 7_200)
    instant += timedelta(seconds=6_899)
    assert tokens.issue("app") == (first, 301)
    instant += timedelta(seconds=1)
    second, _ = tokens.issue("app")
    assert second != first
    assert tokens.app_of(first) == tokens.app_of(second) == "app"
    instant += timedelta(seconds=300)
    assert (tokens.app_of(first), tokens.app_of(second)) == (None, "app")
    tokens.kill(second)
    assert tokens.app_of(second) is None
