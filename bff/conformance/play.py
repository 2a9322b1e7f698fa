"""The play: which step it is, what staff told, and when the next one begins."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from bff.conformance.contract import Json, contract
from bff.conformance.evidence import Event, Evidence
from bff.conformance.forgery import forged_answer
from bff.conformance.gate_script import GATE_SCRIPT
from bff.conformance.meter_script import METER_SCRIPT
from bff.conformance.school import DENIED_TAG, FOREIGN_REFERENCE, ISSUER, WRONG_SEQUENCE, School
from bff.conformance.script import SCRIPT
from bff.conformance.server import Reply, Server
from bff.conformance.steps import (
    Code,
    Do,
    Done,
    Door,
    Ends,
    Fault,
    Kind,
    Part,
    Question,
    Shown,
    Step,
    Water,
)
from bff.settings import Language
from core.school.records import DocumentKind
from terminals import ccq
from terminals.ccq import SignedChallenge
from terminals.codes import strip
from terminals.signature import Request

_WORDS = {
    Question.SHOWN: tuple(Shown),
    Question.DOOR: tuple(Door),
    Question.DONE: tuple(Done),
    Question.WATER: tuple(Water),
}
_SCRIPTS = {Kind.TILL: SCRIPT, Kind.GATE: GATE_SCRIPT, Kind.METER: METER_SCRIPT}
_TEXTS = (Question.FINGERPRINT, Question.CHALLENGE, Question.BALANCE)
"""What is asked for by one of a few words, and what as a text."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What staff are to do now; `code` is what they scan, if anything."""

    step: Step
    number: int
    of: int
    code: str | None

    @property
    def scanned(self) -> str | None:
        """What is shown as a picture for the scanner: not the digits that are typed at a meter."""
        is_typed = self.step.do is Do.METER and self.step.code is not Code.TOKEN
        return None if is_typed else self.code

    def write(self) -> Json:
        """As JSON, for staff that are a program."""
        step = self.step
        return {
            "over": False,
            "id": step.id,
            "number": self.number,
            "of": self.of,
            "do": step.do.value,
            "minorAmount": step.minor_amount,
            "code": self.code,
            "question": step.question.value,
            "sale": step.of or None,
            "zh": step.text.zh,
            "en": step.text.en,
        }


class Play:
    """One run. `entropy(n)` gives random bytes, `now()` Unix seconds."""

    def __init__(
        self,
        entropy: Callable[[int], bytes],
        now: Callable[[], float],
        language: Language = "zh",
        without: Collection[Part] = (),
        kind: Kind = Kind.TILL,
        told: Callable[[Event], None] = lambda _event: None,
    ) -> None:
        self.school = School(entropy, int(now()), is_gates=kind is Kind.GATE)
        self.server = Server(self.school, contract(), now, language)
        self._told = told
        self._kind = kind
        self._without = without
        self._steps = [step for step in _SCRIPTS[kind] if step.part not in self._without]
        self._place = 0
        self._words: dict[str, str] = {}
        self._codes: dict[str, str] = {}
        self._begun_at: dict[str, float] = {}
        self._tags = iter(range(1, DENIED_TAG))
        self._begin()

    @property
    def prompt(self) -> Prompt | None:
        """What staff are to do now; None when the play is over."""
        if self._place >= len(self._steps):
            return None
        step = self._steps[self._place]
        return Prompt(step, self._place + 1, len(self._steps), self._codes.get(step.id))

    def answer(self, request: Request) -> Reply | None:
        """What the terminal is answered; None is silence."""
        reply = self.server.answer(request)
        self._told(self.server.events[-1])
        prompt = self.prompt
        if prompt is not None and self._is_over(prompt.step):
            self._next()
        return reply

    def tell(self, id_: str, word: str) -> bool:
        """What staff say of a step; False if it is not the present one, or no answer to it."""
        prompt = self.prompt
        if prompt is None or prompt.step.id != id_:
            return False
        word = strip(word).strip()
        question = prompt.step.question
        if question in _WORDS and word not in _WORDS[question]:
            return False
        if question in _TEXTS and not word:
            return False
        self._words[id_] = word
        if id_ == "enrol" and self.server.operations.keys.first is None:
            self._place = len(self._steps)  # nothing can be seen of a terminal without a key
        else:
            self._next()
        return True

    def evidence(self) -> Evidence:
        """What was seen until now."""
        return Evidence(
            events=tuple(self.server.events),
            words=dict(self._words),
            codes=dict(self._codes),
            over={step.id for step in self._steps[: self._place]},
            without=self._without,
            kind=self._kind,
            books=self.server.books,
            terminal_key=self.server.operations.keys.first,
            newest_key_no=self.server.operations.keys.newest_no,
            challenge=self._words.get("ask"),
            begun_at=dict(self._begun_at),
        )

    def _next(self) -> None:
        self._place += 1
        self._begin()

    def _begin(self) -> None:
        if self._place >= len(self._steps):
            return
        step = self._steps[self._place]
        if step.do is Do.SCAN and self._challenge() is None:
            self._next()
            return
        code = self._code(step)
        if code is not None:
            self._codes[step.id] = code
        self.server.begin(step, code)
        self._begun_at[step.id] = self.server.now

    def _code(self, step: Step) -> str | None:
        """What is scanned in a step, made when it begins."""
        now = int(self.server.now) + step.clock_jump_seconds
        match step.code:
            case Code.TOKEN:
                return self.school.token()
            case Code.PASS:
                return self.school.code(next(self._tags), now)
            case Code.DENIED:
                return self.school.code(DENIED_TAG, now)
            case Code.FORGED:
                return self.school.code(next(self._tags), now, is_forged=True)
            case Code.AGAIN:
                return self._codes[self._steps[self._place - 1].id]
            case Code.CODE8:
                return self.school.code8(next(self._tags), now)
            case Code.WRONG8:
                return self.school.code8(WRONG_SEQUENCE, now)
            case Code.REFERENCE:
                return FOREIGN_REFERENCE
            case Code.NONE:
                return self._receipt(step, now) if step.do is Do.SCAN else None

    def _receipt(self, step: Step, now: int) -> str:
        challenge = self._challenge()
        assert challenge is not None
        key, minor = challenge.challenge.key, challenge.challenge.minor_amount
        if step.id == "receipt.forged":
            return forged_answer(Fault.WRONG_KEY, self.school, key, minor, key, now)
        text = self._words["ask"]
        return self.server.operations.pay_challenge(key, minor, text, now)

    def _challenge(self) -> SignedChallenge | None:
        """The terminal's own code as staff read it, if it is one."""
        read = ccq.read(self._words.get("ask", ""))
        if not isinstance(read, SignedChallenge) or read.challenge.issuer != ISSUER:
            return None
        return read

    def _is_over(self, step: Step) -> bool:
        evidence = self.evidence()
        match step.ends:
            case Ends.REPORTED:
                return self._is_reported(evidence, step)
            case Ends.BEAT:
                return _has_beaten(evidence, step)
            case Ends.VOIDED:
                return evidence.is_voided(step.of)
            case Ends.UPLOADED:
                return self._is_uploaded(evidence)
            case Ends.CLOSED:
                closes = evidence.of(step.id, "BatchClose")
                return any(each.is_heard and each.told.get("balanced") for each in closes)
            case Ends.TOLD:
                return self._is_told(evidence)
            case Ends.SYNCED:
                return any(each.is_heard for each in evidence.of(step.id, "MeterSync"))
            case Ends.STOPPED:
                return any(each.is_heard for each in evidence.stops(step.of))
            case Ends.ROTATED:
                newest = evidence.newest_key_no
                heard = [each for each in evidence.of(step.id) if each.is_heard]
                return newest > 1 and any(each.key_no == newest for each in heard)
            case Ends.WORD:
                return False

    def _is_reported(self, evidence: Evidence, step: Step) -> bool:
        newest = self.server.operations.newest
        alone = self._kind is not Kind.METER and Part.OFFLINE not in self._without
        needed = 3 if alone else 1
        kinds = DocumentKind.KEYS, DocumentKind.PARAMETERS, DocumentKind.DENY
        wanted = tuple(newest[kind] for kind in kinds)[:needed]
        beats = evidence.of(step.id, "TerminalHeartbeat")
        return any(beat.is_heard and held_by(beat)[:needed] == wanted for beat in beats)

    def _is_uploaded(self, evidence: Evidence) -> bool:
        """Whether every sale that was shown as paid without a network has its verdict."""
        judged = {
            (event.given["batchNo"], verdict["seqNo"])
            for event in evidence.all("OfflineBatchUpload")
            if event.is_heard
            for verdict in event.told["verdicts"]
        }
        paid = {
            self._codes[step.id]
            for step in self._steps[: self._place]
            if step.part is Part.OFFLINE
            and step.code is not Code.AGAIN
            and self._words.get(step.id) == Shown.PAID
        }
        records = evidence.books.records.items()
        done = {kept.linked.item.record.presented for key, kept in records if key[1:] in judged}
        return bool(paid) and paid <= done

    def _is_told(self, evidence: Evidence) -> bool:
        """Whether every passage without a network has its verdict."""
        opened = {
            self._codes[step.id]
            for step in self._steps[: self._place]
            if step.part is Part.OFFLINE and self._words.get(step.id) == Door.OPENED
        }
        judged = {
            strip(item["presented"])
            for event in evidence.all("EntryEventsUpload")
            if event.is_heard
            for item in event.given["items"]
            if item["seqNo"] in {each["seqNo"] for each in event.told["results"]}
        }
        return bool(opened) and opened <= judged


def held_by(beat: Event) -> tuple[int | None, int | None, int | None]:
    """The versions that a heartbeat says the terminal goes by: keys, parameters, deny list."""
    given = beat.given
    return given["keysVersion"], given["parametersVersion"], given["denyVersion"]


def _has_beaten(evidence: Evidence, step: Step) -> bool:
    """A heartbeat that was told to fetch something is followed by the fetching and another one."""
    told = False
    fetched = False
    for event in evidence.of(step.id):
        if event.operation == "TerminalSyncParameters" and event.refusal is None:
            fetched = told
        if event.operation != "TerminalHeartbeat" or event.refusal is not None:
            continue
        if "SYNC" not in event.told.get("directives", []) or fetched:
            return True
        told = True
    return False
