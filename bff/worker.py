"""The worker: carries out the outbox's intents and calls the regular hooks, school by school."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from core.db import outbox
from core.db.connection import DatabaseUnavailable
from core.db.outbox import LEASE_SECONDS, Intent
from core.db.unit import Database, Unit
from core.kit.clock import Clock, unix_seconds
from core.ports.providers import ProviderRefused

LEASED_AT_ONCE = 50
HANDLED_AT_ONCE = 8
HANDLER_SECONDS = 12.0
"""A handler's deadline; a whole lease of `LEASED_AT_ONCE` is cut off before it runs out."""
PAUSE_SECONDS = 0.5
HOOK_SECONDS = 30

Handler = Callable[[int, Intent], Awaitable[None]]
"""Carries out one intent of a school; what it raises postpones the intent."""
Hook = Callable[[int], Awaitable[None]]
"""Called for each school about every `HOOK_SECONDS`: expiry and the like."""

_log = logging.getLogger(__name__)


class Worker:
    """Runs until it is stopped; several may run at once.

    `schools` lists the schools to serve. A lease protects an intent from a second worker; a handler
    may still run twice after a crash, so each call it makes carries the intent's id.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        schools: Callable[[], Awaitable[Sequence[int]]],
        handlers: Mapping[str, Handler],
        hooks: Sequence[Hook] = (),
    ) -> None:
        self._database = database
        self._clock = clock
        self._schools = schools
        self._handlers = handlers
        self._hooks = hooks
        self._hooked_at = 0
        self._seats = asyncio.Semaphore(HANDLED_AT_ONCE)

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set; what is in hand then is finished."""
        while not stop.is_set():
            try:
                done = await self.run_once()
            except DatabaseUnavailable:
                _log.warning("database unavailable")
                done = 0
            if done == 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), PAUSE_SECONDS)

    async def run_once(self) -> int:
        """One round over all schools; how many intents were in hand."""
        hooks_due = unix_seconds(self._clock.now()) - self._hooked_at >= HOOK_SECONDS
        if hooks_due:
            self._hooked_at = unix_seconds(self._clock.now())
        done = 0
        for school_id in await self._schools():
            if hooks_due:
                await self._call_hooks(school_id)
            done += await self._serve(school_id)
        return done

    async def _serve(self, school_id: int) -> int:
        now = self._clock.now()
        intents = await self._database.unit(
            school_id, lambda unit: outbox.lease(unit, now, LEASED_AT_ONCE)
        )
        tasks = [asyncio.create_task(self._handle(school_id, intent)) for intent in intents]
        # A round must end before its leases do: what is late goes to whoever leases it next.
        _, late = await asyncio.wait(tasks, timeout=LEASE_SECONDS * 0.8) if tasks else ((), ())
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return len(intents)

    async def _handle(self, school_id: int, intent: Intent) -> None:
        async with self._seats:
            error = await self._carry_out(school_id, intent)

        async def settle(unit: Unit) -> None:
            now = self._clock.now()
            if error is None:
                await outbox.finish(unit, intent.id, now)
            elif not await outbox.postpone(unit, intent, now, error):
                _log.error("intent %s of school %s given up: %s", intent.id, school_id, error)

        await self._database.unit(school_id, settle)

    async def _carry_out(self, school_id: int, intent: Intent) -> str | None:
        """Why the intent has to be tried again, or None; only the kind of a fault is told."""
        handler = self._handlers.get(intent.kind)
        if handler is None:
            return f"no handler for {intent.kind}"
        try:
            async with asyncio.timeout(HANDLER_SECONDS):
                await handler(school_id, intent)
        except ProviderRefused as refusal:
            _log.info("intent %s of school %s refused: %s", intent.id, school_id, refusal)
        except Exception as error:  # whatever one intent does, the worker goes on
            _log.warning("intent %s of school %s: %s", intent.id, school_id, type(error).__name__)
            return type(error).__name__
        return None

    async def _call_hooks(self, school_id: int) -> None:
        for hook in self._hooks:
            try:
                await hook(school_id)
            except Exception as error:  # one hook's fault is not the others'
                _log.warning("hook for school %s: %s", school_id, type(error).__name__)
