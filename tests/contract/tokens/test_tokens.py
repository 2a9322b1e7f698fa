"""The token store on a real cache: one process fetches, however many ask."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import BlockingConnectionPool, Redis

from adapters.tokens import Token, Tokens
from core.ports.providers import ProviderMisconfigured, ProviderUnavailable
from tests.factories.chance import HandClock, counted_entropy

APP = "wechat:wx-sample"


class Shop:
    """A provider that gives out a new token at each fetch, slowly, and counts them."""

    def __init__(self, seconds: int = 7_200) -> None:
        self.fetches = 0
        self.seconds = seconds
        self.pause = 0.05

    async def fetch(self) -> Token:
        """A token."""
        self.fetches += 1
        await asyncio.sleep(self.pause)
        return Token(f"token-{self.fetches}", self.seconds)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client whose pool waits."""
    async with _client(redis_url) as client:
        yield client


def _client(url: str, connections: int = 10) -> Redis:
    pool = BlockingConnectionPool.from_url(url, max_connections=connections, timeout=10)
    return Redis.from_pool(pool)


def _store(redis: Redis, seed: str = "a", clock: HandClock | None = None) -> Tokens:
    """The store of one process."""
    return Tokens(redis, clock or HandClock(), counted_entropy(seed))


async def test_cold_start_fetches_once(redis_url: str) -> None:
    shop = Shop()
    clients = [_client(redis_url, connections=2) for _ in range(20)]
    stores = [_store(client, f"process {number}") for number, client in enumerate(clients)]
    found = await asyncio.gather(*(each.get(APP, shop.fetch) for each in stores * 10))
    assert shop.fetches == 1
    assert found == ["token-1"] * 200
    await asyncio.gather(*(client.aclose() for client in clients))


async def test_a_warm_token_costs_no_fetch_and_its_key_holds_no_secret(redis: Redis) -> None:
    shop = Shop()
    assert await _store(redis).get(APP, shop.fetch) == "token-1"
    assert await _store(redis, "b").get(APP, shop.fetch) == "token-1"
    assert shop.fetches == 1
    assert await redis.keys("*") == [b"tok:wechat:wx-sample"]
    assert 7_190 <= await redis.ttl("tok:wechat:wx-sample") <= 7_200


async def test_cancel_releases_lock(redis: Redis) -> None:
    shop = Shop()
    shop.pause = 60
    asking = asyncio.create_task(_store(redis).get(APP, shop.fetch))
    while not await redis.exists(f"tok:{APP}:lock"):  # noqa: ASYNC110 - Redis sets no event
        await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await redis.keys("*") == []


async def test_a_cancelled_fetch_is_taken_over_by_those_who_wait(redis: Redis) -> None:
    hanging, shop = Shop(), Shop()
    hanging.pause = 60
    first = asyncio.create_task(_store(redis).get(APP, hanging.fetch))
    while not await redis.exists(f"tok:{APP}:lock"):  # noqa: ASYNC110 - Redis sets no event
        await asyncio.sleep(0.01)
    second = asyncio.create_task(_store(redis, "b").get(APP, shop.fetch))
    await asyncio.sleep(0.1)
    assert shop.fetches == 0
    first.cancel()
    assert await asyncio.wait_for(second, 2) == "token-1"


async def test_bad_token_once(redis: Redis) -> None:
    shop = Shop()
    stores = [_store(redis, f"process {number}") for number in range(5)]
    bad = await stores[0].get(APP, shop.fetch)
    found = await asyncio.gather(*(each.get(APP, shop.fetch, bad=bad) for each in stores))
    assert found == ["token-2"] * 5
    assert shop.fetches == 2


async def test_flush_is_harmless(redis: Redis) -> None:
    shop = Shop()
    store = _store(redis)
    assert await store.get(APP, shop.fetch) == "token-1"
    await redis.flushdb()
    assert await store.get(APP, shop.fetch) == "token-2"
    assert await store.get(APP, shop.fetch) == "token-2"


@pytest.mark.parametrize(("age_seconds", "token"), [(6_899, "token-1"), (6_900, "token-2")])
async def test_a_token_is_renewed_five_minutes_before_its_end(
    redis: Redis, age_seconds: int, token: str
) -> None:
    shop, clock = Shop(), HandClock()
    store = _store(redis, clock=clock)
    await store.get(APP, shop.fetch)
    clock.advance(seconds=age_seconds)
    assert await store.get(APP, shop.fetch) == token


async def test_a_token_near_its_end_is_not_fetched_at_each_call(redis: Redis) -> None:
    shop = Shop(seconds=200)
    store = _store(redis)
    for _ in range(3):
        assert await store.get(APP, shop.fetch) == "token-1"
    assert shop.fetches == 1


async def test_apps_do_not_share_a_token(redis: Redis) -> None:
    shop = Shop()
    store = _store(redis)
    assert await store.get("wecom:ww-sample:1", shop.fetch) == "token-1"
    assert await store.get("wecom:ww-sample:2", shop.fetch) == "token-2"


async def test_a_lock_that_ran_out_is_not_released_by_its_old_holder(redis: Redis) -> None:
    shop = Shop()
    lock = f"tok:{APP}:lock"

    async def overtaken() -> Token:
        await redis.set(lock, "another process")
        return Token("late", 7_200)

    await _store(redis).get(APP, overtaken)
    assert await redis.get(lock) == b"another process"
    assert shop.fetches == 0


async def test_waiting_for_another_process_ends(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.tokens.LOCK_MILLISECONDS", 200)
    shop = Shop()
    await redis.set(f"tok:{APP}:lock", "another process")
    with pytest.raises(ProviderUnavailable):
        await _store(redis).get(APP, shop.fetch)
    assert shop.fetches == 0


async def test_waiting_within_a_process_ends_as_well(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.tokens.LOCK_MILLISECONDS", 200)
    hanging, shop = Shop(), Shop()
    hanging.pause = 60
    store = _store(redis)
    first = asyncio.create_task(store.get(APP, hanging.fetch))
    await asyncio.sleep(0.05)
    with pytest.raises(ProviderUnavailable):
        await store.get(APP, shop.fetch)
    assert shop.fetches == 0
    first.cancel()


async def test_a_refused_fetch_keeps_nothing(redis: Redis) -> None:
    async def refused() -> Token:
        raise ProviderMisconfigured("secret")

    with pytest.raises(ProviderMisconfigured):
        await _store(redis).get(APP, refused)
    assert await redis.keys("*") == []


async def test_without_redis_there_is_no_token() -> None:
    shop = Shop()
    async with Redis(host="127.0.0.1", port=1) as nothing:
        with pytest.raises(ProviderUnavailable) as refusal:
            await _store(nothing).get(APP, shop.fetch)
    assert str(refusal.value) == "token store: ConnectionError"
    assert shop.fetches == 0


async def test_what_is_kept_is_the_token_and_its_last_second(redis: Redis) -> None:
    clock = HandClock()
    await _store(redis, clock=clock).get(APP, Shop().fetch)
    kept = await redis.get(f"tok:{APP}")
    assert kept is not None
    assert json.loads(kept) == {"t": "token-1", "exp": int(clock.instant.timestamp()) + 6_900}
    assert "token-1" not in repr(Token("token-1", 1))
