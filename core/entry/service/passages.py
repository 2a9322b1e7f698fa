"""Use cases of passing: one question, one passage, one answer; events that came to pass offline."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from core.db.unit import Database, Unit
from core.entry.decision import INSIDE, entry_code, event_answer, is_noted_twice
from core.entry.records import (
    EntryAnswer,
    EntryEvent,
    EntryOutcome,
    EntryRequest,
    EventAnswer,
    EventFlag,
    EventVerdict,
    Passage,
    Standing,
)
from core.entry.store import invariants
from core.entry.store import passages as store
from core.entry.store.passages import Seen
from core.kit.clock import Clock
from core.kit.errors import IdempotencyConflict
from core.kit.ids import Ids
from core.kit.page import FIRST_DEFAULT, FIRST_MAXIMUM, Cursor, Page

INVARIANTS = invariants.INVARIANTS
"""What `core.db.invariants` proves."""
RETENTION = timedelta(days=180)
"""Passages tell where people were: so long and no longer (security.md 5)."""
_REASONS = {"C1": "CODE_USED", "C3": "REVOKED", "E0": "DOOR_NOT_ALLOWED", "E1": "PASSBACK",
            "E2": "OUT_OF_HOURS"}  # fmt: skip
_SAME = EventAnswer(EventVerdict.DUPLICATE, "SAME_RECORD")
_CONFLICT = EventAnswer(EventVerdict.REJECTED, "KEY_CONFLICT")

Sign = Callable[[EntryAnswer], str]
"""Signs an answer (a CCR text, codes.md 6); pure, so it runs inside a unit."""


class Passages:
    """Who passed where, answered once per key and once per code (terminals.md 1)."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids

    async def decide(self, school_id: int, request: EntryRequest, sign: Sign) -> EntryAnswer:
        """Lets somebody pass or not, and answers; a repeat gets the stored answer.

        Raises: IdempotencyConflict, DatabaseUnavailable.
        """

        async def work(unit: Unit) -> EntryAnswer:
            await store.lock_person(unit, request.passer.cardholder_id)
            seen = await store.see(unit, request.key, request.passer, request.door.zone)
            if seen.stored is not None:
                return _repeat(seen.stored, request.content_hash)
            has_passed = _has_passed(seen, request.content_hash)
            code = "00" if has_passed else _code(request, seen.standing)
            answer = _answered(request, code)
            answer = replace(answer, signed_answer=sign(answer))
            await store.insert_answer(unit, request.content_hash, answer)
            if code == "00" and not has_passed:
                await self._pass(unit, request, seen.standing)
            return answer

        return await self._database.unit(school_id, work)

    async def refuse(
        self, school_id: int, content_hash: bytes, answer: EntryAnswer, sign: Sign
    ) -> EntryAnswer:
        """Keeps a refusal that was decided before any row was read, or repeats what was stored.

        Raises: IdempotencyConflict, DatabaseUnavailable.
        """

        async def work(unit: Unit) -> EntryAnswer:
            stored = await store.find_answer(unit, answer.key)
            if stored is not None:
                return _repeat(stored, content_hash)
            signed = replace(answer, signed_answer=sign(answer))
            await store.insert_answer(unit, content_hash, signed)
            return signed

        return await self._database.unit(school_id, work)

    async def record(self, school_id: int, event: EntryEvent, kept_days: int) -> EventAnswer:
        """Judges one event that a gate took offline, in a unit of its own; safe to send again.

        An accepted one that is sent again is a DUPLICATE, any other verdict is repeated as it was.
        Raises: DatabaseUnavailable.
        """

        async def work(unit: Unit) -> EventAnswer:
            if event.passer is not None:
                await store.lock_person(unit, event.passer.cardholder_id)
            asked = await store.find_answer(unit, event.key)
            said = await store.find_event(unit, event.key)
            if said is not None:
                return _repeated(event, *said)
            if asked is not None and asked[0] != event.content_hash:
                return _CONFLICT
            if asked is not None and asked[1].outcome is EntryOutcome.GRANTED:
                return _SAME
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

    async def _pass(self, unit: Unit, request: EntryRequest, standing: Standing) -> None:
        at = request.answered_at
        is_twice = is_noted_twice(request.door, request.direction, standing, at)
        await store.insert_passage(
            unit, self._ids.new(), request.key, request.door, request.direction, request.passer,
            (EventFlag.PASSBACK,) if is_twice else (), at, at, is_offline=False,
        )  # fmt: skip

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


def _repeat(stored: tuple[bytes, EntryAnswer], content_hash: bytes) -> EntryAnswer:
    """The stored answer of a key. Raises: IdempotencyConflict."""
    if stored[0] != content_hash:
        raise IdempotencyConflict("key")
    return stored[1]


def _has_passed(seen: Seen, content_hash: bytes) -> bool:
    """Whether the gate let this very passer in offline and told so before its question came.

    Raises: IdempotencyConflict.
    """
    if seen.told is not None and seen.told[0] != content_hash:
        raise IdempotencyConflict("key")
    return seen.told is not None and seen.told[1] is EventVerdict.ACCEPTED


def _code(request: EntryRequest, standing: Standing) -> str:
    return entry_code(
        request.door, request.direction, request.passer, standing, request.local_time,
        request.answered_at,
    )  # fmt: skip


def _answered(request: EntryRequest, code: str) -> EntryAnswer:
    return EntryAnswer(
        key=request.key,
        outcome=EntryOutcome.GRANTED if code == "00" else EntryOutcome.DENIED,
        response_code=code,
        reason=_REASONS.get(code),
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
