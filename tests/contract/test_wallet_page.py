"""The sandbox's wallet page: every button of every provider gives what its app would hand over."""

from datetime import UTC, datetime

import httpx2
import pytest

from adapters.sandbox.alipay.gateway import Alipay
from adapters.sandbox.application import build_application
from adapters.sandbox.base import Act, Base, Mode, Provider
from adapters.sandbox.people import Person
from adapters.sandbox.tencent import tencent
from adapters.sandbox.wechat_pay_wallet import wechat_pay
from adapters.sandbox.wecom import CORP

PERSON = Person("p", "示例甲", "999999199001010018", "13800000001", member_of=(CORP,))


def providers(base: Base) -> list[Provider]:
    return [Alipay(base).provider(), *tencent(base), wechat_pay(base)]


def acts() -> list[Act]:
    base = Base.on(lambda: datetime(2026, 9, 1, tzinfo=UTC), Mode.STRICT)
    return [act for provider in providers(base) for act in provider.acts]


@pytest.mark.parametrize("act", acts(), ids=lambda act: act.en)
async def test_each_button_is_shown_and_works(act: Act) -> None:
    base = Base.on(lambda: datetime(2026, 9, 1, tzinfo=UTC), Mode.STRICT)
    base.people.put([PERSON])
    transport = httpx2.ASGITransport(app=build_application(base, providers(base), 0))
    async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox.example") as it:
        assert act.zh in (await it.get("/_wallet")).text
        answer = await it.post(act.path, json={"person": PERSON.id, **act.given})
    assert answer.status_code == 200
    assert {"code", "auth_code", "response"} & answer.json().keys()


def test_no_two_buttons_say_the_same() -> None:
    assert len({act.en for act in acts()}) == len(acts()) == 9
