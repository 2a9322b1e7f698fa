"""Open attempts in Redis, each taken once; it may be flushed, then people start again."""

from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.kit.errors import Overloaded


class RedisOneTimeStore:
    """Implements `core.ports.one_time_store.OneTimeStore`; every key names its school."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def put(self, school_id: int, key: str, value: bytes, seconds: int) -> None:
        """Keeps a value.

        Raises: Overloaded.
        """
        try:
            await self._redis.set(_name(school_id, key), value, ex=seconds)
        except RedisError:
            raise Overloaded from None

    async def take(self, school_id: int, key: str) -> bytes | None:
        """The value, once.

        Raises: Overloaded.
        """
        try:
            found = await self._redis.getdel(_name(school_id, key))
        except RedisError:
            raise Overloaded from None
        return found.encode() if isinstance(found, str) else found

    async def once(self, school_id: int, key: str, seconds: int) -> bool:
        """Whether it is new.

        Raises: Overloaded.
        """
        try:
            return bool(await self._redis.set(_name(school_id, key), b"1", nx=True, ex=seconds))
        except RedisError:
            raise Overloaded from None


def _name(school_id: int, key: str) -> str:
    return f"{{s{school_id}}}:once:{key}"
