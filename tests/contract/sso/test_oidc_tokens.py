"""OpenID Connect: every forged token and every change of keys of the checklist."""

import base64
import time
from functools import partial

import pytest

from adapters.sso.api import (
    ProtocolViolation,
    SettingsInvalid,
    Upstream,
)
from tests.contract.sso.oidc_client import client, outcome, signed_on
from tests.contract.sso.oidc_server import (
    CLIENT,
    FIRST_KEY,
    Json,
    OidcServer,
    new_key,
    pem_of,
    public_jwk,
    signed,
)
from tests.contract.sso.stage import begun, refused, stage


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA", "Ed25519", "HS256"])
async def test_each_algorithm_verifies_where_it_is_pinned(op: OidcServer, algorithm: str) -> None:
    op.key = FIRST_KEY if algorithm == "HS256" else new_key(algorithm)
    op.algorithm = algorithm
    assert (await outcome(op, alg=algorithm)).subject == "pupil0"
    assert (await outcome(op, alg=["RS512", algorithm])).subject == "pupil0"


async def test_alg_none_refused(op: OidcServer) -> None:
    op.metadata = lambda it: {**it, "id_token_signing_alg_values_supported": ["none", "RS256"]}
    op.sign = lambda header, claims: signed({**header, "alg": "none"}, claims, None)
    assert isinstance(await refused(outcome(op)), ProtocolViolation)
    with pytest.raises(SettingsInvalid):
        client(op, alg="none")


@pytest.mark.parametrize("algorithm", ["PS256", "ES256", "HS256"])
async def test_alg_outside_pin_refused(op: OidcServer, algorithm: str) -> None:
    if algorithm != "HS256":
        op.key = new_key(algorithm)
    op.algorithm = algorithm
    error = await refused(outcome(op))
    assert error.hint == "the token is not signed with one of ('RS256',)"


def forged_with(key: bytes, header: Json, claims: Json) -> str:
    """A token whose shared secret is something public."""
    return signed({**header, "alg": "HS256"}, claims, key)


async def test_pem_as_hmac_key_refused(op: OidcServer) -> None:
    pem = pem_of(op.key)
    for key in (pem, pem.strip()):
        op.sign = partial(forged_with, key)
        assert isinstance(await refused(outcome(op)), ProtocolViolation)
        assert isinstance(await refused(outcome(op, alg=["RS256", "HS256"])), ProtocolViolation)
    with pytest.raises(SettingsInvalid, match="HS256 needs a client_secret"):
        client(op, secret=pem.decode(), alg="HS256")
    with pytest.raises(SettingsInvalid, match="HS256 needs a client_secret"):
        client(op, secret="short", alg="HS256")


async def test_a_published_shared_secret_verifies_nothing(op: OidcServer) -> None:
    op.published = [{"kty": "oct", "kid": "k1", "k": base64.urlsafe_b64encode(b"x" * 32).decode()}]
    op.sign = lambda header, claims: signed({**header, "alg": "HS256"}, claims, b"x" * 32)
    assert isinstance(await refused(outcome(op, alg=["RS256", "HS256"])), ProtocolViolation)


@pytest.mark.parametrize("nonce", ["", "other", None])
async def test_nonce_wrong(op: OidcServer, nonce: str | None) -> None:
    op.claims = lambda it: {**it, "nonce": nonce}
    assert (await refused(outcome(op))).hint == "the token is of another sign-on (nonce)"


@pytest.mark.parametrize(
    ("change", "fine"),
    [
        ({"aud": "other"}, False),
        ({"aud": []}, False),
        ({"aud": None}, False),
        ({"aud": [CLIENT]}, True),
        ({"aud": [CLIENT, "other"]}, False),
        ({"aud": [CLIENT, "other"], "azp": CLIENT}, True),
        ({"aud": [CLIENT, "other"], "azp": "other"}, False),
        ({"azp": "other"}, False),
        ({"iss": "https://other.example"}, False),
        ({"sub": ""}, False),
        ({"sub": 7}, True),  # a number is text: its digits are the subject
        ({"sub": None}, False),
        ({"sub": "x" * 256}, False),
    ],
)
async def test_aud_azp_wrong(op: OidcServer, change: Json, fine: bool) -> None:
    op.claims = lambda it: {**it, **change}
    op.metadata = lambda it: {**it, "userinfo_endpoint": None}
    if fine:
        assert (await outcome(op)).subject == str(change.get("sub", "pupil0"))
    else:
        assert isinstance(await refused(outcome(op)), ProtocolViolation)


@pytest.mark.parametrize(
    ("name", "off", "fine"),
    [
        ("exp", -50, True),
        ("exp", -61, False),
        ("iat", 55, True),
        ("iat", 70, False),
        ("iat", -230, True),
        ("iat", -250, False),
        ("nbf", 55, True),
        ("nbf", 70, False),
        ("exp", None, False),
        ("iat", None, False),
        ("exp", 1e400, False),
    ],
)
async def test_exp_iat_beyond_leeway(
    op: OidcServer, name: str, off: float | None, fine: bool
) -> None:
    def moved(claims: Json) -> Json:
        now = int(time.time())  # noqa: TID251 - the server lives in real time
        if off is None:
            return {k: v for k, v in claims.items() if k != name}
        return {**claims, name: now + off}

    op.claims = moved
    if fine:
        assert (await outcome(op)).subject == "pupil0"
    else:
        assert isinstance(await refused(outcome(op)), ProtocolViolation)


async def test_rotation_without_kid_one_refetch(op: OidcServer) -> None:
    op.kid = None
    one = client(op)
    async with stage() as env:
        await signed_on(one, env)
        op.key = new_key("RS256")
        assert (await refused(signed_on(one, env))).hint == (
            "no key of the provider verifies the token"
        )
        assert op.asked["jwks"] == 1, "within ten seconds of the first fetch nothing is asked"
    async with stage(off_seconds=11) as env:
        assert (await signed_on(one, env)).subject == "pupil0"
        op.sign = lambda header, claims: signed(header, claims, new_key("RS256"))
        for _ in range(5):
            await refused(signed_on(one, env))
        assert op.asked["jwks"] == 2
        assert op.asked["discovery"] == 2


async def test_an_unknown_kid_looks_again(op: OidcServer) -> None:
    one = client(op)
    async with stage() as env:
        await signed_on(one, env)
    op.key, op.kid = new_key("RS256"), "k2"
    async with stage(off_seconds=11) as env:
        assert (await signed_on(one, env)).subject == "pupil0"
    assert op.asked["jwks"] == 2


async def test_a_key_for_encryption_or_of_another_kind_is_passed_over(op: OidcServer) -> None:
    right = op.jwk()
    op.published = [
        {**right, "use": "enc"},
        public_jwk(new_key("ES256")),
        {"kty": "RSA", "kid": "k1", "n": "!", "e": "!"},
        {**right, "alg": "RS512"},
    ]
    assert isinstance(await refused(outcome(op)), ProtocolViolation)
    op.published.append(right)
    assert (await outcome(op)).subject == "pupil0"


async def test_stale_keys_on_outage(op: OidcServer) -> None:
    said: list[str] = []
    one = client(op, leeway=60)
    async with stage() as env:
        await signed_on(one, env)
    op.out = True
    hour = 3600
    async with stage(off_seconds=2 * hour, said=said) as env:
        stash, _, page = await begun(one, env)
        assert page.startswith(f"{op.url}/authorize")
        assert stash["nonce"]
    assert said == ["the provider's keys are old, and it cannot be reached"]
    async with stage(off_seconds=25 * hour) as env:
        assert isinstance(await refused(begun(one, env)), Upstream)
    op.out = False
    async with stage(off_seconds=25 * hour + 11) as env:
        await begun(one, env)
    async with stage(off_seconds=25 * hour + 20) as env:
        await begun(one, env)
    assert op.asked["jwks"] == 2


async def test_at_hash_of_another_access_token_is_refused(op: OidcServer) -> None:
    op.claims = lambda it: {**it, "at_hash": "x" * 22}
    assert (await refused(outcome(op))).hint.endswith("(at_hash)")
