"""What the tests of WeChat and WeCom share: people, real time, a token store, what was asked."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from redis.asyncio import BlockingConnectionPool, Redis

from adapters.tokens import Tokens
from tests.contract.sandbox import Sandbox
from tests.factories.chance import HandClock, counted_entropy

CORP, LINKED_CORP, FOREIGN_CORP = "ww5a4db0c5e1f20003", "ww5a4db0c5e1f20004", "ww-foreign"
JIA: dict[str, Any] = {
    "id": "jia", "name": "示例甲", "phone": "13800000001", "email": "jia@people.example",
    "userid": "JiaShiLi", "member_of": [CORP],
}  # fmt: skip
YI: dict[str, Any] = {
    "id": "yi", "name": "示例乙", "phone": "+852-51234567", "userid": "yi",
    "member_of": [LINKED_CORP],
}  # fmt: skip
BING: dict[str, Any] = {
    "id": "bing", "name": "示例丙", "phone": "13800000003", "userid": "bing",
    "member_of": [FOREIGN_CORP],
}  # fmt: skip
DING: dict[str, Any] = {"id": "ding", "name": "示例丁", "phone": "13800000004"}
BACK = "https://card.school.example/back?channel=1"


@dataclass
class Watch:
    """What a provider of the sandbox was asked since the test began."""

    sandbox: Sandbox
    since: int

    @property
    def clock(self) -> HandClock:
        """The present."""
        return real_time()

    async def asked(self, provider: str) -> list[str]:
        """The names of the APIs, in order."""
        return [each["api"] for each in await self.exchanges(provider)]

    async def exchanges(self, provider: str) -> list[dict[str, str]]:
        """The exchanges, in order."""
        trace = (await self.sandbox.ask("GET", "/_trace", params={"provider": provider})).json()
        return [each for each in trace if each["number"] > self.since]


def real_time() -> HandClock:
    """A clock that stands at the present: the sandbox lives in real time."""
    return HandClock(datetime.now(UTC))  # noqa: TID251 - see above


@pytest.fixture
async def watch(sandbox: Sandbox) -> AsyncIterator[Watch]:
    """A watch over a sandbox where the sample people live, and which finds nothing wrong."""
    await sandbox.put_people(JIA, YI, BING, DING)
    before = await sandbox.failures()
    trace = (await sandbox.ask("GET", "/_trace")).json()
    yield Watch(sandbox, trace[-1]["number"] if trace else 0)
    await sandbox.mend()
    assert await sandbox.failures() == before


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """An empty cache."""
    async with Redis.from_pool(BlockingConnectionPool.from_url(redis_url)) as client:
        yield client


@pytest.fixture
def tokens(redis: Redis) -> Tokens:
    """An empty token store."""
    return Tokens(redis, real_time(), counted_entropy())


async def act(sandbox: Sandbox, path: str, **asked: Any) -> dict[str, Any]:
    """What somebody does in an app."""
    answer = await sandbox.ask("POST", f"/_wallet/{path}", json=asked)
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


async def sent_back(sandbox: Sandbox, url: str, person: str, **form: str) -> httpx2.Response:
    """Opens an authorise page as a browser does and sends its form off."""
    parts = urlsplit(url)
    shown = await sandbox.ask("GET", f"{parts.path}?{parts.query}")
    assert shown.status_code == 200, shown.text
    assert JIA["name"] in shown.text
    filled = {**dict(parse_qsl(parts.query)), "person": person, "decision": "agree", **form}
    return await sandbox.ask("POST", parts.path, data=filled)


def brought(answer: httpx2.Response) -> dict[str, str]:
    """What the browser brings to our address."""
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("https://card.school.example/back?")
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))
