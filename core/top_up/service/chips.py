"""The money on chips: what a load holds, posts or returns, within the unit that decides it.

The caller holds the cardholder's money lock.
"""

from datetime import date
from uuid import UUID

from core.db.unit import Unit
from core.kit.clock import Clock
from core.kit.ids import Ids
from core.ledger.posting import LOAD, UNLOAD
from core.ledger.records import Posting, Transfer
from core.ledger.service import Ledger
from core.top_up.records import Load, LoadState
from core.top_up.store import loads as store


class Chips:
    """Implements `core.ports.cards.ChipMoney`, and what loads do to the books."""

    def __init__(self, ledger: Ledger, clock: Clock, ids: Ids) -> None:
        self._ledger = ledger
        self._clock = clock
        self._ids = ids

    async def waiting_minor(self, unit: Unit, cardholder_id: UUID) -> int:
        """What waits to be claimed and is not held."""
        balances = await self._ledger.balances_in(unit, cardholder_id)
        return balances.available_in(("CLAIM",))

    async def purse_minor(self, unit: Unit, cardholder_id: UUID) -> int:
        """What our books hold on the chip."""
        purse = (await self._ledger.balances_in(unit, cardholder_id)).of("CARD")
        return 0 if purse is None else purse.balance_minor

    async def hold(self, unit: Unit, transfer_id: UUID, load: Load, day: date) -> None:
        """Holds the amount of a load that begins."""
        waiting = await self._ledger.open_account(unit, load.cardholder_id, "CLAIM")
        on_chip = await self._ledger.open_account(unit, load.cardholder_id, "CARD")
        posting = Posting(
            transfer_id, LOAD, waiting, on_chip, load.amount_minor, load.retrieval_reference
        )
        await self._ledger.hold(unit, posting, day)

    async def end(self, unit: Unit, load: Load, state: LoadState, day: date) -> None:
        """Posts or returns what a load holds."""
        (held,) = await self._ledger.transfers(unit, [load.transfer_id])
        posting = _same(held, self._ids.new(), load.retrieval_reference)
        if state is LoadState.POSTED:
            await self._ledger.post_pending(unit, held, posting, day)
        else:
            await self._ledger.void_pending(unit, held, posting, day)
        await store.move(unit, load.id, state, self._clock.now())

    async def is_in_doubt(self, unit: Unit, card_id: UUID) -> bool:
        """Whether staff have to look at the chip before anything is done with its money."""
        chip = await store.find_chip(unit, card_id)
        return chip is not None and chip.is_frozen

    async def take_back(self, unit: Unit, cardholder_id: UUID, card_id: UUID, day: date) -> None:
        """Lets all money of a card that ends wait for the next one.

        A load that was never confirmed is returned as well: whether it was written or not, nobody
        can spend it from a chip that is refused everywhere.
        """
        load = await store.find_holding(unit, card_id)
        if load is not None:
            await self.end(unit, load, LoadState.RETURNED, day)
        purse = (await self._ledger.balances_in(unit, cardholder_id)).of("CARD")
        if purse is None or not purse.available_minor:
            return
        waiting = await self._ledger.open_account(unit, cardholder_id, "CLAIM")
        posting = Posting(self._ids.new(), UNLOAD, purse.account_id, waiting, purse.available_minor)
        await self._ledger.post(unit, [posting], day)


def _same(held: Transfer, id_: UUID, reference: str) -> Posting:
    """A movement in the direction of the held one, and of its amount."""
    return Posting(
        id_,
        held.kind,
        held.debit_account_id,
        held.credit_account_id,
        held.amount_minor,
        reference,
    )
