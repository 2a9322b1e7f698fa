"""What captures, voids, refunds and expiries do to the books, within the unit that decides them.

The caller holds the cardholder's money lock and the purchase's row.
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from core.authorisation import store
from core.authorisation.lifecycle import capture_shares, refund_shares
from core.authorisation.records import Authorisation, FollowUp, Key, PurchaseRequest
from core.authorisation.store import reviews
from core.db.unit import Unit
from core.kit.ids import Ids
from core.ledger.records import Posting, Transfer
from core.ledger.service import Ledger
from core.limit.service import Limits


class Movements:
    """Turns a decided follow-up into transfers, state and the day's allowance."""

    def __init__(self, ledger: Ledger, limits: Limits, ids: Ids) -> None:
        self._ledger = ledger
        self._limits = limits
        self._ids = ids

    async def locked(self, unit: Unit, key: Key) -> Authorisation | None:
        """The purchase with its cardholder's money lock and its own row held, in that order."""
        found = await store.find(unit, key)
        if found is None:
            return None
        payer = found.cardholder_id or await reviews.find_charged(unit, key)
        if payer is not None:
            await self._limits.lock(unit, payer)
        return await store.find(unit, key, lock=True)

    async def hold(
        self, unit: Unit, purses: Sequence[str], request: PurchaseRequest, reference: str
    ) -> list[UUID]:
        """Holds what ran already, purse by purse and then as a debt; the transfers of it."""
        sources = await self._ledger.sources(
            unit, request.cardholder_id, purses, request.amount_minor
        )
        merchant = request.merchant_account_id
        holds = [
            Posting(self._ids.new(), "PURCHASE", account, merchant, amount, reference)
            for account, amount in sources.shares
        ]
        for each in holds:
            await self._ledger.hold(unit, each, request.business_on)
        spending = await self._limits.lock(unit, request.cardholder_id)
        await self._limits.spend(unit, spending, request.business_on, request.amount_minor)
        return [each.id for each in holds]

    async def capture(self, unit: Unit, found: Authorisation, follow: FollowUp) -> None:
        """Posts `follow.amount_minor` of the hold, first purse first, and releases the rest."""
        transfers = await self._ledger.transfers(unit, found.transfer_ids)
        shares = capture_shares(follow.amount_minor, _amounts(transfers))
        day = follow.business_on
        for held, share in zip(transfers, shares, strict=True):
            if share:
                await self._ledger.post_pending(unit, held, self._same(found, held, share), day)
            else:
                await self._release(unit, found, held, day)
        await self._give_back(unit, found, found.held_minor - follow.amount_minor)
        await store.change(unit, found.key, "CAPTURED", follow.amount_minor, 0)
        paid = [held for held, share in zip(transfers, shares, strict=True) if share]
        await self._recover(unit, found, paid, day)

    async def _recover(
        self, unit: Unit, found: Authorisation, paid: Sequence[Transfer], day: date
    ) -> None:
        """Pays a debt that a capture made out of what came since its hold; what stays is owed."""
        if found.cardholder_id is None:
            return
        debt = await self._ledger.purse(unit, found.cardholder_id, "ARREARS")
        if debt is None or debt not in {transfer.debit_account_id for transfer in paid}:
            return
        await self._ledger.recover_arrears(unit, found.cardholder_id, day)
        if await self._ledger.arrears_in(unit, found.cardholder_id):
            await self._limits.stop_offline(unit, found.cardholder_id)

    async def void(self, unit: Unit, found: Authorisation, day: date) -> None:
        """Releases a hold, or posts the opposite of a purchase; its day gets the amount back."""
        transfers = await self._ledger.transfers(unit, found.transfer_ids)
        if found.state == "PENDING":
            for held in transfers:
                await self._release(unit, found, held, day)
            await self._give_back(unit, found, found.held_minor)
        else:
            paid = capture_shares(found.captured_minor, _amounts(transfers))
            await self._back(unit, found, "PURCHASE_VOID", transfers, paid, day)
            await self._give_back(unit, found, found.captured_minor)
        await store.change(unit, found.key, "VOIDED", found.captured_minor, found.refunded_minor)

    async def expire(self, unit: Unit, found: Authorisation) -> None:
        """Releases a hold whose time is over; its day gets the amount back."""
        assert found.business_on is not None
        for held in await self._ledger.transfers(unit, found.transfer_ids):
            await self._release(unit, found, held, found.business_on)
        await self._give_back(unit, found, found.held_minor)
        await store.change(unit, found.key, "EXPIRED", 0, 0)

    async def refund(self, unit: Unit, found: Authorisation, follow: FollowUp) -> None:
        """Sends `follow.amount_minor` back to its sources, the one used last first."""
        transfers = await self._ledger.transfers(unit, found.transfer_ids)
        paid = capture_shares(found.captured_minor, _amounts(transfers))
        shares = refund_shares(follow.amount_minor, found.refunded_minor, paid)
        await self._back(unit, found, "REFUND", transfers, shares, follow.business_on)
        refunded = found.refunded_minor + follow.amount_minor
        state = "REFUNDED" if refunded == found.captured_minor else "REFUNDED_PART"
        await store.change(unit, found.key, state, found.captured_minor, refunded)

    async def _back(
        self,
        unit: Unit,
        found: Authorisation,
        kind: str,
        transfers: Sequence[Transfer],
        shares: tuple[int, ...],
        day: date,
    ) -> None:
        postings = [
            Posting(
                self._ids.new(),
                kind,
                debit_account_id=paid.credit_account_id,
                credit_account_id=await self._ledger.receiving(unit, paid.debit_account_id),
                amount_minor=share,
                retrieval_reference=found.retrieval_reference,
            )
            for paid, share in zip(transfers, shares, strict=True)
            if share
        ]
        await self._ledger.post(unit, postings, day)
        if found.cardholder_id is not None:
            await self._ledger.return_overpaid(unit, found.cardholder_id, day)
            return
        # The school paid it; if it charged somebody since, the money is theirs.
        charged = await reviews.find_charged(unit, found.key)
        if charged is not None:
            await self._limits.lock(unit, charged)
            back, reference = sum(shares), found.retrieval_reference
            await self._ledger.return_loss(unit, charged, back, reference, day)

    async def _release(self, unit: Unit, found: Authorisation, held: Transfer, day: date) -> None:
        released = self._same(found, held, held.amount_minor)
        await self._ledger.void_pending(unit, held, released, day)

    def _same(self, found: Authorisation, held: Transfer, amount_minor: int) -> Posting:
        """A movement in the direction of the held one."""
        return Posting(
            self._ids.new(),
            held.kind,
            held.debit_account_id,
            held.credit_account_id,
            amount_minor,
            found.retrieval_reference,
        )

    async def _give_back(self, unit: Unit, found: Authorisation, amount_minor: int) -> None:
        """To the day of its holder; what the school paid was no holder's spending."""
        assert found.business_on is not None
        if amount_minor and found.cardholder_id is not None:
            spending = await self._limits.lock(unit, found.cardholder_id)
            await self._limits.give_back(unit, spending, found.business_on, amount_minor)


def _amounts(transfers: Sequence[Transfer]) -> tuple[int, ...]:
    return tuple(transfer.amount_minor for transfer in transfers)
