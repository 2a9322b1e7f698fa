"""The micro-batch without a database: who waits with whom, and who hears what."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID

import asyncpg
import pytest

from core.db.connection import DatabaseUnavailable
from core.db.lanes import Lane, Lanes
from core.db.micro_batch import AnswersMissing, Line, MicroBatch

LINE: Line = (7, ())


class OneLane:
    """A lane that is there."""

    count = 2

    @asynccontextmanager
    async def take(self) -> AsyncIterator[Lane]:
        yield cast("Lane", self)


class Desk:
    """Answers each request with itself, unless it is told otherwise."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.faults: list[Exception | None] = []
        self.unanswered: set[str] = set()

    async def run(self, lane: Lane, line: Line, requests: Sequence[str]) -> list[str]:
        assert (lane, line) is not None
        self.batches.append(list(requests))
        await asyncio.sleep(0)
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        return [each for each in requests if each not in self.unanswered]


def on(desk: Desk) -> MicroBatch[str, str]:
    return MicroBatch(cast("Lanes", OneLane()), desk.run)


async def ask(batch: MicroBatch[str, str], *requests: tuple[int, str]) -> list[Any]:
    asked = (batch.ask(LINE, UUID(int=person), request) for person, request in requests)
    return await asyncio.gather(*asked, return_exceptions=True)


async def test_distinct_people_go_together_and_one_persons_requests_in_turn() -> None:
    desk = Desk()
    answers = await ask(on(desk), (2, "b"), (1, "a"), (2, "c"))
    assert answers == ["b", "a", "c"]
    assert desk.batches == [["a", "b"], ["c"]]


async def test_whoever_is_not_answered_moves_nobodys_answer() -> None:
    desk = Desk()
    desk.unanswered = {"b"}
    first, missing, last = await ask(on(desk), (1, "a"), (2, "b"), (3, "c"))
    assert (first, last) == ("a", "c")
    assert isinstance(missing, AnswersMissing)


async def test_batch_that_fails_is_run_one_by_one_and_a_lock_conflict_again() -> None:
    desk = Desk()
    desk.faults = [ValueError(), asyncpg.SerializationError(), None, ValueError("b is bad")]
    first, second = await ask(on(desk), (1, "a"), (2, "b"))
    assert first == "a"
    assert isinstance(second, ValueError)
    assert desk.batches == [["a", "b"], ["a"], ["a"], ["b"]]


async def test_lost_database_is_told_to_all_and_not_asked_again() -> None:
    desk = Desk()
    desk.faults = [DatabaseUnavailable()]
    answers = await ask(on(desk), (1, "a"), (2, "b"))
    assert [type(each) for each in answers] == [DatabaseUnavailable] * 2
    assert len(desk.batches) == 1


@pytest.mark.parametrize("tries", [4, 5])
async def test_lock_conflicts_end_after_five_tries(tries: int) -> None:
    desk = Desk()
    desk.faults = [ValueError(), *[asyncpg.DeadlockDetectedError() for _ in range(tries)]]
    (answer,) = await ask(on(desk), (1, "a"))
    assert isinstance(answer, asyncpg.DeadlockDetectedError) == (tries == 5)
