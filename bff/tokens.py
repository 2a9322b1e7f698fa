"""The index of live T0 tokens in Redis: it may be flushed at any moment, then phones draw again."""

from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.ports.codes import PassKind, TokenEntry, TokenIndexUnavailable

LIFE_SECONDS = 60
LIVE_MAXIMUM = 2


class RedisTokens:
    """Implements `core.ports.codes.TokenIndex`; every key names its school."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def put(self, school_id: int, digest: bytes, entry: TokenEntry) -> None:
        """Keeps a token for 60 s; of one device only the newest two live.

        Raises: TokenIndexUnavailable.
        """
        key = _token_key(school_id, digest)
        drawn = f"{{s{school_id}}}:drawn:{entry.device_id}"
        try:
            surplus = await self._redis.lrange(drawn, LIVE_MAXIMUM - 1, -1)
            async with self._redis.pipeline() as pipe:
                pipe.set(key, f"{entry.device_id} {entry.kind:d}", ex=LIFE_SECONDS)
                pipe.lpush(drawn, key)
                pipe.ltrim(drawn, 0, LIVE_MAXIMUM - 1)
                pipe.expire(drawn, LIFE_SECONDS)
                if surplus:
                    pipe.delete(*surplus)
                await pipe.execute()
        except RedisError as error:
            raise TokenIndexUnavailable from error

    async def find(self, school_id: int, digest: bytes) -> TokenEntry | None:
        """The entry of a live token; None when unknown, expired or lost."""
        try:
            stored = await self._redis.get(_token_key(school_id, digest))
        except RedisError:
            return None
        if stored is None:
            return None
        device_id, kind = (stored if isinstance(stored, str) else stored.decode()).split()
        return TokenEntry(UUID(device_id), PassKind(int(kind)))

    async def drop(self, school_id: int, digest: bytes) -> None:
        """Forgets a token; without Redis it is forgotten already."""
        try:
            await self._redis.delete(_token_key(school_id, digest))
        except RedisError:
            return


def _token_key(school_id: int, digest: bytes) -> str:
    return f"{{s{school_id}}}:token:{digest.hex()}"
