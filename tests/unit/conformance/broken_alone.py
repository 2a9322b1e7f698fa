"""Terminals that neglect a duty of sales without a network, or of the close of a day."""

from collections.abc import Sequence
from typing import Any

from clients.endpoint import Json, NoAnswer
from clients.terminal.alone import Alone
from clients.terminal.batches import Batches, Judged
from clients.terminal.journal import Entry, Journal, Operation
from clients.terminal.keys import Identity
from clients.terminal.offline_store import OfflineStore, Stored, Taken
from clients.terminal.protocol import Line
from clients.terminal.receipt import Receipt
from clients.terminal.till import Till
from terminals.codes import CodeRefusal
from terminals.deny import DenyList
from terminals.keys import KeyRing, PublicKey, Sign
from terminals.offline import Record, RecordKind
from terminals.parameters import OfflineCap, Parameters
from tests.unit.conformance.broken import caught_by
from tests.unit.conformance.reference import Memory, Terminal


class _Lazy(OfflineStore):
    """Keeps records in memory until the terminal is idle."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self._waiting: list[tuple[Any, ...]] = []

    def accept(self, *facts: Any) -> None:
        self._waiting.append(facts)

    def flush(self) -> None:
        """Writes them."""
        for facts in self._waiting:
            super().accept(*facts)
        self._waiting.clear()


class _LazyTill(Till):
    async def settle_open(self) -> list[Receipt]:
        store = self._line.store
        assert isinstance(store, _Lazy)
        store.flush()
        return await super().settle_open()


@caught_by("alone.flushed")
class ShowsBeforeItFlushes(Terminal):
    """Shows success, and writes when it has time."""

    store_class = _Lazy
    till_class = _LazyTill


class _NoDenyList(OfflineStore):
    def deny_list(self, now: int) -> DenyList:
        return DenyList(super().deny_list(now).version)


@caught_by("alone.denied")
class IgnoresDenyList(Terminal):
    """Holds the deny list and does not look."""

    store_class = _NoDenyList


class _Generous(OfflineStore):
    def parameters(self) -> Parameters | None:
        held = super().parameters()
        cap = OfflineCap(cap_class=1, amount_minor=99_999, count=99, total_minor=999_999)
        return held and held.model_copy(update={"caps": [cap]})


@caught_by("alone.cap")
class IgnoresCaps(Terminal):
    """Sells for any amount without a network."""

    store_class = _Generous


class _Trusting(KeyRing):
    def verifies_pass(self, key: PublicKey, message: bytes, signature: bytes) -> bool:
        return True


class _TrustsPasses(Identity):
    @property
    def ring(self) -> KeyRing:
        return _Trusting(self._published)


@caught_by("alone.forged")
class VerifiesNoCode(Terminal):
    """Does not verify who issued a code."""

    identity_class = _TrustsPasses


class _Forgetful(Alone):
    def has_taken(self, presented: str) -> bool:
        return False

    def _seen(self, entry: Entry) -> set[bytes]:
        return set()


@caught_by("alone.again")
class TakesCodesTwice(Terminal):
    """Does not remember the codes that it took."""

    alone_class = _Forgetful


class _Renumbers(Alone):
    def accept(self, entry: Entry, *, by_edge: bool = False) -> CodeRefusal | None:
        again = self._journal.write(Operation.AUTHORISE, entry.given, entry.minor_amount)
        refusal = super().accept(again, by_edge=by_edge)
        if refusal is not None:
            self._journal.run(
                "DELETE FROM request WHERE (batch_no, seq_no) = (?, ?)", *again.key[1:]
            )
        return refusal

    def _seen(self, entry: Entry) -> set[bytes]:
        return self._store.used_codes()


@caught_by("alone.key")
class RenumbersRecords(Terminal):
    """Takes a new key for what it accepts alone."""

    alone_class = _Renumbers


class _LateRecords(OfflineStore):
    def accept(self, entry: Entry, record: Record, spent: Taken, sign: Sign) -> None:
        local = record._replace(created_at=record.created_at - 600)
        super().accept(entry, local, spent, sign)


@caught_by("alone.clock")
class WritesItsOwnTime(Terminal):
    """Writes records by the clock it had before the school set it."""

    store_class = _LateRecords


class _SignsOtherwise(OfflineStore):
    def accept(self, entry: Entry, record: Record, spent: Taken, sign: Sign) -> None:
        super().accept(entry, record, spent, lambda message: sign(b"x" + message))


@caught_by("alone.record", "receipt.record", "close.numbers", "close.head", "close.totals")
class SignsRecordsOtherwise(Terminal):
    """Signs something else than the hash of the record; such records count as never sent."""

    store_class = _SignsOtherwise


class _NoChallenge(OfflineStore):
    def accept(self, entry: Entry, record: Record, spent: Taken, sign: Sign) -> None:
        if record.kind == RecordKind.RECEIPT:
            record = record._replace(challenge="")
        super().accept(entry, record, spent, sign)


@caught_by("receipt.record")
class ForgetsWhatItShowed(Terminal):
    """Writes the receipt down without the code that the phone paid."""

    store_class = _NoChallenge


class _Careless(Batches):
    async def _send(self, records: Sequence[Stored]) -> list[Judged]:
        try:
            return await super()._send(records)
        except NoAnswer:
            for stored in records:
                self._store.note(stored.item.record.key, "ACCEPTED", None)
            raise


@caught_by("upload.again", "close.totals")
class DropsRecordsOnceSent(Terminal):
    """Is done with its records when it has sent them; so it never hears that one is not paid."""

    batches_class = _Careless


class _Guesses(Line):
    async def upload(self, records: Sequence[Stored]) -> list[Json]:
        verdicts: list[Json] = []
        usual = self._endpoint.change

        async def change(name: str, field: str, given: Json, headers: Any) -> Json:
            payload = await usual(name, field, given, headers)
            told = {each["seqNo"] for each in payload["verdicts"]}
            guessed: Json = {"verdict": "ACCEPTED", "reason": None, "flags": []}
            payload["verdicts"] += [
                {"seqNo": number, "judgement": guessed, "first": None}
                for stored in records
                if (number := stored.item.record.key.seq_no) not in told
            ]
            return payload

        self._endpoint.change = change  # type: ignore[method-assign]  # for this one question
        try:
            verdicts = await super().upload(records)
        finally:
            self._endpoint.change = usual  # type: ignore[method-assign]  # as it was
        return verdicts


@caught_by("upload.unjudged", "close.totals")
class GuessesVerdicts(Terminal):
    """Takes a record without a verdict for accepted."""

    line_class = _Guesses


class _ClosesAtOnce(Batches):
    async def close(self, batch_no: int) -> int:
        usual, self.upload = self.upload, _nothing  # type: ignore[method-assign]  # for the close
        try:
            return await super().close(batch_no)
        finally:
            self.upload = usual  # type: ignore[method-assign]  # as it was


async def _nothing() -> list[Judged]:
    return []


@caught_by("close.uploaded")
class ClosesWithoutUploading(Terminal):
    """Closes, and sends what it is asked for."""

    batches_class = _ClosesAtOnce


class _SendsOnce(Batches):
    async def _send(self, records: Sequence[Stored]) -> list[Judged]:
        return [] if records[0].verdict else await super()._send(records)


@caught_by("close.missing")
class IgnoresMissing(Terminal):
    """Does not send again what the close misses."""

    batches_class = _SendsOnce


class _CountsAll(Batches):
    def _totals(self, batch_no: int, entries: Sequence[Entry]) -> list[Json]:
        usual, self._store = self._store, _NothingUnpaid(self._journal)
        try:
            return super()._totals(batch_no, entries)
        finally:
            self._store = usual


class _NothingUnpaid(OfflineStore):
    def of_batch(self, batch_no: int) -> list[Stored]:
        return []


@caught_by("close.totals")
class CountsRejected(Terminal):
    """Counts sales that the school has refused to pay."""

    batches_class = _CountsAll


class _ClosesEarly(Memory):
    def last_seq(self, batch_no: int) -> int:
        return super().last_seq(batch_no) - 1


@caught_by("close.numbers")
class LeavesANumberOut(Terminal):
    """Closes before its last number."""

    def make_journal(self, path: Any) -> Journal:
        return _ClosesEarly(path)


def _no_head(batch_no: int) -> bytes:
    return bytes(32)


class _NoHead(Batches):
    async def _ask_close(self, batch_no: int) -> Json:
        usual = self._store.head
        self._store.head = _no_head  # type: ignore[method-assign]  # for the close
        try:
            return await super()._ask_close(batch_no)
        finally:
            self._store.head = usual  # type: ignore[method-assign]  # as it was


@caught_by("close.head")
class SendsNoHead(Terminal):
    """Closes without the hash of its last record."""

    batches_class = _NoHead


class _OneBatch(Memory):
    def open_batch(self) -> int:
        return self.batch_no()


@caught_by("close.next")
class KeepsItsBatch(Terminal):
    """Sells on in the batch it has closed."""

    def make_journal(self, path: Any) -> Journal:
        return _OneBatch(path)
