"""A merchant of WeChat Pay, which is the sandbox."""

from collections.abc import AsyncIterator
from typing import TypeAlias

import pytest

from adapters.http import HttpClient
from adapters.wechat.pay.client import V3
from adapters.wechat.pay.codepay import CodePay
from adapters.wechat.pay.merchant import Merchant, open_merchant
from adapters.wechat.pay.micropay import MicroPay
from adapters.wechat.pay.v2 import V2
from tests.contract.tencent import Watch, real_time
from tests.contract.wechat_pay.shop import settings
from tests.factories.chance import counted_entropy

CodePayments: TypeAlias = CodePay | MicroPay
IMPATIENT_SECONDS = 0.3


@pytest.fixture
async def keys(watch: Watch) -> dict[str, str]:
    """What the merchant knows."""
    return await watch.sandbox.credentials("wechat_pay")


@pytest.fixture
async def merchant(watch: Watch, keys: dict[str, str]) -> AsyncIterator[Merchant]:
    """A merchant with WeChat's public key and V2."""
    made = settings(keys, watch.sandbox.url)
    opened = open_merchant(made, real_time(), counted_entropy(str(watch.since)))
    yield opened
    await opened.close()


@pytest.fixture
def v3(merchant: Merchant) -> V3:
    """Its v3."""
    return merchant.v3


@pytest.fixture
def v2(merchant: Merchant) -> V2:
    """Its V2."""
    assert merchant.v2 is not None
    return merchant.v2


@pytest.fixture
async def certified(watch: Watch, keys: dict[str, str]) -> AsyncIterator[V3]:
    """The v3 of a merchant without a public key: certificates are fetched."""
    made = settings(keys, watch.sandbox.url, public_keys={}, v2=None)
    opened = open_merchant(made, real_time(), counted_entropy(f"c{watch.since}"))
    yield opened.v3
    await opened.close()


@pytest.fixture(params=["v3", "v2"])
def code_pay(request: pytest.FixtureRequest, v3: V3, v2: V2) -> CodePayments:
    """Wallet codes by each of the two interfaces."""
    return CodePay(v3) if request.param == "v3" else MicroPay(v2)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are waited for only a moment."""
    whole = HttpClient.request

    async def request(self: HttpClient, *arguments: str, **given: object) -> object:
        return await whole(self, *arguments, **{**given, "read_seconds": IMPATIENT_SECONDS})  # type: ignore[arg-type]  # as given

    monkeypatch.setattr(HttpClient, "request", request)
    monkeypatch.setattr("adapters.http.CONNECT_SECONDS", IMPATIENT_SECONDS)
