"""Bundles: ordinary offline records of one batch, judged one by one and kept all at once.

Each is judged as if those before it stood in the rows already: what they took of caps, codes,
purses, reserves and days is counted here. What is not ordinary ends the bundle and is settled
alone.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile
from uuid import UUID

from core.authorisation.offline import (
    Claim,
    CodeUse,
    Judgement,
    Known,
    PassFacts,
    Settled,
    StoredItem,
)
from core.authorisation.records import Answer, Key
from core.kit.ids import Ids
from core.ledger.funding import draw
from core.ledger.records import Balances, Purse
from core.limit.records import Spending
from core.limit.thresholds import counted


@dataclass(frozen=True, slots=True)
class Filed:
    """A claim with the pure rule that judges it and the signature of its answer."""

    claim: Claim
    judge: Callable[[Known], Judgement]
    sign: Callable[[Answer], str]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rows under lock say of one claim, before its bundle changes them.

    `is_ordinary` is false where its key was answered, bought or voided before, where its code waits
    for a PIN and where its holder has no money lock. `reserve_minor` (fen) is what the slot of its
    code has left, `spending` the counted day of its holder, `loss_account_id` the school's loss,
    None before its first.
    """

    known: Known
    is_ordinary: bool
    reserve_minor: int
    spending: Spending | None
    loss_account_id: UUID | None


@dataclass(frozen=True, slots=True)
class Paid:
    """What a record paid: its transfers and their sources, in fen; `holder` None is the school."""

    holder: PassFacts | None
    transfer_ids: tuple[UUID, ...]
    shares: tuple[tuple[UUID, int], ...]
    answer: Answer
    spends_code: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """A judged record that takes its key, and what it paid."""

    claim: Claim
    settled: Settled
    paid: Paid | None


def ordinary(filed: Sequence[Filed]) -> list[Filed]:
    """The first of the records that may be one bundle: purchases by code, of one batch."""

    def fits(each: Filed) -> bool:
        claim, first = each.claim, filed[0].claim
        batch = claim.key.terminal_no, claim.key.batch_no
        is_code = claim.kind == "PURCHASE" and claim.card_uid is None
        return is_code and batch == (first.key.terminal_no, first.key.batch_no)

    return list(takewhile(fits, filed))


class Bundle:
    """What the records of a bundle change, one after the other; nothing is written here.

    `purses` hold the money of everybody who may pay, `order` is the order in which they do.
    """

    def __init__(
        self,
        purses: Mapping[UUID, tuple[Purse, ...]],
        order: Sequence[str],
        ids: Ids,
        now: datetime,
    ) -> None:
        self.now = now
        self.links: list[bytes] = []
        self.settled: list[Settled] = []
        self.kept: list[Kept] = []
        self.days: dict[UUID, Spending] = {}
        self.reserves: dict[int, int] = {}
        self._purses = dict(purses)
        self._order = order
        self._ids = ids
        self._stored: dict[Key, StoredItem] = {}
        self._codes: dict[bytes, Key] = {}
        self._counts: Counter[int] = Counter()
        self._sums: Counter[int] = Counter()

    def add(self, filed: Filed, facts: Facts) -> bool:
        """Judges one more record; False if it is to be settled alone, and nothing came of it."""
        claim, known = filed.claim, self._known(filed.claim, facts)
        if known.stored is None and not facts.is_ordinary:
            return False
        judgement = filed.judge(known)
        if known.stored is not None:
            self._add(claim, known.stored.told_again(claim.key, judgement))
            return True
        if not judgement.is_kept:
            self._add(claim, Settled(claim.key, judgement, None))
            return True
        paid = self._pay(filed, known, facts, judgement) if judgement.is_paid else None
        if judgement.is_paid and paid is None:
            return False
        reference = None if paid is None else paid.answer.retrieval_reference
        payer = known.pass_facts.cardholder_id if known.pass_facts and paid else None
        settled = Settled(claim.key, judgement, reference, payer)
        self._add(claim, settled)
        self.kept.append(Kept(claim, settled, paid))
        self._stored[claim.key] = StoredItem(claim.record, judgement, reference)
        return True

    def _add(self, claim: Claim, settled: Settled) -> None:
        self.settled.append(settled)
        if claim.is_signed:
            self.links.append(claim.record_hash)

    def _known(self, claim: Claim, facts: Facts) -> Known:
        """What the rows would say after the records before it."""
        known, key = facts.known, self._codes.get(claim.replay_key or b"")
        cap_tag = -1 if claim.cap_tag is None else claim.cap_tag
        return replace(
            known,
            stored=known.stored or self._stored.get(claim.key),
            code_use=known.code_use if known.code_use or key is None else CodeUse(key, False),
            is_same_code=known.is_same_code or key is not None,
            spent_count=known.spent_count + self._counts[cap_tag],
            spent_minor=known.spent_minor + self._sums[cap_tag],
        )

    def _pay(self, filed: Filed, known: Known, facts: Facts, judgement: Judgement) -> Paid | None:
        """What the record pays; None where somebody would owe, or the loss has no account yet."""
        claim, holder = filed.claim, None if judgement.school_pays else known.pass_facts
        loss, shares = facts.loss_account_id, None
        answer = Answer.bare(
            claim.key, "APPROVED", "00", claim.amount_minor, self._ids.retrieval_reference(),
            claim.answer_kid, self.now,
        )  # fmt: skip
        if holder is not None:
            shares = self._draw(claim, facts, holder.cardholder_id)
            purses = self._purses[holder.cardholder_id]
            answer = replace(
                answer,
                cardholder_id=holder.cardholder_id,
                available_minor=Balances(purses, self.now).available_minor,
            )
        elif loss is not None:
            shares = ((loss, claim.amount_minor),)
        if shares is None:
            return None
        cap_tag, replay_key = _code_of(claim)
        self._counts[cap_tag] += 1
        self._sums[cap_tag] += claim.amount_minor
        self._codes[replay_key] = claim.key
        return Paid(
            holder=holder,
            transfer_ids=tuple(self._ids.new() for _ in shares),
            shares=shares,
            answer=replace(answer, signed_answer=filed.sign(answer)),
            spends_code=known.code_use is None,
        )

    def _draw(self, claim: Claim, facts: Facts, payer: UUID) -> tuple[tuple[UUID, int], ...] | None:
        """What each purse gives, and the reserve and the day after it; None if they lack some."""
        cap_tag, _ = _code_of(claim)
        left = self.reserves.get(cap_tag, facts.reserve_minor)
        taken = draw(self._purses[payer], self._order, claim.amount_minor, left)
        if sum(share for _, share in taken) < claim.amount_minor:
            return None
        given = {purse.account_id: share for purse, share in taken}
        self._purses[payer] = tuple(
            replace(each, balance_minor=each.balance_minor - given.get(each.account_id, 0))
            for each in self._purses[payer]
        )
        reserved = sum(share for purse, share in taken if purse.kind == "RESERVE")
        if reserved:
            self.reserves[cap_tag] = left - reserved
        day = self.days.get(payer, facts.spending)
        assert day is not None  # its money lock is held
        self.days[payer] = counted(day, claim.business_on, claim.amount_minor)
        return tuple(given.items())


def _code_of(claim: Claim) -> tuple[int, bytes]:
    """The capTag and the replay key of a code that pays."""
    assert claim.cap_tag is not None
    assert claim.replay_key is not None
    return claim.cap_tag, claim.replay_key
