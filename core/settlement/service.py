"""Use cases of batches: closing one, and adding what came after the close."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.authorisation.records import Key
from core.authorisation.service.offline import OfflineRecords
from core.db.unit import Database, Unit
from core.kit.clock import Clock
from core.settlement import balancing, store
from core.settlement.records import (
    BatchUnknown,
    Closed,
    Closing,
    Settlement,
    Total,
    TotalKind,
)

ADJUSTED_FOR = timedelta(days=11)
"""How long after a close its batch is watched for answers that came later."""
SILENT_FOR = timedelta(days=7)
"""How long a batch may be silent before the server closes it (terminals.md 7)."""
LOOKED_EVERY = timedelta(hours=1)
"""How often silent batches are looked for."""
CLOSE_DUE = timedelta(days=1)
"""How long after it began a batch should be closed: then its terminal is told to."""
LOOKED_AGAIN = timedelta(minutes=5)
_IN_FLIGHT = timedelta(minutes=1)
"""How long after the instant it bears an answer may come to stand."""
_AT_ONCE = 1_000


class Batches:
    """A terminal's numbered days (terminals.md 7)."""

    def __init__(self, database: Database, clock: Clock, records: OfflineRecords) -> None:
        self._database = database
        self._clock = clock
        self._records = records
        self._looked_at: dict[int, datetime] = {}
        self._not_due_at: dict[tuple[int, int], datetime] = {}

    async def close(self, school_id: int, closing: Closing) -> Closed:
        """Settles a whole batch once, or says what is missing, extra or different.

        Nothing changes unless all is well; a batch that is closed answers as before.
        Raises: BatchUnknown.
        """

        async def work(unit: Unit) -> Closed:
            batch = closing.terminal_no, closing.batch_no
            # Whatever was asked before is answered and counted; what comes after is answered 90.
            await self._records.stop(unit, closing.terminal_no)
            found = await store.find(unit, *batch)
            if found is not None:
                return Closed(found)
            numbers = await store.numbers(unit, *batch)
            if not numbers.used and closing.totals:
                raise BatchUnknown("batchNo")
            counted = await store.totals(unit, *batch)
            head = closing.head_hash
            answer = Closed(
                None,
                balancing.missing(closing, numbers),
                balancing.unexpected(closing, numbers),
                balancing.different(closing.totals, counted),
                head == closing.first_hash or await store.has_link(unit, *batch, head),
            )
            if answer != Closed(None):
                return answer
            unused = [Key(*batch, number) for number in sorted(closing.unused)]
            await self._records.bury(unit, unused)
            settlement = self._sum(batch, counted)
            await store.insert(
                unit, settlement, closing.merchant_account_id, closing.last_seq, head
            )
            return Closed(settlement)

        return await self._database.unit(school_id, work)

    async def close_silent(self, school_id: int) -> int:
        """Closes batches of which nothing came for `SILENT_FOR`, each in its own unit; how many.

        What its books hold is settled with a difference row; what arrives later is adjusted. Looks
        at most every `LOOKED_EVERY`.
        """
        now = self._clock.now()
        looked_at = self._looked_at.get(school_id)
        if looked_at is not None and now - looked_at < LOOKED_EVERY:
            return 0
        open_ = await self._database.unit(
            school_id, lambda unit: store.open_batches(unit, now - SILENT_FOR)
        )
        closed = [await self._close_if_silent(school_id, *batch) for batch in open_]
        self._looked_at[school_id] = now
        return sum(closed)

    async def _close_if_silent(self, school_id: int, terminal_no: int, batch_no: int) -> bool:
        async def work(unit: Unit) -> bool:
            batch, since = (terminal_no, batch_no), self._clock.now() - SILENT_FOR
            heard_at = await store.heard_at(unit, *batch)
            if heard_at is None or heard_at > since:
                return False
            await self._records.stop(unit, terminal_no)
            heard_at = await store.heard_at(unit, *batch)
            is_closed = await store.find(unit, *batch) is not None
            if heard_at is None or heard_at > since or is_closed:
                return False
            silence = balancing.silence(await store.numbers(unit, *batch), heard_at)
            settlement = self._sum(batch, await store.totals(unit, *batch))
            account = await store.merchant_account(unit, terminal_no)
            await store.insert(unit, settlement, account, silence.last_seq, None)
            await store.insert_difference(unit, settlement, silence)
            return True

        return await self._database.unit(school_id, work)

    async def is_close_due(self, school_id: int, terminal_no: int) -> bool:
        """Whether a batch that began `CLOSE_DUE` ago is open; a no holds for `LOOKED_AGAIN`."""
        name, now = (school_id, terminal_no), self._clock.now()
        seen_at = self._not_due_at.get(name)
        if seen_at is not None and now - seen_at < LOOKED_AGAIN:
            return False
        found = await self._database.unit(
            school_id, lambda unit: store.open_batches(unit, now - CLOSE_DUE, terminal_no)
        )
        if not found:
            self._not_due_at[name] = now
        return bool(found)

    async def is_closed(self, school_id: int, terminal_no: int, batch_no: int) -> bool:
        """Whether a batch is settled: then its purchases are given back, not undone."""
        found = await self._database.unit(
            school_id, lambda unit: store.find(unit, terminal_no, batch_no)
        )
        return found is not None

    async def adjust(self, school_id: int, terminal_no: int, batch_no: int) -> None:
        """Adds to a closed batch the difference that came after its close, if there is one."""

        async def work(unit: Unit) -> None:
            batch = terminal_no, batch_no
            await self._records.take_turn(unit, terminal_no)
            settled = await store.find(unit, *batch)
            if settled is None:
                return
            now = self._sum(batch, await store.totals(unit, *batch))
            count, purchases, refunds = await store.adjusted(unit, *batch)
            late = Settlement(
                *batch,
                now.purchases_minor - settled.purchases_minor - purchases,
                now.refunds_minor - settled.refunds_minor - refunds,
                now.settled_at,
            )
            if (late.purchases_minor, late.refunds_minor) != (0, 0):
                await store.insert_adjustment(unit, *batch, count + 1, late)
            await store.note_check(unit, *batch, self._clock.now())

        await self._database.unit(school_id, work)

    async def adjust_touched(self, school_id: int) -> None:
        """The same for every batch in which something was answered after its close."""
        since = self._clock.now() - ADJUSTED_FOR
        touched = await self._database.unit(
            school_id, lambda unit: store.touched(unit, since, _IN_FLIGHT, _AT_ONCE)
        )
        for terminal_no, batch_no in touched:
            await self.adjust(school_id, terminal_no, batch_no)

    def _sum(self, batch: tuple[int, int], totals: Sequence[Total]) -> Settlement:
        def of(kind: TotalKind) -> int:
            return sum(total.amount_minor for total in totals if total.kind is kind)

        sums = of(TotalKind.PURCHASE), of(TotalKind.REFUND)
        return Settlement(*batch, *sums, self._clock.now())
