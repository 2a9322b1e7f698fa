"""Pushed news and their polling twins: `paymentResult`, `balanceChanged`."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

import pytest

from bff.cache import open_redis
from bff.push import PushHub
from schema.campus import SCHEMA
from schema.context import Anonymous, CardholderViewer, RequestContext
from schema.documents import prepare
from schema.errors import Overload
from schema.execution import subscribe
from schema.feed import News
from tests.api.campus import Campus
from tests.api.devices import SCHOOL
from tests.api.sample import ALICE, BOB
from tests.factories.viewers import staff_viewer

PAYMENT = "subscription { paymentResult { outcome responseCode amount { minorAmount } } }"
BALANCE = "subscription { balanceChanged { total { minorAmount } } }"


class Stream:
    """One subscription of a cardholder, begun and waiting."""

    def __init__(self, campus: Campus, token: str, query: str) -> None:
        self.campus, self.token, self.query = campus, token, query
        self.events: Any = None
        self.pending: Any = None

    async def __aenter__(self) -> "Stream":
        services = self.campus.wired.services
        session = await services.sessions.find_session(self.token)
        assert session is not None
        context = RequestContext(CardholderViewer(session), "en", SCHOOL, "r1", services)
        prepared = prepare(SCHEMA, self.query, introspection=False)
        self.events = subscribe(SCHEMA, prepared, context)
        self.pending = asyncio.ensure_future(anext(self.events))
        await asyncio.sleep(0.3)
        return self

    async def next(self) -> Any:
        event = await asyncio.wait_for(self.pending, 5)
        self.pending = asyncio.ensure_future(anext(self.events))
        assert event.errors is None
        return event.data

    async def __aexit__(self, *_: object) -> None:
        self.pending.cancel()
        await asyncio.gather(self.pending, return_exceptions=True)
        await self.events.aclose()


async def test_payment_is_pushed_as_its_twin_reads_it(campus: Campus) -> None:
    token, till = await campus.bind(), await campus.till()
    async with Stream(campus, token, PAYMENT) as payments:
        await till.sell(f"CARD:{ALICE.card_uid}", 700)
        pushed = (await payments.next())["paymentResult"]
        twin = await campus.holder(
            "lastPayment { outcome responseCode amount { minorAmount } }", token
        )
        assert pushed == twin["lastPayment"] == {
            "outcome": "APPROVED", "responseCode": "00", "amount": {"minorAmount": 700}
        }  # fmt: skip
        campus.clock.advance(seconds=1)
        await till.sell(f"CARD:{ALICE.card_uid}", 70_000)
        assert (await payments.next())["paymentResult"]["outcome"] == "DECLINED"


async def test_balance_is_pushed_after_each_movement_only(campus: Campus) -> None:
    token, till = await campus.bind(), await campus.till()
    async with Stream(campus, token, BALANCE) as balances:
        await till.sell(f"CARD:{ALICE.card_uid}", 70_000)
        await till.sell(f"CARD:{ALICE.card_uid}", 700)
        assert await balances.next() == {"balanceChanged": {"total": {"minorAmount": 4_300}}}


async def test_news_without_a_payment_pushes_nothing(campus: Campus) -> None:
    token, feed = await campus.bind(), campus.wired.services.feed
    async with Stream(campus, token, PAYMENT) as payments:
        feed.tell(SCHOOL, await campus.id_of("S001"), News.PAYMENT)
        await asyncio.sleep(0.3)
        assert not payments.pending.done()


@pytest.mark.parametrize("query", [PAYMENT, BALANCE])
async def test_stream_ends_when_there_is_no_more_news(
    campus: Campus, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    async def silent(*_: object) -> AsyncGenerator[None, None]:
        return
        yield

    monkeypatch.setattr(campus.wired.services.feed, "listen", silent)
    async with Stream(campus, await campus.bind(), query) as events:
        with pytest.raises(StopAsyncIteration):
            await events.pending


async def test_news_of_another_cardholder_is_not_heard(campus: Campus) -> None:
    bob, till = await campus.bind(BOB), await campus.till()
    async with Stream(campus, bob, PAYMENT) as payments:
        await till.sell(f"CARD:{ALICE.card_uid}", 700)
        await asyncio.sleep(0.3)
        assert not payments.pending.done()


async def test_subscription_is_closed_to_nobody_and_staff(campus: Campus) -> None:
    callers = ((Anonymous(), "UNAUTHENTICATED"), (staff_viewer("CLERK"), "FORBIDDEN"))
    for query in (PAYMENT, BALANCE):
        for viewer, code in callers:
            context = RequestContext(viewer, "en", None, "r1", campus.wired.services)
            events = subscribe(SCHEMA, prepare(SCHEMA, query, introspection=False), context)
            first = await anext(events)
            assert first.errors is not None
            assert first.errors[0].message == code


async def test_lost_cache_ends_the_stream_and_payments_go_on() -> None:
    redis = open_redis("redis://127.0.0.1:1/0")
    hub = PushHub(redis)
    hub.start()
    try:
        holder = UUID(int=1)
        hub.tell(SCHOOL, holder, News.PAYMENT)
        with pytest.raises(Overload):
            await anext(hub.listen(SCHOOL, holder, News.PAYMENT))
    finally:
        await hub.stop()
        await redis.aclose()
