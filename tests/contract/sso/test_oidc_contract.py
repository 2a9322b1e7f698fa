"""OpenID Connect against the contract kit, by a public key and by the shared secret."""

from collections.abc import Iterator
from typing import ClassVar

import pytest

from adapters.conformance.contract import ProviderContract
from adapters.conformance.ground import Back
from adapters.sso.api import Begin, Provider
from tests.contract.sso.oidc_server import CLIENT, SECRET, OidcServer
from tests.contract.sso.people import PASSWORD, PUPILS
from tests.contract.sso.serving import serve
from tests.contract.sso.stage import read
from tests.lab.browser import log_in


class TestOidc(ProviderContract):
    """RS256 and userinfo."""

    people = len(PUPILS)
    released: ClassVar = {
        "$subject": ("pupil0",),
        "code": ("007001",),
        "name": ("示例甲&乙",),
        "grade": ("7",),
        "person.mails": ("jia@people.example", "x@people.example"),
    }
    secrets = (SECRET, PASSWORD)
    unsigned_params = frozenset({"iss"})
    server: ClassVar[OidcServer]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _server(cls) -> Iterator[None]:
        cls.server = OidcServer()
        with serve(cls.server.application()) as cls.server.url:
            yield

    def make(self) -> Provider:
        return read(
            {
                "kind": "oidc",
                "issuer": self.server.url,
                "client_id": CLIENT,
                "client_secret": "${env:OIDC}",
            },
            {"env:OIDC": SECRET},
        ).provider

    async def login(self, begin: Begin | None, state: str, person: int) -> Back:
        assert begin is not None
        typed = {"username": PUPILS[person].login, "password": PASSWORD}
        return await log_in(begin.url, self.callback_url, typed)
