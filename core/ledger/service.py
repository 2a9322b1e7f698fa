"""Use cases of the ledger: posting, holding, balances and statements."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from core.db.reading import Reads
from core.db.unit import Database, Unit
from core.kit.clock import Clock
from core.kit.ids import Ids
from core.kit.page import FIRST_DEFAULT, FIRST_MAXIMUM, Cursor, Page
from core.ledger import store
from core.ledger.funding import draw
from core.ledger.posting import check_template
from core.ledger.records import (
    Balances,
    MonthTotals,
    Posting,
    Purse,
    Sources,
    StatementLine,
    Transfer,
    TrialBalance,
)
from core.ledger.store import invariants
from core.ports.newcomers import Newcomer

INVARIANTS = invariants.INVARIANTS
"""What `core.db.invariants` proves."""

_LAST = Cursor(datetime(9999, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1))


class Ledger:
    """Double entry: every movement is one amount that leaves an account and enters another."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids

    async def open_purses(self, unit: Unit, cardholder_id: UUID) -> None:
        """Opens MAIN and SUBSIDY for a new cardholder, at zero (M-066), within a unit."""
        for kind in ("MAIN", "SUBSIDY"):
            await store.insert_account(
                unit, self._ids.new(), kind, cardholder_id, self._clock.now()
            )

    async def open_account(self, unit: Unit, cardholder_id: UUID, kind: str) -> UUID:
        """An account of a cardholder, opened at first use; the caller holds the money lock."""
        found = await store.find_account(unit, kind, cardholder_id)
        if found is None:
            found = self._ids.new()
            await store.insert_account(unit, found, kind, cardholder_id, self._clock.now())
        return found

    async def open_newcomers(self, unit: Unit, newcomers: Sequence[Newcomer], day: date) -> None:
        """Opens MAIN and SUBSIDY for many cardholders and moves their old balances in (M-074).

        Within the import's unit, which holds the money lock of each.
        """
        now, school = self._clock.now(), await self.school_account(unit, "OPENING")
        await store.insert_purses(
            unit,
            [
                (self._ids.new(), kind, newcomer.cardholder_id)
                for newcomer in newcomers
                for kind in ("MAIN", "SUBSIDY")
            ],
            now,
        )
        openings = [
            (self._ids.new(), newcomer.cardholder_id, newcomer.opening_minor)
            for newcomer in newcomers
            if newcomer.opening_minor
        ]
        await store.post_openings(unit, school, openings, now, day)

    async def open_merchant_account(self, unit: Unit, merchant_id: UUID) -> UUID:
        """Opens the account of what a merchant is owed, within a unit."""
        account_id = self._ids.new()
        await store.insert_account(unit, account_id, "MERCHANT", merchant_id, self._clock.now())
        return account_id

    async def school_account(self, unit: Unit, kind: str) -> UUID:
        """The school's own account of a kind (CASH, OPENING, LOSS, FEE), opened at first use."""
        found = await store.find_account(unit, kind, None)
        if found is None:
            await store.insert_account(unit, self._ids.new(), kind, None, self._clock.now())
            found = await store.find_account(unit, kind, None)
        assert found is not None
        return found

    async def arrears_account(self, unit: Unit, cardholder_id: UUID) -> UUID:
        """What a cardholder owes, opened at first use; the caller holds the money lock."""
        return await self.open_account(unit, cardholder_id, "ARREARS")

    async def receiving(self, unit: Unit, account_id: UUID) -> UUID:
        """Where money goes that is given back to an account; the caller holds the money lock.

        A chip gets no money without a claim: what it paid waits for the next one.
        """
        owner_id = await store.find_card_owner(unit, account_id)
        return account_id if owner_id is None else await self.open_account(unit, owner_id, "CLAIM")

    async def arrears_minor(self, school_id: int, cardholder_id: UUID) -> int:
        """What a cardholder owes, in fen, 0 or more."""
        return await self._database.unit(
            school_id, lambda unit: self.arrears_in(unit, cardholder_id)
        )

    async def arrears_in(self, unit: Unit, cardholder_id: UUID) -> int:
        """The same within a unit."""
        return await store.arrears(unit, cardholder_id)

    async def sources(
        self,
        unit: Unit,
        cardholder_id: UUID,
        purses: Sequence[str],
        amount_minor: int,
        *,
        reserve_minor: int = 0,
    ) -> Sources:
        """What pays an amount that cannot be refused: purse by purse, and the rest as a debt.

        RESERVE pays at most `reserve_minor`. Within a unit that holds the money lock.
        """
        taken = draw(await store.purses(unit, cardholder_id), purses, amount_minor, reserve_minor)
        rest = amount_minor - sum(share for _, share in taken)
        shares = [(purse.account_id, share) for purse, share in taken]
        if rest:
            shares.append((await self.arrears_account(unit, cardholder_id), rest))
        reserved = sum(share for purse, share in taken if purse.kind == "RESERVE")
        return Sources(tuple(shares), rest > 0, reserved)

    async def return_loss(
        self, unit: Unit, cardholder_id: UUID, amount_minor: int, reference: str | None, day: date
    ) -> None:
        """Gives back what a cardholder was charged for the school's loss; a debt is paid first."""
        loss = await self.school_account(unit, "LOSS")
        main = await self._purse(unit, cardholder_id, "MAIN")
        posting = Posting(
            self._ids.new(), "LOSS_RETURN", loss, main.account_id, amount_minor, reference
        )
        await self.post(unit, [posting], day)
        await self.recover_arrears(unit, cardholder_id, day)

    async def recover_arrears(
        self, unit: Unit, cardholder_id: UUID, day: date, kind: str = "MAIN"
    ) -> int:
        """Pays what a cardholder owes out of the purse that money came into; how many fen.

        Within the unit that brought the money in, which holds the money lock: so the next top-up
        pays first what an offline purchase lacked (mission.md 3.3).
        """
        owed = await store.arrears(unit, cardholder_id)
        if owed <= 0:
            return 0
        purse = await self._purse(unit, cardholder_id, kind)
        amount = min(owed, purse.available_minor)
        if amount > 0:
            debt = await self.arrears_account(unit, cardholder_id)
            posting = Posting(self._ids.new(), "ARREARS_RECOVERY", purse.account_id, debt, amount)
            await self.post(unit, [posting], day)
        return amount

    async def return_overpaid(self, unit: Unit, cardholder_id: UUID, day: date) -> int:
        """Gives to MAIN what came back to a debt that was paid before; how many fen.

        Within the unit that undid or refunded a purchase, which holds the money lock.
        """
        over = -await store.arrears(unit, cardholder_id)
        if over <= 0:
            return 0
        main = await self._purse(unit, cardholder_id, "MAIN")
        debt = await self.arrears_account(unit, cardholder_id)
        posting = Posting(self._ids.new(), "ARREARS_RETURN", debt, main.account_id, over)
        await self.post(unit, [posting], day)
        return over

    async def _purse(self, unit: Unit, cardholder_id: UUID, kind: str) -> Purse:
        purses = await store.purses(unit, cardholder_id)
        return next(purse for purse in purses if purse.kind == kind)

    async def purse(self, unit: Unit, cardholder_id: UUID, kind: str) -> UUID | None:
        """The account of one of a cardholder's purses, within a unit."""
        return await store.find_account(unit, kind, cardholder_id)

    async def post(self, unit: Unit, postings: Sequence[Posting], day: date) -> None:
        """Posts transfers at once; the caller holds the money lock of every cardholder involved.

        Raises: BalanceTooLow; PostingWithoutTemplate for a programming fault.
        """
        now = self._clock.now()
        await self._check(unit, postings)
        for posting in postings:
            await store.insert_transfer(unit, posting, "POSTED", None, now, day)
            await self._stand(unit, posting, now, held_minor=0)

    async def hold(self, unit: Unit, posting: Posting, day: date) -> None:
        """Holds an amount in the debit purse until it is posted or voided; under the money lock.

        Raises: BalanceTooLow; PostingWithoutTemplate for a programming fault.
        """
        now = self._clock.now()
        await self._check(unit, [posting])
        await store.insert_transfer(unit, posting, "PENDING", None, now, day)
        await store.move(unit, posting.debit_account_id, 0, posting.amount_minor, now)

    async def post_pending(
        self, unit: Unit, transfer: Transfer, posting: Posting, day: date
    ) -> None:
        """Posts a held transfer, whole or part; the rest of the hold is released.

        Raises: TransferResolved, BalanceTooLow.
        """
        assert posting.amount_minor <= transfer.amount_minor
        now = self._clock.now()
        await store.insert_transfer(unit, posting, "POST", transfer.id, now, day)
        await self._stand(unit, posting, now, held_minor=transfer.amount_minor)

    async def void_pending(
        self, unit: Unit, transfer: Transfer, posting: Posting, day: date
    ) -> None:
        """Releases a held transfer; nothing is posted.

        Raises: TransferResolved.
        """
        now = self._clock.now()
        await store.insert_transfer(unit, posting, "VOID", transfer.id, now, day)
        await store.move(unit, transfer.debit_account_id, 0, -transfer.amount_minor, now)

    async def transfers(self, unit: Unit, ids: Sequence[UUID]) -> list[Transfer]:
        """These transfers, in the order asked for, within a unit."""
        return await store.transfers(unit, ids)

    async def balances(self, school_id: int, cardholder_id: UUID) -> Balances:
        """All purses of a cardholder, as of now (M-060, S-01)."""
        return await self.balances_in(self._database.reading(school_id), cardholder_id)

    async def balances_in(self, reads: Reads, cardholder_id: UUID) -> Balances:
        """The same within a unit."""
        return Balances(await store.purses(reads, cardholder_id), self._clock.now())

    async def purses_of(
        self, unit: Unit, cardholder_ids: Sequence[UUID]
    ) -> dict[UUID, tuple[Purse, ...]]:
        """The purses of each of some cardholders, within a unit that holds their money locks."""
        return await store.purses_of(unit, cardholder_ids)

    async def statement(
        self,
        school_id: int,
        cardholder_id: UUID,
        *,
        month: date | None,
        zone: str,
        after: Cursor | None = None,
        first: int = FIRST_DEFAULT,
    ) -> Page[StatementLine]:
        """Statement lines of a month (any day of it), or of all time, newest first (M-072).

        `first` is cut to 100; months begin at midnight in `zone`.
        """
        since, until = month_bounds(month, zone)
        count = max(1, min(first, FIRST_MAXIMUM))
        found = await store.lines(
            self._database.reading(school_id), cardholder_id, since, until, after or _LAST,
            count + 1,
        )  # fmt: skip
        return Page(found[:count], len(found) > count)

    async def retrieval_references(
        self, school_id: int, transfer_ids: Sequence[UUID]
    ) -> list[str | None]:
        """Our reference of each transfer, as on the slip; None where there is none."""
        found = await self._database.unit(
            school_id, lambda unit: store.retrieval_references(unit, transfer_ids)
        )
        return [found.get(id_) for id_ in transfer_ids]

    async def month_totals(
        self, school_id: int, cardholder_id: UUID, *, month: date, zone: str
    ) -> MonthTotals:
        """What a month brought in and took out."""
        since, until = month_bounds(month, zone)

        async def work(unit: Unit) -> MonthTotals:
            return MonthTotals(*await store.totals(unit, cardholder_id, since, until))

        return await self._database.unit(school_id, work)

    async def trial_balance(self, school_id: int) -> TrialBalance:
        """The sum over all accounts of a school, in one snapshot (I6, I9)."""

        async def work(unit: Unit) -> TrialBalance:
            purses, others, count = await store.trial_sums(unit)
            return TrialBalance(purses + others, purses, others, count, self._clock.now())

        return await self._database.unit(school_id, work)

    async def _check(self, unit: Unit, postings: Sequence[Posting]) -> None:
        sides = [side for p in postings for side in (p.debit_account_id, p.credit_account_id)]
        kinds = await store.account_kinds(unit, sides)
        for posting in postings:
            check_template(
                posting.kind, kinds[posting.debit_account_id], kinds[posting.credit_account_id]
            )

    @staticmethod
    async def _stand(unit: Unit, posting: Posting, now: datetime, held_minor: int) -> None:
        """Moves both accounts and writes the legs at one instant, later than either's last."""
        debit_at, debit_after = await store.move(
            unit, posting.debit_account_id, -posting.amount_minor, -held_minor, now
        )
        posted_at, credit_after = await store.move(
            unit, posting.credit_account_id, posting.amount_minor, 0, debit_at
        )
        if posted_at != debit_at:  # two purses, of which the other one moved last
            await store.stamp(unit, posting.debit_account_id, posted_at)
        await store.insert_legs(unit, posting, posted_at, (debit_after, credit_after))


def month_bounds(month: date | None, zone: str) -> tuple[datetime, datetime]:
    """The instants a month begins and ends at, in a zone; all time without a month."""
    if month is None:
        return datetime(1970, 1, 1, tzinfo=UTC), _LAST.posted_at
    first = datetime(month.year, month.month, 1, tzinfo=ZoneInfo(zone))
    year, index = divmod(month.year * 12 + month.month, 12)
    return first, datetime(year, index + 1, 1, tzinfo=ZoneInfo(zone))
