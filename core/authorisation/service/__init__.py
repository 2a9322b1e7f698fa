"""Use cases of authorisation: purchases, captures, voids, refunds and what is known of a key."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from uuid import UUID

from core.authorisation import store
from core.authorisation.lifecycle import (
    capture_code,
    is_overridden,
    refund_code,
    void_code,
)
from core.authorisation.records import (
    Answer,
    Authorisation,
    Continuation,
    FollowUp,
    Key,
    LastPayment,
    PurchaseRequest,
    ReferenceUnknown,
    Status,
)
from core.authorisation.service.movements import Movements
from core.authorisation.store import invariants, taken
from core.db.lanes import Lanes
from core.db.micro_batch import MicroBatch
from core.db.unit import Database, Raced, Unit
from core.kit.clock import Clock
from core.kit.errors import IdempotencyConflict
from core.kit.ids import Ids
from core.ledger.service import Ledger
from core.limit.service import Limits

INVARIANTS = invariants.INVARIANTS
"""What `core.db.invariants` proves."""

Sign = Callable[[Answer], str]
"""Signs an answer (a CCR text, codes.md 6); pure, so it may run inside a unit."""
_Act = Callable[[Unit, FollowUp, Sign], Awaitable[Answer]]
"""What a follow-up does and answers, under the locks of its unit."""


def batching(lanes: Lanes) -> MicroBatch[PurchaseRequest, Answer]:
    """How purchases go to the database: their line is the school and the order of its purses."""
    return MicroBatch(lanes, store.authorise)


class Authorisations:
    """One key, one effect, one answer, for ever (terminals.md 1)."""

    def __init__(
        self,
        database: Database,
        lanes: Lanes,
        ledger: Ledger,
        limits: Limits,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._database = database
        self._lanes = lanes
        self._batches = batching(lanes)
        self._ledger = ledger
        self._limits = limits
        self._clock = clock
        self._movements = Movements(ledger, limits, ids)

    async def authorise(
        self, school_id: int, purses: Sequence[str], request: PurchaseRequest, sign: Sign
    ) -> Answer:
        """Decides a purchase, posts or holds it, and answers; a repeat gets the stored answer.

        Raises: IdempotencyConflict, Overloaded, DatabaseUnavailable.
        """
        line = school_id, tuple(purses)
        answer = await self._batches.ask(line, request.cardholder_id, request)
        return await self.signed(school_id, answer, sign)

    async def authorise_within(
        self, unit: Unit, purses: Sequence[str], request: PurchaseRequest
    ) -> Answer:
        """The same within the unit of a higher context, which may still undo it.

        What it answers goes through `signed` once the unit stands.
        """
        return await store.authorise_in(unit, purses, request)

    async def take_within(
        self, unit: Unit, purses: Sequence[str], request: PurchaseRequest
    ) -> Answer:
        """A hold for what ran already, which nothing refuses: the purses, and the rest as a debt.

        A key that was declined keeps its answer and is held for all the same (terminals.md 5); one
        that was voided pays nothing; a repeat hears the stored answer. Raises: Raced.
        """
        await self._limits.lock(unit, request.cardholder_id)
        key = Key(request.terminal_no, request.batch_no, request.seq_no)
        found = await store.find(unit, key, lock=True)
        stored = await store.find_answer(unit, key, request.content_hash)
        if found is not None or (stored is not None and not is_overridden(stored)):
            return stored or await store.authorise_in(unit, purses, request)
        reference = stored.retrieval_reference if stored else request.retrieval_reference
        ids = await self._movements.hold(unit, purses, request, reference)
        await taken.insert(unit, request, ids, reference)
        if stored is not None:
            return replace(stored, verdict="NEW")
        balances = await self._ledger.balances_in(unit, request.cardholder_id)
        await taken.insert_answer(unit, request, balances.available_minor)
        answer = await store.read_answer(unit, key)
        assert answer is not None  # of this unit
        return replace(answer, verdict="NEW")

    async def follow_within(self, unit: Unit, follow: FollowUp, sign: Sign) -> Answer:
        """A CAPTURE of a hold, or its VOID, within such a unit; a repeat hears the same.

        What is captured already is not undone by it.
        """
        act = self._capture if follow.operation == "CAPTURE" else self._release
        return await self._once(unit, follow, act, sign)

    async def refuse(
        self, school_id: int, operation: str, content_hash: bytes, answer: Answer, sign: Sign
    ) -> Answer:
        """Stores a refusal that was decided before any row was read, or repeats what was stored.

        Raises: IdempotencyConflict, DatabaseUnavailable.
        """
        signed = replace(answer, signed_answer=sign(answer))
        kept = await store.store_answer(self._lanes, school_id, operation, content_hash, signed)
        return await self.signed(school_id, kept, sign)

    async def signed(self, school_id: int, answer: Answer, sign: Sign) -> Answer:
        """The answer with its kept signature. Raises: IdempotencyConflict."""
        if answer.verdict == "CONFLICT":
            raise IdempotencyConflict("key")
        if answer.signed_answer is not None:
            return answer
        key = Key(answer.terminal_no, answer.batch_no, answer.seq_no)
        kept = await store.sign_answer(self._lanes, school_id, key, sign(answer))
        return replace(answer, signed_answer=kept)

    async def repeated(
        self, school_id: int, key: Key, content_hash: bytes, sign: Sign
    ) -> Answer | None:
        """The stored answer of a key that was used before, without doing anything but signing it.

        Raises: IdempotencyConflict, DatabaseUnavailable.
        """

        async def work(unit: Unit) -> Answer | None:
            return await store.find_answer(unit, key, content_hash)

        answer = await self._database.unit(school_id, work)
        # The process that decided it may be about to sign it, or may have died before.
        return None if answer is None else await self.signed(school_id, answer, sign)

    async def is_spent(self, school_id: int, replay_key: bytes) -> bool:
        """Whether a code was used, or is reserved for a PIN."""

        async def work(unit: Unit) -> bool:
            return await store.is_spent(unit, replay_key)

        return await self._database.unit(school_id, work)

    async def continuation(self, school_id: int, id_: UUID) -> Continuation | None:
        """The scan that waits for its PIN; the caller compares terminal, amount and time."""

        async def work(unit: Unit) -> Continuation | None:
            return await store.find_continuation(unit, id_)

        return await self._database.unit(school_id, work)

    async def status(self, school_id: int, original: Key) -> Status:
        """What is known of a key; no answer and no state: it never arrived."""

        async def work(unit: Unit) -> Status:
            found = await store.find(unit, original)
            answer = await store.read_answer(unit, original)
            return Status(answer, None if found is None else found.state)

        return await self._database.unit(school_id, work)

    async def last_payment(self, school_id: int, cardholder_id: UUID) -> LastPayment | None:
        """A cardholder's newest purchase as it stands now; None before the first one."""
        return await self._database.unit(
            school_id, lambda unit: store.last_payment(unit, cardholder_id)
        )

    async def resolve_reference(self, school_id: int, retrieval_reference: str) -> Key:
        """The key of the purchase with this reference. Raises: ReferenceUnknown."""

        async def work(unit: Unit) -> Key:
            key = await store.find_key(unit, retrieval_reference)
            if key is None:
                raise ReferenceUnknown("retrievalReference")
            return key

        return await self._database.unit(school_id, work)

    async def capture(self, school_id: int, follow: FollowUp, sign: Sign) -> Answer:
        """Posts a hold, whole or part, and releases the rest; not if its key was voided before.

        Raises: IdempotencyConflict, DatabaseUnavailable.
        """
        return await self._follow(school_id, follow, self._capture, sign)

    async def void(self, school_id: int, follow: FollowUp, sign: Sign) -> Answer:
        """Undoes a purchase, also before it arrives: then its key can never pay.

        Raises: IdempotencyConflict, DatabaseUnavailable.
        """
        return await self._follow(school_id, follow, self._void, sign)

    async def _capture(self, unit: Unit, follow: FollowUp, sign: Sign) -> Answer:
        found = await self._locked(unit, follow.original)
        code = capture_code(found, follow.amount_minor)
        if found is not None and code == "00":
            await self._movements.capture(unit, found, follow)
        return await self._keep(unit, follow, code, "APPROVED", found, sign)

    async def _release(self, unit: Unit, follow: FollowUp, sign: Sign) -> Answer:
        found = await self._locked(unit, follow.original)
        code = capture_code(found, 0)
        if found is not None and code == "00":
            await self._movements.void(unit, found, follow.business_on)
        return await self._keep(unit, follow, code, "VOIDED", found, sign)

    async def _void(self, unit: Unit, follow: FollowUp, sign: Sign) -> Answer:
        found = await self._locked(unit, follow.original)
        if found is None:
            await store.close_terminal(unit, follow.original.terminal_no)
            if await store.is_follow_up(unit, follow.original):
                return await self._keep(unit, follow, "12", "VOIDED", None, sign)
            if not await store.insert_tombstone(unit, follow.original, follow.answered_at):
                raise Raced
            return await self._keep(unit, follow, "00", "VOIDED", None, sign)
        code = void_code(found.state)
        if code == "00" and found.state in ("CAPTURED", "PENDING"):
            await self._movements.void(unit, found, follow.business_on)
        return await self._keep(unit, follow, code, "VOIDED", found, sign)

    async def refund(
        self, school_id: int, follow: FollowUp, merchant_account_id: UUID, sign: Sign
    ) -> Answer:
        """Gives captured money back to its source, the purse used last first.

        Not if its key was voided before it came.
        Raises: IdempotencyConflict, DatabaseUnavailable.
        """

        async def work(unit: Unit, follow: FollowUp, sign: Sign) -> Answer:
            found = await self._locked(unit, follow.original)
            code = refund_code(found, merchant_account_id, follow.amount_minor)
            if found is not None and code == "00":
                await self._movements.refund(unit, found, follow)
            return await self._keep(unit, follow, code, "APPROVED", found, sign)

        return await self._follow(school_id, follow, work, sign)

    async def expire_holds(self, school_id: int, limit: int = 100) -> int:
        """Releases holds whose time is over, each in its own unit; how many."""

        async def due(unit: Unit) -> list[Key]:
            return await store.expired(unit, self._clock.now(), limit)

        keys = await self._database.unit(school_id, due)
        for key in keys:

            async def work(unit: Unit, key: Key = key) -> None:
                found = await self._locked(unit, key)
                if found is not None and found.state == "PENDING":
                    await self._movements.expire(unit, found)

            await self._database.unit(school_id, work)
        return len(keys)

    async def _follow(self, school_id: int, follow: FollowUp, act: _Act, sign: Sign) -> Answer:
        """Repeats the stored answer of a key, or acts, in one unit."""
        answer = await self._database.unit(
            school_id, lambda unit: self._once(unit, follow, act, sign)
        )
        return await self.signed(school_id, answer, sign)

    async def _once(self, unit: Unit, follow: FollowUp, act: _Act, sign: Sign) -> Answer:
        stored = await store.find_answer(unit, follow.key, follow.content_hash)
        if stored is not None:
            return stored
        if follow.operation != "VOID" and await store.is_voided(unit, follow.key):
            return await self._keep(unit, follow, "22", "VOIDED", None, sign)
        return await act(unit, follow, sign)

    async def _locked(self, unit: Unit, key: Key) -> Authorisation | None:
        """The purchase with its cardholder's money lock and its own row held, in that order."""
        return await self._movements.locked(unit, key)

    async def _keep(
        self,
        unit: Unit,
        follow: FollowUp,
        code: str,
        outcome: str,
        found: Authorisation | None,
        sign: Sign,
    ) -> Answer:
        """Stores the answer of a follow-up, signed, in the unit that did the work."""
        not_paid = code in ("00", "22") and outcome == "VOIDED"
        available = None
        if found is not None and found.cardholder_id is not None:
            balances = await self._ledger.balances_in(unit, found.cardholder_id)
            available = balances.available_minor
        answer = replace(
            follow.answer(outcome if code == "00" or not_paid else "DECLINED", code),
            reason=follow.reason,
            cardholder_id=None if found is None else found.cardholder_id,
            available_minor=available,
        )
        signed = replace(answer, signed_answer=sign(answer))
        await store.insert_answer(unit, follow, signed)
        return signed
