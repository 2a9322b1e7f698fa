"""An app at the pretend Alipay, opened as a school would open it, and what its people do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from adapters.alipay.agreements import Agreements
from adapters.alipay.client import AlipayClient
from adapters.alipay.door import REAL_NAME, WITHHOLD, Alipay, alipay_keys, open_door
from adapters.alipay.payments import Payments
from adapters.alipay.settings import AlipaySettings
from adapters.http import HttpClient
from core.identity.id_number import check_digit
from core.ports.providers import Done, Outcome
from tests.contract.sandbox import Sandbox
from tests.factories.chance import HandClock

NOTIFY_URL = "https://school.example/notify/alipay/1"
SIGN_SCENE = "INDUSTRY|SAMPLE_CANTEEN"
QUICK_SECONDS = 0.8
MODES = ("key", "certificate")
_KEY_MODE = ("alipay_public_key",)
_CERTIFICATE_MODE = ("app_certificate", "alipay_certificate", "alipay_root_certificate")
_numbers = count(1)
Fact = TypeVar("Fact")


class Memory:
    """Remembers keys, as Redis would; the seconds are kept for the test to read."""

    def __init__(self) -> None:
        self.kept: dict[str, int] = {}

    async def once(self, key: str, seconds: int) -> bool:
        """Whether the key is new."""
        if key in self.kept:
            return False
        self.kept[key] = seconds
        return True


@dataclass
class Stand:
    """The sandbox, its customer, and the customer's app in one of the two modes."""

    sandbox: Sandbox
    credentials: dict[str, str]
    mode: str
    clock: HandClock = field(default_factory=lambda: HandClock(datetime.now(UTC)))  # noqa: TID251 - the sandbox lives in real time
    memory: Memory = field(default_factory=Memory)
    opened: list[Alipay | HttpClient] = field(default_factory=list)

    @property
    def app_id(self) -> str:
        """The customer's app."""
        return self.credentials["app_id"]

    @property
    def issuer(self) -> str:
        """Who vouches for its people."""
        return f"alipay:{self.app_id}"

    def settings(self, **changes: Any) -> AlipaySettings:
        """What the school writes down of it."""
        names = _KEY_MODE if self.mode == "key" else _CERTIFICATE_MODE
        given = {name: self.credentials[name] for name in names} | {
            "app_id": self.app_id,
            "gateway": self.sandbox.url + self.credentials["gateway"],
            "notify_url": NOTIFY_URL,
            "app_private_key": self.credentials["app_private_key"],
            "aes_key": self.credentials["aes_key"],
            "sign_scene": SIGN_SCENE,
        }
        return AlipaySettings.model_validate(given | changes)

    def open(self, **changes: Any) -> Alipay:
        """The app with every capability."""
        capabilities = frozenset({REAL_NAME, WITHHOLD})
        alipay = open_door(self.settings(**changes), capabilities, self.clock, self.memory.once)
        self.opened.append(alipay)
        return alipay

    def client(
        self, *, seconds: float = QUICK_SECONDS, money_seconds: float | None = None, **changes: Any
    ) -> AlipayClient:
        """A client that waits no longer than a test can."""
        settings = self.settings(**changes)
        http = HttpClient(settings.gateway.removesuffix("/gateway.do"), read_seconds=seconds)
        self.opened.append(http)
        return AlipayClient(
            settings,
            alipay_keys(settings),
            http,
            self.clock,
            money_seconds=money_seconds or seconds,
        )

    def payments(self, **changes: Any) -> Payments:
        """Payments through such a client."""
        return Payments(self.client(**changes), self.app_id)

    def agreements(self) -> Agreements:
        """Agreements through such a client."""
        return Agreements(self.client(), SIGN_SCENE, None)

    async def fail(self, kind: str, api: str = "*", count: int = -1) -> None:
        """Turns a fault on."""
        assert await self.sandbox.fail("alipay", kind, api=api, count=count) == 200

    async def person(self, **changes: Any) -> dict[str, Any]:
        """A person of the test's own, with a certified wallet."""
        facts = sample_person() | changes
        await self.sandbox.put_people(facts)
        return facts

    async def wallet(self, deed: str, person: dict[str, Any] | None = None, **asked: Any) -> Any:
        """What the Alipay app does for a person."""
        if person is not None:
            asked |= {"person": person["id"], "app_id": self.app_id}
        answer = await self.sandbox.ask("POST", f"/_wallet/alipay/{deed}", json=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def code(self, person: dict[str, Any], *scopes: str, **asked: Any) -> str:
        """A code of `my.getAuthCode`."""
        given = await self.wallet("auth_code", person, scopes=scopes or ["auth_base"], **asked)
        code: str = given["code"]
        return code

    async def open_id(self, person: dict[str, Any]) -> str:
        """How the app knows somebody."""
        given = await self.wallet("auth_code", person)
        open_id: str = given["open_id"]
        return open_id

    async def pay_code(self, person: dict[str, Any], answer: str = "") -> str:
        """The code a till scans."""
        given = await self.wallet("pay_code", person, answer=answer)
        code: str = given["auth_code"]
        return code

    async def trade(self, number: str) -> dict[str, str] | None:
        """An order as Alipay has it."""
        asked = {"out_trade_no": number}
        answer = await self.sandbox.ask("POST", "/_wallet/alipay/trade", json=asked)
        found: dict[str, str] | None = answer.json()
        return found

    async def sent(self, api: str) -> list[dict[str, str]]:
        """The fields of the requests to an API so far, as the sandbox received them."""
        trace = await self.sandbox.ask("GET", "/_trace", params={"provider": "alipay"})
        bodies = [each["sent"] for each in trace.json() if each["api"] == api]
        return [dict(parse_qsl(body.partition("\n")[2])) for body in bodies]

    def in_an_hour(self) -> datetime:
        """When an order expires."""
        return self.clock.now() + timedelta(hours=1)


def order_number() -> str:
    """A number of ours: 30 characters, never the same."""
    return f"TSTP{next(_numbers):026d}"


def sample_person() -> dict[str, Any]:
    """Somebody invented; the region of the ID number is no place."""
    number = next(_numbers)
    seventeen = f"99010119000101{number % 1000:03d}"
    return {
        "id": f"person-{number}",
        "name": "示例甲",
        "id_number": seventeen + check_digit(seventeen),
        "phone": f"199{number:08d}",
    }


def done(outcome: Outcome[Fact]) -> Fact:
    """The fact of an outcome that stands."""
    assert isinstance(outcome, Done), outcome
    return outcome.fact


def values(claims: Sequence[Any]) -> dict[str, str]:
    """Claims by kind."""
    return {claim.kind.value: claim.value for claim in claims}
