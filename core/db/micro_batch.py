"""The adaptive micro-batch: group commit by the application (performance.md 3).

While its lanes are busy, requests queue; when one frees, up to 64 of one school with distinct
cardholders go in one durable transaction, then all are answered. A batch of one costs nothing
extra. A batch that fails is run again one by one, so a bad request harms only itself.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

import asyncpg

from core.db.lanes import Lane, Lanes
from core.kit.errors import Overloaded, Refusal

BATCH_MAXIMUM = 64
WAITING_MAXIMUM = 1024
TRIES = 5

Line = tuple[int, tuple[str, ...]]
"""A school, and what else all of one batch have in common."""
Asked = TypeVar("Asked")
Told = TypeVar("Told")


class AnswersMissing(Exception):
    """The database answered fewer requests than it was asked."""


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Asked, Told]):
    request: Asked
    person: UUID
    answered: "asyncio.Future[Told]"

    def answer(self, result: Told | Exception) -> None:
        if self.answered.done():
            return
        if isinstance(result, Exception):
            self.answered.set_exception(result)
        else:
            self.answered.set_result(result)


class MicroBatch(Generic[Asked, Told]):
    """Sends requests to the database in batches, keeping each cardholder's order.

    `run` decides up to 64 requests of one line in one transaction, and answers in their order.
    """

    def __init__(
        self,
        lanes: Lanes,
        run: Callable[[Lane, Line, Sequence[Asked]], Coroutine[Any, Any, Sequence[Told]]],
    ) -> None:
        self._lanes = lanes
        self._run_batch = run
        # Fewer lanes make fuller batches; the last one is left for answers that decide nothing.
        self._runners_maximum = max(1, lanes.count - 1)
        self._lines: OrderedDict[Line, list[_Waiting[Asked, Told]]] = OrderedDict()
        self._in_flight: set[tuple[int, UUID]] = set()
        self._waiting = 0
        self._runners: set[asyncio.Task[None]] = set()

    async def ask(self, line: Line, person: UUID, request: Asked) -> Told:
        """The answer to one request about a cardholder.

        Raises: Overloaded (nothing was done), DatabaseUnavailable (the outcome is unknown).
        """
        if self._waiting >= WAITING_MAXIMUM:
            raise Overloaded
        answered: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        # A caller that leaves does not stop the request: its stored answer waits for the retry.
        answered.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._lines.setdefault(line, []).append(_Waiting(request, person, answered))
        self._waiting += 1
        if len(self._runners) < self._runners_maximum:
            self._runners.add(asyncio.create_task(self._run()))
        return await asyncio.shield(answered)

    async def _run(self) -> None:
        """Takes batch after batch until nothing is left that may run."""
        try:
            async with self._lanes.take() as lane:
                while (taken := self._take()) is not None:
                    line, batch = taken
                    people = {(line[0], item.person) for item in batch}
                    self._in_flight |= people
                    try:
                        await self._settle(lane, line, batch)
                    finally:
                        self._in_flight -= people
        finally:
            # In the very step that found nothing: a request of the next one needs a new runner.
            self._runners.remove(cast("asyncio.Task[None]", asyncio.current_task()))

    def _take(self) -> tuple[Line, list[_Waiting[Asked, Told]]] | None:
        """The next batch, its cardholders sorted by id: one lock order for everybody."""
        for line, items in self._lines.items():
            batch: dict[UUID, _Waiting[Asked, Told]] = {}
            left = []
            for item in items:
                busy = item.person in batch or (line[0], item.person) in self._in_flight
                if busy or len(batch) == BATCH_MAXIMUM:
                    left.append(item)
                else:
                    batch[item.person] = item
            if batch:
                del self._lines[line]
                if left:
                    self._lines[line] = left  # at the end: the other schools come first now
                self._waiting -= len(batch)
                return line, [batch[person] for person in sorted(batch)]
        return None

    async def _settle(self, lane: Lane, line: Line, batch: list[_Waiting[Asked, Told]]) -> None:
        """Runs a batch and answers everybody in it."""
        try:
            answers = await self._run_batch(lane, line, [item.request for item in batch])
            if len(answers) != len(batch):  # nobody may hear another's answer
                raise AnswersMissing
        except Refusal as refusal:
            for item in batch:
                item.answer(refusal)
        except Exception:
            for item in batch:
                item.answer(await self._alone(lane, line, item.request))
        else:
            for item, answer in zip(batch, answers, strict=True):
                item.answer(answer)

    async def _alone(self, lane: Lane, line: Line, request: Asked) -> Told | Exception:
        for attempt in range(1, TRIES + 1):
            try:
                answers = await self._run_batch(lane, line, [request])
                return answers[0] if answers else AnswersMissing()
            except Exception as error:
                if attempt == TRIES or not is_lock_conflict(error):
                    return error
                await asyncio.sleep(0.005 * attempt)
        raise AssertionError


def is_lock_conflict(error: Exception) -> bool:
    """Whether running the same statement again may succeed."""
    return isinstance(error, asyncpg.DeadlockDetectedError | asyncpg.SerializationError)
