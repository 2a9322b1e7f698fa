"""What a till sends once the network is back: its records, then the close of the batch."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from clients.endpoint import Json
from clients.terminal.journal import Entry, Journal, Operation
from clients.terminal.offline_store import JUDGED_KEPT_SECONDS, OfflineStore, Stored
from clients.terminal.protocol import Line
from clients.terminal.receipt import GIVEN_UP
from terminals.ccr import Outcome
from terminals.codes import CodeRefusal, Instrument, classify
from terminals.directives import Directive
from terminals.message import RequestKey
from terminals.offline import ITEMS_MAXIMUM
from terminals.water import WATER


@dataclass(frozen=True, slots=True)
class Judged:
    """The server's verdict on a record of ours."""

    key: RequestKey
    minor_amount: int
    verdict: str
    reason: str | None
    flags: tuple[str, ...]


class BatchNotWhole(Exception):
    """The batch cannot be closed: something of it is open, or server and till do not agree."""

    def __init__(self, batch_no: int, result: Json | None = None) -> None:
        super().__init__(f"batch {batch_no}: {result or 'requests are open'}")
        self.batch_no = batch_no
        self.result = result


class Batches:
    """Uploads and closes; every step may be cut and is done again."""

    def __init__(self, journal: Journal, line: Line, store: OfflineStore) -> None:
        self._journal = journal
        self._line = line
        self._store = store

    async def upload(self) -> list[Judged]:
        """Sends every record that has no verdict, oldest first, and keeps what they hear.

        A record that came before hears its first verdict. Raises: NoAnswer; what was judged until
        then is kept.
        """
        judged: list[Judged] = []
        while waiting := self._store.unjudged(ITEMS_MAXIMUM):
            judged += await self._send(waiting)
        self._store.forget(self._line.now() - JUDGED_KEPT_SECONDS)
        return judged

    async def obey(self, directives: Sequence[str]) -> list[Judged]:
        """Does as a heartbeat tells: uploads, closes older batches; what the uploads heard.

        The newest batch is closed only where it is the only one left.

        Raises: NoAnswer, BatchNotWhole; the next heartbeat tells it again.
        """
        judged = await self.upload() if Directive.UPLOAD in directives else []
        if Directive.CLOSE in directives:
            batches = self._journal.list_batches()
            open_ = [number for number in batches if not self._store.is_settled(number)]
            for batch_no in open_[:-1] or open_:
                await self.close(batch_no)
        return judged

    async def close(self, batch_no: int) -> int:
        """Settles a batch; its net in fen. A settled one is not asked again.

        Records that the server misses although it judged them (it was set back to an older copy)
        are sent once more. Sales go on in the next batch. Raises: NoAnswer, BatchNotWhole.
        """
        if self._journal.batch_no() == batch_no:
            self._journal.open_batch()
        await self.upload()
        if any(entry.key.batch_no == batch_no for entry in self._journal.list_open()):
            raise BatchNotWhole(batch_no)
        result = await self._ask_close(batch_no)
        missing = [
            stored
            for stored in self._store.of_batch(batch_no)
            if stored.item.record.key.seq_no in result["missing"]
        ]
        if missing:
            await self._send(missing)
            result = await self._ask_close(batch_no)
        if not result["balanced"]:
            raise BatchNotWhole(batch_no, result)
        net: int = result["net"]["minorAmount"]
        self._store.settle(batch_no, net)
        return net

    async def _ask_close(self, batch_no: int) -> Json:
        entries = self._journal.of_batch(batch_no)
        last_seq = self._journal.last_seq(batch_no)
        given_up = {e.key.seq_no for e in entries if e.is_given_up and e.operation in GIVEN_UP}
        unused = set(range(1, last_seq + 1)) - {entry.key.seq_no for entry in entries} | given_up
        totals, head = self._totals(batch_no, entries), self._store.head(batch_no)
        result = await self._line.close(batch_no, last_seq, sorted(unused), totals, head)
        came = given_up and given_up & set(result["extra"])
        if came:  # what we gave up reached the server after all
            left = sorted(unused - came)
            result = await self._line.close(batch_no, last_seq, left, totals, head)
        return result

    async def _send(self, records: Sequence[Stored]) -> list[Judged]:
        """The verdicts on at most 200 records of one batch, kept."""
        verdicts = await self._line.upload(records)
        by_number = {each["seqNo"]: each for each in verdicts}
        return [self._noted(stored, by_number[stored.item.record.key.seq_no]) for stored in records]

    def _noted(self, stored: Stored, answered: Json) -> Judged:
        told = answered["first"] or answered["judgement"]
        record = stored.item.record
        self._store.note(record.key, told["verdict"], told["reason"])
        return Judged(
            record.key, record.minor_amount, told["verdict"], told["reason"], tuple(told["flags"])
        )

    def _totals(self, batch_no: int, entries: Sequence[Entry]) -> list[Json]:
        """What was captured and not voided, by instrument, and what was refunded."""
        unpaid = {s.item.record.key for s in self._store.of_batch(batch_no) if s.is_unpaid}
        counts: Counter[tuple[str, str]] = Counter()
        sums: Counter[tuple[str, str]] = Counter()
        for entry in entries:
            amount = self._captured(entry)
            if amount and entry.key not in unpaid:
                is_refund = entry.operation is Operation.REFUND
                kind = ("REFUND", "") if is_refund else ("PURCHASE", self._instrument(entry))
                counts[kind] += 1
                sums[kind] += amount
        return [
            {"kind": kind[0], "instrument": kind[1], "count": counts[kind], "minorAmount": total}
            for kind, total in sorted(sums.items())
        ]

    def _captured(self, entry: Entry) -> int:
        """What a request moved in the end: 0 for what was refused, voided or only held."""
        # Water that ran alone is taken whatever the lost answer of its start was.
        is_water = entry.operation is Operation.METER_START
        if entry.outcome is not Outcome.APPROVED and not is_water:
            return 0
        if entry.operation is Operation.REFUND:
            return entry.minor_amount
        if entry.operation is Operation.CHALLENGE:
            return entry.minor_amount
        if entry.operation is not Operation.AUTHORISE and not is_water:
            return 0
        if entry.given.get("capture") == "IMMEDIATE":
            return entry.minor_amount
        captures = self._journal.captures_of(entry.key)
        return sum(capture.minor_amount for capture in captures)

    def _instrument(self, entry: Entry) -> str:
        """Of a sale that went on with a PIN: that of the scan its continuation stands for."""
        if entry.operation is Operation.CHALLENGE:
            return Instrument.CHALLENGE.value
        if entry.given.get("code8") is not None:
            return WATER
        scanned = entry
        while "presented" not in scanned.given:
            before = self._journal.before(scanned)
            if before is None:
                return ""
            scanned = before
        kind = classify(scanned.given["presented"])
        return "" if isinstance(kind, CodeRefusal) else kind.value
