"""Questions asked and what came of them, counted and told while it runs."""

import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

_BEGUN = time.monotonic()


def say(what: str) -> None:
    """Tells on the error output what is being done, with the seconds since the start."""
    print(f"[{time.monotonic() - _BEGUN:4.0f} s] {what}", file=sys.stderr, flush=True)


class Differs(Exception):
    """What a later question stands on did not agree; it is told in the tally already."""


@dataclass
class Tally:
    """What agreed and what did not."""

    agreed: int = 0
    failed: list[str] = field(default_factory=list)

    async def ask(self, name: str, question: Callable[[], Awaitable[None] | None]) -> bool:
        """Asks one question; whatever it raises is a failure. Whether it agreed."""
        try:
            answer = question()
            if answer is not None:
                await answer
        except (Exception, pytest.fail.Exception):  # what was not raised is no Exception to pytest
            self.failed.append(f"{name}\n{traceback.format_exc(limit=-3)}")
            say(f"  differs: {name}")
            return False
        self.agreed += 1
        return True

    async def need(self, name: str, question: Callable[[], Awaitable[None] | None]) -> None:
        """Asks a question that what comes after stands on.

        Raises: Differs.
        """
        if not await self.ask(name, question):
            raise Differs(name)

    def __str__(self) -> str:
        return f"{self.agreed}/{self.agreed + len(self.failed)}"


@dataclass
class Row:
    """A line of the printed table: its cells from the second on, and the tallies behind it."""

    name: str
    cells: list[str] = field(default_factory=list)
    tallies: Sequence[Tally] = ()
    seconds: float = 0.0

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Counts the seconds meanwhile."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds += time.monotonic() - begun

    @property
    def failures(self) -> list[str]:
        """What differed, each under the name of the row."""
        return [f"{self.name}: {each}" for tally in self.tallies for each in tally.failed]
