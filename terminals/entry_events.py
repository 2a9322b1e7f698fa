"""Events that a gate took offline: each judged by what the gate could know, at its own time."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from core.entry.records import Door, EntryEvent, EventAnswer
from core.kit.clock import Clock, unix_seconds
from terminals.codes import CodeRefusal, Instrument, Use, classify, strip
from terminals.instruments import Declined, Found, Instruments, read
from terminals.message import hash_of
from terminals.passages import Doors, EventMessage, Passages, passer_of
from terminals.payments import SchoolKeys, Terms, Till
from terminals.scanning import find_challenge, scan_of
from terminals.verification import OfflineAuthority

_OFFLINE = {Instrument.PRESENTATION, Instrument.PHYSICAL_CARD}
"""What a gate can read without a line; digits name nobody there."""


class EntryEvents:
    """Answers `entryEventsUpload` (terminals.md 3 and 6)."""

    def __init__(
        self,
        passages: Passages,
        doors: Doors,
        instruments: Instruments,
        terms: Callable[[int], Awaitable[Terms]],
        keys: Callable[[int], SchoolKeys],
        clock: Clock,
    ) -> None:
        self._passages = passages
        self._doors = doors
        self._instruments = instruments
        self._terms = terms
        self._keys = keys
        self._clock = clock

    async def judge(self, till: Till, events: Sequence[EventMessage]) -> list[EventAnswer]:
        """A verdict on each event in the order given, judged in the order they were taken.

        Each has a unit of its own: a bad one stops none, and after a cut all may be sent again.
        Raises: DatabaseUnavailable.
        """
        terms, keys = await self._terms(till.issuer), self._keys(till.issuer)
        said: dict[int, EventAnswer] = {}
        in_order = sorted(range(len(events)), key=lambda place: events[place].asked.seq_no)
        for place in in_order:
            event = await self._event(till, events[place], terms, keys)
            said[place] = await self._passages.record(till.issuer, event, terms.upload_days)
        return [said[place] for place in range(len(events))]

    async def _event(
        self, till: Till, message: EventMessage, terms: Terms, keys: SchoolKeys
    ) -> EntryEvent:
        asked = message.asked
        door = await self._doors.find(till.issuer, till.terminal_no, asked.door_no)
        found = await self._read(till, message, door, terms, keys)
        content_hash = asked.content_hash()
        written = (
            content_hash.hex(),
            unix_seconds(message.passed_at),
            message.is_clock_trusted,
            message.deny_version,
        )
        return EntryEvent(
            key=asked.key(till.terminal_no),
            content_hash=content_hash,
            record_hash=hash_of(written),
            door=door,
            direction=asked.direction,
            passer=passer_of(found) if isinstance(found, Found) else None,
            refusal=None if isinstance(found, Found) else str(found.reason),
            deny_version=message.deny_version,
            is_clock_trusted=message.is_clock_trusted,
            # A lost clock tells no time: then it was when we heard of it.
            passed_at=message.passed_at if message.is_clock_trusted else self._clock.now(),
        )

    async def _read(
        self,
        till: Till,
        message: EventMessage,
        door: Door | None,
        terms: Terms,
        keys: SchoolKeys,
    ) -> Found | Declined:
        """Who it was, by the checks that the gate had to make itself."""
        asked, at = message.asked, message.passed_at
        if door is None:
            return Declined(None, "DOOR_UNKNOWN")
        kind = classify(strip(asked.presented))
        if isinstance(kind, CodeRefusal):
            return Declined(None, kind)
        if kind not in _OFFLINE:
            return Declined(None, "OFFLINE_NOT_ALLOWED")
        named = asked.batch_no, asked.seq_no
        challenge = find_challenge(till, asked.challenge, Use.ENTRY, named, terms, keys, at)
        scan = scan_of(till, asked.presented, Use.ENTRY, terms, keys, at, challenge=challenge)
        authority = OfflineAuthority(
            clock_is_trusted=message.is_clock_trusted,
            opens_on_lost_clock=door.opens_on_lost_clock,
            is_common_door=door.common,
            doors=tuple(door.pairs),
        )
        return await read(replace(scan, offline=authority), self._instruments)
