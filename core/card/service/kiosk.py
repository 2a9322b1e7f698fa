"""Use cases of kiosks: a card released, and a card handed out for a fee (M-078, M-082)."""

from datetime import date
from uuid import UUID

from core.card.answers import CardAnswer, CardAsk
from core.card.records import Card, CardState, CardUidTaken, ReleaseElsewhere
from core.card.service.answering import answer_once
from core.card.service.cards import Cards
from core.card.store import invariants
from core.card.store import vending as store
from core.card.vending import (
    SILENCE,
    VendJob,
    VendResult,
    VendState,
    next_state,
    split_fee,
)
from core.db.unit import Database, Unit
from core.kit.clock import Clock, business_day
from core.kit.ids import Ids
from core.ledger.records import Posting
from core.ledger.service import Ledger
from core.ports.cards import ChipMoney
from core.ports.holders import HolderDirectory
from core.ports.limits import MoneyLock
from core.school.policy import PolicyOf
from core.school.policy_words import Evidence, Place, PurseModel

INVARIANTS = invariants.INVARIANTS
"""What `core.db.invariants` proves."""
FEE, FEE_RETURN = "CARD_FEE", "CARD_FEE_RETURN"
_AT_ONCE = 100
_STATUS_CODES = {"FROZEN": "62", "CLOSED": "46"}


class Kiosks:
    """What a cardholder does at a kiosk with the PIN, which the caller has proven."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        *,
        policy_of: PolicyOf,
        cards: Cards,
        holders: HolderDirectory,
        ledger: Ledger,
        money: MoneyLock,
        chips: ChipMoney,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._policy_of = policy_of
        self._cards = cards
        self._holders = holders
        self._ledger = ledger
        self._money = money
        self._chips = chips

    async def release(
        self, school_id: int, ask: CardAsk, cardholder_id: UUID, card_id: UUID
    ) -> CardAnswer:
        """Takes a loss report back, with the card `card_id` in hand.

        Raises: IdempotencyConflict.
        """
        policy = await self._policy_of(school_id)

        async def work(unit: Unit) -> CardAnswer:
            async def effect() -> CardAnswer:
                card = await self._cards.find_physical(unit, cardholder_id)
                if card is None or card.id != card_id:
                    return ask.declined("14", "CARD_UNKNOWN", cardholder_id)
                if Evidence.ID in policy.loss.release_with:
                    return ask.declined("40", "ID_NEEDED", cardholder_id)
                try:
                    card = await self._cards.release_at_desk(
                        unit, policy, cardholder_id, Place.KIOSK
                    )
                except ReleaseElsewhere:
                    return ask.declined("40", "RELEASE_ELSEWHERE", cardholder_id)
                return ask.answer("APPROVED", "00", cardholder_id, card_state=card.state)

            return await answer_once(unit, ask, effect)

        return await self._database.unit(school_id, work)

    async def replace(
        self, school_id: int, ask: CardAsk, cardholder_id: UUID, new_uid: str
    ) -> CardAnswer:
        """Takes the fee and begins a job that hands out the card with chip `new_uid`.

        Raises: IdempotencyConflict.
        """
        policy = await self._policy_of(school_id)
        sources = ("CLAIM", "MAIN") if policy.purse.model is PurseModel.ON_CARD else ("MAIN",)

        async def work(unit: Unit) -> CardAnswer:
            async def effect() -> CardAnswer:
                await self._money.lock(unit, cardholder_id)
                card = await self._cards.find_physical(unit, cardholder_id)
                if Place.KIOSK not in policy.replace.via:
                    return ask.declined("40", "REPLACE_ELSEWHERE", cardholder_id)
                refusal = await self._refusal(unit, cardholder_id, card, new_uid)
                if refusal is not None:
                    return ask.declined(*refusal, cardholder_id)
                assert card is not None  # refused above
                fees = await self._take_fee(
                    unit, ask, cardholder_id, policy.replace.fee_minor, sources
                )
                if fees is None:
                    return ask.declined("51", "BALANCE_TOO_LOW", cardholder_id)
                job = VendJob(
                    self._ids.new(), cardholder_id, ask.key.terminal_no, card.id, new_uid,
                    policy.replace.fee_minor, fees, ask.retrieval_reference, VendState.STARTED,
                    ask.answered_at,
                )  # fmt: skip
                await store.insert(unit, job, ask.key)
                return ask.answer(
                    "APPROVED", "00", cardholder_id,
                    amount_minor=job.fee_minor, subject_id=job.id, card_state=card.state,
                )  # fmt: skip

            return await answer_once(unit, ask, effect)

        return await self._database.unit(school_id, work)

    async def report(
        self, school_id: int, ask: CardAsk, job_id: UUID, result: VendResult
    ) -> CardAnswer:
        """What became of a job of the asking kiosk.

        Raises: IdempotencyConflict.
        """

        async def work(unit: Unit) -> CardAnswer:
            async def effect() -> CardAnswer:
                job = await self._locked(unit, job_id)
                if job is None or job.terminal_no != ask.key.terminal_no:
                    return ask.declined("25", "JOB_UNKNOWN")
                state = next_state(job, result)
                if state is None:
                    return ask.declined("12", f"JOB_{job.state}", job.cardholder_id)
                if state is not job.state:
                    try:
                        await self._move(unit, job, state, ask.business_on)
                    except CardUidTaken:
                        return ask.declined("12", "CARD_UID_TAKEN", job.cardholder_id)
                return _reported(ask, job, state)

            return await answer_once(unit, ask, effect)

        return await self._database.unit(school_id, work)

    async def expire(self, school_id: int) -> int:
        """Gives the fee of every job back that was silent for 10 minutes; how many there were.

        The worker calls it now and then.
        """
        now = self._clock.now()
        day = business_day(now, (await self._policy_of(school_id)).day.zone)
        silent = await self._database.unit(
            school_id, lambda unit: store.silent(unit, now - SILENCE, _AT_ONCE)
        )
        for job in silent:
            await self._fall_silent(school_id, job.id, day)
        return len(silent)

    async def owed(self, school_id: int) -> list[VendJob]:
        """Cards that came out after their fee was given back and not paid again; at most 100."""
        return await self._database.unit(school_id, lambda unit: store.owed(unit, _AT_ONCE))

    async def _refusal(
        self, unit: Unit, cardholder_id: UUID, card: Card | None, new_uid: str
    ) -> tuple[str, str] | None:
        """Why no card is handed out: response code and reason."""
        holder = await self._holders.find_standing(unit, cardholder_id)
        status = "CLOSED" if holder is None else holder.status
        if status != "ACTIVE":
            return _STATUS_CODES.get(status, "57"), f"CARDHOLDER_{status}"
        if card is None:
            return "14", "CARD_UNKNOWN"
        if card.state is not CardState.LOST:
            return "12", "NOT_REPORTED"  # M-077: a damaged card is reported first
        if await store.is_started(unit, cardholder_id):
            return "12", "VEND_OPEN"
        if await self._chips.is_in_doubt(unit, card.id):
            return "12", "CARD_IN_REVIEW"
        if await self._cards.owners(unit, [new_uid]):
            return "12", "CARD_UID_TAKEN"
        return None

    async def _take_fee(
        self,
        unit: Unit,
        ask: CardAsk,
        cardholder_id: UUID,
        fee_minor: int,
        sources: tuple[str, ...],
    ) -> tuple[UUID, ...] | None:
        """The transfers that pay the fee, None if the purses hold too little."""
        if not fee_minor:
            return ()
        balances = await self._ledger.balances_in(unit, cardholder_id)
        purses = [purse for kind in sources if (purse := balances.of(kind)) is not None]
        shares = split_fee(fee_minor, tuple(purse.available_minor for purse in purses))
        if shares is None:
            return None
        fees = await self._ledger.school_account(unit, "FEE")
        postings = [
            Posting(self._ids.new(), FEE, purse.account_id, fees, share, ask.retrieval_reference)
            for purse, share in zip(purses, shares, strict=True)
            if share
        ]
        await self._ledger.post(unit, postings, ask.business_on)
        return tuple(posting.id for posting in postings)

    async def _locked(self, unit: Unit, job_id: UUID) -> VendJob | None:
        """A job, with the money lock of its cardholder."""
        found = await store.find(unit, job_id)
        if found is None:
            return None
        await self._money.lock(unit, found.cardholder_id)
        return await store.find(unit, job_id)

    async def _move(self, unit: Unit, job: VendJob, state: VendState, day: date) -> None:
        new = None
        if state is VendState.FAILED:
            await self._give_back(unit, job, day)
        else:
            new = await self._hand_over(unit, job, state, day)
            if state is VendState.OWED and new is not None:
                await self._owe(unit, job, day)
        await store.end(unit, job, state, new, self._clock.now())

    async def _hand_over(
        self, unit: Unit, job: VendJob, state: VendState, day: date
    ) -> UUID | None:
        """The card that came out takes the old one's place.

        None where the cardholder has had another meanwhile; then staff find the job OWED.
        Raises: CardUidTaken; nothing is changed then.
        """
        old = await self._cards.find_physical(unit, job.cardholder_id)
        if old is None or old.id != job.old_card_id:
            if state is VendState.DELIVERED:
                raise CardUidTaken("newUid")
            return None
        new = await self._cards.replace_in(unit, old, job.new_uid)
        await self._chips.take_back(unit, job.cardholder_id, old.id, day)
        return new.id

    async def _owe(self, unit: Unit, job: VendJob, day: date) -> None:
        """The fee of a card that works after all is owed: the next pay-in recovers it."""
        debt = await self._ledger.arrears_account(unit, job.cardholder_id)
        fees = await self._ledger.school_account(unit, "FEE")
        reference = job.retrieval_reference
        posting = Posting(self._ids.new(), FEE, debt, fees, job.fee_minor, reference)
        await self._ledger.post(unit, [posting], day)

    async def _fall_silent(self, school_id: int, job_id: UUID, day: date) -> None:
        async def work(unit: Unit) -> None:
            job = await self._locked(unit, job_id)
            if job is None or job.state is not VendState.STARTED:
                return  # reported meanwhile
            await self._give_back(unit, job, day)
            await store.end(unit, job, VendState.SILENT, None, self._clock.now())

        await self._database.unit(school_id, work)

    async def _give_back(self, unit: Unit, job: VendJob, day: date) -> None:
        paid = await self._ledger.transfers(unit, job.fee_ids)
        postings = [
            Posting(
                self._ids.new(), FEE_RETURN, fee.credit_account_id, fee.debit_account_id,
                fee.amount_minor, job.retrieval_reference,
            )
            for fee in paid
        ]  # fmt: skip
        await self._ledger.post(unit, postings, day)


_OUTCOMES = {
    VendState.STARTED: ("IN_PROGRESS", "09"),
    VendState.DELIVERED: ("APPROVED", "00"),
    VendState.OWED: ("APPROVED", "00"),
    VendState.FAILED: ("VOIDED", "00"),
    VendState.SILENT: ("VOIDED", "00"),
}


def _reported(ask: CardAsk, job: VendJob, state: VendState) -> CardAnswer:
    outcome, code = _OUTCOMES[state]
    return ask.answer(
        outcome, code, job.cardholder_id,
        reason="FEE_OWED" if state is VendState.OWED else None,
        amount_minor=job.fee_minor, subject_id=job.id,
    )  # fmt: skip
