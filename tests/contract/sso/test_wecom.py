"""WeCom as a sign-on: the page and the client's code, through the ports that wiring hands in."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from adapters.conformance.contract import ProviderContract
from adapters.conformance.ground import Back
from adapters.conformance.hostile import HOST
from adapters.sso.api import (
    Begin,
    Denied,
    Flow,
    Misconfigured,
    Provider,
    SettingsInvalid,
    Upstream,
)
from adapters.sso.wecom import WecomDoor, vouched
from core.ports.channels import ChannelSubject
from core.ports.providers import (
    ProviderMisconfigured,
    ProviderRefused,
    ProviderThrottled,
    RefusalReason,
)
from tests.contract.sso.people import PUPILS
from tests.contract.sso.serving import serve
from tests.contract.sso.stage import read, refused
from tests.contract.sso.wecom_server import CORP, WecomPorts, WecomServer
from tests.lab.browser import log_in


class TestWecomPage(ProviderContract):
    """The page in a browser."""

    people = len(PUPILS)
    released: ClassVar = {"$subject": ("007001",), "name": ("示例甲&乙",)}
    times_are_signed = False
    code_is_bound = False
    flow: ClassVar[str] = "redirect"
    server: ClassVar[WecomServer]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _server(cls) -> Iterator[None]:
        cls.server = WecomServer()
        with serve(cls.server.application()) as cls.server.url:
            yield

    def make(self) -> Provider:
        return self._at(self.server.url)

    def make_facing(self, port: int) -> Provider:
        return self._at(f"http://{HOST}:{port}")

    def _at(self, url: str) -> Provider:
        ports = WecomPorts(url)
        return read({"kind": "wecom", "flow": self.flow}, wecom=WecomDoor(ports, ports)).provider

    async def login(self, begin: Begin | None, state: str, person: int) -> Back:
        assert begin is not None
        return await log_in(begin.url, self.callback_url, {"username": PUPILS[person].login})


class TestWecomCode(TestWecomPage):
    """The code of `wx.qy.login`, without a browser."""

    flow = "code"

    async def login(self, begin: Begin | None, state: str, person: int) -> Back:
        assert begin is None
        return Back(form={"code": self.server.code(PUPILS[person])})


class Saying:
    """A sign-in that always ends the same way."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def sign_in(self, code: str) -> ChannelSubject:
        """Raises."""
        raise self._error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ProviderRefused("40029", RefusalReason.CODE_EXPIRED), Denied),
        (ProviderRefused("60111", RefusalReason.NOT_A_MEMBER), Denied),
        (ProviderThrottled("45009", 60), Upstream),
        (ProviderMisconfigured("40001"), Misconfigured),
    ],
)
async def test_what_the_channel_says_is_told_in_sign_on_words(
    error: Exception, kind: type[Exception]
) -> None:
    assert type(await refused(vouched(Saying(error), "x"))) is kind


@pytest.mark.parametrize(
    ("door", "flow"),
    [(None, "redirect"), (None, "code"), (WecomDoor(Saying(ValueError())), "redirect")],
)
def test_without_a_channel_there_is_no_sign_on(door: WecomDoor | None, flow: str) -> None:
    with pytest.raises(SettingsInvalid, match="no such WeCom channel"):
        read({"kind": "wecom", "flow": flow}, wecom=door)


def test_a_door_without_a_page_takes_the_clients_code() -> None:
    table: dict[str, Any] = {"kind": "wecom", "flow": "code"}
    assert read(table, wecom=WecomDoor(Saying(ValueError()))).provider.flow is Flow.CODE
    assert CORP.startswith("ww")
