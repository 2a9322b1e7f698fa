"""The browser's part of a campus sign-on, over HTTP: `/sso/<school>/<provider>/...`."""

import logging
import re
from pathlib import Path

import httpx2
import pytest

from core.db.connection import DatabaseUnavailable
from core.identity.service.campus_sign_in import CampusSignIn
from core.ports.campus_sign_on import (
    CampusIdentity,
    LogoutNotice,
    SignOnBegun,
    SignOnFailed,
    SignOnFlow,
)
from tests.api.browser import AGAIN, BASE, Browser, back_url, native, read_form, says, shown, start
from tests.api.campus import Campus, campus_on
from tests.api.devices import SCHOOL, mutation
from tests.api.doors import LINK, mini
from tests.api.sample import ALICE
from tests.api.test_campus import BEGIN, VERIFIER
from tests.factories.doors import RETURN_TO
from tests.servers.fixtures import DatabaseDsn

RIGHT = "u-1:right"
NOBODY_LEARNS = ("binding", "pending_link", "campus_session", "session")


@pytest.fixture
def browser(campus: Campus) -> Browser:
    return Browser(campus)


async def test_from_the_start_address_to_the_code_of_an_app(
    campus: Campus, browser: Browser
) -> None:
    token = await native(campus)
    answer, state = await browser.open(await start(campus, token))
    assert answer.headers["location"] == f"https://sso.example/login?state={state}"
    assert re.fullmatch(
        rf"__Host-sso={state}\.[\w-]{{43}}; HttpOnly; Max-Age=600; Path=/; SameSite=lax; Secure",
        answer.headers["set-cookie"],
    )
    returned = await browser.get(f"{BASE}/callback?state={state}&ticket={says(campus)}")
    assert returned.status_code == 303
    back, _, code = returned.headers["location"].partition("?code=")
    assert (back, len(code), browser.cookies) == (RETURN_TO, 43, {})
    done = await campus.do(
        "campusSignInComplete", {"code": code, "verifier": VERIFIER}, LINK, token
    )
    assert done["link"]["cardholder"] == {"number": "S001"}


@pytest.mark.parametrize(
    ("channel", "bridge"),
    [
        ("WECHAT_MINI", "https://res.wx.qq.com/open/js/jweixin-1.6.0.js"),
        ("ALIPAY_MINI", "https://appx/web-view.min.js"),
    ],
)
async def test_a_mini_program_is_handed_the_code_by_its_own_bridge(
    campus: Campus, browser: Browser, channel: str, bridge: str
) -> None:
    token = await mini(campus, channel=channel)
    _, state = await browser.open(await start(campus, token))
    page = await browser.get(f"{BASE}/callback?state={state}&ticket={says(campus)}")
    assert (page.status_code, f'src="{bridge}"' in page.text) == (200, True)
    assert f"; script-src 'nonce-{nonce_of(page)}' {bridge};" in policy_of(page)
    code = back_url(page.text).removeprefix(f"{RETURN_TO}?code=")
    assert code not in re.sub(r'data-url="[^"]*"', "", page.text)
    done = await campus.do(
        "campusSignInComplete", {"code": code, "verifier": VERIFIER}, LINK, token
    )
    assert done["link"]["cardholder"] == {"number": "S001"}


def policy_of(page: httpx2.Response) -> str:
    text: str = page.headers["content-security-policy"]
    return text


def nonce_of(page: httpx2.Response) -> str:
    """The nonce of a page: one, in each style and script of it."""
    found = set(re.findall(r'<(?:style|script) nonce="([^"]+)"', page.text))
    assert len(found) == len({*found, *re.findall(r"'nonce-([^']+)'", policy_of(page))}) == 1
    nonce: str = found.pop()
    return nonce


async def test_pages_have_no_store_no_referrer_csp(campus: Campus, browser: Browser) -> None:
    sign_on = campus.outside.sign_ons.providers[0]
    pages = [await browser.get(f"{BASE}/callback?state=x")]
    token = await mini(campus)
    first, state = await browser.open(await start(campus, token))
    pages += [await browser.get(f"{BASE}/callback?state={state}&ticket={says(campus)}")]
    sign_on.flow = SignOnFlow.PASSWORD
    form, _ = await browser.open(await start(campus, token))
    pages += [form]
    for answer in (first, *pages):
        assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == (
            "no-store", "no-referrer",
        )  # fmt: skip
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert len({nonce_of(page) for page in pages}) == len(pages)
    for page in pages:
        rules = dict(each.strip().partition(" ")[::2] for each in policy_of(page).split(";"))
        fixed = {name: rules[name] for name in ("default-src", "frame-ancestors", "base-uri")}
        assert fixed == dict.fromkeys(fixed, "'none'")
        assert "unsafe" not in policy_of(page)
    assert [policy_of(page).partition("form-action ")[2].partition(";")[0] for page in pages] == [
        "'none'", "'none'", "'self' https://app.example",
    ]  # fmt: skip


async def test_a_page_that_posts_onward_may_lead_to_the_schools_other_hosts(
    campus: Campus, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_on = campus.outside.sign_ons.providers[0]

    async def begin_by_form(state: str) -> SignOnBegun:
        fields = {"SAMLRequest": 'a"b', "RelayState": state}
        return SignOnBegun("http://127.0.0.1:9/sso", {"nonce": "n-" + state}, fields)

    monkeypatch.setattr(sign_on, "begin", begin_by_form)
    page, state = await browser.open(await start(campus, await mini(campus)))
    assert read_form(page.text) == {"SAMLRequest": 'a"b', "RelayState": state}
    assert "form-action http://127.0.0.1:9 https:;" in policy_of(page)


async def test_a_posted_way_back_is_fetched_with_the_cookie_once(
    campus: Campus, browser: Browser
) -> None:
    _, state = await browser.open(await start(campus, await native(campus)))
    cookie, browser.cookies = browser.cookies, {}
    posted = await browser.post(
        f"{BASE}/callback", {"RelayState": state, "ticket": "unused"}, host="evil.example"
    )
    held = posted.headers["location"]
    assert posted.status_code == 303
    assert re.fullmatch(rf"{BASE}/callback\?held=[\w-]{{43}}", held)
    browser.cookies = cookie
    says(campus)
    returned = await browser.get(f"{held}&ticket=ST-1")
    assert returned.headers["location"].startswith(f"{RETURN_TO}?code=")
    shown(await browser.get(held), 410, AGAIN)


@pytest.mark.parametrize("place", ["query", "path", "cookie"])
async def test_the_state_comes_back_where_the_school_can_carry_it(
    campus: Campus, browser: Browser, place: str
) -> None:
    _, state = await browser.open(await start(campus, await native(campus)))
    ticket = says(campus)
    path = {
        "query": f"{BASE}/callback?state={state}&ticket={ticket}",
        "path": f"{BASE}/callback/{state}?ticket={ticket}",
        "cookie": f"{BASE}/callback?ticket={ticket}",
    }[place]
    assert (await browser.get(path)).status_code == 303


@pytest.mark.parametrize("attack", ["other browser", "twice", "other school", "other provider"])
async def test_a_way_back_that_is_not_this_browsers_starts_again(
    campus: Campus, browser: Browser, attack: str
) -> None:
    campus.outside.sign_ons.providers.append(type(campus.outside.sign_ons.providers[0])("cas2"))
    before = await campus.dump(*NOBODY_LEARNS)
    _, state = await browser.open(await start(campus, await native(campus)))
    before["session"] = (await campus.dump("session"))["session"]
    says(campus)
    way = f"/callback?state={state}&ticket=ST-1"
    match attack:
        case "other browser":
            victim = Browser(campus, {"__Host-sso": f"{state}.{'x' * 43}"})
            shown(await victim.get(BASE + way), 410, AGAIN)
        case "twice":
            kept = dict(browser.cookies)
            assert (await browser.get(BASE + way)).status_code == 303
            browser.cookies = kept
            says(campus)
        case "other school":
            shown(await browser.get("/sso/8/cas" + way), 410, AGAIN)
            shown(await browser.get("/sso/99/cas" + way), 410, AGAIN)
            assert (await browser.get(BASE + way)).status_code == 303
            return
        case "other provider":
            shown(await browser.get("/sso/7/cas2" + way), 410, AGAIN)
    shown(await browser.get(BASE + way), 410, AGAIN)
    assert await campus.dump(*NOBODY_LEARNS) == before


async def test_a_start_address_opens_once(campus: Campus, browser: Browser) -> None:
    url = await start(campus, await mini(campus))
    await browser.open(url)
    path = url.removeprefix("https://card.example")
    before = await campus.dump(*NOBODY_LEARNS)
    shown(await Browser(campus).get(path), 410, AGAIN)
    campus.clock.advance(seconds=1)
    shown(await browser.get(f"{BASE}/start/{'x' * 43}"), 410, AGAIN)
    assert await campus.dump(*NOBODY_LEARNS) == before


async def test_a_ticket_that_the_school_denies_is_told_and_logged_without_the_ticket(
    campus: Campus, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    _, state = await browser.open(await start(campus, await mini(campus)))
    before = await campus.dump(*NOBODY_LEARNS)
    denied = await browser.get(f"{BASE}/callback?state={state}&ticket=ST-secret")
    shown(denied, 401, "The school did not confirm the sign-in")
    assert "sign-on cas of school 7: DENIED: no such ticket" in caplog.text
    assert [word for word in ("ST-secret", state) if word in caplog.text] == []
    assert await campus.dump(*NOBODY_LEARNS) == before


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("UPSTREAM", 503, "does not answer now"),
        ("MISCONFIGURED", 500, "not set up correctly"),
        ("INCOMPLETE", 422, "tells too little about you"),
        ("PROTOCOL_VIOLATION", 400, "was not valid"),
    ],
)
async def test_what_failed_at_the_school_is_told_in_both_languages(
    campus: Campus, browser: Browser, code: str, status: int, words: str
) -> None:
    _, state = await browser.open(await start(campus, await mini(campus)))
    campus.outside.sign_ons.providers[0].fault = SignOnFailed(code, "a hint for school IT")
    page = await browser.get(f"{BASE}/callback?state={state}&ticket=ST-1")
    shown(page, status, words)
    assert re.search(r"<p>[^<]*学校[^<]*</p>", page.text)
    assert "a hint for school IT" not in page.text


async def test_slo_post_on_callback_url_is_200(campus: Campus, browser: Browser) -> None:
    token = await mini(campus)
    _, state = await browser.open(await start(campus, token))
    said = CampusIdentity("https://sso.example", "u-1", person_no="S001", session_ref="ST-1")
    page = await browser.get(f"{BASE}/callback?state={state}&ticket={says(campus, said=said)}")
    code = back_url(page.text).partition("=")[2]
    done = await campus.do(
        "campusSignInComplete", {"code": code, "verifier": VERIFIER}, LINK, token
    )
    bound = done["link"]["tokens"]["accessToken"]
    campus.outside.sign_ons.providers[0].notices[b"logoutRequest=ST-1"] = LogoutNotice("ST-1", None)
    school = Browser(campus)
    for raw in (b"", b"logoutRequest=ST-other", b"\xff\x00"):
        answer = await school.post(f"{BASE}/callback", raw)
        assert (answer.status_code, answer.content, school.cookies) == (200, b"", {})
    assert (await campus.holder("number", bound))["number"] == "S001"
    assert (await school.post(f"{BASE}/callback", b"logoutRequest=ST-1")).status_code == 200
    assert (await campus.query("{ viewer { kind } }", bound))["data"] is None
    assert (await school.post(f"{BASE}/logout", b"logoutRequest=ST-1")).status_code == 200
    assert (await school.post("/sso/99/cas/logout", b"logoutRequest=ST-1")).status_code == 200


@pytest.mark.parametrize("path", ["callback", "password", "logout"])
async def test_a_form_of_more_than_64_kib_is_refused(
    campus: Campus, browser: Browser, path: str
) -> None:
    before = await campus.dump(*NOBODY_LEARNS)
    page = await browser.post(f"{BASE}/{path}", b"state=" + b"x" * 64 * 1024)
    shown(page, 400, "was not valid")
    assert await campus.dump(*NOBODY_LEARNS) == before


@pytest.mark.parametrize("flow", [SignOnFlow.REDIRECT, SignOnFlow.PASSWORD])
async def test_a_test_login_shows_what_came_and_makes_no_session(
    campus: Campus, browser: Browser, flow: SignOnFlow
) -> None:
    campus.outside.sign_ons.providers[0].flow = flow
    before = await campus.dump(*NOBODY_LEARNS)
    start_id = await campus.wired.services.campus.begin_test(SCHOOL, "cas")
    _, state = await browser.open(f"https://card.example{BASE}/start/{start_id}")
    says(campus, "ST-1"), says(campus, RIGHT)
    if flow is SignOnFlow.REDIRECT:
        page = await browser.get(f"{BASE}/callback?state={state}&ticket=ST-1")
        assert "<tr><td>uid<td>u\n" in page.text
    else:
        form = {"state": state, "username": "u-1", "password": "right"}
        page = await browser.post(f"{BASE}/password", form)
    assert (page.status_code, "<tr><td>person_no<td>S001\n" in page.text) == (200, True)
    assert "It would be linked to number *001" in page.text
    assert await campus.dump(*NOBODY_LEARNS) == before


async def test_callers_that_ask_too_often_are_told_to_wait(
    database_dsn: DatabaseDsn, redis_url: str, tmp_path: Path
) -> None:
    async with campus_on(database_dsn, redis_url, tmp_path, monotonic=lambda: 0.0) as campus:
        browser = Browser(campus)
        answers = [(await browser.get(f"{BASE}/callback?state=x")).status_code for _ in range(201)]
        assert (answers[:200], answers[200]) == ([410] * 200, 503)


async def test_database_away_is_503_and_says_to_try_again(
    campus: Campus, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_given: object) -> None:
        raise DatabaseUnavailable

    before = await campus.dump(*NOBODY_LEARNS)
    monkeypatch.setattr(CampusSignIn, "open", away)
    shown(await browser.get(f"{BASE}/start/{'x' * 43}"), 503, "try again in a moment")
    assert await campus.dump(*NOBODY_LEARNS) == before


async def test_redis_down_is_503_payments_go_on(database_dsn: DatabaseDsn, tmp_path: Path) -> None:
    async with campus_on(database_dsn, "redis://127.0.0.1:1", tmp_path) as campus:
        browser = Browser(campus)
        token = await mini(campus)
        query = mutation("campusSignInBegin", "startUrl")
        answer = await campus.query(query, token, input=BEGIN)
        assert answer["errors"][0]["extensions"]["code"] == "OVERLOADED"
        for page in (
            await browser.get(f"{BASE}/start/{'x' * 43}"),
            await browser.get(f"{BASE}/callback?state=x&ticket=y"),
            await browser.post(f"{BASE}/callback", {"RelayState": "x"}),
        ):
            shown(page, 503, "Go back to the app and try again in a moment")
        till = await campus.till()
        paid = await till.sell(f"CARD:{ALICE.card_uid}", 500)
        assert (paid["outcome"], paid["balance"]) == ("APPROVED", {"minorAmount": 4_500})
        bound = await campus.bind()
        assert (await campus.holder("number", bound))["number"] == ALICE.number
