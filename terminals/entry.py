"""Doors: from what a gate read to the question it puts to the core, and what its scene may learn.

The code and its signatures are decided here, before any row is read; rights, hours, passback and
whether the code is spent are the core's. Either way the answer is stored under the key.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from core.entry.records import Door, EntryAnswer, EntryOutcome, EntryRequest
from core.kit.clock import Clock
from core.ledger.records import Balances
from terminals.answers import signing_entries
from terminals.codes import Use
from terminals.guesses import Reader
from terminals.instruments import Declined, Found
from terminals.passages import Doors, Entered, EntryMessage, Holders, Passages, passer_of
from terminals.payments import SchoolKeys, Terms, Till
from terminals.response import response_to
from terminals.scanning import find_challenge, scan_of
from terminals.scenes import Scene, view


class Entries:
    """Answers `entryAuthorise` (terminals.md 3 and 9)."""

    def __init__(
        self,
        passages: Passages,
        doors: Doors,
        reader: Reader,
        holders: Holders,
        balances: Callable[[int, UUID], Awaitable[Balances]],
        terms: Callable[[int], Awaitable[Terms]],
        keys: Callable[[int], SchoolKeys],
        clock: Clock,
    ) -> None:
        self._passages = passages
        self._doors = doors
        self._reader = reader
        self._holders = holders
        self._balances = balances
        self._terms = terms
        self._keys = keys
        self._clock = clock

    async def authorise(self, till: Till, message: EntryMessage) -> Entered:
        """Whether the door opens; a repeat of the key hears the stored answer.

        Raises: IdempotencyConflict, DatabaseUnavailable.
        """
        now, keys = self._clock.now(), self._keys(till.issuer)
        terms = await self._terms(till.issuer)
        door = await self._doors.find(till.issuer, till.terminal_no, message.door_no)
        sign = signing_entries(keys.answers)
        if door is None or Scene(door.scene) not in till.scenes:
            reason = "DOOR_UNKNOWN" if door is None else "TERMINAL_NOT_ALLOWED"
            found: Found | Declined = Declined("58", reason)
        else:
            found = await self._read(till, message, terms, keys, now)
        if door is None or isinstance(found, Declined):
            assert isinstance(found, Declined)
            refused = _refused(till, message, door, found, keys.answer.kid, now)
            answer = await self._passages.refuse(till.issuer, message.content_hash(), refused, sign)
        else:
            request = await self._request(till, message, door, found, terms, keys, now)
            answer = await self._passages.decide(till.issuer, request, sign)
        return await self._entered(till.issuer, answer, found)

    async def _read(
        self, till: Till, message: EntryMessage, terms: Terms, keys: SchoolKeys, now: datetime
    ) -> Found | Declined:
        named = message.batch_no, message.seq_no
        challenge = find_challenge(till, message.challenge, Use.ENTRY, named, terms, keys, now)
        scan = scan_of(till, message.presented, Use.ENTRY, terms, keys, now, challenge=challenge)
        return await self._reader.read(till.terminal_no, scan)

    async def _request(
        self,
        till: Till,
        message: EntryMessage,
        door: Door,
        found: Found,
        terms: Terms,
        keys: SchoolKeys,
        now: datetime,
    ) -> EntryRequest:
        available = None
        if Scene(door.scene) is Scene.BUS:
            balances = await self._balances(till.issuer, found.owner.cardholder_id)
            available = balances.available_minor
        return EntryRequest(
            key=message.key(till.terminal_no),
            content_hash=message.content_hash(),
            door=door,
            direction=message.direction,
            passer=passer_of(found),
            available_minor=available,
            local_time=now.astimezone(ZoneInfo(terms.zone)).time(),
            answer_kid=keys.answer.kid,
            answered_at=now,
        )

    async def _entered(
        self, school_id: int, answer: EntryAnswer, found: Found | Declined
    ) -> Entered:
        """The answer with what the scene may see: of whoever is refused, nothing."""
        if answer.outcome is EntryOutcome.DENIED:
            return Entered(answer)
        assert answer.scene is not None  # a door opened
        assert answer.cardholder_id is not None  # to somebody
        holder = found.owner.holder if isinstance(found, Found) else None
        if holder is None:  # a repeat, whose code is good no more
            holder = await self._holders.holder(school_id, answer.cardholder_id)
        scene = Scene(answer.scene)
        # No photos are kept yet.
        return Entered(
            answer, scene, view(scene, holder), False if scene is Scene.DORMITORY else None
        )


def _refused(
    till: Till, message: EntryMessage, door: Door | None, found: Declined, kid: int, now: datetime
) -> EntryAnswer:
    return EntryAnswer(
        key=message.key(till.terminal_no),
        outcome=EntryOutcome.DENIED,
        response_code=found.response_code or response_to(found.reason, Use.ENTRY).code,
        reason=found.reason,
        scene=None if door is None else door.scene,
        cardholder_id=found.found.owner.cardholder_id if found.found else None,
        available_minor=None,
        answer_kid=kid,
        answered_at=now,
    )
