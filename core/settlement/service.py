"""Use cases of batches: closing one, and adding what came after the close."""

from collections.abc import Sequence
from datetime import timedelta

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
_AT_ONCE = 1_000


class Batches:
    """A terminal's numbered days (terminals.md 7)."""

    def __init__(self, database: Database, clock: Clock, records: OfflineRecords) -> None:
        self._database = database
        self._clock = clock
        self._records = records

    async def close(self, school_id: int, closing: Closing) -> Closed:
        """Settles a whole batch once, or says what is missing, extra or different.

        Nothing changes unless all is well; a batch that is closed answers as before.
        Raises: BatchUnknown.
        """

        async def work(unit: Unit) -> Closed:
            batch = closing.terminal_no, closing.batch_no
            await self._records.take_turn(unit, closing.terminal_no)
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
            await store.insert(unit, closing, settlement)
            return Closed(settlement)

        return await self._database.unit(school_id, work)

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

        await self._database.unit(school_id, work)

    async def adjust_touched(self, school_id: int) -> None:
        """The same for every batch in which something was answered after its close."""
        since = self._clock.now() - ADJUSTED_FOR
        touched = await self._database.unit(
            school_id, lambda unit: store.touched(unit, since, _AT_ONCE)
        )
        for terminal_no, batch_no in touched:
            await self.adjust(school_id, terminal_no, batch_no)

    def _sum(self, batch: tuple[int, int], totals: Sequence[Total]) -> Settlement:
        def of(kind: TotalKind) -> int:
            return sum(total.amount_minor for total in totals if total.kind is kind)

        sums = of(TotalKind.PURCHASE), of(TotalKind.REFUND)
        return Settlement(*batch, *sums, self._clock.now())
