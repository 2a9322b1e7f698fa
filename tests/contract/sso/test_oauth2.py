"""OAuth 2: the declared dialects, against servers of two of them."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from adapters.conformance.contract import ProviderContract
from adapters.conformance.ground import Back
from adapters.sso.api import (
    Answer,
    Begin,
    Denied,
    Incomplete,
    Misconfigured,
    ProtocolViolation,
    Provider,
    SettingsInvalid,
    SSOError,
    Upstream,
)
from adapters.sso.oauth2 import OAuth2Provider
from tests.contract.sso.oauth2_server import CLIENT, SECRET, OAuth2Server
from tests.contract.sso.people import PASSWORD, PUPILS
from tests.contract.sso.serving import serve
from tests.contract.sso.stage import CALLBACK, begun, came_back, read, refused, stage
from tests.lab.browser import log_in

TYPED = {"username": PUPILS[0].login}
PORTAL = {
    "subject": "id", "token_path": "data", "userinfo_path": "data", "userinfo_token_in": "query",
    "token_method": "get", "client_auth": "query", "ok": {"path": "errcode", "value": "0"},
}  # fmt: skip
APEREO = {
    "subject": "id", "token_method": "get", "client_auth": "query", "userinfo_token_in": "query",
}  # fmt: skip


def portal(server: OAuth2Server, **settings: Any) -> OAuth2Provider:
    """A client of a server."""
    table = {
        "kind": "oauth2", "authorize_url": f"{server.url}/authorize",
        "token_url": f"{server.url}/token", "userinfo_url": f"{server.url}/profile",
        "client_id": CLIENT, "client_secret": "${file:/run/secrets/portal}", **settings,
    }  # fmt: skip
    provider = read(table, {"file:/run/secrets/portal": SECRET}).provider
    assert isinstance(provider, OAuth2Provider)
    return provider


class TestOAuth2(ProviderContract):
    """The portal: secret in the query of a GET, everything under `data`."""

    people = len(PUPILS)
    released: ClassVar = {
        "$subject": ("pupil0",),
        "attributes.XH": ("007001",),
        "attributes.XM": ("示例甲&乙",),
        "attributes.year": ("2026",),
    }
    secrets = (SECRET, PASSWORD)
    times_are_signed = False
    server: ClassVar[OAuth2Server]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _server(cls) -> Iterator[None]:
        cls.server = OAuth2Server()
        with serve(cls.server.application()) as cls.server.url:
            yield

    def make(self) -> Provider:
        return portal(self.server, **PORTAL)

    async def login(self, begin: Begin | None, state: str, person: int) -> Back:
        assert begin is not None
        typed = {"username": PUPILS[person].login, "password": PASSWORD}
        return await log_in(begin.url, self.callback_url, typed)


@pytest.fixture(scope="module")
def running() -> Iterator[OAuth2Server]:
    """A server."""
    server = OAuth2Server()
    with serve(server.application()) as server.url:
        yield server


@pytest.fixture
def server(running: OAuth2Server) -> OAuth2Server:
    """The server as the portal."""
    running.dialect, running.knows_pkce = "portal", True
    return running


async def outcome(provider: Provider) -> Any:
    """A whole sign-on."""
    async with stage() as env:
        stash, state, page = await begun(provider, env)
        back = await log_in(page, CALLBACK, TYPED)
        return await provider.finish(env, came_back(stash, state, back))


async def test_an_old_server_answers_with_a_form_and_nests_attributes(
    server: OAuth2Server,
) -> None:
    server.dialect = "apereo"
    found = await outcome(portal(server, **APEREO))
    assert (found.issuer, found.subject) == (f"{server.url}/authorize", "pupil0")
    assert found.attributes["attributes.XH"] == ("007001",)


@pytest.mark.parametrize("method", ["form", "json", "get"])
@pytest.mark.parametrize("auth", ["body", "query"])
async def test_the_token_is_asked_for_as_declared(
    server: OAuth2Server, method: str, auth: str
) -> None:
    declared = {**PORTAL, "token_method": method, "client_auth": auth}
    if (method, auth) == ("get", "body"):
        with pytest.raises(SettingsInvalid, match="token_method get needs"):
            portal(server, **declared)
        return
    assert (await outcome(portal(server, **declared))).subject == "pupil0"
    assert server.sent["method"] == ("GET" if method == "get" else "POST")


@pytest.mark.parametrize(
    ("place", "method"), [("header", "get"), ("query", "get"), ("body", "post"), ("header", "post")]
)
async def test_the_token_is_shown_where_declared(
    server: OAuth2Server, place: str, method: str
) -> None:
    declared = {**PORTAL, "userinfo_token_in": place, "userinfo_method": method}
    assert (await outcome(portal(server, **declared))).subject == "pupil0"


async def test_pkce_is_sent_unless_the_server_chokes_on_it(server: OAuth2Server) -> None:
    await outcome(portal(server, **PORTAL))
    assert len(server.sent["code_verifier"]) == 43
    await outcome(portal(server, **PORTAL, pkce=False))
    assert "code_verifier" not in server.sent


async def test_a_subject_may_be_nested(server: OAuth2Server) -> None:
    found = await outcome(portal(server, **{**PORTAL, "subject": "attributes.XH"}))
    assert found.subject == "007001"
    error = await refused(outcome(portal(server, **{**PORTAL, "subject": "uid"})))
    assert isinstance(error, Incomplete)
    assert error.hint == (
        "the profile has no uid; it has attributes.XH, attributes.XM, attributes.year, id, type"
    )


async def test_a_code_is_sent_once(server: OAuth2Server) -> None:
    one = portal(server, **PORTAL)
    async with stage() as env:
        stash, state, page = await begun(one, env)
        callback = came_back(stash, state, await log_in(page, CALLBACK, TYPED))
        await one.finish(env, callback)
        before = server.asked
        assert isinstance(await refused(one.finish(env, callback)), Denied)
        assert server.asked == before


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b'{"errcode": 40029}', Denied),
        (200, b'{"errcode": "0", "data": {}}', None),
        (200, b'{"data": {"access_token": "x"}}', Misconfigured),
        (200, b'{"errcode": 0, "access_token": "x"}', Misconfigured),
        (400, b'{"error": "invalid_grant"}', Denied),
        (401, b'{"error": "invalid_client"}', Misconfigured),
        (502, b"", Upstream),
        (500, b'{"errcode": 0, "data": {"access_token": "x"}}', Upstream),
        (200, b"<html>", Upstream),
        (200, b"[1]", Upstream),
        (200, b"[" * 100_000, Upstream),
    ],
)
def test_a_token_answer_is_read_by_the_rule(
    server: OAuth2Server, status: int, body: bytes, error: type[SSOError] | None
) -> None:
    one = portal(server, **PORTAL)
    if error is None:
        assert one.token_of(Answer(status, {}, body)) == {}
        return
    with pytest.raises(error):
        one.token_of(Answer(status, {}, body))


async def test_a_wrong_token_path_is_our_fault(server: OAuth2Server) -> None:
    error = await refused(outcome(portal(server, **{**PORTAL, "token_path": "data.token"})))
    assert (type(error), error.hint) == (
        Misconfigured, "the answer has no data.token: check token_path",
    )  # fmt: skip


async def test_state_of_another_sign_on_is_refused(server: OAuth2Server) -> None:
    one = portal(server, **PORTAL)
    async with stage() as env:
        stash, state, page = await begun(one, env)
        back = await log_in(page, CALLBACK, TYPED)
        forged = Back({**back.query, "state": "0" * 24})
        error = await refused(one.finish(env, came_back(stash, state, forged)))
    assert isinstance(error, ProtocolViolation)


async def test_a_logout_page_is_only_where_the_settings_name_one(server: OAuth2Server) -> None:
    async with stage() as env:
        back = "https://card.example/"
        assert await portal(server, **PORTAL).logout_url(env, "x", back) is None
        page = f"{server.url}/logout?a=b"
        url = await portal(server, **PORTAL, logout_page=page).logout_url(env, "x", back)
    assert url == f"{page}&service=https%3A%2F%2Fcard.example%2F"
