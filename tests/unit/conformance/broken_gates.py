"""Gates that each neglect one duty, and the rows that are meant to catch them."""

from collections.abc import Callable, Sequence
from typing import Any

from bff.conformance.play import Prompt
from clients.endpoint import Endpoint, Json, NoAnswer
from clients.terminal.gate import Gate, Passed
from clients.terminal.gate_store import GateStore, Told
from clients.terminal.journal import Entry, Journal
from clients.terminal.protocol import Line
from clients.terminal.receipt import Receipt
from clients.terminal.till import Till
from terminals.ccr import Answer, Outcome
from tests.unit.conformance.broken import changing
from tests.unit.conformance.broken_alone import IgnoresDenyList, VerifiesNoCode
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


class _Lazy(GateStore):
    """Keeps events in memory until the gate is idle."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self._waiting: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def pass_alone(self, *facts: Any, **more: Any) -> None:
        self._waiting.append((facts, more))

    def flush(self) -> None:
        """Writes them."""
        for facts, more in self._waiting:
            super().pass_alone(*facts, **more)
        self._waiting.clear()


class _LazyTill(Till):
    async def settle_open(self) -> list[Receipt]:
        store = self._line.passages
        assert isinstance(store, _Lazy)
        store.flush()
        return await super().settle_open()


class OpensBeforeItFlushes(Terminal):
    """Opens, and writes when it has time."""

    passages_class = _Lazy
    till_class = _LazyTill


class _Forgetful(Gate):
    def check_untaken(self, entry: Entry) -> None:
        """Remembers none."""

    def _used(self, entry: Entry) -> set[bytes]:
        return set()


class OpensTwice(Terminal):
    """Does not remember the codes that it took."""

    gate_class = _Forgetful


class _Renumbers(Gate):
    def open(self, entry: Entry) -> str | None:
        again = self._journal.write(entry.operation, entry.given, 0)
        refused = super().open(again)
        if refused is not None:
            self._journal.give_up(again)
        return refused

    def _used(self, entry: Entry) -> set[bytes]:
        return self.store.used_codes()


class RenumbersEvents(Terminal):
    """Takes a new key for what it opens alone."""

    gate_class = _Renumbers


def telling(**changed: Callable[[Json], object]) -> type[Endpoint]:
    """An endpoint that tells something else of each event."""

    def change(given: Json) -> Json:
        items = [
            {**item, **{name: made(item) for name, made in changed.items()}}
            for item in given["items"]
        ]
        return {**given, "items": items}

    return changing("EntryEventsUpload", change)


class TellsNoDirection(Terminal):
    """Tells of every passage as one without a direction."""

    endpoint_class = telling(direction=lambda _item: "NONE")


class TellsItsOwnTime(Terminal):
    """Tells by the clock it had before the school set it."""

    endpoint_class = telling(createdAt=lambda item: item["createdAt"] - 600)


class _NewestFirst(GateStore):
    def untold(self, count: int) -> list[Told]:
        return super().untold(count)[::-1]


class TellsNewestFirst(Terminal):
    """Begins with the newest."""

    passages_class = _NewestFirst


class _Careless(Gate):
    async def upload(self) -> list[Passed]:
        waiting = self.store.untold(9)
        try:
            return await super().upload()
        except NoAnswer:
            for event in waiting:
                self.store.note(event.key, "ACCEPTED", None)
            raise


class DropsEventsOnceSent(Terminal):
    """Is done with its events when it has sent them."""

    gate_class = _Careless


class _Guesses(Line):
    async def tell(self, events: Sequence[Told]) -> list[Json]:
        usual = self._endpoint.change

        async def change(name: str, field: str, given: Json, headers: Any) -> Json:
            payload = await usual(name, field, given, headers)
            guessed: Json = {"verdict": "ACCEPTED", "reason": None, "flags": []}
            left = events[len(payload["results"]) :]
            payload["results"] += [{"seqNo": each.key.seq_no, **guessed} for each in left]
            return payload

        self._endpoint.change = change  # type: ignore[method-assign]  # for this one question
        try:
            return await super().tell(events)
        finally:
            self._endpoint.change = usual  # type: ignore[method-assign]  # as it was


class GuessesVerdictsOnEvents(Terminal):
    """Takes an event without a verdict for accepted."""

    line_class = _Guesses


CAUGHT_GATES: dict[type[Terminal], set[str]] = {
    AsksForAnotherDoor: {"gate.request"},
    KeepsFirstKeys: {"gate.opens"},
    VerifiesNothing: {"gate.wrong_key"},
    BelievesOldAnswers: {"gate.old_answer"},
    BelievesOtherAmounts: {"gate.purchase"},
    BelievesJsonAtDoors: {"gate.unsigned"},
    AsksUnderNewKeys: {"gate.key"},
    OpensForDenied: {"gate.denied"},
    OpensForSilence: {"gate.silent", "events.denied", "events.forged", "events.used"},
    OpensWithoutAsking: {
        "gate.clock",
        "gate.lost",
        "gate.old_answer",
        "gate.purchase",
        "gate.silent",
        "gate.unsigned",
        "gate.wrong_key",
        "events.denied",
        "events.flushed",
        "events.forged",
        "events.used",
    },
    KeepsItsClock: {"gate.clock"},
    IgnoresLock: {"gate.locked"},
    IgnoresDenyList: {"events.denied"},
    VerifiesNoCode: {"events.forged"},
    OpensBeforeItFlushes: {"events.flushed"},
    OpensTwice: {"events.used"},
    RenumbersEvents: {"events.key"},
    TellsNoDirection: {"events.content"},
    TellsItsOwnTime: {"events.time"},
    TellsNewestFirst: {"events.order"},
    DropsEventsOnceSent: {"events.again"},
    GuessesVerdictsOnEvents: {"events.unjudged"},
}
"""Each broken gate, and exactly the rows that go wrong by it."""
