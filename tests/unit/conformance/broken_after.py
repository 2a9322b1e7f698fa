"""Terminals that neglect a duty of captures, refunds, look-ups, or of the change of their key."""

from dataclasses import replace
from typing import Any

from bff.conformance.play import Prompt
from bff.conformance.steps import NOTHING, Done, Shown
from clients.endpoint import Json, NoAnswer
from clients.terminal.journal import Entry, Operation
from clients.terminal.keys import Identity
from clients.terminal.protocol import Line
from clients.terminal.receipt import Receipt
from clients.terminal.till import Till
from terminals.message import RequestKey
from tests.unit.conformance.broken import caught_by, changing
from tests.unit.conformance.reference import Terminal


class _SellsAtOnce(Till):
    async def sell(self, presented: str, minor_amount: int, *others: Any, **more: Any) -> Receipt:
        more.pop("is_held", None)
        return await super().sell(presented, minor_amount, *others, **more)


@caught_by("hold.request")
class SellsAtOnce(Terminal):
    """Takes the money where it should only hold it."""

    till_class = _SellsAtOnce


class _CapturesAll(Till):
    async def capture(self, original: RequestKey, minor_amount: int) -> Receipt:
        held = self._journal.get(original).minor_amount
        return await super().capture(original, max(minor_amount, held))


@caught_by("capture.part")
class CapturesAll(Terminal):
    """Captures the whole hold, whatever was typed."""

    till_class = _CapturesAll


class _RefundsAll(Till):
    async def refund(
        self,
        original: RequestKey | str,
        minor_amount: int,
        reason: str,
        operator_no: str | None = None,
    ) -> Receipt:
        if isinstance(original, RequestKey):
            minor_amount = max(minor_amount, self._journal.get(original).minor_amount)
        return await super().refund(original, minor_amount, reason, operator_no)


@caught_by("refund.part")
class RefundsAll(Terminal):
    """Refunds the whole sale, whatever was typed."""

    till_class = _RefundsAll


class _NewKeys(Till):
    operation = Operation.CAPTURE

    async def _insist(self, entry: Entry, pin: str | None = None) -> Receipt:
        if entry.operation is not self.operation:
            return await super()._insist(entry, pin)
        try:
            return self._noted(entry, *await self._line.ask(entry, pin))
        except NoAnswer:
            given, minor = entry.given, entry.minor_amount
            again = self._journal.write(entry.operation, given, minor, entry.original)
            return await super()._insist(again, pin)


class _NewRefunds(_NewKeys):
    operation = Operation.REFUND


@caught_by("capture.key", "capture.outcome")
class TakesNewKeysForCaptures(Terminal):
    """Captures under another key when no answer comes, and is told that it is too late."""

    till_class = _NewKeys


@caught_by("refund.key")
class RefundsTwice(Terminal):
    """Refunds under another key when no answer comes."""

    till_class = _NewRefunds


class _TakesRepeatsForFailures(Terminal):
    operation = Operation.CAPTURE

    def done(self, prompt: Prompt, receipt: Receipt) -> str:
        is_repeat = receipt.shown.get("replayed") and receipt.entry.operation is self.operation
        return Done.UNKNOWN if is_repeat else super().done(prompt, receipt)


@caught_by("capture.outcome")
class TakesRepeatedCapturesForFailures(_TakesRepeatsForFailures):
    """Shows a capture as unknown because its answer came the second time."""


@caught_by("refund.outcome")
class TakesRepeatedRefundsForFailures(_TakesRepeatsForFailures):
    """Shows a refund as unknown because its answer came the second time."""

    operation = Operation.REFUND


class _ShowsSuccess(Terminal):
    at = "capture.more"

    def done(self, prompt: Prompt, receipt: Receipt) -> str:
        return Done.DONE if prompt.step.id == self.at else super().done(prompt, receipt)


@caught_by("capture.refused")
class ShowsRefusedCapturesAsDone(_ShowsSuccess):
    """Does not read the outcome of a capture."""


@caught_by("refund.refused")
class ShowsRefusedRefundsAsDone(_ShowsSuccess):
    """Does not read the outcome of a refund."""

    at = "refund.more"


class _OwnSales(Till):
    async def refund(
        self,
        original: RequestKey | str,
        minor_amount: int,
        reason: str,
        operator_no: str | None = None,
    ) -> Receipt:
        if isinstance(original, str):
            newest = self._journal.list_newest(9)
            original = next(e.original for e in newest if e.original is not None)
        return await super().refund(original, minor_amount, reason, operator_no)


@caught_by("refund.other")
class RefundsOwnSales(Terminal):
    """Takes any reference number for its own last sale."""

    till_class = _OwnSales


@caught_by("lookup.shown")
class ShowsFen(Terminal):
    """Shows fen as if they were yuan."""

    def balance(self, told: Json) -> str:
        return NOTHING if told["balance"] is None else f"¥{told['balance']['minorAmount']}"


@caught_by("lookup.unknown")
class KeepsTheLastOne(Terminal):
    """Leaves the balance of the last one on the screen."""

    last = NOTHING

    def balance(self, told: Json) -> str:
        if told["balance"] is not None:
            self.last = super().balance(told)
        return self.last


@caught_by("lookup.free")
class SpendsWhatItLooksUp(Terminal):
    """Takes a code that it looked up for one that was used."""

    async def look_up(self, prompt: Prompt) -> str:
        self._looked_up = prompt.code
        return await super().look_up(prompt)

    async def sell(self, till: Till, prompt: Prompt) -> str:
        if prompt.code is not None and prompt.code == self.__dict__.get("_looked_up"):
            return Shown.NOT_PAID
        return await super().sell(till, prompt)


@caught_by("rotate.proof")
class ProvesNoNewKey(Terminal):
    """Sends a proof of its new key that is none."""

    endpoint_class = changing(
        "TerminalRotateKey", lambda given: {**given, "proof": f"{'A' * 86}=="}
    )


class _DrawsAfresh(Identity):
    def preparing(self, seed: bytes) -> Identity:
        return replace(self, next_seed=seed.hex())


@caught_by("rotate.same", "sign.form")
class DrawsKeysAfresh(Terminal):
    """Makes another key each time that no answer comes; in the end it signs by one nobody knows."""

    identity_class = _DrawsAfresh


class _KeepsItsKey(Line):
    async def rotate_key(self) -> int:
        before = self._journal.identity
        number = await super().rotate_key()
        self._journal.enrol(replace(before, next_seed=self._journal.identity.seed))
        return number


@caught_by("rotate.used")
class KeepsItsKey(Terminal):
    """Registers its next key, and signs on with the old one."""

    line_class = _KeepsItsKey


class _NeverTriesTheNewOne(Line):
    async def _register(self, following: Identity, *, signs: Identity) -> None:
        if signs == following:
            raise NoAnswer("not tried")
        await super()._register(following, signs=signs)


@caught_by("rotate.late")
class NeverTriesTheNewKey(Terminal):
    """Asks with the old key alone, also when that is over."""

    line_class = _NeverTriesTheNewOne
