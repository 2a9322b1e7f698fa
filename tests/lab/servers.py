"""The servers of the lab, each a context that yields its settings and how a person logs in."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from adapters.conformance.ground import Back
from tests.contract.sandbox import free_port
from tests.contract.sso.certificates import key_pem, public_pem, tls_files
from tests.contract.sso.people import PASSWORD, PUPILS
from tests.contract.sso.saml_idp import CERTIFICATE, IDP, KEY, SP, SP_CERTIFICATE, SP_KEY
from tests.lab.browser import log_in
from tests.lab.cas_server import PACKAGE, cas_server
from tests.lab.directory import SERVICE_DN, SERVICE_PASSWORD, prepared, slapd_command
from tests.lab.processes import HERE, NotInstalled, started, told

CONSENT = "campus-password"
"""What people agree to before we see the password of their campus account (LDAP)."""
SECRET = "a secret of the lab with more than 32 bytes"


@dataclass(frozen=True, slots=True)
class LabServer:
    """A running server: the table of `[[sso]]` for it, the values of its references, its people.

    `released` is what it says at least of the first; `kit` are declarations of ProviderContract.
    """

    name: str
    package: str
    url: str
    table: Mapping[str, Any]
    references: Mapping[str, str] = field(default_factory=dict)
    people: int = 1
    released: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kit: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple[str, str] = ("username", "password")
    process: asyncio.subprocess.Process | None = None

    async def log_in(self, url: str, stop: str, person: int = 0, lie: str = "") -> Back:
        """What a browser brings back to `stop`; `lie` are words behind the name (SAML)."""
        return await log_in(url, stop, self.typed(person, lie))

    def typed(self, person: int = 0, lie: str = "") -> Mapping[str, str]:
        """What a person types, by the names of the fields."""
        name, password = self.fields
        return {name: f"{PUPILS[person].login} {lie}".strip(), password: PASSWORD}

    async def lie(self, **change: Any) -> None:
        """Lets the mock server lie from now on; nothing: tell the truth."""
        assert self.process is not None
        await told(self.process, json.dumps(change))


def _node() -> str:
    node = shutil.which("node")
    if node is None or not (HERE / "node_modules").is_dir():
        raise NotInstalled("install Node and npm, then run: make sso-lab")
    return node


@asynccontextmanager
async def openid_provider(callback: str, algorithm: str = "RS256") -> AsyncIterator[LabServer]:
    """oidc-provider, by RS256 or HS256."""
    port = free_port()
    people = {each.login: {"name": each.name, "number": each.number} for each in PUPILS}
    given = json.dumps({"secret": SECRET, "callback": callback, "people": people})
    client = "campus-card-hs" if algorithm == "HS256" else "campus-card"
    async with started((_node(), "oidc.mjs", str(port), given), HERE):
        yield LabServer(
            f"oidc-{algorithm.lower()}", "oidc-provider 9.13.3", f"http://127.0.0.1:{port}",
            {
                "kind": "oidc", "issuer": f"http://127.0.0.1:{port}", "client_id": client,
                "client_secret": "${env:LAB}", "alg": algorithm,
            },
            {"env:LAB": SECRET}, len(PUPILS),
            {"$subject": ("pupil0",), "employeeNumber": ("007001",), "name": ("示例甲&乙",)},
            {"secrets": (SECRET, PASSWORD)}, ("login", "password"),
        )  # fmt: skip


@asynccontextmanager
async def mock_provider(callback: str) -> AsyncIterator[LabServer]:
    """oauth2-mock-server: logs one person in by itself, and lies on demand."""
    port = free_port()
    async with started((_node(), "mock.mjs", str(port)), HERE) as process:
        yield LabServer(
            "oidc-mock", "oauth2-mock-server 8.2.3", f"http://127.0.0.1:{port}",
            {
                "kind": "oidc", "issuer": f"http://127.0.0.1:{port}", "client_id": "campus-card",
                "client_secret": "${env:LAB}",
            },
            {"env:LAB": SECRET}, 1,
            {"$subject": ("pupil0",), "employeeNumber": ("007001",), "name": ("示例甲&乙",)},
            {"secrets": (SECRET,)}, process=process,
        )  # fmt: skip


@asynccontextmanager
async def apereo_dialect(callback: str) -> AsyncIterator[LabServer]:
    """OAuth 2 as an Apereo CAS server speaks it: codes, tokens and PKCE are oidc-provider's, the
    shapes are put on by apereo.mjs, since the real server is in no registry of Python or Node."""
    port, inner = free_port(), free_port()
    url = f"http://127.0.0.1:{port}/oauth2.0"
    people = {each.login: {"name": each.name, "number": each.number} for each in PUPILS}
    given = json.dumps({"secret": SECRET, "callback": callback, "people": people})
    async with started((_node(), "apereo.mjs", str(port), str(inner), given), HERE):
        yield LabServer(
            "oauth2", "oidc-provider 9.13.3 *", url,
            {
                "kind": "oauth2", "authorize_url": f"{url}/authorize",
                "token_url": f"{url}/accessToken", "userinfo_url": f"{url}/profile",
                "client_id": "campus-card", "client_secret": "${env:LAB}", "subject": "id",
                "token_method": "get", "client_auth": "query", "userinfo_token_in": "query",
            },
            {"env:LAB": SECRET}, len(PUPILS),
            {
                "$subject": ("pupil0",), "attributes.employeeNumber": ("007001",),
                "attributes.name": ("示例甲&乙",),
            },
            {
                "secrets": (SECRET, PASSWORD), "times_are_signed": False,
                # The package's own: no server of this dialect sends it.
                "unsigned_params": frozenset({"iss"}),
            },
            ("login", "password"),
        )  # fmt: skip


@asynccontextmanager
async def saml_provider(callback: str) -> AsyncIterator[LabServer]:
    """samlp."""
    port = free_port()
    people = {
        each.login: {"login": each.login, "name": each.name, "number": each.number}
        for each in PUPILS
    }
    given = {
        "issuer": IDP, "cert": CERTIFICATE, "key": key_pem(KEY), "callback": callback,
        "people": people, "sp_cert": SP_CERTIFICATE, "sp_public_key": public_pem(SP_KEY),
    }  # fmt: skip
    async with started((_node(), "saml.cjs", str(port), json.dumps(given)), HERE):
        yield LabServer(
            "saml", "samlp 8.0.0", f"http://127.0.0.1:{port}",
            {
                "kind": "saml", "idp_entity_id": IDP, "idp_sso_url": f"http://127.0.0.1:{port}/sso",
                "idp_cert": CERTIFICATE, "sp_entity_id": SP, "sp_key": "${env:SP}",
                "sp_cert": SP_CERTIFICATE,
            },
            {"env:SP": key_pem(SP_KEY)}, len(PUPILS),
            {"$subject": ("pupil0",), "employeeNumber": ("007001",), "cn": ("示例甲&乙",)},
            {"asks_server": False},
        )  # fmt: skip


@asynccontextmanager
async def cas_provider(callback: str) -> AsyncIterator[LabServer]:
    """django-cas-server; it knows one service, our callback."""
    port = free_port()
    async with cas_server(port, rf"^{re.escape(callback)}(\?.*)?$", PUPILS) as server:
        yield LabServer(
            "cas", PACKAGE, f"http://127.0.0.1:{port}",
            {"kind": "cas", "server": server.url}, {}, len(PUPILS),
            {"$subject": ("pupil0",), "employeeNumber": ("007001",), "cn": ("示例甲&乙",)},
            {"secrets": (PASSWORD,), "times_are_signed": False},
        )  # fmt: skip


@asynccontextmanager
async def directory(callback: str) -> AsyncIterator[LabServer]:
    """OpenLDAP over TLS, with a policy that locks after three wrong passwords."""
    port, plain = free_port(), free_port()
    with TemporaryDirectory() as name:
        folder = Path(name)
        authority, certificate, key = tls_files(folder)
        base, env = await prepared(folder, authority, certificate, key)
        url = f"ldaps://127.0.0.1:{port}"
        serve = slapd_command(folder, f"{url} ldap://127.0.0.1:{plain}")
        async with started(serve, folder, port=port, env=env):
            yield LabServer(
                "ldap", "OpenLDAP slapd", url,
                {
                    "kind": "ldap", "url": url, "base": base, "bind_dn": SERVICE_DN,
                    "bind_password": "${env:LDAP}", "consent": CONSENT, "allow_private": True,
                    "ca_file": str(authority), "sample": "pupil0",
                },
                {"env:LDAP": SERVICE_PASSWORD}, len(PUPILS),
                {"$subject": ("pupil0",), "employeeNumber": ("007001",), "cn": ("示例甲&乙",)},
                {"secrets": (SERVICE_PASSWORD, PASSWORD), "times_are_signed": False},
            )  # fmt: skip


Start = Callable[[str], AbstractAsyncContextManager[LabServer]]
ALL: Mapping[str, Start] = {
    "oidc-rs256": openid_provider,
    "oidc-hs256": partial(openid_provider, algorithm="HS256"),
    "oidc-mock": mock_provider,
    "oauth2": apereo_dialect,
    "cas": cas_provider,
    "saml": saml_provider,
    "ldap": directory,
}
"""Each takes the callback address and is the context of a running server."""
