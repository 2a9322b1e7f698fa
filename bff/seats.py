"""Seats: how many requests run at once, which waits, and which is refused (reliability.md 10)."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from enum import Enum

from bff.refusal import Refused

WAIT_SECONDS = 0.3
LAG_MAXIMUM_SECONDS = 0.15
WAITING_PER_SEAT = 16
RETRY_AFTER_MAXIMUM_SECONDS = 5


class SeatClass(Enum):
    """What a request claims to be from its head alone; it only chooses the queue.

    The value is the class's share of the seats when all of them are wanted, in percent.
    """

    TERMINAL = 50
    MONEY = 25
    READ = 15
    BULK = 10
    URGENT = 0
    """Void, status and heartbeat: served before all others, never refused before a purchase."""


_SHARED = [each for each in SeatClass if each is not SeatClass.URGENT]


class LoopLag:
    """How late the event loop is, in seconds, sampled every 50 ms."""

    def __init__(self, interval: float = 0.05) -> None:
        self._interval = interval
        self._last = 0.0
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to sample on the running loop."""
        loop = asyncio.get_running_loop()
        self._due = loop.time() + self._interval
        self._timer = loop.call_at(self._due, self._sample)

    def stop(self) -> None:
        """Sample no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._due = None

    def seconds(self) -> float:
        """The last lag seen, or the present one when it is worse; 0 before `start`."""
        if self._due is None:
            return 0.0
        return max(self._last, asyncio.get_running_loop().time() - self._due)

    def _sample(self) -> None:
        assert self._due is not None
        self._last = asyncio.get_running_loop().time() - self._due
        self.start()


class Seats:
    """A fixed number of seats, lent to whoever comes while any is free, then by share.

    A free seat is never kept back for a class. When none is free, requests wait at most 300 ms, and
    each seat given back goes to the waiting class that holds the least of its share.
    """

    def __init__(
        self, count: int, lag: Callable[[], float], entropy: Callable[[int], bytes]
    ) -> None:
        self._free = count
        self._waiting_maximum = count * WAITING_PER_SEAT
        self._lag = lag
        self._entropy = entropy
        self._held = dict.fromkeys(SeatClass, 0)
        self._queues: dict[SeatClass, deque[asyncio.Future[bool]]] = {
            each: deque() for each in SeatClass
        }

    async def take(self, kind: SeatClass) -> None:
        """A seat for this class, to be given back with `give`.

        Raises: Refused (OVERLOADED).
        """
        if self._free:
            self._free -= 1
            self._held[kind] += 1
            return
        if self._is_crowded(kind):
            raise self._overloaded()
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self._queues[kind].append(turn)
        timer = loop.call_later(WAIT_SECONDS, _settle, turn, False)
        try:
            seated = await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self.give(kind)
            raise
        finally:
            timer.cancel()
        if not seated:
            with suppress(ValueError):  # a seat given back meanwhile has passed it over already
                self._queues[kind].remove(turn)
            raise self._overloaded()

    def give(self, kind: SeatClass) -> None:
        """Give a seat of this class back: to the next in turn, or to the free ones."""
        self._held[kind] -= 1
        while (waiting := self._next_class()) is not None:
            if _settle(self._queues[waiting].popleft(), True):
                self._held[waiting] += 1
                return
        self._free += 1

    def _next_class(self) -> SeatClass | None:
        if self._queues[SeatClass.URGENT]:
            return SeatClass.URGENT
        waiting = [each for each in _SHARED if self._queues[each]]
        return min(waiting, key=lambda each: self._held[each] / each.value, default=None)

    def _is_crowded(self, kind: SeatClass) -> bool:
        if kind is SeatClass.URGENT:
            return len(self._queues[kind]) >= self._waiting_maximum
        waiting = sum(map(len, self._queues.values()))
        return waiting >= self._waiting_maximum or self._lag() > LAG_MAXIMUM_SECONDS

    def _overloaded(self) -> Refused:
        jitter = self._entropy(1)[0] % RETRY_AFTER_MAXIMUM_SECONDS
        return Refused("OVERLOADED", retry_after=1 + jitter)


def _settle(turn: asyncio.Future[bool], seated: bool) -> bool:
    if turn.done():
        return False
    turn.set_result(seated)
    return True
