"""Use cases of uploads: bundles of ordinary records in one unit, every other one in its own."""

import logging
from collections.abc import AsyncIterator, Sequence

from core.authorisation.bundles import Bundle, Filed, ordinary
from core.authorisation.offline import Settled
from core.authorisation.service.offline import OfflineRecords
from core.authorisation.store import bundles as store
from core.db.unit import Database, Unit
from core.kit.clock import Clock
from core.kit.errors import Refusal
from core.kit.ids import Ids
from core.ledger.service import Ledger

BUNDLE_MAXIMUM = 32
"""Records in one unit. It holds the money locks of all who pay, and others wait for them; twice as
many cost the same processor time each (measured)."""
_log = logging.getLogger(__name__)


class Bundles:
    """Settles the records of an upload as if each came alone, and in fewer units.

    `maximum` is how many may be one bundle; 0 settles each alone.
    """

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        records: OfflineRecords,
        clock: Clock,
        ids: Ids,
        maximum: int = BUNDLE_MAXIMUM,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._records = records
        self._clock = clock
        self._ids = ids
        self._maximum = maximum

    async def settle(
        self, school_id: int, filed: Sequence[Filed], purses: Sequence[str]
    ) -> AsyncIterator[list[Settled]]:
        """What became of the records, in their order; what was told stands.

        `purses` pay in this order, then the holder owes. Raises: DatabaseUnavailable.
        """
        done, size = 0, self._maximum
        while done < len(filed):
            bundle = ordinary(filed[done : done + size])
            settled = await self._together(school_id, bundle, purses) if bundle else []
            if settled:
                done += len(settled)
                yield settled
            if bundle and len(settled) == len(bundle):
                size = min(2 * size, self._maximum)
                continue
            one, done = filed[done], done + 1
            yield [await self._records.settle(school_id, one.claim, purses, one.judge, one.sign)]
            if bundle:
                # What ended it may be followed by more of its kind, for which all was read in vain.
                size = max(1, len(settled))

    async def _together(
        self, school_id: int, bundle: Sequence[Filed], purses: Sequence[str]
    ) -> list[Settled]:
        """The first records of a bundle that are ordinary, settled in one unit.

        None of them where it failed: then the first is settled alone.
        """

        async def work(unit: Unit) -> list[Settled]:
            facts = await store.read(unit, bundle)
            payers = [each.spending.cardholder_id for each in facts if each.spending]
            made = Bundle(
                await self._ledger.purses_of(unit, payers), purses, self._ids, self._clock.now()
            )
            for filed, known in zip(bundle, facts, strict=True):
                if not made.add(filed, known):
                    break
            if made.settled:
                await store.keep(unit, bundle[0].claim, made)
            return made.settled

        try:
            return await self._database.unit(school_id, work)
        except Refusal:
            raise
        except Exception as error:  # one record's fault is not the others'
            _log.warning("a bundle of %d records failed: %s", len(bundle), type(error).__name__)
            return []
