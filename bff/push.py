"""News to cardholders' devices over Redis: names only, so that a lost Redis loses nothing.

Each school has one channel, which only processes with a listener of that school hear. News of a
moment go out as one message, so that a payment costs Redis and its process next to nothing.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from schema.errors import Overload
from schema.feed import News

WAITING_MAXIMUM = 10_000
"""News that wait to be sent; beyond it they are dropped and devices poll."""
READ_SECONDS = 1.0
GATHER_SECONDS = 0.02
"""How long news wait for others to go with."""


class PushHub:
    """Implements `schema.feed.Feed`: one publisher and one listener per process."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: dict[tuple[str, str], None] = {}
        self._has_waiting = asyncio.Event()
        self._listeners: dict[str, dict[str, set[asyncio.Queue[bool]]]] = {}
        self._pubsub: PubSub | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to publish on the running loop."""
        self._tasks = [asyncio.create_task(self._publish_all())]

    async def stop(self) -> None:
        """Ends every stream and both tasks."""
        for task in self._tasks:
            await _end(task)
        await self._lose()

    def tell(self, school_id: int, cardholder_id: UUID, *news: News) -> None:
        """Passes news on soon."""
        if len(self._waiting) < WAITING_MAXIMUM:
            channel = _channel(school_id)
            self._waiting |= dict.fromkeys((channel, _name(cardholder_id, each)) for each in news)
            self._has_waiting.set()

    async def listen(
        self, school_id: int, cardholder_id: UUID, news: News
    ) -> AsyncGenerator[None, None]:
        """One item per change, until Redis is lost.

        Raises: Overload.
        """
        channel, name = _channel(school_id), _name(cardholder_id, news)
        changed: asyncio.Queue[bool] = asyncio.Queue(1)
        await self._join(channel, name, changed)
        try:
            while await changed.get():
                yield
        finally:
            await self._leave(channel, name, changed)

    async def _join(self, channel: str, name: str, changed: asyncio.Queue[bool]) -> None:
        self._listeners.setdefault(channel, {}).setdefault(name, set()).add(changed)
        try:
            if self._pubsub is None:
                self._pubsub = self._redis.pubsub(ignore_subscribe_messages=True)
                await self._pubsub.subscribe(channel)
                self._tasks.append(asyncio.create_task(self._dispatch(self._pubsub)))
            else:
                await self._pubsub.subscribe(channel)
        except RedisError:
            await self._lose()
            raise Overload("PUSH_UNAVAILABLE") from None

    async def _leave(self, channel: str, name: str, changed: asyncio.Queue[bool]) -> None:
        names = self._listeners.get(channel, {})
        names.get(name, set()).discard(changed)
        if not names.get(name):
            names.pop(name, None)
        if not names and self._listeners.pop(channel, None) is not None and self._pubsub:
            with suppress(RedisError):
                await self._pubsub.unsubscribe(channel)

    async def _dispatch(self, pubsub: PubSub) -> None:
        try:
            while True:
                if not pubsub.subscribed:
                    await asyncio.sleep(READ_SECONDS)
                    continue
                message = await pubsub.get_message(timeout=READ_SECONDS)
                if message is not None:
                    names = self._listeners.get(message["channel"].decode(), {})
                    for name in message["data"].decode().split():
                        _wake(names.get(name, set()), True)
        except (RedisError, OSError):
            await self._lose()

    async def _lose(self) -> None:
        """Ends all streams: their devices poll, and come back."""
        pubsub, self._pubsub = self._pubsub, None
        for names in self._listeners.values():
            for listeners in names.values():
                _wake(listeners, False)
        self._listeners.clear()
        if pubsub is not None:
            with suppress(RedisError, OSError):
                await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis has no annotation here

    async def _publish_all(self) -> None:
        while True:
            await self._has_waiting.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._has_waiting.clear()
            news: dict[str, list[str]] = {}
            for channel, name in self._waiting:
                news.setdefault(channel, []).append(name)
            self._waiting = {}
            try:
                async with self._redis.pipeline(transaction=False) as pipe:
                    for channel, names in news.items():
                        pipe.publish(channel, " ".join(names))
                    await pipe.execute()
            except (RedisError, OSError):
                await asyncio.sleep(READ_SECONDS)  # devices poll meanwhile


async def _end(task: asyncio.Task[None]) -> None:
    """Cancels until it is done: the client of Redis may take a cancellation for a timeout."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.1)


def _wake(listeners: set[asyncio.Queue[bool]], goes_on: bool) -> None:
    for changed in listeners:
        if changed.full():
            if goes_on:
                continue
            changed.get_nowait()
        changed.put_nowait(goes_on)


def _channel(school_id: int) -> str:
    return f"{{s{school_id}}}:news"


def _name(cardholder_id: UUID, news: News) -> str:
    return f"{cardholder_id}:{news}"
