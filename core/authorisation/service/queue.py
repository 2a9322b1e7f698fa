"""The adaptive micro-batch: group commit by the application (performance.md 3).

While its lanes are busy, requests queue; when one frees, up to 64 of one school with distinct
cardholders go in one durable transaction, then all are answered. A batch of one costs nothing
extra. A batch that fails is run again one by one, so a bad request harms only itself.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from core.authorisation import store
from core.authorisation.records import Answer, PurchaseRequest
from core.db.lanes import Lane, Lanes
from core.kit.errors import Overloaded, Refusal

BATCH_MAXIMUM = 64
WAITING_MAXIMUM = 1024
TRIES = 5

Line = tuple[int, tuple[str, ...]]
"""A school and an order of purses: what one batch has in common."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    request: PurchaseRequest
    answered: "asyncio.Future[Answer]"

    def answer(self, result: Answer | Exception) -> None:
        if self.answered.done():
            return
        if isinstance(result, Exception):
            self.answered.set_exception(result)
        else:
            self.answered.set_result(result)


class AuthoriseQueue:
    """Sends purchases to the database in batches, keeping each cardholder's order."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        # Fewer lanes make fuller batches; the last one is left for answers that move no money.
        self._runners_maximum = max(1, lanes.count - 1)
        self._lines: OrderedDict[Line, list[_Waiting]] = OrderedDict()
        self._in_flight: set[tuple[int, UUID]] = set()
        self._waiting = 0
        self._runners: set[asyncio.Task[None]] = set()

    async def authorise(
        self, school_id: int, purses: Sequence[str], request: PurchaseRequest
    ) -> Answer:
        """The answer to one purchase.

        Raises: Overloaded (nothing was done), DatabaseUnavailable (the outcome is unknown).
        """
        if self._waiting >= WAITING_MAXIMUM:
            raise Overloaded
        waiting = _Waiting(request, asyncio.get_running_loop().create_future())
        # A caller that leaves does not stop the purchase: its stored answer waits for the retry.
        waiting.answered.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._lines.setdefault((school_id, tuple(purses)), []).append(waiting)
        self._waiting += 1
        if len(self._runners) < self._runners_maximum:
            self._runners.add(asyncio.create_task(self._run()))
        return await asyncio.shield(waiting.answered)

    async def _run(self) -> None:
        """Takes batch after batch until nothing is left that may run."""
        try:
            async with self._lanes.take() as lane:
                while (taken := self._take()) is not None:
                    (school_id, purses), batch = taken
                    payers = {(school_id, item.request.cardholder_id) for item in batch}
                    self._in_flight |= payers
                    try:
                        await _settle(lane, school_id, purses, batch)
                    finally:
                        self._in_flight -= payers
        finally:
            # In the very step that found nothing: a request of the next one needs a new runner.
            self._runners.remove(cast("asyncio.Task[None]", asyncio.current_task()))

    def _take(self) -> tuple[Line, list[_Waiting]] | None:
        """The next batch, its cardholders sorted by id: one lock order for everybody."""
        for line, items in self._lines.items():
            batch: dict[UUID, _Waiting] = {}
            left = []
            for item in items:
                payer = item.request.cardholder_id
                busy = payer in batch or (line[0], payer) in self._in_flight
                if busy or len(batch) == BATCH_MAXIMUM:
                    left.append(item)
                else:
                    batch[payer] = item
            if batch:
                del self._lines[line]
                if left:
                    self._lines[line] = left  # at the end: the other schools come first now
                self._waiting -= len(batch)
                return line, [batch[payer] for payer in sorted(batch)]
        return None


async def _settle(
    lane: Lane, school_id: int, purses: tuple[str, ...], batch: list[_Waiting]
) -> None:
    """Runs a batch and answers everybody in it."""
    try:
        answers = await store.authorise(lane, school_id, purses, [item.request for item in batch])
    except Refusal as refusal:
        for item in batch:
            item.answer(refusal)
    except Exception:
        for item in batch:
            item.answer(await _alone(lane, school_id, purses, item.request))
    else:
        for item, answer in zip(batch, answers, strict=True):
            item.answer(answer)


async def _alone(
    lane: Lane, school_id: int, purses: tuple[str, ...], request: PurchaseRequest
) -> Answer | Exception:
    for attempt in range(1, TRIES + 1):
        try:
            return (await store.authorise(lane, school_id, purses, [request]))[0]
        except Exception as error:
            if attempt == TRIES or not store.is_lock_conflict(error):
                return error
            await asyncio.sleep(0.005 * attempt)
    raise AssertionError
