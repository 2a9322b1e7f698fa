"""The cache of sessions: a help, never the truth."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from bff.sample_people import sample_people
from bff.sessions import SessionCache, SessionForgetter
from core.identity.records import BindForm, IdentityNotConfirmed
from core.identity.service.sessions import Sessions
from core.ports.pins import PinStanding
from core.school.policy import Auth, Policy
from core.school.policy_words import AuthMethod
from tests.factories.identity import NETWORK, SCHOOL, Identity

EMAIL = "aside@people.example"


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """An empty cache."""
    client = Redis.from_url(redis_url, decode_responses=True)
    yield client
    await client.aclose()


@pytest.fixture
def cache(identity: Identity, redis: Redis) -> SessionCache:
    """The cache over the rows, which forgets what is revoked."""
    identity.sessions = Sessions(
        identity.database, identity.clock, identity.ids, identity.messages, SessionForgetter(redis)
    )
    return SessionCache(identity.sessions, identity.clock, redis)


async def test_a_cached_session_is_the_row_without_reading_it(
    identity: Identity, cache: SessionCache, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = await identity.signed_in(EMAIL)
    first = await cache.find(tokens.access_token, fresh=False)

    async def unread(_token: str) -> None:
        raise AssertionError("the row was read")

    monkeypatch.setattr(identity.sessions, "find_session", unread)
    assert await cache.find(tokens.access_token, fresh=False) == first == tokens.session
    keys = [str(key) for key in await redis.keys()]
    assert len(keys) == 1
    assert keys[0].startswith(f"s{SCHOOL}:session:")
    assert tokens.access_token[5:] not in keys[0] + str(await redis.get(keys[0]))
    assert await redis.ttl(keys[0]) <= 60


async def test_a_cached_session_still_runs_out(identity: Identity, cache: SessionCache) -> None:
    tokens = await identity.signed_in(EMAIL)
    identity.clock.advance(seconds=880)
    assert await cache.find(tokens.access_token, fresh=False) is not None
    identity.clock.advance(seconds=20)
    assert await cache.find(tokens.access_token, fresh=False) is None


async def test_revoked_session_cannot_pay(
    identity: Identity, cache: SessionCache, redis: Redis
) -> None:
    tokens = await identity.signed_in(EMAIL)
    await cache.find(tokens.access_token, fresh=False)
    key = (await redis.keys())[0]
    kept = str(await redis.get(key))
    await identity.sessions.sign_out(tokens.session)
    assert await cache.find(tokens.access_token, fresh=False) is None
    await redis.set(key, kept)
    assert await cache.find(tokens.access_token, fresh=True) is None


async def test_redis_rollback_revives_no_session(
    identity: Identity, cache: SessionCache, redis: Redis
) -> None:
    tokens = await identity.signed_in(EMAIL)
    await cache.find(tokens.access_token, fresh=False)
    key = (await redis.keys())[0]
    old_copy = str(await redis.get(key))
    await identity.sessions.sign_out(tokens.session)
    await redis.set(key, old_copy)
    identity.clock.advance(seconds=61)
    assert await cache.find(tokens.access_token, fresh=False) is None


async def test_a_lost_cache_costs_a_read_and_nothing_else(identity: Identity) -> None:
    tokens = await identity.signed_in(EMAIL)
    gone = Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.2)
    broken = SessionCache(identity.sessions, identity.clock, gone)
    none = SessionCache(identity.sessions, identity.clock, None)
    for cache in (broken, none):
        assert await cache.find(tokens.access_token, fresh=False) == tokens.session
        assert await cache.find("no token", fresh=False) is None
    await SessionForgetter(gone)(SCHOOL, [bytes(32)])
    await SessionForgetter(None)(SCHOOL, [bytes(32)])
    await gone.aclose()


async def test_redis_flush_gives_no_new_tries(
    identity: Identity, cache: SessionCache, redis: Redis
) -> None:
    identity.policies[SCHOOL] = Policy(auth=Auth(methods=(AuthMethod.FORM,)))
    owner = next(sample_people(1))
    await identity.enrol(owner)
    identity.pins.known[await identity.id_of(owner.number)] = ("480613", PinStanding.SET)
    tokens = await identity.signed_in(EMAIL)
    for place in range(7):
        await redis.flushall()
        session = await cache.find(tokens.access_token, fresh=False)
        assert session is not None
        pin = "480613" if place == 6 else f"{place:06d}"
        with pytest.raises(IdentityNotConfirmed):
            await identity.bindings.bind_by_form(
                session, BindForm(owner.name, owner.number, pin), NETWORK
            )
    assert sum(person is not None for person in identity.pins.compared) == 5
