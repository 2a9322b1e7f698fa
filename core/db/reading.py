"""Reads outside a unit of work: functions of the database, asked together in one round trip.

A read needs no transaction of its own, and a request's reads need none in common. While the lanes
are busy, calls queue; when one frees, whatever waits goes in one statement: all calls of a screen,
and of the screens beside it. A call alone costs nothing extra.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from core.db.connection import DatabaseUnavailable
from core.db.lanes import Lane, Lanes

BATCH_MAXIMUM = 32
WAITING_MAXIMUM = 1024
READING_LANES = 2
"""Connections that only read: fewer make fuller batches."""


@dataclass(frozen=True, eq=False)
class Reader:
    """A function `name(school, arguments…)` that sets its school itself and returns `row`s.

    `row` is a type of the database, as the types of the arguments after the school are.
    """

    name: str
    row: str
    arguments: tuple[str, ...]

    @cached_property
    def alone(self) -> str:
        """The statement of one call; its rows are the function's."""
        places = ", ".join(f"${place}" for place in range(1, len(self.arguments) + 2))
        return f"SELECT * FROM {self.name}({places})"  # noqa: S608 - a function of ours


class Reads(Protocol):
    """What stores read through: a unit, or its school's reads outside one."""

    @property
    def school_id(self) -> int:
        """The one school whose rows there are."""
        ...

    async def call(self, reader: Reader, *values: object) -> Sequence[Any]:
        """The rows of a function."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """The reads of one school outside a unit: each sees what was committed when it ran."""

    school_id: int
    queue: "ReadingQueue"

    async def call(self, reader: Reader, *values: object) -> Sequence[Any]:
        """The rows of a function.

        Raises: DatabaseUnavailable.
        """
        return await self.queue.ask(reader, self.school_id, *values)


@dataclass(frozen=True, slots=True)
class _Call:
    """One call and who waits for its rows."""

    reader: Reader
    values: tuple[object, ...]
    answered: "asyncio.Future[Sequence[Any]]"

    def answer(self, result: Sequence[Any] | Exception) -> None:
        """Tells whoever still waits."""
        if self.answered.done():
            return
        if isinstance(result, Exception):
            self.answered.set_exception(result)
        else:
            self.answered.set_result(result)


class ReadingQueue:
    """Sends calls to the database, those of one moment together."""

    def __init__(self, dsn: str, command_seconds: float) -> None:
        self._lanes = Lanes(dsn, READING_LANES, command_seconds)
        self._calls: list[_Call] = []
        self._running = 0
        self._runners: set[asyncio.Task[None]] = set()
        self._texts: dict[tuple[Reader, ...], str] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def ask(self, reader: Reader, *values: object) -> Sequence[Any]:
        """The rows of one call; `values` begin with the school.

        Raises: DatabaseUnavailable, also when too many wait.
        """
        if len(self._calls) >= WAITING_MAXIMUM:
            raise DatabaseUnavailable
        loop = self._loop = self._loop or asyncio.get_running_loop()
        call = _Call(reader, values, loop.create_future())
        self._calls.append(call)
        if self._running < READING_LANES:
            self._running += 1
            runner = loop.create_task(self._run())
            self._runners.add(runner)
            runner.add_done_callback(self._runners.discard)
        return await call.answered

    async def close(self) -> None:
        """Closes the lanes."""
        await self._lanes.close()

    async def _run(self) -> None:
        """Takes batch after batch until nothing waits."""
        try:
            async with self._lanes.take() as lane:
                while self._calls:
                    batch = self._calls[:BATCH_MAXIMUM]
                    del self._calls[:BATCH_MAXIMUM]
                    await self._settle(lane, batch)
        finally:
            # In the very step that found nothing: a call of the next one needs a new runner.
            self._running -= 1

    async def _settle(self, lane: Lane, batch: list[_Call]) -> None:
        """Answers a batch; one that fails is asked again one by one."""
        try:
            answers = await self._together(lane, batch) if len(batch) > 1 else None
        except DatabaseUnavailable as error:
            for call in batch:
                call.answer(error)
            return
        except Exception:  # one call's fault is not the others'
            answers = None
        for place, call in enumerate(batch):
            call.answer(await _alone(lane, call) if answers is None else answers[place])

    async def _together(self, lane: Lane, batch: list[_Call]) -> list[Sequence[Any]]:
        """The rows of each call."""
        by_reader: dict[Reader, list[int]] = {}
        for place, call in enumerate(batch):
            by_reader.setdefault(call.reader, []).append(place)
        asked = tuple(sorted(by_reader, key=_name))
        text = self._texts.get(asked)
        if text is None:
            text = self._texts[asked] = together(asked)
        values = [
            column
            for reader in asked
            for places in (by_reader[reader],)
            for column in (places, *zip(*(batch[place].values for place in places), strict=True))
        ]
        answers: list[Sequence[Any]] = [()] * len(batch)
        for place, *found in await lane.fetch(text, *values):
            answers[place] = next(rows for rows in found if rows is not None)
        return answers


async def _alone(lane: Lane, call: _Call) -> Sequence[Any] | Exception:
    try:
        return await lane.fetch(call.reader.alone, *call.values)
    except Exception as error:
        return error


def _name(reader: Reader) -> str:
    return reader.name


def together(readers: Sequence[Reader]) -> str:
    """One statement for many calls of some functions: a row for each call, with its rows in the
    column of its function."""
    branches, place = [], 1
    for reader in readers:
        types = ("int", "int", *reader.arguments)
        given = ", ".join(f"${place + at}::{each}[]" for at, each in enumerate(types))
        names = [f"v{at}" for at in range(1, len(types))]
        rows = f"ARRAY(SELECT x FROM {reader.name}({', '.join(f't.{n}' for n in names)}) x)"  # noqa: S608 - as above
        columns = ", ".join(rows if each is reader else f"NULL::{each.row}[]" for each in readers)
        branches.append(
            f"SELECT t.place, {columns} FROM unnest({given}) AS t(place, {', '.join(names)})"  # noqa: S608 - as above
        )
        place += len(types)
    return " UNION ALL ".join(branches)
