"""CAS against the contract kit."""

from collections.abc import Iterator
from typing import ClassVar

import pytest

from adapters.conformance.contract import ProviderContract
from adapters.conformance.ground import Back
from adapters.sso.api import Begin, Provider
from tests.contract.sso.cas_server import CasServer
from tests.contract.sso.people import PASSWORD, PUPILS
from tests.contract.sso.serving import serve
from tests.contract.sso.stage import read
from tests.lab.browser import log_in


class TestCas(ProviderContract):
    """CAS 3 with the state in the query of the service URL."""

    people = len(PUPILS)
    released: ClassVar = {
        "$subject": ("pupil0",),
        "employeeNumber": ("007001",),
        "cn": ("示例甲&乙",),
    }
    secrets = (PASSWORD,)
    times_are_signed = False

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _server(cls) -> Iterator[None]:
        cls.server = CasServer()
        with serve(cls.server.application()) as cls.url:
            yield

    server: ClassVar[CasServer]
    url: ClassVar[str]

    def make(self) -> Provider:
        return read({"kind": "cas", "server": f"{self.url}/cas"}).provider

    async def login(self, begin: Begin | None, state: str, person: int) -> Back:
        assert begin is not None
        typed = {"username": PUPILS[person].login, "password": PASSWORD}
        return await log_in(begin.url, self.callback_url, typed)
