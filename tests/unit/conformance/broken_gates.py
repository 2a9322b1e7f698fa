"""Gates that each neglect one duty, and the rows that are meant to catch them."""

from bff.conformance.play import Prompt
from clients.endpoint import Json, NoAnswer
from clients.terminal.journal import Entry
from clients.terminal.protocol import Line
from clients.terminal.receipt import Receipt
from clients.terminal.till import Till
from terminals.ccr import Answer, Outcome
from tests.unit.conformance.broken import changing
from tests.unit.conformance.broken_answers import (
    BelievesOldAnswers,
    BelievesOtherAmounts,
    IgnoresLock,
    KeepsItsClock,
    VerifiesNothing,
)
from tests.unit.conformance.broken_documents import KeepsFirstKeys
from tests.unit.conformance.reference import Terminal


class AsksForAnotherDoor(Terminal):
    """Names another door than the one that people stand before."""

    endpoint_class = changing("EntryAuthorise", lambda given: {**given, "doorNo": 2})


class _BelievesJson(Line):
    def _verified(self, entry: Entry, shown: Json | None) -> tuple[Answer, Json]:
        if shown is not None and not shown["signedAnswer"]:
            return Answer(Outcome.APPROVED, 7, 6, entry.key, 0, 0, "00"), shown
        return super()._verified(entry, shown)


class BelievesJsonAtDoors(Terminal):
    """Goes by the JSON where no signature is."""

    line_class = _BelievesJson


class _NewKeys(Till):
    async def _insist(self, entry: Entry, pin: str | None = None) -> Receipt:
        try:
            answer, told = await self._line.ask(entry, pin)
        except NoAnswer:
            again = self._journal.write(entry.operation, entry.given, 0)
            return await super()._insist(again, pin)
        return self._noted(entry, answer, told)


class AsksUnderNewKeys(Terminal):
    """Asks again under a new key."""

    till_class = _NewKeys


class OpensForSilence(Terminal):
    """Opens where no answer came."""

    def opens(self, prompt: Prompt, receipt: Receipt) -> bool:
        return receipt.is_approved or receipt.answer is None


class _AsksOnce(Till):
    async def _insist(self, entry: Entry, pin: str | None = None) -> Receipt:
        return self._noted(entry, *await self._line.ask(entry, pin))


class OpensWithoutAsking(OpensForSilence):
    """Asks once, and opens where no verified answer came."""

    till_class = _AsksOnce


class OpensForDenied(Terminal):
    """Takes E0 for a yes the first time."""

    def opens(self, prompt: Prompt, receipt: Receipt) -> bool:
        return receipt.is_approved or prompt.step.id == "gate.denied"


CAUGHT_GATES: dict[type[Terminal], set[str]] = {
    AsksForAnotherDoor: {"gate.request"},
    KeepsFirstKeys: {"gate.opens"},
    VerifiesNothing: {"gate.wrong_key"},
    BelievesOldAnswers: {"gate.old_answer"},
    BelievesOtherAmounts: {"gate.purchase"},
    BelievesJsonAtDoors: {"gate.unsigned"},
    AsksUnderNewKeys: {"gate.key"},
    OpensForDenied: {"gate.denied"},
    OpensForSilence: {"gate.silent"},
    OpensWithoutAsking: {
        "gate.clock",
        "gate.lost",
        "gate.old_answer",
        "gate.purchase",
        "gate.silent",
        "gate.unsigned",
        "gate.wrong_key",
    },
    KeepsItsClock: {"gate.clock"},
    IgnoresLock: {"gate.locked"},
}
"""Each broken gate, and exactly the rows that go wrong by it."""
