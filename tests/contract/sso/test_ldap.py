"""LDAP: passwords that pass through, against a directory of our own over TLS."""

import ssl
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from adapters.conformance.contract import ProviderContract
from adapters.conformance.ground import Back
from adapters.conformance.hostile import HOST
from adapters.sso.api import (
    Begin,
    Denied,
    Incomplete,
    Misconfigured,
    Provider,
    Reach,
    SettingsInvalid,
    Upstream,
)
from adapters.sso.ldap import LdapProvider, LdapSettings
from tests.contract.sso.certificates import tls_files
from tests.contract.sso.ldap_server import (
    BASE,
    SERVICE_DN,
    SERVICE_PASSWORD,
    LdapServer,
    dn_of,
    entry_of,
)
from tests.contract.sso.people import PASSWORD, PUPILS
from tests.contract.sso.stage import read, refused, stage

SECRETS = {"env:LDAP": SERVICE_PASSWORD, "env:WRONG": "wrong"}


def directory(url: str, **settings: Any) -> Provider:
    """A provider of a directory."""
    table = {
        "kind": "ldap", "url": url, "base": BASE, "bind_dn": SERVICE_DN,
        "bind_password": "${env:LDAP}", "consent": "agreement 2026-1", **settings,
    }  # fmt: skip
    return read(table, SECRETS).provider


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Authority, certificate and key."""
    return tls_files(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def server(files: tuple[Path, Path, Path]) -> AsyncIterator[LdapServer]:
    """The directory over TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files[1], files[2])
    async with LdapServer(context).running() as running:
        yield running


@pytest.fixture
def provider(server: LdapServer, files: tuple[Path, Path, Path]) -> Provider:
    """A provider that trusts its authority."""
    return directory(f"ldaps://{HOST}:{server.port}", allow_private=True, ca_file=str(files[0]))


class TestLdap(ProviderContract):
    """Search and bind."""

    people = len(PUPILS)
    released: ClassVar = {
        "$subject": ("pupil0",),
        "employeeNumber": ("007001",),
        "cn": ("示例甲&乙",),
    }
    secrets = (SERVICE_PASSWORD, PASSWORD)
    times_are_signed = False
    server: ClassVar[LdapServer]

    @pytest.fixture(autouse=True)
    async def _server(self) -> AsyncIterator[None]:
        async with LdapServer().running() as type(self).server:
            yield

    def make(self) -> Provider:
        return self.make_facing(self.server.port)

    def make_facing(self, port: int) -> Provider:
        return directory(f"ldap://{HOST}:{port}")

    async def login(self, begin: Begin | None, state: str, person: int) -> Back:
        self.server.wrong.clear()
        return Back(form={"username": PUPILS[person].login, "password": PASSWORD})


async def test_a_right_password_yields_the_entry(provider: Provider) -> None:
    async with stage() as env:
        found = await provider.verify(env, "pupil0", PASSWORD)
    assert found.subject == "pupil0"
    assert found.issuer.startswith("ldaps://127.0.0.1:")
    assert dict(found.attributes) == {
        "uid": ("pupil0",), "employeeNumber": ("007001",), "cn": ("示例甲&乙",),
    }  # fmt: skip


@pytest.mark.parametrize(("name", "password"), [("pupil0", ""), ("", PASSWORD), ("", "")])
async def test_empty_password_refused_first(
    server: LdapServer, provider: Provider, name: str, password: str
) -> None:
    async with stage() as env:
        error = await refused(provider.verify(env, name, password))
    assert isinstance(error, Denied)
    assert server.connections == 0


@pytest.mark.parametrize(
    "name",
    ["*", "pupil*", "pupil0)(uid=*", "*)(uid=*))(|(uid=*", "pupil0\0", "(", "\\2a", "pupil0\\"],
)
async def test_filter_injection(server: LdapServer, provider: Provider, name: str) -> None:
    async with stage() as env:
        error = await refused(provider.verify(env, name, PASSWORD))
    assert isinstance(error, Denied)
    assert {text for attribute, text in server.searched} == {name}
    assert {attribute for attribute, text in server.searched} == {"uid"}


async def test_two_entries_refused(server: LdapServer, provider: Provider) -> None:
    server.entries[f"uid=twin,{BASE}"] = entry_of(PUPILS[0])
    async with stage() as env:
        error = await refused(provider.verify(env, "pupil0", PASSWORD))
    assert (type(error), error.hint) == (
        Misconfigured, "the filter finds more than one entry: narrow it",
    )  # fmt: skip


async def test_locked_looks_like_wrong(server: LdapServer, provider: Provider) -> None:
    async with stage() as env:
        wrong = await refused(provider.verify(env, "pupil0", "wrong"))
        server.wrong[dn_of(PUPILS[0])] = 99
        locked = await refused(provider.verify(env, "pupil0", PASSWORD))
        unknown = await refused(provider.verify(env, "nobody", PASSWORD))
    assert type(wrong) is type(locked) is type(unknown) is Denied
    assert wrong.hint == locked.hint == unknown.hint


async def test_starttls_encrypts_before_the_first_bind(
    files: tuple[Path, Path, Path],
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files[1], files[2])
    async with LdapServer(context, starttls=True).running() as running, stage() as env:
        url = f"ldap://{HOST}:{running.port}"
        one = directory(url, starttls=True, ca_file=str(files[0]))
        assert (await one.verify(env, "pupil1", PASSWORD)).subject == "pupil1"
        untrusting = directory(url, starttls=True)
        error = await refused(untrusting.verify(env, "pupil1", PASSWORD))
    assert isinstance(error, Misconfigured | Upstream)


async def test_a_certificate_of_nobody_or_of_another_name_is_refused(
    server: LdapServer, files: tuple[Path, Path, Path]
) -> None:
    async with stage() as env:
        for url, authority in (
            (f"ldaps://{HOST}:{server.port}", None),
            (f"ldaps://localhost:{server.port}", str(files[0])),
        ):
            one = directory(url, **({"ca_file": authority} if authority else {}))
            error = await refused(one.verify(env, "pupil0", PASSWORD))
            assert isinstance(error, Misconfigured)
            assert "certificate" in error.hint
    assert server.wrong == {}


@pytest.mark.parametrize("url", ["ldap://127.0.0.1:1", "http://127.0.0.1", "ldap://"])
async def test_passwords_leave_over_tls_only(url: str) -> None:
    settings = LdapSettings(
        url=url, base=BASE, bind_dn=SERVICE_DN, bind_password=SecretStr("x"), consent="x"
    )
    async with stage() as env:
        error = await refused(LdapProvider(settings, Reach()).verify(env, "a", "b"))
    assert isinstance(error, Misconfigured)


async def test_a_private_directory_needs_the_flag(server: LdapServer) -> None:
    one = directory(f"ldaps://{HOST}:{server.port}")
    object.__setattr__(one, "_reach", replace(Reach(), allow_private=False))
    async with stage() as env:
        error = await refused(one.verify(env, "pupil0", PASSWORD))
    assert "allow_private" in error.hint
    assert server.connections == 0


async def test_a_wrong_service_password_and_base_are_our_fault(
    server: LdapServer, files: tuple[Path, Path, Path]
) -> None:
    url = f"ldaps://{HOST}:{server.port}"
    trust: dict[str, Any] = {"ca_file": str(files[0])}
    async with stage() as env:
        one = directory(url, **trust, bind_password="${env:WRONG}")
        error = await refused(one.verify(env, "pupil0", PASSWORD))
        assert error.hint == "the directory refuses bind_dn or bind_password"
        one = directory(url, **trust, base="ou=none,dc=example")
        error = await refused(one.verify(env, "pupil0", PASSWORD))
        assert error.hint == "the directory refuses the base (noSuchObject)"
        one = directory(url, **trust, subject_attribute="entryUUID")
        error = await refused(one.verify(env, "pupil0", PASSWORD))
        assert isinstance(error, Incomplete)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"consent": ""}, "consent"),
        ({"filter": "(uid=x)"}, "filter holds"),
        ({"bind_password": "${env:EMPTY}"}, "not there"),
    ],
)
def test_settings_that_weaken_are_refused(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsInvalid, match=problem):
        directory("ldaps://directory.example", **settings)
    with pytest.raises(SettingsInvalid, match="consent: Field required"):
        read({"kind": "ldap", "url": "ldaps://a", "base": BASE, "bind_dn": "x",
              "bind_password": "${env:LDAP}"}, SECRETS)  # fmt: skip


async def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ldap3", None)
    async with stage() as env:
        error = await refused(directory("ldap://127.0.0.1:1").verify(env, "a", "b"))
    assert error.hint == "kind ldap needs the extra [ldap] (ldap3)"
