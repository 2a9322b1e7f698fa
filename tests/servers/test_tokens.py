"""The index of online tokens on a real cache: short-lived, two per phone, allowed to vanish."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from redis.asyncio import Redis

from bff.tokens import RedisTokens
from core.ports.codes import PassKind, TokenEntry, TokenIndexUnavailable

PHONE = TokenEntry(UUID(int=1), PassKind.VIRTUAL_CARD)
OTHER_PHONE = TokenEntry(UUID(int=2), PassKind.CAMPUS_CODE)
FIRST, SECOND, THIRD = (bytes([number]) * 32 for number in (1, 2, 3))


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the empty cache."""
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


async def test_a_token_is_found_in_its_school_for_a_minute(redis: Redis) -> None:
    tokens = RedisTokens(redis)

    await tokens.put(7, FIRST, PHONE)

    assert await tokens.find(7, FIRST) == PHONE
    assert await tokens.find(8, FIRST) is None
    assert await tokens.find(7, SECOND) is None
    lives = [await redis.ttl(key) for key in await redis.keys("{s7}:*")]
    assert len(lives) == await redis.dbsize() == 2
    assert all(55 <= life <= 60 for life in lives)


async def test_of_one_phone_the_newest_two_live(redis: Redis) -> None:
    tokens = RedisTokens(redis)
    for digest in (FIRST, SECOND, THIRD):
        await tokens.put(7, digest, PHONE)
    await tokens.put(7, b"\x09" * 32, OTHER_PHONE)

    found = [await tokens.find(7, digest) for digest in (FIRST, SECOND, THIRD, b"\x09" * 32)]

    assert found == [None, PHONE, PHONE, OTHER_PHONE]


async def test_a_spent_token_is_dropped(redis: Redis) -> None:
    tokens = RedisTokens(redis)
    await tokens.put(7, FIRST, PHONE)

    await tokens.drop(7, FIRST)
    await tokens.drop(7, FIRST)

    assert await tokens.find(7, FIRST) is None


async def test_without_the_cache_codes_have_expired_and_drawing_says_try_again() -> None:
    async with Redis(host="127.0.0.1", port=1) as nothing:
        tokens = RedisTokens(nothing)

        assert await tokens.find(7, FIRST) is None
        await tokens.drop(7, FIRST)
        with pytest.raises(TokenIndexUnavailable) as refusal:
            await tokens.put(7, FIRST, PHONE)

    assert refusal.value.retryable
