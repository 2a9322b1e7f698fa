"""Planted defects in Python: each replaces one thing in the running product."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from core.authorisation import store
from core.authorisation.records import Answer, Key, PurchaseRequest
from core.authorisation.service import Authorisations
from core.card.lifecycle import CardAct
from core.card.records import CardKind
from core.card.service.cards import Cards
from core.db import idempotency
from core.db.lanes import Lane
from core.db.micro_batch import Line
from tests.faults.defects.door_patches import DOOR_PATCHES
from tests.faults.defects.terminal_planted import TERMINAL_PATCHES

CREDITED_LATE_SECONDS = 0.25
ANSWERED_EARLY_SECONDS = 0.25
REPORTED_LATE_SECONDS = 0.3
REFUNDED_LATE_SECONDS = 0.1

_tasks: set[asyncio.Task[Any]] = set()


def two_transactions() -> None:
    """The merchant's leg follows in a transaction of its own."""
    whole = store.authorise

    async def halves(lane: Lane, line: Line, requests: Sequence[PurchaseRequest]) -> list[Answer]:
        answers = await whole(lane, line, requests)
        await asyncio.sleep(CREDITED_LATE_SECONDS)
        for answer in answers:
            if answer.outcome == "APPROVED" and answer.verdict == "NEW":
                await lane.fetch("SELECT credit_later($1, $2)", line[0], answer.retrieval_reference)
        return answers

    store.authorise = halves


def acknowledged_before_commit() -> None:
    """The lane commits a while after its rows were handed out."""
    fetch = Lane.fetch
    commits: dict[Lane, asyncio.Task[None]] = {}

    async def commit_later(lane: Lane) -> None:
        await asyncio.sleep(ANSWERED_EARLY_SECONDS)
        await lane._raw.execute("COMMIT")

    async def early(self: Lane, sql: str, *values: object) -> Any:
        waiting = commits.pop(self, None)
        if waiting is not None:
            await asyncio.gather(waiting, return_exceptions=True)
        if "purchase_decide" not in sql or self._raw is None or self._raw.is_closed():
            return await fetch(self, sql, *values)
        try:
            await self._raw.execute("BEGIN")
            rows = await fetch(self, sql, *values)
        except BaseException:
            await self.close()
            raise
        commits[self] = asyncio.create_task(commit_later(self))
        return rows

    Lane.fetch = early  # type: ignore[method-assign]  # the defect


def top_up_without_key() -> None:
    """A repeated top-up is one more top-up."""

    async def always(*given: Any) -> idempotency.Answer:
        effect: Callable[[], Awaitable[idempotency.Answer]] = given[-1]
        return await effect()

    idempotency.once = always  # type: ignore[assignment]  # the defect


def void_without_tombstone() -> None:
    """A void that comes first is forgotten."""

    async def nothing(*_: object) -> bool:
        return True

    store.insert_tombstone = nothing  # type: ignore[assignment]  # the defect


def refunds_without_lock() -> None:
    """What follows a purchase reads it without holding it."""

    async def unlocked(self: Authorisations, unit: Any, key: Key) -> Any:
        found = await store.find(unit, key)
        await asyncio.sleep(REFUNDED_LATE_SECONDS)
        return found

    Authorisations._locked = unlocked  # type: ignore[method-assign]  # the defect


def loss_after_answer() -> None:
    """A loss report stands a while after it was confirmed."""
    act = Cards._act

    async def late(self: Cards, *given: Any) -> Any:
        if given[-1] is not CardAct.REPORT_LOSS:
            return await act(self, *given)
        face = await self.face(given[0], given[1])
        assert face.physical is not None
        assert given[2] is CardKind.PHYSICAL

        async def later() -> None:
            await asyncio.sleep(REPORTED_LATE_SECONDS)
            await act(self, *given)

        task = asyncio.create_task(later())
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)
        return face.physical

    Cards._act = late  # type: ignore[assignment,method-assign]  # the defect


PATCHES: dict[str, Callable[[], None]] = {
    patch.__name__: patch
    for patch in (
        two_transactions,
        acknowledged_before_commit,
        top_up_without_key,
        void_without_tombstone,
        refunds_without_lock,
        loss_after_answer,
        *DOOR_PATCHES,
        *TERMINAL_PATCHES,
    )
}
