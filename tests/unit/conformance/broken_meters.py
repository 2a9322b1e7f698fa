"""Meters that each neglect one duty, and the rows that are meant to catch them."""

from bff.conformance.play import Prompt
from bff.conformance.steps import Water
from clients.endpoint import NoAnswer
from clients.terminal.journal import Entry, Journal, Operation
from clients.terminal.meter import Meter
from clients.terminal.meter_store import MeterStore
from clients.terminal.protocol import Line
from clients.terminal.receipt import Receipt
from clients.terminal.till import Till
from tests.unit.conformance.broken import changing
from tests.unit.conformance.broken_answers import VerifiesNothing
from tests.unit.conformance.broken_documents import KeepsFirstKeys
from tests.unit.conformance.reference import Terminal


class FetchesNoMeters(Terminal):
    """Never asks for its meters."""

    async def tell(self, meter: Meter, prompt: Prompt) -> None:
        await meter.settle()


class KeepsLineEndsOfScans(Terminal):
    """Sends what the scanner typed, return key and all."""

    endpoint_class = changing(
        "MeterStart",
        lambda given: (
            {**given, "presented": f"{given['presented']}\r\n"} if given.get("presented") else given
        ),
    )


class _Says(Terminal):
    at = "meter.denied"

    async def use(self, meter: Meter, prompt: Prompt) -> str:
        word = await super().use(meter, prompt)
        return Water.RAN if prompt.step.id == self.at else word


class OpensForWrongCodes(_Says):
    """Opens its valve for M1."""


class _NewKeys(Till):
    operation = Operation.METER_START

    async def _insist(self, entry: Entry, pin: str | None = None) -> Receipt:
        if entry.operation is not self.operation:
            return await super()._insist(entry, pin)
        try:
            return self._noted(entry, *await self._line.ask(entry, pin))
        except NoAnswer:
            given, minor = entry.given, entry.minor_amount
            again = self._journal.write(entry.operation, given, minor, entry.original)
            return await super()._insist(again, pin)


class StartsUnderNewKeys(Terminal):
    """Asks again under a new key."""

    till_class = _NewKeys


class _NewStops(_NewKeys):
    operation = Operation.METER_STOP


class StopsUnderNewKeys(Terminal):
    """Tells a stop again under a new key."""

    till_class = _NewStops


class RoundsUp(Terminal):
    """Rounds what ran up to the next fen."""

    endpoint_class = changing(
        "MeterStop", lambda given: {**given, "minorAmount": (given["minorAmount"] or 0) + 1}
    )


class NeverEnds(Terminal):
    """Waits for cancel however long."""

    async def use(self, meter: Meter, prompt: Prompt) -> str:
        if prompt.step.id != "meter.idle":
            return await super().use(meter, prompt)
        _, run = await meter.start(1, code8=prompt.code)
        assert run is not None
        meter.flush(run, 75)
        return Water.RAN


class _Forgets(Meter):
    def power_up(self) -> None:
        """Begins afresh."""
        for run in self.store.runs():
            self.store.forget(run.key)


class ForgetsWhatRan(Terminal):
    """Knows nothing after a power cut of what ran before it."""

    meter_class = _Forgets


class _KeepsToItself(Meter):
    async def settle(self) -> list[Receipt]:
        for run in self.store.runs():
            if run.is_alone:
                self.store.forget(run.key)
        return await super().settle()


class TellsNothingAfterwards(Terminal):
    """Never tells what ran without a network."""

    meter_class = _KeepsToItself


class _Forgetful(MeterStore):
    def is_used(self, code8: str, ends_at: int) -> bool:
        return False


class _TakesTwice(Meter):
    def __init__(self, journal: Journal, line: Line, till: Till) -> None:
        super().__init__(journal, line, till)
        self.store = _Forgetful(journal)


class TakesDigitsTwice(Terminal):
    """Does not remember the digits that it took."""

    meter_class = _TakesTwice


CAUGHT_METERS: dict[type[Terminal], set[str]] = {
    FetchesNoMeters: {"meter.synced"},
    KeepsLineEndsOfScans: {"meter.request"},
    KeepsFirstKeys: {"meter.opens"},
    OpensForWrongCodes: {"meter.denied"},
    StartsUnderNewKeys: {"meter.key", "meter.alone"},
    VerifiesNothing: {"meter.forged"},
    RoundsUp: {"meter.price"},
    StopsUnderNewKeys: {"meter.stopped"},
    NeverEnds: {"meter.idle"},
    ForgetsWhatRan: {"meter.power"},
    TellsNothingAfterwards: {"meter.alone"},
    TakesDigitsTwice: {"meter.used"},
}
"""Each broken meter, and exactly the rows that go wrong by it."""
