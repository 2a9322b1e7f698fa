"""Terminals that believe what they should not, or give up what they should not."""

from dataclasses import replace

from bff.conformance.play import Prompt
from bff.conformance.steps import Shown
from clients.endpoint import Json, NoAnswer
from clients.terminal.journal import Entry, Operation
from clients.terminal.keys import Identity
from clients.terminal.protocol import Line
from clients.terminal.receipt import Receipt
from clients.terminal.till import Till
from terminals import ccr
from terminals.ccr import Answer, Outcome, SignedAnswer
from terminals.codes import CodeRefusal
from terminals.documents import DocumentRefusal, SignedDocument
from terminals.message import RequestKey
from tests.unit.conformance.broken import caught_by
from tests.unit.conformance.reference import Terminal


def believing(*refusals: CodeRefusal) -> type[Identity]:
    """A terminal that overlooks why an answer is refused."""

    class Believing(Identity):
        def verify(
            self, text: str, named: RequestKey, minor_amount: int, site_no: int | None = None
        ) -> Answer | CodeRefusal:
            verdict = super().verify(text, named, minor_amount, site_no)
            signed = ccr.read(text)
            if verdict in refusals and isinstance(signed, SignedAnswer):
                return signed.answer
            return verdict

    return Believing


@caught_by("forged.wrong_key", "forged.flipped_bit", "forged.withdrawn_key", "close.totals")
class VerifiesNothing(Terminal):
    """Reads the signed answer and does not verify it."""

    identity_class = believing(CodeRefusal.SIGNATURE, CodeRefusal.KEY_UNKNOWN)


@caught_by("forged.other_terminal", "close.totals")
class BelievesOtherTerminals(Terminal):
    """Takes the answer to another terminal for its own."""

    identity_class = believing(CodeRefusal.NOT_MINE)


@caught_by("forged.old_answer", "close.totals")
class BelievesOldAnswers(Terminal):
    """Takes the answer to an earlier sale for this one's."""

    identity_class = believing(CodeRefusal.NOT_OUTSTANDING)


@caught_by("forged.other_amount", "close.totals")
class BelievesOtherAmounts(Terminal):
    """Does not compare the amount."""

    identity_class = believing(CodeRefusal.AMOUNT_MISMATCH)


class _BelievesJson(Line):
    def _verified(self, entry: Entry, shown: Json | None) -> tuple[Answer, Json]:
        if shown is not None and not shown["signedAnswer"]:
            outcome, code = Outcome[shown["outcome"]], shown["responseCode"]
            return Answer(outcome, 7, 6, entry.key, entry.minor_amount, 0, code), shown
        return super()._verified(entry, shown)


@caught_by("forged.unsigned", "close.totals")
class BelievesJson(Terminal):
    """Goes by the JSON where no signature is."""

    line_class = _BelievesJson


class _KeepsKeys(Identity):
    def taking(self, document: SignedDocument) -> Identity | DocumentRefusal:
        taken = super().taking(document)
        if isinstance(taken, DocumentRefusal):
            return taken
        kids = {key["kid"] for key in taken.issuer_keys}
        kept = tuple(key for key in self.issuer_keys if key["kid"] not in kids)
        return replace(taken, issuer_keys=taken.issuer_keys + kept)


@caught_by("forged.withdrawn_key", "close.totals")
class KeepsWithdrawnKeys(Terminal):
    """Adds new keys to the old ones."""

    identity_class = _KeepsKeys


class _KeepsItsClock(Line):
    async def set_clock(self, *, clock_lost: bool = False) -> Json:
        beat = await super().set_clock(clock_lost=clock_lost)
        self._journal.set_clock_offset(0, self._clock())
        return beat


@caught_by("clock.set")
class KeepsItsClock(Terminal):
    """Counts on its own clock, whatever the school's says."""

    line_class = _KeepsItsClock


class _BelievesTime(Identity):
    def is_signed_time(self, signature: bytes, nonce: bytes, instant: int) -> bool:
        return True


@caught_by("clock.lie")
class BelievesAnyTime(Terminal):
    """Sets its clock by whoever answers."""

    identity_class = _BelievesTime


@caught_by("unknown.shown", "alone.denied", "alone.forged", "alone.cap")
class TakesSilenceForYes(Terminal):
    """Shows a sale without an answer as paid."""

    async def sell(self, till: Till, prompt: Prompt) -> str:
        word = await super().sell(till, prompt)
        return Shown.PAID if word == Shown.UNKNOWN else word


class _GivesUp(Till):
    async def _undo(self, entry: Entry) -> Receipt:
        receipt = await super()._undo(entry)
        if receipt.answer is None:
            self._journal.run("UPDATE request SET outcome = 'VOIDED' WHERE outcome IS NULL")
        return receipt


@caught_by("void.repeated", "close.numbers")
class GivesUpVoids(Terminal):
    """Voids once, and hopes."""

    till_class = _GivesUp


class _NewVoids(Till):
    def _void_of(self, entry: Entry) -> Entry:
        given = {"original": {"batchNo": entry.key.batch_no, "seqNo": entry.key.seq_no}}
        given |= {"reason": "TIMEOUT"}  # type: ignore[dict-item]  # JSON
        return self._journal.write(Operation.VOID, given, entry.minor_amount, entry.key)


@caught_by("void.repeated")
class TakesNewKeysForVoids(Terminal):
    """Repeats a void under another key."""

    till_class = _NewVoids


class _NeverVoids(Till):
    async def _undo(self, entry: Entry) -> Receipt:
        self._journal.give_up(entry)
        return Receipt(entry, None)


@caught_by("void.repeated", "void.first", "close.numbers", "close.totals")
class NeverVoids(Terminal):
    """Forgets a sale of unknown outcome."""

    till_class = _NeverVoids


class _BelievesReplays(Line):
    def _verified(self, entry: Entry, shown: Json | None) -> tuple[Answer, Json]:
        if entry.operation is not Operation.VOID:
            return super()._verified(entry, shown)
        return super()._verified(
            replace(entry, operation=Operation.AUTHORISE, key=entry.named), shown
        )


@caught_by("void.believed", "close.totals")
class BelievesReplaysOfVoids(Terminal):
    """Takes the approval of the sale for the answer to its void."""

    line_class = _BelievesReplays


class _VoidsAfresh(Till):
    async def void(self, original: RequestKey) -> Receipt:
        for _ in range(2):
            amount = self._journal.get(original).minor_amount
            given = {"original": {"batchNo": original.batch_no, "seqNo": original.seq_no}}
            given |= {"reason": "CASHIER"}  # type: ignore[dict-item]  # JSON
            entry = self._journal.write(Operation.VOID, given, amount, original)
            try:
                return self._noted(entry, *await self._line.ask(entry))
            except NoAnswer:
                continue
        return Receipt(entry, None)


@caught_by("void.cashier")
class VoidsAfresh(Terminal):
    """The cashier's void is typed again, not repeated."""

    till_class = _VoidsAfresh


class _IgnoresLock(Till):
    def check_unlocked(self) -> None:
        """Sells on."""


@caught_by("lock.obeyed")
class IgnoresLock(Terminal):
    """Sells though the school has stopped it."""

    till_class = _IgnoresLock
