"""What becomes of passages that a gate let happen alone, by the rules of a school's server."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from bff.conformance.books import Books
from bff.conformance.contract import Json
from bff.conformance.evidence import Event
from bff.conformance.school import DENIED_TAG, ISSUER, NEWEST, TERMINAL_NO, School, serial
from bff.conformance.steps import Fault
from core.entry.decision import event_answer
from core.entry.records import (
    Direction,
    Door,
    EntryEvent,
    EntryKey,
    EventAnswer,
    EventVerdict,
    Passer,
    Standing,
)
from core.kit.clock import from_unix
from core.school.records import DocumentKind
from terminals import gate
from terminals.ccr import Outcome
from terminals.codes import strip
from terminals.gate import NEVER, Knowledge, Opened
from terminals.message import RequestKey
from terminals.rights import Rights

_HOLDER = UUID(int=1)
_KEPT_DAYS = 10
_SAME = EventAnswer(EventVerdict.DUPLICATE, "SAME_RECORD")
_CONFLICT = EventAnswer(EventVerdict.REJECTED, "KEY_CONFLICT")


@dataclass(frozen=True, slots=True)
class Passed:
    """A judged passage: everything the gate wrote, the code it spent, and the verdict."""

    content: tuple[object, ...]
    code: bytes | None
    answer: EventAnswer


class Passages:
    """Judges each event once; the verdict of one that comes again is repeated."""

    def __init__(self, school: School, books: Books) -> None:
        self._school = school
        self._books = books
        self._passed: dict[RequestKey, Passed] = {}

    def judge(self, event: Event, now: int) -> tuple[Json, Event]:
        """The payload of an upload, and its event."""
        given = event.given
        results = [self._result(given["batchNo"], item, now) for item in given["items"]]
        if event.fault is Fault.HALF_JUDGED:
            results = results[: len(results) // 2]
        told = replace(event, told={"results": results})
        return {"results": results, "userErrors": []}, told

    def _result(self, batch_no: int, item: Json, now: int) -> Json:
        said = self._judged(RequestKey(TERMINAL_NO, batch_no, item["seqNo"]), item, now)
        return {
            "seqNo": item["seqNo"],
            "verdict": said.verdict.value,
            "reason": said.reason,
            "flags": [flag.value for flag in said.flags],
        }

    def _judged(self, key: RequestKey, item: Json, now: int) -> EventAnswer:
        names = ("challenge", "doorNo", "direction")
        asked = ("ENTRY", strip(item["presented"]), *(item[name] for name in names))
        content = (*asked, item["createdAt"], item["clockLost"], item["denyVersion"])
        stored = self._passed.get(key)
        if stored is not None and stored.content != content:
            return _CONFLICT
        if stored is not None:
            is_kept = stored.answer.verdict is EventVerdict.ACCEPTED
            return replace(_SAME, flags=stored.answer.flags) if is_kept else stored.answer
        if self._books.is_taken(key, asked):
            return _CONFLICT
        kept = self._books.answers.get(key)
        if kept is not None and kept.outcome is Outcome.APPROVED:
            return _SAME
        code, answer = self._decided(key, item, from_unix(now), is_declined=kept is not None)
        self._passed[key] = Passed(content, code, answer)
        return answer

    def _decided(
        self, key: RequestKey, item: Json, now: datetime, *, is_declined: bool
    ) -> tuple[bytes | None, EventAnswer]:
        """By what the gate could know, then by what it could not."""
        parameters, presented = self._school.parameters(TERMINAL_NO), strip(item["presented"])
        door = parameters.door_of(TERMINAL_NO, item["doorNo"])
        if door is None:
            return None, EventAnswer(EventVerdict.REJECTED, "DOOR_UNKNOWN")
        at, is_trusted = item["createdAt"], not item["clockLost"]
        known = Knowledge(
            issuer=ISSUER,
            keys=self._school.ring,
            parameters=parameters,
            rights=Rights(),
            denied=(),
            used=(),
            whereabouts=lambda _zone, _bearer: NEVER,
            clock_is_trusted=is_trusted,
        )
        opened = gate.decide(presented, door, item["direction"], at, known)
        if isinstance(opened, str):
            return None, EventAnswer(EventVerdict.REJECTED, str(opened))
        entry = _event(key, item, door, from_unix(at))
        standing = self._standing(opened, item)
        return opened.replay_key, event_answer(
            entry, standing, is_declined=is_declined, now=now, kept_days=_KEPT_DAYS
        )

    def _standing(self, opened: Opened, item: Json) -> Standing:
        """What the school has of the code: denied long ago, or spent at this gate."""
        is_denied = opened.bearer == serial(DENIED_TAG)
        is_used = any(opened.replay_key == each.code for each in self._passed.values())
        return Standing(
            status="ACTIVE",
            card_state="ACTIVE",
            revoked_at=from_unix(0) if is_denied else None,
            used_by=TERMINAL_NO if is_used else None,
            rights=(),
            inside=False,
            moved_at=None,
            is_known_to_gate=item["denyVersion"] >= NEWEST[DocumentKind.DENY],
        )


def _event(key: RequestKey, item: Json, door: Door, passed_at: datetime) -> EntryEvent:
    return EntryEvent(
        key=EntryKey(*key),
        content_hash=b"",
        record_hash=b"",
        door=door,
        direction=Direction(item["direction"]),
        passer=Passer(_HOLDER, _HOLDER, None, "CC1", None, None),
        refusal=None,
        deny_version=item["denyVersion"],
        is_clock_trusted=not item["clockLost"],
        passed_at=passed_at,
    )
