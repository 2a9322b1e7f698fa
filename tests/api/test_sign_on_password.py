"""Our own form, for a school whose sign-on has no page: `/sso/<school>/<provider>/password`."""

import logging

import pytest

from core.identity.attempts import LIMITS, Counter
from core.ports.campus_sign_on import SignOnFlow
from tests.api.browser import AGAIN, BASE, Browser, native, read_form, says, shown, start
from tests.api.campus import Campus
from tests.api.doors import mini
from tests.factories.doors import RETURN_TO

RIGHT, WRONG = "u-1:right", "wrong"


@pytest.fixture
def browser(campus: Campus) -> Browser:
    return Browser(campus)


async def by_password(campus: Campus, browser: Browser, token: str) -> dict[str, str]:
    """Our own form, open."""
    campus.outside.sign_ons.providers[0].flow = SignOnFlow.PASSWORD
    page, state = await browser.open(await start(campus, token))
    assert f'action="{BASE}/password"' in page.text
    assert read_form(page.text) == {"state": state}
    return {"state": state, "username": "u-1", "password": WRONG}


async def test_a_password_goes_to_the_school_and_a_wrong_one_is_asked_again(
    campus: Campus, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = await native(campus)
    form = await by_password(campus, browser, token)
    says(campus, RIGHT)
    wrong = await browser.post(f"{BASE}/password", {**form, "password": "sample-wrong"})
    shown(wrong, 401, "User name or password is not right.")
    assert read_form(wrong.text) == {"state": browser.state}
    assert browser.state != form["state"]
    form = {"state": browser.state, "username": "u-1", "password": "right"}
    returned = await browser.post(f"{BASE}/password", form)
    assert returned.headers["location"].startswith(f"{RETURN_TO}?code=")
    assert (returned.status_code, browser.cookies) == (303, {})
    assert "sample-wrong" not in caplog.text
    stored = [str(row) for row in await campus.rows("SELECT * FROM audit_event")]
    assert [each for each in stored if "sample-wrong" in each or "right" in each] == []


async def test_passwords_are_tried_as_often_as_a_pin_and_no_more(
    campus: Campus, browser: Browser
) -> None:
    tries = LIMITS[Counter.NUMBER_DAY].tries
    form = await by_password(campus, browser, await mini(campus))
    for _ in range(tries):
        shown(await browser.post(f"{BASE}/password", form), 401, "not right")
        form["state"] = browser.state
    says(campus, RIGHT)
    spent = await browser.post(f"{BASE}/password", {**form, "password": "right"})
    shown(spent, 429, "Too many tries")
    assert RIGHT in campus.outside.sign_ons.providers[0].people
    another = Browser(campus, network="198.51.100.1")
    form = await by_password(campus, another, await mini(campus, "other phone"))
    shown(await another.post(f"{BASE}/password", {**form, "password": "right"}), 429, "Too many")


@pytest.mark.parametrize("change", [{"state": "x" * 24}, {"state": ""}])
async def test_a_password_form_of_another_page_starts_again(
    campus: Campus, browser: Browser, change: dict[str, str]
) -> None:
    form = await by_password(campus, browser, await mini(campus))
    says(campus, RIGHT)
    posted = await browser.post(f"{BASE}/password", {**form, "password": "right", **change})
    shown(posted, 410, AGAIN)
    assert RIGHT in campus.outside.sign_ons.providers[0].people
    assert await campus.rows("SELECT 1 FROM attempt_counter WHERE kind = 'NUMBER_DAY'") == []


async def test_a_school_with_a_page_of_its_own_takes_no_password_from_us(
    campus: Campus, browser: Browser
) -> None:
    _, state = await browser.open(await start(campus, await mini(campus)))
    says(campus, RIGHT)
    form = {"state": state, "username": "u-1", "password": "right"}
    shown(await browser.post(f"{BASE}/password", form), 410, AGAIN)
    assert RIGHT in campus.outside.sign_ons.providers[0].people
