"""News to cardholders' devices over Redis: names only, so that a lost Redis loses nothing."""

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


class PushHub:
    """Implements `schema.feed.Feed`: one publisher and one listener per process."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: dict[str, None] = {}
        self._has_waiting = asyncio.Event()
        self._listeners: dict[str, set[asyncio.Queue[bool]]] = {}
        self._pubsub: PubSub | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to publish on the running loop."""
        self._tasks = [asyncio.create_task(self._publish_all())]

    async def stop(self) -> None:
        """Ends every stream and both tasks."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._lose()

    def tell(self, school_id: int, cardholder_id: UUID, *news: News) -> None:
        """Passes news on soon."""
        if len(self._waiting) < WAITING_MAXIMUM:
            self._waiting |= dict.fromkeys(
                _channel(school_id, cardholder_id, each) for each in news
            )
            self._has_waiting.set()

    async def listen(
        self, school_id: int, cardholder_id: UUID, news: News
    ) -> AsyncGenerator[None, None]:
        """One item per change, until Redis is lost.

        Raises: Overload.
        """
        channel = _channel(school_id, cardholder_id, news)
        changed: asyncio.Queue[bool] = asyncio.Queue(1)
        await self._join(channel, changed)
        try:
            while await changed.get():
                yield
        finally:
            await self._leave(channel, changed)

    async def _join(self, channel: str, changed: asyncio.Queue[bool]) -> None:
        listeners = self._listeners.setdefault(channel, set())
        listeners.add(changed)
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

    async def _leave(self, channel: str, changed: asyncio.Queue[bool]) -> None:
        listeners = self._listeners.get(channel, set())
        listeners.discard(changed)
        if not listeners and self._listeners.pop(channel, None) is not None and self._pubsub:
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
                    _wake(self._listeners.get(message["channel"].decode(), set()), True)
        except (RedisError, OSError):
            await self._lose()

    async def _lose(self) -> None:
        """Ends all streams: their devices poll, and come back."""
        pubsub, self._pubsub = self._pubsub, None
        for listeners in self._listeners.values():
            _wake(listeners, False)
        self._listeners.clear()
        if pubsub is not None:
            with suppress(RedisError, OSError):
                await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis has no annotation here

    async def _publish_all(self) -> None:
        while True:
            await self._has_waiting.wait()
            self._has_waiting.clear()
            channels, self._waiting = self._waiting, {}
            try:
                async with self._redis.pipeline(transaction=False) as pipe:
                    for channel in channels:
                        pipe.publish(channel, b"")
                    await pipe.execute()
            except (RedisError, OSError):
                await asyncio.sleep(READ_SECONDS)  # devices poll meanwhile


def _wake(listeners: set[asyncio.Queue[bool]], goes_on: bool) -> None:
    for changed in listeners:
        if changed.full():
            if goes_on:
                continue
            changed.get_nowait()
        changed.put_nowait(goes_on)


def _channel(school_id: int, cardholder_id: UUID, news: News) -> str:
    return f"{{s{school_id}}}:news:{cardholder_id}:{news}"
