"""The worked example passes the contract kit, and the kit fails what it should."""

import hashlib
import hmac
import time
from typing import ClassVar
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from adapters.conformance.contract import ProviderContract
from adapters.conformance.ground import Back
from adapters.sso.api import (
    Assertion,
    Begin,
    Callback,
    Env,
    Flow,
    Provider,
    Reach,
)
from tests.plugins.portal import KIND

SECRET = "what the portal and we share"
PEOPLE = (("007001", "示例甲&乙"), ("007002", "示例丙"))


def portal_link(page: str, person: int) -> str:
    """What a browser comes back with after logging in at the portal's page."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(page).query).items()}
    uid, name = PEOPLE[person]
    now = str(int(time.time()))  # noqa: TID251 - a portal lives in real time
    facts = {"name": name, "nonce": asked["nonce"], "time": now, "uid": uid}
    sign = hmac.new(SECRET.encode(), urlencode(facts).encode(), hashlib.sha256).hexdigest()
    return f"{asked['back']}?{urlencode({**facts, 'sign': sign})}"


class TestPortal(ProviderContract):
    """Signed redirects."""

    people = len(PEOPLE)
    released: ClassVar = {"$subject": ("007001",), "name": ("示例甲&乙",)}
    secrets = (SECRET,)
    asks_server = False

    def make(self) -> Provider:
        return KIND.make({"url": "https://portal.example/login", "secret": SECRET}, Reach())

    async def login(self, begin: Begin | None, state: str, person: int) -> Back:
        assert begin is not None
        return Back(dict(parse_qsl(urlsplit(portal_link(begin.url, person)).query)))


class Careless(Provider):
    """Believes whatever the link says, keeps its attempt on the object, and never asks `once`."""

    flow = Flow.REDIRECT

    async def begin(self, env: Env, state: str) -> Begin:
        """As the portal, with the secret on show."""
        page = f"https://portal.example/login?back={env.callback_url}&nonce={state}&key={SECRET}"
        return Begin(page, {"fixed": "x" * 5000})

    async def finish(self, env: Env, cb: Callback) -> Assertion:
        """Anybody."""
        env.log(f"came back with {cb.query}")
        return Assertion("portal", str(int(cb.query["uid"])), {"name": (cb.query["name"],)})


class CarelessContract(TestPortal):
    """The kit on a provider with nearly every defect."""

    __test__ = False

    def make(self) -> Provider:
        return Careless()


@pytest.mark.parametrize(
    "name",
    [
        "happy_path_on_second_instance_with_json_stash",
        "begin_is_fresh",
        "replay_refused",
        "foreign_attempt_refused",
        "every_parameter_cut_emptied_or_dropped_is_refused",
        "concurrent_finish_succeeds_once",
        "leading_zeros_survive",
        "stash_under_4_kib",
        "clock_off_5_min_is_refused_30_s_is_fine",
        "no_secret_in_errors_or_logs",
        "begin_url_has_no_secret",
    ],
)
async def test_the_kit_finds_the_defect_of_a_careless_kind(name: str) -> None:
    with pytest.raises((AssertionError, KeyError, ValueError)):
        await getattr(CarelessContract(), f"test_{name}")()
