"""Access tokens shared by all processes through Redis: one of them fetches, the others read.

A provider counts fetches, and some kill the older token with each. Key `tok:<provider>:<app>`; no
secret is in a key. A flush costs one fetch. The client stands on a `BlockingConnectionPool`: the
usual pool raises where this one waits.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.kit.clock import Clock, unix_seconds
from core.ports.providers import ProviderUnavailable

MARGIN_SECONDS = 300
LOCK_MILLISECONDS = 10_000
POLL_SECONDS = 0.02
# A lock that ran out belongs to somebody else by now.
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


@dataclass(frozen=True, slots=True)
class Token:
    """What a provider gave out, and for how many seconds it is good."""

    text: str = field(repr=False)
    seconds: int


Fetch = Callable[[], Awaitable[Token]]


class Tokens:
    """The tokens of every app of every provider; `entropy` names the holder of a lock."""

    def __init__(self, redis: Redis, clock: Clock, entropy: Callable[[int], bytes]) -> None:
        self._redis = redis
        self._clock = clock
        self._entropy = entropy
        self._fetching: dict[str, asyncio.Lock] = {}

    async def get(self, app: str, fetch: Fetch, bad: str | None = None) -> str:
        """The token of an app, `<provider>:<app id>`; never `bad`, unless it is given out again.

        Raises: ProviderUnavailable (nobody fetched one in time, no Redis), and what `fetch` raises.
        """
        key = f"tok:{app}"
        try:
            found = await self._read(key, bad)
            if found is not None:
                return found
            fetching = self._fetching.setdefault(key, asyncio.Lock())
            async with asyncio.timeout(LOCK_MILLISECONDS / 1000):
                await fetching.acquire()
            try:
                return await self._read(key, bad) or await self._renewed(key, fetch, bad)
            finally:
                fetching.release()
        except RedisError as error:
            raise ProviderUnavailable(f"token store: {type(error).__name__}") from None
        except TimeoutError:
            raise ProviderUnavailable("somebody else fetches the token too long") from None

    async def _read(self, key: str, bad: str | None) -> str | None:
        stored = await self._redis.get(key)
        if stored is None:
            return None
        kept = json.loads(stored)
        fresh = kept["t"] != bad and kept["exp"] > unix_seconds(self._clock.now())
        return str(kept["t"]) if fresh else None

    async def _renewed(self, key: str, fetch: Fetch, bad: str | None) -> str:
        lock, mine = f"{key}:lock", self._entropy(16).hex()
        try:
            found = await self._awaited(key, lock, mine, bad)
            return found or await self._read(key, bad) or await self._fetched(key, fetch)
        finally:
            await self._redis.eval(_RELEASE, 1, lock, mine)

    async def _awaited(self, key: str, lock: str, mine: str, bad: str | None) -> str | None:
        """A token that somebody else fetched, or None with the lock in our hands."""
        async with asyncio.timeout(LOCK_MILLISECONDS / 1000):
            while not await self._redis.set(lock, mine, nx=True, px=LOCK_MILLISECONDS):
                await asyncio.sleep(POLL_SECONDS)
                found = await self._read(key, bad)
                if found is not None:
                    return found
        return None

    async def _fetched(self, key: str, fetch: Fetch) -> str:
        token = await fetch()
        # Some give out the old token until its end: a margin of its whole life fetches each time.
        margin = min(MARGIN_SECONDS, token.seconds // 2)
        until = unix_seconds(self._clock.now()) + token.seconds - margin
        kept = json.dumps({"t": token.text, "exp": until})
        await self._redis.set(key, kept, ex=token.seconds)
        return token.text
