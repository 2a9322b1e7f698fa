"""Tries counted before anything is compared, in a committed unit of their own (security.md 4)."""

import hashlib
import hmac
from datetime import timedelta

from core.db import attempts
from core.db.unit import Database, Unit
from core.identity.attempts import (
    SPRAY_NUMBERS,
    SPRAY_WINDOW_SECONDS,
    Counter,
    is_within,
    network_of,
    spray_window,
    window_start,
)
from core.identity.store import sprays
from core.kit.clock import Clock, unix_seconds
from core.kit.sealed import Sealer

_KEPT = timedelta(days=1)


class Attempts:
    """The counters of sign-in and binding. `spray_key` keys the one-day memory of tried PINs."""

    def __init__(self, database: Database, clock: Clock, sealer: Sealer, spray_key: bytes) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._spray_key = spray_key

    async def count_bind(
        self, school_id: int, caller: bytes, number: str, network: str, pin: str
    ) -> bool:
        """Counts one try to bind on all four keys and commits it, whatever comes after.

        False: binding by PIN is closed for this number, caller, network or school.
        """

        async def work(unit: Unit) -> bool:
            within = [
                await self._count(unit, Counter.NUMBER_DAY, number),
                await self._count(unit, Counter.NUMBER_EVER, number),
                await self._count(unit, Counter.CALLER_HOUR, caller.hex()),
                await self._count_number_of_caller(unit, caller, number),
                await self._count(unit, Counter.NETWORK_HOUR, network_of(network)),
                await self._count_spray(unit, number, pin),
            ]
            return all(within)

        return await self._database.unit(school_id, work)

    async def bound(self, unit: Unit, caller: bytes, number: str, network: str) -> None:
        """Takes a try that bound the card off the keys that count wrong ones, in its unit."""
        for counter in (Counter.NUMBER_DAY, Counter.NUMBER_EVER):
            await attempts.forget(unit, counter, self._key(unit, counter, number))
        for counter, text in (
            (Counter.CALLER_HOUR, caller.hex()),
            (Counter.NETWORK_HOUR, network_of(network)),
        ):
            await attempts.give_back(unit, *self._place(unit, counter, text))

    async def forgive(self, school_id: int, caller: bytes, number: str, network: str) -> None:
        """As `bound`, in a unit of its own: the try was right."""
        await self._database.unit(school_id, lambda unit: self.bound(unit, caller, number, network))

    async def count_send(self, unit: Unit, target: bytes, network: str | None) -> bool:
        """Counts one message to an address, in a unit that commits; False: do not send it.

        `network` is None when the caller is signed in and counted by the address alone.
        """
        within = [
            await self._count(unit, Counter.SEND_TARGET_HOUR, target.hex()),
            await self._count(unit, Counter.SEND_TARGET_DAY, target.hex()),
        ]
        if network is not None:
            within.append(await self._count(unit, Counter.SEND_NETWORK_HOUR, network_of(network)))
        if all(within):
            within.append(await self._count(unit, Counter.SEND_SCHOOL_DAY, ""))
        return all(within)

    async def expire(self, school_id: int) -> None:
        """Forgets windows older than a day; the worker calls it now and then."""
        before = unix_seconds(self._clock.now() - _KEPT)

        async def work(unit: Unit) -> None:
            await attempts.expire(unit, before)
            await sprays.expire(unit, before)

        await self._database.unit(school_id, work)

    async def _count(self, unit: Unit, counter: Counter, text: str) -> bool:
        return is_within(counter, await attempts.count(unit, *self._place(unit, counter, text)))

    async def _count_number_of_caller(self, unit: Unit, caller: bytes, number: str) -> bool:
        """Counts a number once per caller and day; whether the caller tried few enough."""
        pair = f"{caller.hex()}|{number}"
        numbers = Counter.CALLER_NUMBERS_DAY
        if await attempts.count(unit, *self._place(unit, Counter.CALLER_NUMBER, pair)) == 1:
            return await self._count(unit, numbers, caller.hex())
        tries = await attempts.tries_of(unit, *self._place(unit, numbers, caller.hex()))
        return is_within(numbers, tries)

    async def _count_spray(self, unit: Unit, number: str, pin: str) -> bool:
        """Remembers the PIN, keyed; False while a spray closes binding by PIN at the school."""
        now = self._clock.now()
        start = spray_window(now)
        key = self._spray_key + now.date().isoformat().encode()
        mac = hmac.new(key, f"{unit.school_id}|{pin}".encode(), hashlib.sha256).digest()
        tried = self._key(unit, Counter.SPRAY_HOUR, number)
        since = start - SPRAY_WINDOW_SECONDS
        numbers = 0
        if pin:
            numbers = await sprays.count(unit, start, since, mac, tried)
        school = self._place(unit, Counter.SPRAY_HOUR, "")
        if numbers >= SPRAY_NUMBERS:
            await attempts.count(unit, *school)
            return False
        return await attempts.tries_of(unit, *school) == 0

    def _place(self, unit: Unit, counter: Counter, text: str) -> tuple[Counter, bytes, int]:
        """A counter's kind, blinded key and present window, as `core.db.attempts` takes them."""
        start = window_start(counter, self._clock.now())
        return counter, self._key(unit, counter, text), start

    def _key(self, unit: Unit, counter: Counter, text: str) -> bytes:
        return self._sealer.blind_index(unit.school_id, f"attempt.{counter.value}", text)
