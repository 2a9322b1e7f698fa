"""Use cases of what runs: a start holds the slot's maximum, a stop takes what its reading costs."""

from collections.abc import Callable, Sequence

from core.authorisation.records import Answer, CodeUsed, FollowUp, Key, PurchaseRequest
from core.authorisation.service import Authorisations
from core.db.unit import Database, Unit
from core.kit.clock import Clock
from core.utility.records import MeterBusy, Reading, Run
from core.utility.store import meters as meter_store
from core.utility.store import reservations as reservation_store
from core.utility.store import runs as store

Sign = Callable[[Answer], str]


class Runs:
    """Water under the key of its hold; the money is a hold of `core.authorisation`."""

    def __init__(self, database: Database, authorisations: Authorisations, clock: Clock) -> None:
        self._database = database
        self._authorisations = authorisations
        self._clock = clock

    async def start(
        self, school_id: int, purses: Sequence[str], request: PurchaseRequest, run: Run, sign: Sign
    ) -> Answer:
        """Holds the maximum and begins; a repeat of the key hears the stored answer.

        A decline is an answer and begins nothing, but for water that ran already: that is held for
        under whatever answer its key has.
        Raises: MeterBusy, CodeUsed (nothing was kept, not even under the key),
        IdempotencyConflict, DatabaseUnavailable.
        """

        async def work(unit: Unit) -> Answer:
            # The payer's money first, as everywhere; the meter after it.
            if run.is_late:
                answer = await self._authorisations.take_within(unit, purses, request)
                begins = answer.verdict == "NEW" and answer.outcome != "VOIDED"
            else:
                answer = await self._authorisations.authorise_within(unit, purses, request)
                begins = answer.verdict == "NEW" and answer.outcome == "APPROVED"
            if not begins:
                return answer
            if not run.is_late:
                await meter_store.lock_meter(unit, run.key.terminal_no, run.meter_no)
                now = self._clock.now()
                if await store.is_busy(unit, run.key.terminal_no, run.meter_no, now):
                    raise MeterBusy("meterNo")
            if run.reservation_id is not None:
                await reservation_store.find(unit, run.reservation_id, lock=True)
                if await store.has_run(unit, run.reservation_id):
                    raise CodeUsed("code8")
            await store.insert(unit, run)
            return answer

        answer = await self._database.unit(school_id, work)
        return await self._authorisations.signed(school_id, answer, sign)

    async def stop(self, school_id: int, follow: FollowUp, reading: Reading, sign: Sign) -> Answer:
        """Takes what ran and releases the rest; nothing ran: all of it is released.

        `follow` is a CAPTURE, or a VOID where the reading costs nothing.
        Raises: IdempotencyConflict, DatabaseUnavailable.
        """

        async def work(unit: Unit) -> Answer:
            answer = await self._authorisations.follow_within(unit, follow, sign)
            if answer.verdict == "NEW" and answer.response_code == "00":
                now = follow.answered_at
                await store.insert_reading(unit, follow.original, follow.key, reading, now)
            return answer

        answer = await self._database.unit(school_id, work)
        return await self._authorisations.signed(school_id, answer, sign)

    async def find(self, school_id: int, key: Key) -> Run | None:
        """What began under a key."""
        return await self._database.unit(school_id, lambda unit: store.find(unit, key))
