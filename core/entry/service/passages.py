"""Use cases of passing: one question, one passage, one answer; events that came to pass offline.

Questions go in micro-batches of distinct cardholders, events each in a unit of work of its own.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from core.db.lanes import Lanes
from core.db.micro_batch import MicroBatch
from core.db.unit import Database, Unit
from core.entry.decision import INSIDE, event_answer, is_open
from core.entry.records import (
    EntryAnswer,
    EntryEvent,
    EntryOutcome,
    EntryRequest,
    EventAnswer,
    EventVerdict,
    Passage,
)
from core.entry.store import asking, invariants
from core.entry.store import passages as store
from core.kit.clock import Clock
from core.kit.errors import IdempotencyConflict
from core.kit.ids import Ids
from core.kit.page import FIRST_DEFAULT, FIRST_MAXIMUM, Cursor, Page

INVARIANTS = invariants.INVARIANTS
"""What `core.db.invariants` proves."""
RETENTION = timedelta(days=180)
"""Passages tell where people were: so long and no longer (security.md 5)."""
_SAME = EventAnswer(EventVerdict.DUPLICATE, "SAME_RECORD")
_CONFLICT = EventAnswer(EventVerdict.REJECTED, "KEY_CONFLICT")

Sign = Callable[[EntryAnswer], str]
"""Signs an answer (a CCR text, codes.md 6); pure: a grant is signed before it is decided."""


class Passages:
    """Who passed where, answered once per key and once per code (terminals.md 1)."""

    def __init__(self, database: Database, lanes: Lanes, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._lanes = lanes
        self._batches = MicroBatch(lanes, asking.decide)
        self._clock = clock
        self._ids = ids

    async def decide(self, school_id: int, request: EntryRequest, sign: Sign) -> EntryAnswer:
        """Lets somebody pass or not, and answers; a repeat gets the stored answer.

        Raises: IdempotencyConflict, Overloaded, DatabaseUnavailable.
        """
        granted = _granted(request)
        is_open_now = is_open(request.door, request.local_time)
        row = asking.row_of(request, self._ids.new(), sign(granted), is_open=is_open_now)
        answer = await self._batches.ask((school_id, ()), request.passer.cardholder_id, row)
        return await self._signed(school_id, answer, sign)

    async def refuse(
        self, school_id: int, content_hash: bytes, answer: EntryAnswer, sign: Sign
    ) -> EntryAnswer:
        """Keeps a refusal that was decided before any row was read, or repeats what was stored.

        Raises: IdempotencyConflict, DatabaseUnavailable.
        """
        signed = replace(answer, signed_answer=sign(answer))
        kept = await asking.refuse(self._lanes, school_id, content_hash, signed)
        return await self._signed(school_id, kept, sign)

    async def _signed(
        self, school_id: int, answer: EntryAnswer | IdempotencyConflict, sign: Sign
    ) -> EntryAnswer:
        """The answer with its kept signature: whoever decided it may have died before signing."""
        if isinstance(answer, IdempotencyConflict):
            raise answer
        if answer.signed_answer is not None:
            return answer
        kept = await asking.sign(self._lanes, school_id, answer.key, sign(answer))
        return replace(answer, signed_answer=kept)

    async def record(self, school_id: int, event: EntryEvent, kept_days: int) -> EventAnswer:
        """Judges one event that a gate took offline, in a unit of its own; safe to send again.

        An accepted one that is sent again is a DUPLICATE, any other verdict is repeated as it was.
        Raises: DatabaseUnavailable.
        """

        async def work(unit: Unit) -> EventAnswer:
            if event.passer is not None:
                await store.lock_person(unit, event.passer.cardholder_id)
            asked = await store.find_asked(unit, event.key)
            said = await store.find_event(unit, event.key)
            if said is not None:
                return _repeated(event, *said)
            if asked is not None and asked.content_hash != event.content_hash:
                return _CONFLICT
            if asked is not None and asked.outcome is EntryOutcome.GRANTED:
                return _SAME
            if await store.is_moneys_key(unit, event.key):
                return _CONFLICT
            now = self._clock.now()
            answer = await self._judge(unit, event, now, kept_days, is_declined=asked is not None)
            await store.insert_event(unit, event, answer, now)
            return answer

        return await self._database.unit(school_id, work)

    async def page(
        self,
        school_id: int,
        cardholder_id: UUID,
        *,
        after: Cursor | None = None,
        first: int = FIRST_DEFAULT,
    ) -> Page[Passage]:
        """A cardholder's own passages, newest first; `first` is cut to 100."""
        count = max(1, min(first, FIRST_MAXIMUM))
        # Nobody passes a door in the future; an event may be up to two minutes ahead of us.
        last = Cursor(self._clock.now() + timedelta(days=1), UUID(int=2**128 - 1))
        found = await store.lines(
            self._database.reading(school_id), cardholder_id, after or last, count + 1
        )
        return Page(found[:count], len(found) > count)

    async def count_inside(self, school_id: int, zone: str) -> int:
        """How many are inside a zone, as far as its doors saw; nobody is named."""
        since = self._clock.now() - INSIDE
        return await self._database.unit(
            school_id, lambda unit: store.count_inside(unit, zone, since)
        )

    async def expire(self, school_id: int) -> int:
        """Removes passages older than `RETENTION` and what tells of them; how many rows.

        The worker calls it now and then; 1,000 rows of each kind at once.
        """
        now = self._clock.now()
        return await self._database.unit(
            school_id, lambda unit: store.expire(unit, now - RETENTION, now - INSIDE)
        )

    async def _judge(
        self, unit: Unit, event: EntryEvent, now: datetime, kept_days: int, *, is_declined: bool
    ) -> EventAnswer:
        if event.passer is None or event.door is None:
            return EventAnswer(EventVerdict.REJECTED, event.refusal)
        door, passer = event.door, event.passer
        standing = await store.standing(unit, passer, door.zone, event.deny_version)
        answer = event_answer(
            event, standing, is_declined=is_declined, now=now, kept_days=kept_days
        )
        if answer.verdict is EventVerdict.ACCEPTED:
            await store.insert_passage(
                unit, self._ids.new(), event.key, door, event.direction, passer, answer.flags,
                event.passed_at, now, is_offline=True,
            )  # fmt: skip
        return answer


def _granted(request: EntryRequest) -> EntryAnswer:
    """The grant of this question, should it come true."""
    return EntryAnswer(
        key=request.key,
        outcome=EntryOutcome.GRANTED,
        response_code="00",
        reason=None,
        scene=request.door.scene,
        cardholder_id=request.passer.cardholder_id,
        available_minor=request.available_minor,
        answer_kid=request.answer_kid,
        answered_at=request.answered_at,
    )


def _repeated(event: EntryEvent, record_hash: bytes, said: EventAnswer) -> EventAnswer:
    if record_hash != event.record_hash:
        return _CONFLICT
    if said.verdict is EventVerdict.ACCEPTED:
        return replace(_SAME, flags=said.flags)
    return said
