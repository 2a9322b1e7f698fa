"""Use cases of staff: chips out of step, with both amounts, and what becomes of their load."""

from uuid import UUID

from core.audit.service import Audit
from core.db.unit import Database, Unit
from core.identity.records import CardholderUnknown
from core.kit.clock import Clock, business_day
from core.limit.service import Limits
from core.ports.holders import HolderDirectory
from core.school.policy import PolicyOf
from core.school.records import Role, StaffCaller
from core.school.service import Staff
from core.school.service.staff import staff_actor
from core.school.staff_rules import check_not_own_card
from core.top_up.records import FrozenChip, LoadState, ReviewUnknown
from core.top_up.service.chips import Chips
from core.top_up.store import loads as store

LISTED_MAXIMUM = 100


class ChipReviews:
    """What staff decide about chips that are out of step."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        policy_of: PolicyOf,
        staff: Staff,
        holders: HolderDirectory,
        limits: Limits,
        audit: Audit,
        chips: Chips,
    ) -> None:
        self._database = database
        self._clock = clock
        self._policy_of = policy_of
        self._staff = staff
        self._holders = holders
        self._limits = limits
        self._audit = audit
        self._chips = chips

    async def list_open(self, school_id: int) -> list[FrozenChip]:
        """Chips that wait, the oldest first, at most 100."""
        return await self._database.unit(
            school_id, lambda unit: store.list_frozen(unit, LISTED_MAXIMUM)
        )

    async def settle(
        self, school_id: int, caller: StaffCaller, card_id: UUID, *, is_written: bool, reason: str
    ) -> None:
        """Lets a chip go on from what it said; its open load, if any, is posted or returned.

        No money is made: a chip that holds more than our books stops again at its next tap.
        Raises: StaffNotAllowed, OwnCardExcluded, ReviewUnknown.
        """
        zone = (await self._policy_of(school_id)).day.zone

        async def work(unit: Unit) -> None:
            member = await self._staff.require(unit, caller, Role.CARD_MANAGER)
            found = await store.find_chip(unit, card_id)
            if found is None:
                raise ReviewUnknown("cardId")
            holder = await self._holders.find_standing(unit, found.cardholder_id)
            if holder is None:
                raise CardholderUnknown
            check_not_own_card(member, holder.number)
            await self._limits.lock(unit, found.cardholder_id)
            chip = await store.find_chip(unit, card_id)
            if chip is None or not chip.is_frozen:
                raise ReviewUnknown("cardId")
            load, now = await store.find_holding(unit, card_id), self._clock.now()
            if load is not None:
                state = LoadState.POSTED if is_written else LoadState.RETURNED
                await self._chips.end(unit, load, state, business_day(now, zone))
            await store.thaw(unit, card_id, now)
            await self._audit.append(
                unit, staff_actor(member), "card.review", f"cardholder:{found.cardholder_id}",
                {
                    "role": Role.CARD_MANAGER.value, "card_id": str(card_id),
                    "load_id": str(load.id) if load else None,
                    "state_after": LoadState.POSTED if is_written else LoadState.RETURNED,
                },
                reason,
            )  # fmt: skip

        await self._database.unit(school_id, work)
