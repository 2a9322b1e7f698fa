"""What a door's question does to the books, and what it is answered."""

from dataclasses import replace

from bff.conformance.books import Books, Kept
from bff.conformance.contract import Json
from bff.conformance.evidence import Event
from bff.conformance.forgery import EARLIER, forged_answer
from bff.conformance.school import School
from bff.conformance.steps import Step
from bff.settings import Language
from core.kit.clock import from_unix
from terminals.ccr import Outcome
from terminals.codes import strip
from terminals.message import RequestKey
from terminals.response import find_response


class Doors:
    """Answers `entryAuthorise`; `steps` is what the script wants with each code."""

    def __init__(
        self, school: School, books: Books, steps: dict[str, Step], language: Language
    ) -> None:
        self._school = school
        self._books = books
        self._steps = steps
        self._language = language
        self._first: RequestKey | None = None

    def answer(self, event: Event, now: int) -> tuple[Json, Event] | None:
        """The payload and its event; None if the key stands for another question."""
        given, key = event.given, event.key
        assert key is not None
        presented = strip(given["presented"])
        content = ("ENTRY", presented, given["challenge"], given["doorNo"], given["direction"])
        if self._books.is_taken(key, content):
            return None
        kept = self._books.answers.get(key)
        is_repeat = kept is not None
        if kept is None:
            kept = self._books.answers[key] = self._decided(key, presented, now)
        signed, code, outcome = kept.signed, kept.code, kept.outcome
        if event.fault is not None and not event.fault.is_silent:
            earlier = self._first or EARLIER
            signed = forged_answer(event.fault, self._school, key, 0, earlier, now)
            outcome, code = Outcome.APPROVED, "00"
        told = find_response(code)
        entry = {
            "outcome": "GRANTED" if outcome is Outcome.APPROVED else "DENIED",
            "responseCode": code,
            "text": told.zh if self._language == "zh" else told.en,
            "replayed": is_repeat,
            "signedAnswer": signed,
            "answeredAt": from_unix(now).isoformat(),
        }
        heard = replace(event, outcome=kept.outcome, response=kept.code)
        return {"entry": entry, "userErrors": []}, heard

    def _decided(self, key: RequestKey, presented: str, now: int) -> Kept:
        step = self._steps.get(presented)
        code = step.answer if step is not None else "C2"
        outcome = Outcome.APPROVED if code == "00" else Outcome.DECLINED
        if outcome is Outcome.APPROVED and self._first is None:
            self._first = key
        return Kept(outcome, code, 0, self._school.answer(outcome, key, 0, code, now))
