"""OpenID Connect: the flow, its endpoints and its logout, by a provider that lies on demand."""

import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from adapters.sso.api import (
    Denied,
    LogoutNotice,
    Misconfigured,
    SettingsInvalid,
    Upstream,
)
from tests.contract.sso.oidc_client import TYPED, client, outcome
from tests.contract.sso.oidc_server import (
    Json,
    OidcServer,
    new_key,
    signed,
)
from tests.contract.sso.people import PUPILS
from tests.contract.sso.stage import CALLBACK, begun, came_back, refused, stage
from tests.lab.browser import log_in


async def test_a_sign_on_yields_claims_and_userinfo(op: OidcServer) -> None:
    found = await outcome(op)
    assert (found.issuer, found.subject, found.session_ref) == (op.url, "pupil0", "session-1")
    assert found.attributes["person.mails"] == ("jia@people.example", "x@people.example")
    assert found.attributes["is_new"] == ("false",)
    assert abs(found.auth_time - time.time()) < 5  # noqa: TID251 - the server lives in real time
    assert not {"nonce", "aud", "exp", "iss"} & found.attributes.keys()


@pytest.mark.parametrize("issuer", ["https://other.example", "", None])
async def test_discovery_issuer_differs(op: OidcServer, issuer: str | None) -> None:
    op.metadata = lambda it: {**it, "issuer": issuer}
    assert isinstance(await refused(outcome(op)), Misconfigured)


async def test_a_final_slash_is_part_of_the_issuer(op: OidcServer) -> None:
    op.metadata = lambda it: {**it, "issuer": f"{op.url}/"}
    assert isinstance(await refused(outcome(op)), Misconfigured)
    op.claims = lambda it: {**it, "iss": f"{op.url}/"}
    found = await outcome(op, issuer=f"{op.url}/", issuer_alias=op.url)
    assert found.issuer == f"{op.url}/"


async def test_rfc9207_iss_wrong_or_missing_when_promised(op: OidcServer) -> None:
    op.back = lambda it: {**it, "iss": "https://other.example"}
    assert (await refused(outcome(op))).hint == "another provider answered (iss)"
    assert "token" not in op.asked
    op.back = lambda it: {k: v for k, v in it.items() if k != "iss"}
    assert (await outcome(op)).subject == "pupil0"
    op.metadata = lambda it: {**it, "authorization_response_iss_parameter_supported": True}
    error = await refused(outcome(op))
    assert error.hint == "the provider promises iss and sent none"


async def test_pkce_s256_sent_for_confidential_clients(op: OidcServer) -> None:
    async with stage() as env:
        one = client(op)
        stash, state, page = await begun(one, env)
        asked = {k: v[0] for k, v in parse_qs(urlsplit(page).query).items()}
        assert asked["code_challenge_method"] == "S256"
        assert len(asked["code_challenge"]) == 43
        assert len(stash["verifier"]) >= 43
        assert stash["verifier"] not in page
        back = await log_in(page, CALLBACK, TYPED)
        other = {**stash, "verifier": "x" * 43}
        assert isinstance(await refused(one.finish(env, came_back(other, state, back))), Denied)
    assert op.sent["code_verifier"] == "x" * 43


@pytest.mark.parametrize("subject", ["pupil1", "", None])
async def test_userinfo_sub_differs(op: OidcServer, subject: str | None) -> None:
    op.user = lambda it: {**it, "sub": subject}
    assert (await refused(outcome(op))).hint == "userinfo is about somebody else (sub)"
    assert (await outcome(op, userinfo=False)).attributes.get("name") is None


async def test_redirect_uri_is_one_per_provider(op: OidcServer) -> None:
    async with stage() as env:
        one = client(op)
        pages = [(await begun(one, env))[2] for _ in range(3)]
        assert {parse_qs(urlsplit(page).query)["redirect_uri"][0] for page in pages} == {CALLBACK}
        stash, state, page = await begun(one, env)
        back = await log_in(page, CALLBACK, TYPED)
        evil = came_back(stash, state, back, "https://evil.example/callback")
        await one.finish(env, evil)
    assert op.sent["redirect_uri"] == CALLBACK


async def test_two_secrets_work_while_they_change(op: OidcServer) -> None:
    op.secrets = ("the former secret of 32 bytes",)
    found = await outcome(op, client_secret=["${env:OIDC}", "${env:OLD}"])
    assert found.subject == "pupil0"
    assert op.asked["token"] == 2
    error = await refused(outcome(op))
    assert (type(error), error.hint) == (Misconfigured, "client_id or client_secret is wrong")


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_each_way_to_name_the_client(op: OidcServer, method: str) -> None:
    assert (await outcome(op, auth_method=method)).subject == "pupil0"
    assert ("client_secret" in op.sent) == (method == "client_secret_post")


async def test_a_posted_callback_is_read_where_it_is_asked_for(op: OidcServer) -> None:
    async with stage() as env:
        one = client(op, response_mode="form_post")
        stash, state, page = await begun(one, env)
        back = await log_in(page, CALLBACK, TYPED)
        assert back.form["state"] == state
        assert (await one.finish(env, came_back(stash, state, back))).subject == "pupil0"


async def test_endpoints_in_the_settings_replace_discovery(op: OidcServer) -> None:
    endpoints = {
        "authorization": f"{op.url}/authorize", "token": f"{op.url}/token",
        "jwks": f"{op.url}/jwks",
    }  # fmt: skip
    found = await outcome(op, endpoints=endpoints)
    assert found.subject == "pupil0"
    assert "discovery" not in op.asked


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("access_denied", Denied),
        ("login_required", Denied),
        ("invalid_scope", Misconfigured),
        ("server_error", Upstream),
        ("<script>", Misconfigured),
    ],
)
async def test_an_error_that_comes_back_is_told_apart(
    op: OidcServer, error: str, kind: type[Exception]
) -> None:
    op.back = lambda it: {"state": it["state"], "error": error}
    found = await refused(outcome(op))
    assert type(found) is kind
    assert error not in found.hint


async def test_an_authorise_page_without_tls_is_refused(op: OidcServer) -> None:
    op.metadata = lambda it: {**it, "authorization_endpoint": "http://op.example/authorize"}
    async with stage() as env:
        error = await refused(client(op).begin(env, "0" * 24))
    assert error.hint == "the authorise page is not https"


def logout_claims(op: OidcServer, **change: Any) -> Json:
    """What a right logout token says, and the changes; None takes a claim away."""
    event: Json = {"http://schemas.openid.net/event/backchannel-logout": {}}
    right = {**op.claims_for("", PUPILS[0]), "events": event, "jti": "j1", "sid": "session-1"}
    del right["nonce"]
    return {k: v for k, v in {**right, **change}.items() if v is not None}


@pytest.mark.parametrize(
    ("change", "known"),
    [
        ({}, True),
        ({"sid": None}, True),
        ({"sub": None}, True),
        ({"sub": None, "sid": None}, False),
        ({"nonce": "x"}, False),
        ({"events": {}}, False),
        ({"events": None}, False),
        ({"jti": None}, False),
        ({"aud": "other"}, False),
        ({"iss": "https://other.example"}, False),
        ({"iat": 1}, False),
        ({"exp": 1}, False),
    ],
)
async def test_logout_token_verified(op: OidcServer, change: Json, known: bool) -> None:
    claims = logout_claims(op, **change)
    raw = urlencode({"logout_token": op.signed(claims)}).encode()
    async with stage() as env:
        notice = await client(op).logout_notice(env, raw)
        again = await client(op).logout_notice(env, raw)
    expected = LogoutNotice(claims.get("sid"), claims.get("sub"))
    assert notice == (expected if known else None)
    assert again is None


async def test_a_logout_token_of_another_key_is_ignored(op: OidcServer) -> None:
    forged = signed({"alg": "RS256", "kid": "k1"}, logout_claims(op), new_key("RS256"))
    async with stage() as env:
        raw = urlencode({"logout_token": forged}).encode()
        assert await client(op).logout_notice(env, raw) is None
        page = await client(op).logout_url(env, "session-1", "https://card.example/")
    assert page == (
        f"{op.url}/end?client_id=campus-card&post_logout_redirect_uri=https%3A%2F%2Fcard.example%2F"
    )


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"auth_method": "none"}, "contradict"),
        ({"leeway": 121}, "less than or equal to 120"),
        ({"alg": []}, "at least 1"),
        ({"client_secret": []}, "contradict"),
    ],
)
def test_settings_that_weaken_are_refused(op: OidcServer, settings: Json, problem: str) -> None:
    with pytest.raises(SettingsInvalid, match=problem):
        client(op, **settings)
