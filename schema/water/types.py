"""Bath houses, their slots and a holder's reservations."""

from datetime import datetime
from typing import Self

import strawberry

from core.utility.records import FreeSlot, MeterGroup, Reserved, Slot, Tariff
from schema.context import RequestInfo
from schema.money import Money
from schema.node import node_id
from schema.school.types import by_language

SLOTS_MAXIMUM = 96
"""Slots of a day: the shortest is 15 minutes."""


@strawberry.type(description="A price, and the most that a slot may cost.")
class WaterTariff:
    """Money for units."""

    tariff: strawberry.Private[Tariff]
    per_units: int = strawberry.field(
        description="For how many units of what the meter counts `price` is."
    )
    maximum_units: int = strawberry.field(description="The most that runs in a slot.")

    @strawberry.field(description="The price of `perUnits` units.")
    def price(self) -> Money:
        """The price."""
        return Money.of(self.tariff.price_minor)

    @strawberry.field(description="What is held at a start; what did not run is released.")
    def maximum(self) -> Money:
        """The hold."""
        return Money.of(self.tariff.maximum_minor)

    @classmethod
    def of(cls, tariff: Tariff) -> Self:
        """The client's view."""
        return cls(tariff=tariff, per_units=tariff.per_units, maximum_units=tariff.maximum_units)


@strawberry.type(description="A time that can be reserved.")
class WaterSlot:
    """A slot with its free places."""

    starts_at: datetime = strawberry.field(description="Its beginning; `waterReserve` takes it.")
    ends_at: datetime = strawberry.field(description="Its end.")
    free: int = strawberry.field(description="How many places nobody has.")

    @classmethod
    def of(cls, found: FreeSlot) -> Self:
        """The client's view."""
        return cls(starts_at=found.slot.starts_at, ends_at=found.slot.ends_at, free=found.free)


@strawberry.type(description="A bath house whose slots can be reserved.")
class WaterGroup:
    """A group of meters."""

    group: strawberry.Private[MeterGroup]
    school_id: strawberry.Private[int]
    number: int = strawberry.field(description="Its number at the school.")
    campus_code: str = strawberry.field(description="The code of its campus.")
    days_ahead: int = strawberry.field(
        description="How many days after today can be reserved, 0 to 14."
    )

    @strawberry.field(description="Its name in the viewer's language.")
    def name(self, info: RequestInfo) -> str:
        """The name."""
        return by_language(info, self.group.name_zh, self.group.name_en)

    @strawberry.field(description="What a new reservation costs.")
    def tariff(self) -> WaterTariff:
        """The price."""
        return WaterTariff.of(self.group.tariff)

    @classmethod
    def of(cls, school_id: int, group: MeterGroup) -> Self:
        """The client's view."""
        return cls(
            group=group,
            school_id=school_id,
            number=group.number,
            campus_code=group.campus_code,
            days_ahead=group.days_ahead,
        )


@strawberry.type(description="A place in a slot, and the code that starts the water there.")
class WaterReservation:
    """A reservation of the viewer."""

    reserved: strawberry.Private[Reserved]
    school_id: strawberry.Private[int]
    id: strawberry.ID = strawberry.field(
        description="The global id; `waterReservationCancel` takes it."
    )
    code8: str = strawberry.field(
        description="The digits to type at the meter after confirm. Good from 10"
        " minutes before the slot to its end, once."
    )
    stall: int | None = strawberry.field(
        description="The number of the stall; null: any meter of the group."
    )
    cancelled_at: datetime | None = strawberry.field(description="When it was given back.")

    @strawberry.field(description="The beginning of the slot.")
    def starts_at(self) -> datetime:
        """The beginning."""
        return self._slot.starts_at

    @strawberry.field(description="The end of the slot.")
    def ends_at(self) -> datetime:
        """The end."""
        return self._slot.ends_at

    @strawberry.field(description="Where.")
    def group(self) -> WaterGroup:
        """The bath house."""
        return WaterGroup.of(self.school_id, self.reserved.group)

    @strawberry.field(description="The price of the day it was made; it stays.")
    def tariff(self) -> WaterTariff:
        """The price."""
        return WaterTariff.of(self.reserved.reservation.tariff)

    @property
    def _slot(self) -> Slot:
        return self.reserved.reservation.slot

    @classmethod
    def of(cls, school_id: int, reserved: Reserved) -> Self:
        """The client's view."""
        made = reserved.reservation
        return cls(
            reserved=reserved,
            school_id=school_id,
            id=node_id("WaterReservation", school_id, made.id),
            code8=reserved.code8,
            stall=made.stall or None,
            cancelled_at=made.cancelled_at,
        )
