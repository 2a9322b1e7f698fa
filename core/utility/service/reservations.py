"""Use cases of reservations: free slots, a code for one, and what was typed at a meter."""

import hmac
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from uuid import UUID

from core.authorisation.records import Key
from core.db import idempotency
from core.db.unit import Database, Unit
from core.kit.clock import Clock
from core.kit.ids import Ids
from core.ledger.records import BalanceTooLow
from core.ledger.service import Ledger
from core.ports.water import WaterCodes
from core.school.features import is_offered
from core.school.policy import Policy
from core.school.policy_words import Channel, Feature
from core.school.records import FeatureOff
from core.utility import slots
from core.utility.records import (
    CODE_EARLY,
    Code8Wrong,
    FreeSlot,
    Meter,
    MeterGroup,
    MeterGroupUnknown,
    MeterKind,
    MeterLocked,
    PlacedMeter,
    Reservation,
    ReservationBegun,
    ReservationUnknown,
    Reserved,
    SlotClosed,
)
from core.utility.store import meters as meter_store
from core.utility.store import reservations as store


class Reservations:
    """Places in slots, and the digits that start a meter (M-103)."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        codes: WaterCodes,
        ledger: Ledger,
        policy_of: Callable[[int], Awaitable[Policy]],
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._codes = codes
        self._ledger = ledger
        self._policy_of = policy_of

    async def list_groups(self, school_id: int, channel: Channel) -> list[MeterGroup]:
        """The groups that can be reserved where the school offers it, by number."""
        policy = await self._policy_of(school_id)
        listed = await self._database.unit(school_id, meter_store.list_groups)
        return [each for each in listed if _is_reservable(each, policy, channel)]

    async def free_slots(self, school_id: int, group_no: int, day: date) -> list[FreeSlot]:
        """The slots of a day that are not over, with the places nobody has.

        What cannot be reserved has none.
        """
        zone, now = (await self._policy_of(school_id)).day.zone, self._clock.now()

        async def work(unit: Unit) -> list[FreeSlot]:
            group = await meter_store.find_group(unit, group_no)
            if (
                group is None
                or group.kind is not MeterKind.SHOWER
                or not slots.is_offered_on(group, day, now, zone)
            ):
                return []
            listed = [each for each in slots.slots_of(group, day, zone) if now < each.ends_at]
            if not listed:
                return []
            made = await store.of_group(unit, group_no, listed[0].starts_at, listed[-1].starts_at)
            held = [each.slot for each in made if each.cancelled_at is None]
            return [FreeSlot(s, max(0, group.places - held.count(s))) for s in listed]

        return await self._database.unit(school_id, work)

    async def reserve(
        self,
        school_id: int,
        cardholder_id: UUID,
        group_no: int,
        starts_at: datetime,
        channel: Channel,
        idempotency_key: str,
    ) -> Reserved:
        """A place in a slot; the same key again answers the same.

        Nothing is held yet, but whoever could not pay the slot's maximum gets no code.
        Raises: MeterGroupUnknown, FeatureOff, SlotUnknown, SlotFull, ReservationLimit,
        BalanceTooLow, IdempotencyConflict.
        """
        policy, now = await self._policy_of(school_id), self._clock.now()
        content: idempotency.Answer = {
            "group_no": group_no, "starts_at": starts_at.isoformat()
        }  # fmt: skip
        scope = f"water:{cardholder_id}"

        async def effect(unit: Unit) -> idempotency.Answer:
            group = await _group_to_reserve(unit, group_no, lock=True)
            if not _is_reservable(group, policy, channel):
                raise FeatureOff
            slot = slots.find_slot(group, starts_at, now, policy.day.zone)
            own = await store.of_holder(unit, cardholder_id, now)
            slots.check_reserver(slot, own, now)
            balances = await self._ledger.balances_in(unit, cardholder_id)
            if balances.available_minor < group.tariff.maximum_minor:
                raise BalanceTooLow
            length = slot.ends_at - slot.starts_at
            near = await store.of_group(
                unit, group_no, slot.starts_at - length, slot.starts_at + length
            )
            stall, sequence = slots.take_place(
                group, slot, near, lambda each: self._digits(school_id, each),
                lambda at, live, first: self._codes.find_free(school_id, at, live, first),
            )  # fmt: skip
            made = Reservation(
                self._ids.new(), group_no, stall, sequence, slot, cardholder_id, group.tariff,
                group.key_version, now,
            )  # fmt: skip
            await store.insert(unit, made)
            return {"id": str(made.id)}

        async def work(unit: Unit) -> Reserved:
            stored = await idempotency.once(
                unit, scope, idempotency_key, content, now, lambda: effect(unit)
            )
            made = await store.find(unit, UUID(str(stored["id"])))
            assert made is not None  # kept in the transaction that kept the key
            return await self._reserved(unit, made)

        return await self._database.unit(school_id, work)

    async def cancel(self, school_id: int, cardholder_id: UUID, id_: UUID) -> Reserved:
        """Gives a place back, until its code works; again: the same answer.

        Raises: ReservationUnknown, ReservationBegun.
        """
        now = self._clock.now()

        async def work(unit: Unit) -> Reserved:
            found = await store.find(unit, id_, lock=True)
            if found is None or found.cardholder_id != cardholder_id:
                raise ReservationUnknown("reservationId")
            if found.cancelled_at is None:
                if found.slot.starts_at - CODE_EARLY <= now:
                    raise ReservationBegun("reservationId")
                await store.cancel(unit, id_, now)
            cancelled = await store.find(unit, id_)
            assert cancelled is not None  # reservations are never deleted
            return await self._reserved(unit, cancelled)

        return await self._database.unit(school_id, work)

    async def list_open(self, school_id: int, cardholder_id: UUID) -> list[Reserved]:
        """A cardholder's reservations that are not over, the next one first."""
        now = self._clock.now()

        async def work(unit: Unit) -> list[Reserved]:
            listed = await store.of_holder(unit, cardholder_id, now)
            held = [each for each in listed if each.cancelled_at is None]
            return [await self._reserved(unit, each) for each in held]

        return await self._database.unit(school_id, work)

    async def match(
        self, school_id: int, placed: PlacedMeter, code8: str, at: datetime, key: Key | None
    ) -> Reservation:
        """Whose digits were typed at a meter at an instant.

        A wrong code is counted under `key`; None for a start that is told late, which also finds a
        code that was cancelled meanwhile: the meter could not know, and the water ran.
        Raises: MeterLocked, Code8Wrong, SlotClosed; nothing but the count changes.
        """
        meter, now = placed.meter, self._clock.now()

        async def work(unit: Unit) -> Reservation | type[Code8Wrong | SlotClosed | MeterLocked]:
            if key is not None:
                await meter_store.lock_meter(unit, meter.terminal_no, meter.number)
                tried = await meter_store.tries(
                    unit, meter.terminal_no, meter.number, slots.WRONG_MAXIMUM
                )
                if slots.locked_until(tried, now) is not None:
                    return MeterLocked
            found = await self._typed(unit, school_id, placed, code8, at, cancelled=key is None)
            if found is not None and found.slot.is_open(at):
                return found
            if key is not None:
                await meter_store.insert_try(unit, key, meter.number, now)
            return Code8Wrong if found is None else SlotClosed

        matched = await self._database.unit(school_id, work)
        if isinstance(matched, Reservation):
            return matched
        raise matched("code8")

    async def find_own(
        self, school_id: int, placed: PlacedMeter, cardholder_id: UUID, at: datetime
    ) -> Reservation:
        """The reservation that a holder who scans at a meter has there now.

        Raises: SlotClosed.
        """

        async def work(unit: Unit) -> Reservation | None:
            listed = await store.of_holder(unit, cardholder_id, at)
            here = [each for each in listed if _is_of(each, placed.meter, cancelled=False)]
            return next((each for each in here if each.slot.is_open(at)), None)

        found = await self._database.unit(school_id, work)
        if found is None:
            raise SlotClosed("presented")
        return found

    async def _typed(
        self,
        unit: Unit,
        school_id: int,
        placed: PlacedMeter,
        code8: str,
        at: datetime,
        *,
        cancelled: bool,
    ) -> Reservation | None:
        """Whose digits they are, in this slot or one beside it; an open slot comes first."""
        reach = timedelta(minutes=2 * placed.group.slot_minutes) + CODE_EARLY
        near = await store.of_group(unit, placed.group.number, at - reach, at + reach)
        here = [each for each in near if _is_of(each, placed.meter, cancelled=cancelled)]
        # Every candidate is computed, whichever is right: the time tells nothing.
        same = [
            each
            for each in here
            if hmac.compare_digest(self._digits(school_id, each).encode(), code8.encode())
        ]
        return min(same, key=lambda each: not each.slot.is_open(at), default=None)

    def _digits(self, school_id: int, made: Reservation) -> str:
        return self._codes.code(school_id, made.water_slot, made.sequence)

    async def _reserved(self, unit: Unit, made: Reservation) -> Reserved:
        group = await _group_to_reserve(unit, made.group_no)
        return Reserved(made, self._digits(unit.school_id, made), group)


async def _group_to_reserve(unit: Unit, number: int, *, lock: bool = False) -> MeterGroup:
    """A group that can be reserved. Raises: MeterGroupUnknown."""
    group = await meter_store.find_group(unit, number, lock=lock)
    if group is None or group.kind is not MeterKind.SHOWER:
        raise MeterGroupUnknown("groupNo")
    return group


def _is_reservable(group: MeterGroup, policy: Policy, channel: Channel) -> bool:
    is_on = is_offered(policy, Feature.SHOWER, channel, group.campus_code)
    return group.kind is MeterKind.SHOWER and is_on


def _is_of(made: Reservation, meter: Meter, *, cancelled: bool) -> bool:
    is_here = (made.group_no, made.stall) == (meter.group_no, meter.stall)
    return is_here and (cancelled or made.cancelled_at is None)
