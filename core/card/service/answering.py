"""Answers to what terminals ask of a card, kept in the unit that has the effect."""

from collections.abc import Awaitable, Callable

from core.card.answers import CardAnswer, CardAsk
from core.db import idempotency
from core.db.unit import Database, Unit
from core.kit.errors import IdempotencyConflict

Effect = Callable[[], Awaitable[CardAnswer]]


async def answer_once(unit: Unit, ask: CardAsk, effect: Effect) -> CardAnswer:
    """What `effect` answers, or what its key was answered before.

    Raises: IdempotencyConflict.
    """
    fresh: list[CardAnswer] = []

    async def run() -> idempotency.Answer:
        fresh.append(await effect())
        return fresh[0].kept()

    try:
        kept = await idempotency.once(
            unit, *_place(ask), ask.content, ask.answered_at, run
        )  # fmt: skip
    except IdempotencyConflict:
        raise IdempotencyConflict("key") from None
    return fresh[0] if fresh else CardAnswer.read(ask.key, kept)


class CardAnswers:
    """The answers that are kept, whatever they are about."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, school_id: int, ask: CardAsk) -> CardAnswer | None:
        """What a key was answered before, so that a repeat costs no try of a PIN.

        Raises: IdempotencyConflict.
        """

        async def work(unit: Unit) -> idempotency.Answer | None:
            return await idempotency.find(unit, *_place(ask), ask.content)

        try:
            kept = await self._database.unit(school_id, work)
        except IdempotencyConflict:
            raise IdempotencyConflict("key") from None
        return None if kept is None else CardAnswer.read(ask.key, kept)

    async def keep(self, school_id: int, ask: CardAsk, answer: CardAnswer) -> CardAnswer:
        """Keeps a refusal that was decided before any row was read, or repeats what was kept.

        Raises: IdempotencyConflict.
        """

        async def same() -> CardAnswer:
            return answer

        return await self._database.unit(school_id, lambda unit: answer_once(unit, ask, same))


def _place(ask: CardAsk) -> tuple[str, str]:
    """Scope and key: the numbers of a batch are in one scope, which its close counts."""
    return f"terminal:{ask.key.terminal_no}:{ask.key.batch_no}", str(ask.key.seq_no)
