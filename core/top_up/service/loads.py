"""Use cases of loads: claim what waits, confirm by the chip's word, refresh (M-068 to M-071)."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from core.card.answers import CardAnswer, CardAsk
from core.card.service.answering import answer_once
from core.db.unit import Database, Unit
from core.kit.clock import Clock, unix_seconds
from core.kit.ids import Ids
from core.limit.service import Limits
from core.limit.thresholds import in_force
from core.ports.chips import ChipReading, ChipStanding
from core.school.policy import PolicyOf
from core.school.policy_words import PurseModel
from core.top_up.loading import Step, next_step, standing_code
from core.top_up.records import LISTED_MAXIMUM, Load, LoadState, Overview, Tap
from core.top_up.service.chips import Chips
from core.top_up.store import loads as store


class Loads:
    """Money that waits, and the chips it goes onto."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        *,
        policy_of: PolicyOf,
        limits: Limits,
        chips: Chips,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._policy_of = policy_of
        self._limits = limits
        self._chips = chips

    async def claim(self, school_id: int, ask: CardAsk, tap: Tap) -> CardAnswer:
        """Holds all that waits and answers the command for the chip; there is no amount to give.

        What an earlier claim of the card left open ends first, by what the chip says now.
        Raises: IdempotencyConflict.
        """

        async def effect(unit: Unit) -> CardAnswer:
            await self._limits.lock(unit, tap.cardholder_id)
            standing = await store.standing(unit, tap.card_id)
            code = standing_code(*standing)
            if code != "00":
                return ask.declined(code, None, tap.cardholder_id)
            policy = await self._policy_of(school_id)
            if policy.purse.model is PurseModel.SINGLE or tap.reading is None or tap.chip is None:
                return ask.declined("L1", "NOT_ON_CARD", tap.cardholder_id)
            stopped = await self._settle(unit, ask, tap, tap.reading)
            if stopped is not None:
                return stopped
            waiting = await self._chips.waiting_minor(unit, tap.cardholder_id)
            if waiting == 0:
                return ask.declined("L1", "NOTHING_TO_LOAD", tap.cardholder_id)
            load = Load(
                self._ids.new(), tap.card_id, tap.cardholder_id, ask.key.terminal_no,
                tap.reading.counter, tap.reading.balance_minor, waiting, self._ids.new(),
                ask.retrieval_reference, LoadState.OPEN, ask.answered_at, None,
            )  # fmt: skip
            await self._chips.hold(unit, load.transfer_id, load, ask.business_on)
            await store.insert(unit, load, ask.key)
            return ask.answer(
                "APPROVED", "00", tap.cardholder_id,
                amount_minor=waiting, subject_id=load.id, card_state=standing.card_state,
                command=tap.chip.load(load.counter, waiting),
            )  # fmt: skip

        return await self._once(school_id, ask, effect)

    async def confirm(self, school_id: int, ask: CardAsk, load_id: UUID, tap: Tap) -> CardAnswer:
        """Ends a load by what the chip says: counter + 1 posts it, the same counter returns it.

        A chip that could not be read leaves it open for the next tap.
        Raises: IdempotencyConflict.
        """

        async def effect(unit: Unit) -> CardAnswer:
            await self._limits.lock(unit, tap.cardholder_id)
            load = await store.find(unit, load_id)
            if load is None or load.card_id != tap.card_id:
                return ask.declined("25", "LOAD_UNKNOWN", tap.cardholder_id)
            if tap.reading is None:
                if load.ended_at is None:
                    return ask.declined("L2", "CHIP_NOT_READ", tap.cardholder_id)
                return _ended(ask, load)
            stopped = await self._settle(unit, ask, tap, tap.reading)
            ended = await store.find(unit, load_id)
            assert ended is not None  # found above
            return stopped or _ended(ask, ended)

        return await self._once(school_id, ask, effect)

    async def refresh(self, school_id: int, ask: CardAsk, tap: Tap) -> CardAnswer:
        """Where the card stands, and the command that tells its chip: release, limits, loss.

        What a claim left open ends first, by what the chip says now.
        Raises: IdempotencyConflict.
        """

        async def effect(unit: Unit) -> CardAnswer:
            spending = await self._limits.lock(unit, tap.cardholder_id)
            standing = await store.standing(unit, tap.card_id)
            code, command = standing_code(*standing), None
            if tap.reading is not None and tap.chip is not None:
                stopped = await self._settle(unit, ask, tap, tap.reading)
                if stopped is not None:
                    return stopped
                policy = await self._policy_of(school_id)
                held = in_force(spending, policy.limit, ask.business_on)
                command = tap.chip.refresh(
                    ChipStanding(
                        code == "00", held.single_minor, held.daily_minor,
                        unix_seconds(ask.answered_at),
                    )
                )  # fmt: skip
            return ask.answer(
                "APPROVED" if code == "00" else "DECLINED", code, tap.cardholder_id,
                command=command, card_state=standing.card_state,
            )  # fmt: skip

        return await self._once(school_id, ask, effect)

    async def overview(self, school_id: int, cardholder_id: UUID) -> Overview:
        """What a kiosk lists of a cardholder, after the PIN."""

        async def work(unit: Unit) -> Overview:
            loads = await store.list_newest(unit, cardholder_id, LISTED_MAXIMUM)
            return Overview(
                waiting_minor=await self._chips.waiting_minor(unit, cardholder_id),
                held_minor=sum(each.amount_minor for each in loads if each.ended_at is None),
                credits=await store.list_credits(unit, cardholder_id, LISTED_MAXIMUM),
                loads=loads,
            )

        return await self._database.unit(school_id, work)

    async def _once(
        self, school_id: int, ask: CardAsk, effect: Callable[[Unit], Awaitable[CardAnswer]]
    ) -> CardAnswer:
        return await self._database.unit(
            school_id, lambda unit: answer_once(unit, ask, lambda: effect(unit))
        )

    async def _settle(
        self, unit: Unit, ask: CardAsk, tap: Tap, reading: ChipReading
    ) -> CardAnswer | None:
        """Ends what is open as the chip says, and keeps its counter; or why nothing goes on."""
        load = await store.find_holding(unit, tap.card_id)
        step = next_step(
            await store.find_chip(unit, tap.card_id), load, reading,
            await self._chips.purse_minor(unit, tap.cardholder_id), ask.key.terminal_no,
            ask.answered_at,
        )  # fmt: skip
        if step is Step.FREEZE:
            return await self._freeze(unit, ask, tap, reading)
        if step is Step.WAIT:
            return ask.declined("L2", "LOAD_OPEN", tap.cardholder_id)
        if load is not None:
            state = LoadState.POSTED if step is Step.POST else LoadState.RETURNED
            await self._chips.end(unit, load, state, ask.business_on)
        await store.see_chip(unit, tap.card_id, tap.cardholder_id, reading, ask.answered_at)
        return None

    async def _freeze(self, unit: Unit, ask: CardAsk, tap: Tap, reading: ChipReading) -> CardAnswer:
        """Nothing of the card moves until staff have looked; both amounts are kept for them."""
        expected = await self._chips.purse_minor(unit, tap.cardholder_id)
        await store.freeze(unit, tap.card_id, tap.cardholder_id, reading, expected, ask.answered_at)
        load = await store.find_holding(unit, tap.card_id)
        if load is not None:
            await store.move(unit, load.id, LoadState.REVIEW, None)
        return ask.declined("L3", "CARD_OUT_OF_STEP", tap.cardholder_id)


def _ended(ask: CardAsk, load: Load) -> CardAnswer:
    return ask.answer(
        "APPROVED" if load.state is LoadState.POSTED else "VOIDED", "00", load.cardholder_id,
        amount_minor=load.amount_minor, subject_id=load.id,
    )  # fmt: skip
