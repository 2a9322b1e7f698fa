"""The channels and sign-ons of schools' files: opened, changed under way, broken, kept apart."""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from bff.connections import GENERATIONS_KEPT, Connections
from core.identity.records import CardholderKind, RosterRow
from core.ports.providers import ProviderUnavailable
from tests.api.browser import Browser
from tests.api.campus import Campus, campus_on
from tests.api.devices import OTHER_SCHOOL, SCHOOL
from tests.api.doors import LINK, codes
from tests.api.sample import CODE, OPERATOR, school_file
from tests.api.test_campus import CHALLENGE, VERIFIER
from tests.contract.sso.cas_server import CasServer
from tests.contract.sso.people import PASSWORD, PUPILS
from tests.contract.sso.serving import serve
from tests.lab.browser import log_in
from tests.servers.fixtures import DatabaseDsn

PUBLIC = "http://127.0.0.1:8000"
RETURN_TO = "https://app.example/after"
PUPIL = RosterRow(
    row=4, number=PUPILS[0].number, name=PUPILS[0].name, kind=CardholderKind.STUDENT,
    email="pupil@people.example", card_uid="00000000000003",
)  # fmt: skip
NATIVE = f'\n[channel.native]\nreturn_to = ["{RETURN_TO}"]\n'


def cas(url: str, name: str = "cas", more: str = "") -> str:
    """The table of a CAS server."""
    return f"""
[[sso]]
id = "{name}"
kind = "cas"
channels = ["NATIVE"]
label = {{ zh = "统一身份认证", en = "Campus sign-on" }}
server = "{url}/cas"
{more}
[sso.map]
subject = "$subject"
person_no = "employeeNumber"
name = "cn"
[sso.link]
mode = "person_no"
"""


@pytest.fixture
def server() -> Iterator[str]:
    """A school's CAS server that knows our address."""
    with serve(CasServer(services=(f"{PUBLIC}/sso/",)).application()) as url:
        yield url


@pytest.fixture
async def campus(
    database_dsn: DatabaseDsn, redis_url: str, tmp_path: Path
) -> AsyncIterator[Campus]:
    """The application as it connects to what the schools' files name."""
    async with campus_on(database_dsn, redis_url, tmp_path, connected_at=PUBLIC) as campus:
        await campus.enrol(PUPIL)
        yield campus


async def activate(campus: Campus, tables: str, school: int = SCHOOL) -> None:
    schools = campus.wired.services.schools
    await schools.policy_activate(school, school_file(school) + tables, OPERATOR)


async def begin(campus: Campus, token: str, provider: str = "cas") -> Any:
    given = {"provider": provider, "challenge": CHALLENGE, "returnTo": RETURN_TO}
    return await campus.do("campusSignInBegin", given, "startUrl", token)


async def native(campus: Campus) -> str:
    assert PUPIL.email is not None
    token: str = (await campus.sign_in(PUPIL.email))["accessToken"]
    return token


async def to_the_school(campus: Campus, token: str) -> tuple[Browser, str]:
    """The browser, marked by us, and where we send it."""
    begun = await begin(campus, token)
    assert begun["userErrors"] == []
    browser = Browser(campus)
    page = await browser.get(begun["startUrl"].removeprefix(PUBLIC))
    assert page.status_code == 303, page.text
    return browser, page.headers["location"]


async def from_the_school(campus: Campus, token: str, browser: Browser, url: str) -> Any:
    """Logs in at the school and comes back; the link's progress."""
    back = await log_in(url, PUBLIC, {"username": PUPILS[0].login, "password": PASSWORD})
    returned = await browser.get(
        "/sso/7/cas/callback?" + "&".join(map("=".join, back.query.items()))
    )
    assert returned.status_code == 303, returned.text
    code = returned.headers["location"].removeprefix(f"{RETURN_TO}?code=")
    done = await campus.do(
        "campusSignInComplete", {"code": code, "verifier": VERIFIER}, LINK, token
    )
    assert done["userErrors"] == []
    return done["link"]


async def offered(campus: Campus, code: str = CODE) -> list[str]:
    query = f'{{ school(code: "{code}") {{ campusSignOns {{ id }} }} }}'
    answer = await campus.query(query)
    return [each["id"] for each in answer["data"]["school"]["campusSignOns"]]


async def test_a_sign_on_of_the_schools_file_ends_in_the_card(campus: Campus, server: str) -> None:
    await activate(campus, NATIVE + cas(server))
    token = await native(campus)
    browser, url = await to_the_school(campus, token)
    assert url.startswith(
        f"{server}/cas/login?service=http%3A%2F%2F127.0.0.1%3A8000%2Fsso%2F7%2Fcas"
    )
    link = await from_the_school(campus, token, browser, url)
    assert (link["step"], link["cardholder"]) == ("NONE", {"number": PUPIL.number})


async def test_a_begun_sign_on_ends_under_the_file_it_began_with(
    campus: Campus, server: str
) -> None:
    await activate(campus, NATIVE + cas(server))
    token = await native(campus)
    browser, url = await to_the_school(campus, token)
    await activate(campus, NATIVE + cas("http://127.0.0.1:9", more="version = 2"))
    _, other = await to_the_school(campus, token)
    assert other.startswith("http://127.0.0.1:9/cas/login")
    link = await from_the_school(campus, token, browser, url)
    assert link["cardholder"] == {"number": PUPIL.number}


async def test_a_sign_on_that_is_gone_from_the_file_is_offered_no_more(
    campus: Campus, server: str
) -> None:
    await activate(campus, NATIVE + cas(server))
    token = await native(campus)
    assert await offered(campus) == ["cas"]
    await activate(campus, NATIVE)
    assert (await offered(campus), codes(await begin(campus, token))) == ([], ["SIGN_ON_UNKNOWN"])


async def test_other_school_unaffected_by_broken_file(
    campus: Campus, server: str, caplog: pytest.LogCaptureFixture
) -> None:
    await activate(campus, NATIVE + cas(server))
    broken = cas(server, "good") + cas(server, "bad", 'clientt = "x"') + cas("ftp://a", "worse")
    channel = '[channel.wechat_mini]\napp_id = "wx"\napp_secret = "${env:NOT_SET_ANYWHERE}"\n'
    await activate(campus, channel + broken, OTHER_SCHOOL)
    assert (await offered(campus), await offered(campus, "sample-8")) == (["cas"], ["good"])
    told = [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]
    assert {each.partition(": ")[2].partition(": ")[0] for each in told} == {
        "channel.wechat_mini.app_secret", "sso.1.clientt", "sso.2.server",
    }  # fmt: skip
    assert {each.partition(": ")[0] for each in told} == {f"school {OTHER_SCHOOL}"}
    asked = {"schoolCode": "sample-8", "channel": "WECHAT_MINI", "code": "x", "deviceLabel": "x"}
    refused = await campus.do("channelSignIn", asked, "tokens { accessToken }")
    assert codes(refused) == ["CHANNEL_NOT_OFFERED"]
    token = await native(campus)
    browser, url = await to_the_school(campus, token)
    assert (await from_the_school(campus, token, browser, url))["step"] == "NONE"


async def test_a_secret_is_read_anew_when_the_file_is_renewed(
    campus: Campus, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("\n", "utf-8")
    channel = f'[channel.wechat_mini]\napp_id = "wx"\napp_secret = "${{file:{secret}}}"\n'
    address = 'api_base = "http://127.0.0.1:9"\n'
    await activate(campus, channel.replace(str(secret), str(tmp_path / "absent")) + address)
    outside = campus.wired.outside
    assert isinstance(outside, Connections)
    assert await outside.find_door(SCHOOL, "WECHAT_MINI") is None
    (tmp_path / "absent").write_text("a secret\n", "utf-8")
    assert await outside.find_door(SCHOOL, "WECHAT_MINI") is None
    await campus.wired.services.schools.renew(SCHOOL, OPERATOR)
    door = await outside.find_door(SCHOOL, "WECHAT_MINI")
    assert door is not None
    assert (await outside.find_door_of(SCHOOL, door.issuer)) is door
    assert await outside.find_door_of(SCHOOL, "wechat:another") is None
    assert door.sign_in is not None
    with pytest.raises(ProviderUnavailable):
        await door.sign_in.sign_in("code")


async def test_old_generations_are_closed_and_opened_again_when_asked_for(
    campus: Campus, server: str
) -> None:
    outside = campus.wired.outside
    assert isinstance(outside, Connections)
    await activate(campus, NATIVE + cas(server))
    first, opened = await outside.current(SCHOOL)
    for number in range(GENERATIONS_KEPT + 1):
        await activate(campus, NATIVE + cas(server, f"cas{number}"))
        await outside.current(SCHOOL)
    assert len(outside._kept[SCHOOL]) == GENERATIONS_KEPT
    again = await outside.of_version(SCHOOL, first)
    assert again is not None
    assert (again is opened, list(again.sign_ons)) == (False, ["cas"])
    assert await outside.of_version(SCHOOL, 999) is None
    assert await outside.sign_ons.find(SCHOOL, "cas", 999) is None
