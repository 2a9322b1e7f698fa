"""Use cases of payments that the payer begins: a scanned code, paid under its terminal's key.

Unlike a terminal's own request, a payment that is not approved leaves nothing behind. The terminal
waits for whoever pays, so an empty purse or a missing PIN must not use up its key: the payer may
top up, type the PIN or leave it to somebody else, and no stranger stops a till by scanning it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from core.authorisation import store
from core.authorisation.records import (
    Answer,
    ChallengeExpired,
    CodeUsed,
    Key,
    PurchaseRequest,
    ScanKey,
)
from core.db import idempotency
from core.db.unit import Database, Unit
from core.kit.clock import Clock
from core.limit.service import Limits

Sign = Callable[[Answer], str]
"""Signs an answer (a CCR text, codes.md 6); pure, so it may run inside a unit."""
CountPayment = Callable[[Unit, int, int], Awaitable[int | None]]
"""The number of the next payment by a print (virtual terminal, print), None if it is over."""


class _NotPaid(Exception):
    """Undoes the unit that decided this."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.response_code)
        self.answer = answer


class Scans:
    """One scanned code of a till, one payment; one key of a payer, one effect and one answer."""

    def __init__(
        self, database: Database, clock: Clock, limits: Limits, count_payment: CountPayment
    ) -> None:
        self._database = database
        self._clock = clock
        self._limits = limits
        self._count_payment = count_payment

    async def repeated(self, school_id: int, own: ScanKey) -> Answer | None:
        """What a payer's key was answered before, however old the code is by now.

        Raises: IdempotencyConflict.
        """

        async def work(unit: Unit) -> Answer | None:
            scope, content = _scope(own), _content(own)
            stored = await idempotency.find(unit, scope, own.idempotency_key, content)
            return None if stored is None else await _answer_of(unit, stored)

        return await self._database.unit(school_id, work)

    async def pay(
        self,
        school_id: int,
        purses: Sequence[str],
        own: ScanKey,
        key: Key,
        make: Callable[[Key], PurchaseRequest],
        sign: Sign,
    ) -> Answer:
        """Pays the code of `key`, or repeats what this payer was answered for it.

        `key` is that of the code; of a print (batch 0) its payment draws one of its own: batch is
        the print's number, seq counts what was paid by it. `make` makes the request under a key.
        DECLINED and PIN_REQUIRED are answered, unsigned, and nothing is kept of them; VOIDED is
        kept: a void of this key came first.
        Raises: IdempotencyConflict, CodeUsed, ChallengeExpired, DatabaseUnavailable.
        """
        made: list[Answer] = []

        async def effect(unit: Unit) -> idempotency.Answer:
            # The payer first: payments by one print wait for no purse while they hold its row.
            await self._limits.lock(unit, own.cardholder_id)
            paid_under = key if key.batch_no else await self._draw(unit, key)
            answer = await store.authorise_in(unit, purses, make(paid_under))
            if answer.verdict == "CONFLICT":
                raise CodeUsed("text")
            if answer.outcome not in ("APPROVED", "VOIDED"):
                raise _NotPaid(answer)
            if answer.signed_answer is None:
                signed = await store.sign_answer_in(unit, paid_under, sign(answer))
                answer = replace(answer, signed_answer=signed)
            made.append(answer)
            return {
                "terminal_no": answer.terminal_no,
                "batch_no": answer.batch_no,
                "seq_no": answer.seq_no,
            }

        async def work(unit: Unit) -> Answer:
            made.clear()  # of a try that was undone
            scope, content, now = _scope(own), _content(own), self._clock.now()
            stored = await idempotency.once(
                unit, scope, own.idempotency_key, content, now, lambda: effect(unit)
            )
            return made[0] if made else await _answer_of(unit, stored)

        try:
            return await self._database.unit(school_id, work)
        except _NotPaid as refused:
            return refused.answer

    async def _draw(self, unit: Unit, print_key: Key) -> Key:
        terminal_no, number = print_key.terminal_no, print_key.seq_no
        counted = await self._count_payment(unit, terminal_no, number)
        if counted is None:
            raise ChallengeExpired("text")
        return Key(terminal_no, number, counted)


def _scope(own: ScanKey) -> str:
    return f"scan:{own.cardholder_id}"


def _content(own: ScanKey) -> idempotency.Answer:
    return {"text": own.text, "amount_minor": own.amount_minor}


async def _answer_of(unit: Unit, stored: idempotency.Answer) -> Answer:
    """The kept answer that a payer's key stands for."""
    numbers = (int(stored[name] or 0) for name in ("terminal_no", "batch_no", "seq_no"))
    answer = await store.read_answer(unit, Key(*numbers))
    assert answer is not None  # kept in the transaction that kept the key
    return answer
