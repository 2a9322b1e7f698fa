"""The cache of a process over a server that goes and comes back empty."""

import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bff.cache import REDIS_SECONDS, open_redis
from bff.embedded import start_valkey
from bff.one_time_store import RedisOneTimeStore
from core.kit.errors import Overloaded

SCHOOL = 7
AT_ONCE = 8


async def test_a_restart_of_the_server_costs_no_request_its_answer() -> None:
    with (
        TemporaryDirectory(prefix="campus-card-") as home,
        start_valkey(Path(home)) as server,
    ):
        redis = open_redis(server.url)
        store = RedisOneTimeStore(redis)

        async def take_all() -> list[bytes | None]:
            return await asyncio.gather(*(store.take(SCHOOL, f"k{n}") for n in range(AT_ONCE)))

        for n in range(AT_ONCE):
            await store.put(SCHOOL, f"k{n}", b"v", 60)
        assert await take_all() == [b"v"] * AT_ONCE
        server.kill()
        server.start_again()
        assert await take_all() == [None] * AT_ONCE
        server.kill()
        begun = time.monotonic()
        with pytest.raises(Overloaded):
            await store.take(SCHOOL, "k0")
        assert time.monotonic() - begun < REDIS_SECONDS
        await redis.aclose()
