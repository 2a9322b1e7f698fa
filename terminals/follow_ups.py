"""Captures, voids, refunds and the status of a key: what follows a purchase."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from core.authorisation.records import Answer, FollowUp, Key, Status
from core.kit.clock import Clock, business_day
from core.kit.ids import Ids
from core.kit.money import is_amount
from core.school.operators import SignOnRefusal
from core.settlement.records import VoidTooLate
from terminals.answers import signing
from terminals.message import BusinessFields, RequestKey
from terminals.payments import Payments, SchoolKeys, Terms, Till
from terminals.response import response_to

BATCH_CLOSED = "90"
"""The code of a purchase or void under a key of a batch that is settled."""
AskRefund = Callable[[int, int, int, int, str | None], Awaitable[SignOnRefusal | None]]
"""School, terminal, batch, sequence, operator -> why they may not refund; None if they may."""
VOID_REASONS = ("TIMEOUT", "CASHIER", "DEVICE")


@dataclass(frozen=True, slots=True)
class FollowUpMessage:
    """The parsed input of `purchaseCapture`, `purchaseVoid` and `purchaseRefund`.

    `original_*` name the purchase under this terminal's own keys; a refund may come from another
    terminal of the merchant, then `original_terminal_no` is that one's. `minor_amount` is fen; a
    void has none. `operator_no` is who refunds, by their number at the merchant.
    """

    operation: str
    batch_no: int
    seq_no: int
    original_batch_no: int
    original_seq_no: int
    minor_amount: int = 0
    reason: str | None = None
    original_terminal_no: int | None = None
    operator_no: str | None = None


class FollowUps:
    """Answers what follows a purchase (terminals.md 3 and 5)."""

    def __init__(
        self,
        payments: Payments,
        terms: Callable[[int], Awaitable[Terms]],
        keys: Callable[[int], SchoolKeys],
        clock: Clock,
        ids: Ids,
        is_closed: Callable[[int, int, int], Awaitable[bool]],
        ask_refund: AskRefund,
    ) -> None:
        self._payments = payments
        self._terms = terms
        self._keys = keys
        self._clock = clock
        self._ids = ids
        self._is_closed = is_closed
        self._ask_refund = ask_refund

    async def answer(self, till: Till, message: FollowUpMessage) -> Answer:
        """The answer to a capture, void or refund; a repeat gets the stored one.

        Raises: IdempotencyConflict, VoidTooLate, DatabaseUnavailable.
        """
        follow = await self._follow(till, message)
        keys = self._keys(till.issuer)
        if message.operation == "VOID":
            # The receipt of a void names the purchase that is not paid (codes.md 6).
            named = RequestKey(
                follow.original.terminal_no, follow.original.batch_no, follow.original.seq_no
            )
            return await self._void(till, follow, signing(keys.answers, named))
        sign = signing(keys.answers)
        if not is_amount(message.minor_amount):
            refused = _declined(follow, "13")
            return await self._payments.refuse(
                till.issuer, message.operation, follow.content_hash, refused, sign
            )
        if message.operation == "CAPTURE":
            return await self._payments.capture(till.issuer, follow, sign)
        refusal = await self._refuse_operator(till, message)
        if refusal is not None:
            refused = replace(_declined(follow, response_to(refusal).code), reason=refusal)
            # A refund that was answered in the operator's shift is repeated after it, too.
            return await self._payments.refuse(
                till.issuer, message.operation, follow.content_hash, refused, sign
            )
        return await self._payments.refund(till.issuer, follow, till.merchant_account_id, sign)

    async def _refuse_operator(self, till: Till, message: FollowUpMessage) -> SignOnRefusal | None:
        """Why the operator may not refund, where the school asks for one; who may is noted."""
        is_needed = (await self._terms(till.issuer)).needs_operator
        if not (is_needed or message.operator_no):
            return None
        own = message.batch_no, message.seq_no
        refusal = await self._ask_refund(till.issuer, till.terminal_no, *own, message.operator_no)
        return refusal if is_needed else None

    async def _void(self, till: Till, follow: FollowUp, sign: Callable[[Answer], str]) -> Answer:
        """Undoes, while the batches of the purchase and of this void are open.

        Raises: VoidTooLate; a void that was answered while they were open is repeated.
        """
        key, original = follow.key, follow.original
        is_late = await self._is_closed(till.issuer, original.terminal_no, original.batch_no)
        if not is_late and not await self._is_closed(till.issuer, key.terminal_no, key.batch_no):
            return await self._payments.void(till.issuer, follow, sign)
        stored = await self._payments.repeated(till.issuer, key, follow.content_hash, sign)
        if stored is not None:
            return stored
        if is_late:
            raise VoidTooLate("original")
        refused = _declined(follow, BATCH_CLOSED)
        return await self._payments.refuse(till.issuer, "VOID", follow.content_hash, refused, sign)

    async def status(self, till: Till, batch_no: int, seq_no: int) -> Status:
        """What is known of one of this terminal's keys."""
        return await self._payments.status(till.issuer, Key(till.terminal_no, batch_no, seq_no))

    async def _follow(self, till: Till, message: FollowUpMessage) -> FollowUp:
        now = self._clock.now()
        terms = await self._terms(till.issuer)
        original = Key(
            message.original_terminal_no or till.terminal_no,
            message.original_batch_no,
            message.original_seq_no,
        )
        fields = BusinessFields(
            operation=message.operation,
            minor_amount=message.minor_amount,
            original=RequestKey(original.terminal_no, original.batch_no, original.seq_no),
        )
        return FollowUp(
            operation=message.operation,
            key=Key(till.terminal_no, message.batch_no, message.seq_no),
            original=original,
            content_hash=fields.content_hash(),
            amount_minor=message.minor_amount,
            reason=message.reason,
            retrieval_reference=self._ids.retrieval_reference(),
            answer_kid=self._keys(till.issuer).answer.kid,
            answered_at=now,
            business_on=business_day(now, terms.zone),
        )


def _declined(follow: FollowUp, code: str) -> Answer:
    amount_minor = max(0, min(follow.amount_minor, 2**32 - 1))
    return replace(follow.answer("DECLINED", code), amount_minor=amount_minor)
