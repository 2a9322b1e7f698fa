"""`bff sso check`: says nothing bad of good settings, and finds each planted misconfiguration."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.conformance.ground import MemoryOnce
from adapters.sso.api import Check, Level
from adapters.sso.check import WebViewFile, check
from adapters.sso.connection import Connection, Ground, connect
from tests.contract.sandbox import free_port
from tests.contract.sso.cas_server import CasServer
from tests.contract.sso.certificates import certificate, key_pem, pem
from tests.contract.sso.ldap_server import BASE, SERVICE_DN, SERVICE_PASSWORD, LdapServer
from tests.contract.sso.oauth2_server import SECRET as PORTAL_SECRET
from tests.contract.sso.oauth2_server import OAuth2Server
from tests.contract.sso.oidc_server import SECRET, OidcServer
from tests.contract.sso.people import PUPILS
from tests.contract.sso.saml_idp import CERTIFICATE, IDP, SP, SP_CERTIFICATE, SP_KEY, SamlIdp
from tests.contract.sso.serving import serve
from tests.contract.sso.stage import CALLBACK, read
from tests.contract.sso.test_oauth2 import PORTAL
from tests.factories.chance import counted_entropy

SECRETS = {
    "env:OIDC": SECRET,
    "env:PORTAL": PORTAL_SECRET,
    "env:LDAP": SERVICE_PASSWORD,
    "env:SP": key_pem(SP_KEY),
    "env:WRONG": "a wrong secret that is also longer than 32 bytes",
}
FILE = WebViewFile("MP_verify_sample.txt", b"sample")


@dataclass
class Campus:
    """One server of each kind, and the right table for each."""

    cas: CasServer
    oidc: OidcServer
    oauth2: OAuth2Server
    saml: SamlIdp
    ldap: LdapServer
    tables: Mapping[str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Any, ...]]:
    """Those that speak HTTP."""
    with ExitStack() as stack:
        cas, oidc, oauth2, saml = CasServer(), OidcServer(), OAuth2Server(), SamlIdp()
        cas_url = stack.enter_context(serve(cas.application()))
        for each in (oidc, oauth2, saml):
            each.url = stack.enter_context(serve(each.application()))
        yield cas, cas_url, oidc, oauth2, saml


@pytest.fixture
async def campus(servers: tuple[Any, ...]) -> AsyncIterator[Campus]:
    """All of them, in working order."""
    cas, cas_url, oidc, oauth2, saml = servers
    oidc.mend()
    cas.services, cas.root_files, oauth2.dialect = ("https://card.example/sso/",), {}, "portal"
    async with LdapServer().running() as ldap:
        tables: dict[str, dict[str, Any]] = {
            "cas": {"server": f"{cas_url}/cas"},
            "oidc": {
                "issuer": oidc.url, "client_id": "campus-card", "client_secret": "${env:OIDC}",
            },
            "oauth2": {
                "authorize_url": f"{oauth2.url}/authorize", "token_url": f"{oauth2.url}/token",
                "userinfo_url": f"{oauth2.url}/profile", "client_id": "card",
                "client_secret": "${env:PORTAL}", **PORTAL,
            },
            "saml": {
                "idp_entity_id": IDP, "idp_sso_url": f"{saml.url}/sso?SAMLRequest=x",
                "idp_cert": CERTIFICATE, "sp_entity_id": SP, "sp_key": "${env:SP}",
                "sp_cert": SP_CERTIFICATE,
            },
            "ldap": {
                "url": f"ldap://127.0.0.1:{ldap.port}", "base": BASE, "bind_dn": SERVICE_DN,
                "bind_password": "${env:LDAP}", "consent": "x", "sample": PUPILS[0].login,
            },
        }  # fmt: skip
        yield Campus(cas, oidc, oauth2, saml, ldap, tables)


async def checked(
    campus: Campus, kind: str, *, off_seconds: int = 0, file: WebViewFile | None = None,
    **change: Any,
) -> dict[str, Check]:  # fmt: skip
    """The checks of a provider whose table is changed so, by name."""
    from datetime import UTC, datetime, timedelta

    def now() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=off_seconds)  # noqa: TID251 - servers live so

    ground = Ground(MemoryOnce(), now, lambda _said: None, counted_entropy("check"))
    table = {"kind": kind, **campus.tables[kind], **change}
    one: Connection = connect(read(table, SECRETS), "sample", CALLBACK, ground)
    found = await check(one, file)
    await one.close()
    for each in found:
        assert each.detail.zh
        assert each.detail.en
        if each.level in {Level.FAIL, Level.WARN}:
            assert each.fix.zh
            assert each.fix.en
    return {each.name: each for each in found}


def levels(found: Mapping[str, Check], level: Level) -> list[str]:
    """The names of the checks that ended so."""
    return sorted(name for name, each in found.items() if each.level is level)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("cas", {"cas_validate", "cas_paths", "cas_service", "clock"}),
        ("oidc", {"oidc_discovery", "oidc_algorithms", "oidc_pkce", "oidc_keys", "oidc_token",
                  "oidc_redirect_uri", "clock"}),
        ("oauth2", {"oauth2_token", "oauth2_authorize", "clock"}),
        ("saml", {"saml_certificate", "saml_acs", "saml_page", "clock"}),
        ("ldap", {"ldap_connect", "ldap_bind", "ldap_base", "ldap_sample", "ldap_empty_password"}),
    ],
)  # fmt: skip
async def test_check_needs_no_password(campus: Campus, kind: str, names: set[str]) -> None:
    found = await checked(campus, kind)
    assert set(found) == names
    assert levels(found, Level.FAIL) == levels(found, Level.WARN) == []
    skipped = levels(found, Level.SKIP)
    assert skipped == (["oauth2_authorize"] if kind == "oauth2" else [])
    # Nobody logged in: no ticket, code or token was made, and nobody's password was tried.
    made = (campus.cas._tickets, campus.oidc._codes, campus.oauth2._codes, campus.oidc._tokens)
    assert [each for each in (*made, campus.oauth2._tokens, campus.ldap.wrong) if each] == []


async def only_bad(campus: Campus, kind: str, name: str, **change: Any) -> Check:
    """The one check that is not well."""
    found = await checked(campus, kind, **change)
    assert levels(found, Level.FAIL) + levels(found, Level.WARN) == [name]
    return found[name]


async def test_a_wrong_client_secret_is_found(campus: Campus) -> None:
    bad = await only_bad(campus, "oidc", "oidc_token", client_secret="${env:WRONG}")
    assert bad.detail.en == "The token endpoint refuses us: client_id or client_secret is wrong"
    assert "client_secret" in bad.fix.zh


async def test_a_redirect_uri_that_is_not_registered_is_found(campus: Campus) -> None:
    campus.oidc.redirect_uris = ("https://card.example/old",)
    bad = await only_bad(campus, "oidc", "oidc_redirect_uri")
    assert bad.fix.en == f"Ask the school to register this redirect_uri: {CALLBACK}"


async def test_a_wrong_issuer_is_found(campus: Campus) -> None:
    bad = await only_bad(campus, "oidc", "oidc_discovery", issuer=f"{campus.oidc.url}/")
    assert f"it is {campus.oidc.url}/" in bad.fix.en
    bad = await only_bad(campus, "oidc", "oidc_discovery", issuer=f"{campus.oidc.url}/realm")
    assert "no discovery document (404)" in bad.detail.en


async def test_an_algorithm_that_is_not_offered_is_found(campus: Campus) -> None:
    bad = await only_bad(campus, "oidc", "oidc_algorithms", alg="PS256")
    assert bad.fix.en == "Set alg to one of RS256"
    campus.oidc.published = []
    bad = await only_bad(campus, "oidc", "oidc_keys")
    assert bad.detail.en == "There is no key for RS256"


async def test_a_server_without_pkce_is_warned_of(campus: Campus) -> None:
    campus.oidc.metadata = lambda it: {**it, "code_challenge_methods_supported": ["plain"]}
    assert (await only_bad(campus, "oidc", "oidc_pkce")).level is Level.WARN


async def test_a_cas_service_that_is_not_registered_is_found(campus: Campus) -> None:
    campus.cas.services = ("https://card.example/old/",)
    bad = await only_bad(campus, "cas", "cas_service")
    assert CALLBACK in bad.fix.en


async def test_a_wrong_validate_path_is_found_with_the_right_one(campus: Campus) -> None:
    bad = await only_bad(campus, "cas", "cas_validate", validate_path="/cas3/validate")
    assert bad.fix.en.endswith("this one works: /p3/serviceValidate")
    found = await checked(campus, "cas", server=f"{campus.oidc.url}/cas")
    assert levels(found, Level.FAIL) == ["cas_service", "cas_validate"]
    assert found["cas_validate"].fix.en.endswith("none of the usual")


async def test_a_wrong_ok_rule_or_secret_of_a_dialect_is_found(campus: Campus) -> None:
    wrong = {"path": "code", "value": "0"}
    bad = await only_bad(campus, "oauth2", "oauth2_token", ok=wrong)
    assert bad.detail.en.endswith("the token answer has no code: check ok")
    bad = await only_bad(campus, "oauth2", "oauth2_token", ok={"path": "errcode", "value": "40029"})
    assert "token_path" in bad.fix.en
    campus.oauth2.dialect = "apereo"
    change = {"client_secret": "${env:WRONG}", "ok": None, "token_path": "", "userinfo_path": ""}
    bad = await only_bad(campus, "oauth2", "oauth2_token", **change)
    assert bad.detail.en.endswith("client_id or client_secret is wrong")


async def test_an_authorise_page_that_refuses_our_address_is_found(campus: Campus) -> None:
    bad = await only_bad(campus, "oauth2", "oauth2_authorize", client_id="unknown")
    assert "(403)" in bad.detail.en


@pytest.mark.parametrize(("days", "level"), [(31, None), (29, Level.WARN), (-1, Level.FAIL)])
async def test_a_certificate_about_to_end_is_found(
    campus: Campus, days: int, level: Level | None
) -> None:
    ending = pem(certificate("idp", ec.generate_private_key(ec.SECP256R1()), days=days))
    found = await checked(campus, "saml", idp_cert=ending)
    bad = found["saml_certificate"]
    assert bad.level is (level or Level.OK)
    assert str(abs(days)) in bad.detail.en
    assert (await checked(campus, "saml", idp_cert="x"))["saml_certificate"].level is Level.FAIL
    assert CALLBACK in found["saml_acs"].detail.en


async def test_a_wrong_base_or_bind_password_of_a_directory_is_found(campus: Campus) -> None:
    bad = await only_bad(campus, "ldap", "ldap_base", base="ou=nobody,dc=example")
    assert "noSuchObject" in bad.detail.en
    bad = await only_bad(campus, "ldap", "ldap_bind", bind_password="${env:WRONG}")
    assert bad.fix.en == "Compare bind_dn and bind_password"
    bad = await only_bad(campus, "ldap", "ldap_sample", filter="(cn={username})")
    assert bad.detail.en == "The sample gives 0 entries"
    bad = await only_bad(campus, "ldap", "ldap_connect", url=f"ldap://127.0.0.1:{free_port()}")
    assert bad.level is Level.FAIL
    found = await checked(campus, "ldap", sample=None)
    assert levels(found, Level.SKIP) == ["ldap_sample"]


@pytest.mark.parametrize(
    ("off_seconds", "level"),
    [(10, Level.OK), (-45, Level.WARN), (45, Level.WARN), (90, Level.FAIL)],
)
@pytest.mark.parametrize("kind", ["cas", "oidc", "oauth2", "saml"])
async def test_a_clock_that_is_off_is_found(
    campus: Campus, kind: str, off_seconds: int, level: Level
) -> None:
    found = await checked(campus, kind, off_seconds=off_seconds)
    assert found["clock"].level is level
    assert found["clock"].fix.en == ("" if level is Level.OK else "Set both clocks by NTP")


async def test_a_host_without_the_web_view_file_is_found(campus: Campus) -> None:
    bad = await only_bad(campus, "cas", "web_view", file=FILE)
    assert "put MP_verify_sample.txt at the root of 127.0.0.1:" in bad.fix.en
    campus.cas.root_files = {FILE.name: b"another operator's"}
    await only_bad(campus, "cas", "web_view", file=FILE)
    campus.cas.root_files = {FILE.name: b"sample\n"}
    found = await checked(campus, "cas", file=FILE)
    assert found["web_view"].level is Level.OK
    found = await checked(campus, "ldap", file=FILE)
    assert "web_view" not in found


@pytest.mark.parametrize("kind", ["cas", "oidc", "oauth2", "saml"])
async def test_a_server_that_is_not_there_is_found(campus: Campus, kind: str) -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    names = {"cas": ["server"], "oidc": ["issuer"], "saml": ["idp_sso_url"],
             "oauth2": ["authorize_url", "token_url"]}  # fmt: skip
    change: dict[str, Any] = dict.fromkeys(names[kind], gone)
    found = await checked(campus, kind, **change)
    (bad,) = (each for each in found.values() if each.level is Level.FAIL)
    assert bad.detail.en.startswith("Cannot be reached: 127.0.0.1 gave no answer")
    assert "allow_private = true" in bad.fix.en
