"""Use cases of offline records: each one verdict, in its own unit of work (terminals.md 6)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from core.authorisation import store as answers
from core.authorisation.offline import (
    Claim,
    Flag,
    Judgement,
    Known,
    PassFacts,
    Settled,
)
from core.authorisation.records import Answer, FollowUp, Key
from core.authorisation.service.movements import Movements
from core.authorisation.store import offline as store
from core.authorisation.store import reserve
from core.db.unit import Database, Raced, Unit
from core.kit.clock import Clock
from core.kit.ids import Ids
from core.ledger.records import Posting
from core.ledger.service import Ledger
from core.limit.service import Limits

Judge = Callable[[Known], Judgement]
"""The pure rule of terminals.md 6 over one record."""
Sign = Callable[[Answer], str]


class OfflineRecords:
    """What terminals accepted alone, matched with the books so that nobody pays twice."""

    def __init__(
        self, database: Database, ledger: Ledger, limits: Limits, clock: Clock, ids: Ids
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._limits = limits
        self._clock = clock
        self._ids = ids
        self._movements = Movements(ledger, limits, ids)

    async def settle(
        self, school_id: int, claim: Claim, purses: Sequence[str], judge: Judge, sign: Sign
    ) -> Settled:
        """Judges one record and moves its money; the same record again hears its first verdict.

        `purses` pay in this order, then the holder owes. Money, code, answer and verdict stand or
        fall together. Raises: DatabaseUnavailable.
        """

        async def work(unit: Unit) -> Settled:
            # First of all locks: the records of one terminal share its caps and its chain.
            await self.take_turn(unit, claim.key.terminal_no)
            stored = await store.find_item(unit, claim.key)
            if stored is not None:
                judgement = judge(Known(stored=stored))
                await self._note_link(unit, claim)
                return stored.told_again(claim.key, judgement)
            known = await self._known(unit, claim)
            judgement = judge(known)
            await self._note_link(unit, claim)
            if not judgement.is_kept:
                return Settled(claim.key, judgement, None, None)
            return await self._keep(unit, claim, known, judgement, purses, sign)

        return await self._database.unit(school_id, work)

    async def take_turn(self, unit: Unit, terminal_no: int) -> None:
        """Lets the records of one terminal, and the close of its batches, come one by one."""
        await store.lock_terminal(unit, terminal_no)

    async def stop(self, unit: Unit, terminal_no: int) -> None:
        """The same, once all that a terminal asked is answered; nothing more is in this unit."""
        await answers.close_terminal(unit, terminal_no)

    async def bury(self, unit: Unit, keys: Sequence[Key]) -> None:
        """Makes keys that were never sent unable to pay, within the unit that closes their batch.

        Raises Raced: one of them was sent after all.
        """
        now = self._clock.now()
        for key in keys:
            found = await answers.find(unit, key)
            if found is not None and found.state == "TOMBSTONE":
                continue
            if not await answers.insert_tombstone(unit, key, now):
                raise Raced

    async def _note_link(self, unit: Unit, claim: Claim) -> None:
        if claim.is_signed:
            await store.insert_link(unit, claim)

    async def _known(self, unit: Unit, claim: Claim) -> Known:
        """Everything the verdict depends on, read under the cardholder's money lock."""
        facts = await store.find_facts(unit, claim)
        original = None
        if claim.original_seq_no is not None:
            key = replace(claim.key, seq_no=claim.original_seq_no)
            original = await self._movements.locked(unit, key)
        elif facts is not None:
            await self._limits.lock(unit, facts.cardholder_id)
            # What was revoked while we waited for the lock is known now.
            facts = await store.find_facts(unit, claim)
        authorisation = await answers.find(unit, claim.key, lock=True)
        return await store.read_known(unit, claim, facts, authorisation, original)

    async def _keep(
        self,
        unit: Unit,
        claim: Claim,
        known: Known,
        judgement: Judgement,
        purses: Sequence[str],
        sign: Sign,
    ) -> Settled:
        reference, now = None, self._clock.now()
        facts = known.pass_facts
        if judgement.is_paid and claim.kind == "VOID":
            reference = await self._void(unit, claim, known, sign, now)
        elif judgement.is_paid and Flag.ALREADY_POSTED in judgement.flags:
            assert known.authorisation is not None
            reference = known.authorisation.retrieval_reference
        elif judgement.is_paid:
            holder = None if judgement.school_pays else facts
            reference, owes = await self._pay(unit, claim, known, holder, purses, sign, now)
            if owes:
                judgement = replace(judgement, flags=judgement.flags | {Flag.ARREARS})
        cardholder_id = facts.cardholder_id if facts and judgement.is_paid else None
        await store.insert_item(unit, claim, judgement, cardholder_id, reference, now)
        return Settled(claim.key, judgement, reference, cardholder_id)

    async def _pay(
        self,
        unit: Unit,
        claim: Claim,
        known: Known,
        holder: PassFacts | None,
        purses: Sequence[str],
        sign: Sign,
        now: datetime,
    ) -> tuple[str, bool]:
        """Posts the purchase; our reference, and whether its holder owes a part of it."""
        kept = known.answer
        reference = self._ids.retrieval_reference() if kept is None else kept.retrieval_reference
        postings, owes = await self._postings(unit, claim, holder, purses, reference)
        await self._ledger.post(unit, postings, claim.business_on)
        if holder is not None and owes:
            await self._limits.stop_offline(unit, holder.cardholder_id)
        if holder is not None:
            spending = await self._limits.lock(unit, holder.cardholder_id)
            await self._limits.spend(unit, spending, claim.business_on, claim.amount_minor)
        ids = [posting.id for posting in postings]
        await store.insert_authorisation(unit, claim, holder, ids, reference, now)
        used = known.code_use
        if claim.replay_key is not None and (used is None or used.is_reserved):
            await store.use_code(unit, claim, takes_over=used is not None, now=now)
        if kept is None:
            await self._answer(unit, claim, holder, reference, sign, now)
        return reference, owes

    async def _postings(
        self,
        unit: Unit,
        claim: Claim,
        holder: PassFacts | None,
        purses: Sequence[str],
        reference: str,
    ) -> tuple[list[Posting], bool]:
        """Purse by purse, and what they lack as a debt; or all of it from the school's loss."""
        if holder is None:
            sources = [(await self._ledger.school_account(unit, "LOSS"), claim.amount_minor)]
            owes = False
        else:
            left = await self._reserve_left(unit, claim)
            found = await self._ledger.sources(
                unit, holder.cardholder_id, purses, claim.amount_minor, reserve_minor=left
            )
            if found.reserve_minor and claim.cap_tag is not None:
                await reserve.put(unit, claim.cap_tag, left - found.reserve_minor)
            sources, owes = list(found.shares), found.owes
        merchant = claim.merchant_account_id
        return [
            Posting(self._ids.new(), "PURCHASE", account, merchant, amount, reference)
            for account, amount in sources
        ], owes

    @staticmethod
    async def _reserve_left(unit: Unit, claim: Claim) -> int:
        """What is set aside for the code's own slot: each slot spends only its own."""
        return 0 if claim.cap_tag is None else await reserve.find(unit, claim.cap_tag) or 0

    async def _answer(
        self,
        unit: Unit,
        claim: Claim,
        holder: PassFacts | None,
        reference: str,
        sign: Sign,
        now: datetime,
    ) -> None:
        """What the key says from now on: a late original of the purchase must not pay again."""
        answer = Answer.bare(
            claim.key, "APPROVED", "00", claim.amount_minor, reference, claim.answer_kid, now
        )
        if holder is not None:
            balances = await self._ledger.balances_in(unit, holder.cardholder_id)
            answer = replace(
                answer,
                cardholder_id=holder.cardholder_id,
                available_minor=balances.available_minor,
            )
        await store.insert_answer(
            unit, claim.content_hash, replace(answer, signed_answer=sign(answer))
        )

    async def _void(self, unit: Unit, claim: Claim, known: Known, sign: Sign, now: datetime) -> str:
        """Undoes the original, or makes sure that it can never pay."""
        assert claim.original_seq_no is not None
        original = replace(claim.key, seq_no=claim.original_seq_no)
        reference = self._ids.retrieval_reference()
        if known.original is None:
            if not await answers.insert_tombstone(unit, original, now):
                raise Raced
        elif known.original.state in ("CAPTURED", "PENDING"):
            await self._movements.void(unit, known.original, claim.business_on)
        follow = FollowUp(
            operation="VOID",
            key=claim.key,
            original=original,
            content_hash=claim.content_hash,
            amount_minor=0,
            reason="DEVICE",
            retrieval_reference=reference,
            answer_kid=claim.answer_kid,
            answered_at=now,
            business_on=claim.business_on,
        )
        answer = replace(
            follow.answer("VOIDED", "00"),
            reason="DEVICE",
            cardholder_id=known.original.cardholder_id if known.original else None,
        )
        signed = replace(answer, signed_answer=sign(answer))
        await answers.insert_answer(unit, follow, signed)
        return reference
