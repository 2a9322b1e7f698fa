"""Use cases of limits, and the lock that every movement of a cardholder's money takes first."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from uuid import UUID

from core.card.service.passes import Passes
from core.db.unit import Database, Unit
from core.identity.records import CardholderUnknown
from core.kit.clock import business_day
from core.limit import store
from core.limit.records import LimitElsewhere, LimitsInForce, RaiseTooSoon, Spending
from core.limit.thresholds import check_limits, counted, in_force, is_cut
from core.ports.newcomers import Newcomer
from core.school.policy import Policy
from core.school.policy_words import Place


class Limits:
    """Single and daily limits of cardholders."""

    def __init__(self, database: Database, passes: Passes) -> None:
        self._database = database
        self._passes = passes

    async def open(self, unit: Unit, cardholder_id: UUID) -> None:
        """Prepares a new cardholder, within the unit that creates them."""
        await store.open_row(unit, cardholder_id)

    async def open_newcomers(self, unit: Unit, newcomers: Sequence[Newcomer], _day: date) -> None:
        """Prepares many cardholders within a unit and takes the money lock of each."""
        await store.open_rows(unit, [newcomer.cardholder_id for newcomer in newcomers])

    async def lock(self, unit: Unit, cardholder_id: UUID) -> Spending:
        """Takes the cardholder's money lock for the rest of the unit.

        Raises: CardholderUnknown.
        """
        spending = await store.lock(unit, cardholder_id)
        if spending is None:
            raise CardholderUnknown
        return spending

    async def get(self, school_id: int, cardholder_id: UUID) -> Spending:
        """The limits and the counted day.

        Raises: CardholderUnknown.
        """
        spending = await store.find(self._database.reading(school_id), cardholder_id)
        if spending is None:
            raise CardholderUnknown
        return spending

    async def in_force(
        self, school_id: int, cardholder_id: UUID, policy: Policy, now: datetime
    ) -> LimitsInForce:
        """What holds for a cardholder now.

        Raises: CardholderUnknown.
        """
        spending = await self.get(school_id, cardholder_id)
        return in_force(spending, policy.limit, business_day(now, policy.day.zone))

    async def pause_raises(self, unit: Unit, cardholder_id: UUID, until: datetime) -> None:
        """Lets nobody raise a limit in the app until then: core.ports.limits.RaisePauser."""
        await store.pause_raises(unit, cardholder_id, until)

    async def change_in_app(
        self,
        school_id: int,
        cardholder_id: UUID,
        policy: Policy,
        *,
        single_minor: int,
        daily_minor: int,
        prove: Callable[[], Awaitable[None]],
        now: datetime,
    ) -> Spending:
        """Sets both limits by the holder (M-097); limits that cannot be set cost no try of the PIN.

        `prove` proves the PIN.
        Raises: LimitElsewhere, LimitOutOfRange, LimitAboveAppMaximum, RaiseTooSoon,
        CardholderUnknown, and what `prove` raises.
        """
        if Place.APP not in policy.limit.change_via:
            raise LimitElsewhere
        maximum = policy.limit.app_max_minor
        check_limits(single_minor, daily_minor, maximum)
        held = await self.in_force(school_id, cardholder_id, policy, now)
        if (single_minor > held.single_minor or daily_minor > held.daily_minor) and (
            await self._database.unit(
                school_id, lambda unit: store.is_paused(unit, cardholder_id, now)
            )
        ):
            raise RaiseTooSoon
        await prove()
        return await self.change(
            school_id, cardholder_id, single_minor=single_minor, daily_minor=daily_minor,
            maximum_minor=maximum,
        )  # fmt: skip

    async def change(
        self,
        school_id: int,
        cardholder_id: UUID,
        *,
        single_minor: int,
        daily_minor: int,
        maximum_minor: int,
    ) -> Spending:
        """Sets both limits, up to the maximum of the way they are changed by.

        Where one is cut, the passes issued under the old ones end (codes.md 12).

        The caller has proven the PIN (mission.md 2, `limit.change_via`).
        Raises: LimitOutOfRange, LimitAboveAppMaximum, CardholderUnknown.
        """
        check_limits(single_minor, daily_minor, maximum_minor)

        async def work(unit: Unit) -> Spending:
            before = await self.lock(unit, cardholder_id)
            await store.update_limits(unit, cardholder_id, single_minor, daily_minor)
            if is_cut(before, single_minor, daily_minor):
                await self._passes.revoke(unit, cardholder_id)
            return Spending(
                cardholder_id, single_minor, daily_minor, before.spent_on, before.spent_minor
            )

        return await self._database.unit(school_id, work)

    async def stop_offline(self, unit: Unit, cardholder_id: UUID) -> None:
        """Ends what the passes may pay without a network, within the unit that made a debt."""
        await self._passes.withdraw(unit, cardholder_id)

    async def spend(self, unit: Unit, locked: Spending, day: date, amount_minor: int) -> None:
        """Counts what an offline purchase spent on its own day; a day that was left stays left."""
        after = counted(locked, day, amount_minor)
        if after is not locked:
            await store.update_day(unit, locked.cardholder_id, day, after.spent_minor)

    async def give_back(self, unit: Unit, locked: Spending, day: date, amount_minor: int) -> None:
        """Returns a voided amount to the allowance of the day it was spent on (mission.md 3.6)."""
        if locked.spent_on == day:
            left = max(0, locked.spent_minor - amount_minor)
            await store.update_spent(unit, locked.cardholder_id, left)
