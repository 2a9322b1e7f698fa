"""Whether the schools' sign-ons are ready: what `bff sso check` finds, told to the log.

The worker looks once when it starts and once after each change of a school's file, beside its
work: a server that does not answer holds nobody up, and what it lacks is known before a person
meets it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Protocol

from adapters.sso.api import Check, Level
from adapters.sso.check import check
from adapters.sso.connection import Connection
from bff.connections import Generation

SCHOOL_SECONDS = 120.0
"""How long one school's checks may last together; each provider's has a bound of its own."""
AT_ONCE = 4
"""Schools that are looked at side by side."""
_TOLD = frozenset({Level.WARN, Level.FAIL})

_log = logging.getLogger(__name__)


class Generations(Protocol):
    """What each school's file opened."""

    async def current(self, school_id: int) -> tuple[int, Generation]:
        """The generation in force and its number."""
        ...


class Readiness:
    """Looks at each generation of each school once. `probe` makes the checks of one provider."""

    def __init__(
        self,
        generations: Generations,
        probe: Callable[[Connection], Awaitable[Sequence[Check]]] = check,
    ) -> None:
        self._generations = generations
        self._probe = probe
        self._seen: dict[int, int] = {}
        self._looking: dict[int, asyncio.Task[None]] = {}
        self._seats = asyncio.Semaphore(AT_ONCE)

    async def look(self, school_id: int) -> None:
        """The worker's hook: begins to look, unless that is under way, and does not wait."""
        running = self._looking.get(school_id)
        if running is None or running.done():
            self._looking[school_id] = asyncio.create_task(self._look(school_id))

    async def close(self) -> None:
        """Ends what is under way."""
        for task in self._looking.values():
            task.cancel()
        for task in self._looking.values():
            with suppress(asyncio.CancelledError):
                await task
        self._looking.clear()

    async def _look(self, school_id: int) -> None:
        """Tells each finding of a generation that was not seen before; it raises nothing."""
        try:
            async with self._seats, asyncio.timeout(SCHOOL_SECONDS):
                version, generation = await self._generations.current(school_id)
                if self._seen.get(school_id) == version:
                    return
                # Whatever comes of it: a repeat would find the same and fill the log.
                self._seen[school_id] = version
                for finding in await self._findings(generation):
                    _tell(school_id, finding)
        except TimeoutError:
            _tell(school_id, f"not known within {SCHOOL_SECONDS:.0f} s")
        except Exception as error:  # nobody waits for this task
            _tell(school_id, f"not known ({type(error).__name__})")

    async def _findings(self, generation: Generation) -> list[str]:
        wrong = [each for each in generation.problems if each.key.startswith("sso.")]
        found = [f"{each.key}: {each.text.en}" for each in wrong]
        connections = list(generation.sign_ons.values())
        for connection, checks in zip(
            connections, await asyncio.gather(*map(self._probe, connections)), strict=True
        ):
            found += _ill(connection.id, checks)
        return found


def _ill(provider: str, checks: Iterable[Check]) -> list[str]:
    return [
        f"{provider}: {each.name}: {each.level}: {each.detail.en}"
        for each in checks
        if each.level in _TOLD
    ]


def _tell(school_id: int, finding: str) -> None:
    """One line, whatever a server's answer put into it."""
    _log.warning("readiness of school %s: %s", school_id, " ".join(finding.split()))
