"""Reserving water, and giving a place back (M-103)."""

from datetime import datetime
from typing import Annotated

import strawberry

from core.school.policy_words import Channel, Feature
from core.utility.records import ReservationUnknown, Reserved
from schema.context import RequestInfo
from schema.directives import OncePerOperation
from schema.errors import UserError
from schema.inputs import INPUT, uuid_key
from schema.payload import answer
from schema.permissions import cardholder, cardholder_only
from schema.services import services
from schema.water.errors import WATER
from schema.water.types import WaterReservation


@strawberry.input(description="Which slot, where.")
class WaterReserveInput:
    """A place to take."""

    idempotency_key: strawberry.ID = strawberry.field(
        description="The holder's own key: a repeat hears the same."
    )
    group_no: int = strawberry.field(description="The number of the bath house.")
    starts_at: datetime = strawberry.field(description="The beginning of one of its slots.")


@strawberry.type(description="The reservation with its code.")
class WaterReservePayload:
    """A place."""

    reservation: WaterReservation | None = strawberry.field(
        default=None, description="The place taken."
    )
    user_errors: list[UserError] = WATER.field()


@strawberry.input(description="Which place is given back.")
class WaterReservationCancelInput:
    """A reservation."""

    reservation_id: strawberry.ID = strawberry.field(description="The reservation.")


@strawberry.type(description="The place given back.")
class WaterReservationCancelPayload:
    """The reservation."""

    reservation: WaterReservation | None = strawberry.field(
        default=None, description="It, with the time it ended."
    )
    user_errors: list[UserError] = WATER.field()


async def _reserve(info: RequestInfo, asked: WaterReserveInput) -> Reserved:
    viewer = cardholder(info)
    return await services(info).reservations.reserve(
        viewer.school_id,
        viewer.cardholder_id,
        asked.group_no,
        asked.starts_at,
        Channel(viewer.session.channel),
        asked.idempotency_key,
    )


async def _cancel(info: RequestInfo, asked: WaterReservationCancelInput) -> Reserved:
    viewer = cardholder(info)
    id_ = uuid_key(info, asked.reservation_id, "WaterReservation")
    if id_ is None:
        raise ReservationUnknown("reservationId")
    return await services(info).reservations.cancel(viewer.school_id, viewer.cardholder_id, id_)


@strawberry.type(description="Water.")
class WaterMutation:
    """What a holder does about a shower."""

    @strawberry.mutation(
        description="Takes a place in a slot; nothing is held before the water runs.",
        directives=[OncePerOperation()],
        extensions=[cardholder_only()],
    )
    async def water_reserve(
        self, info: RequestInfo, input: Annotated[WaterReserveInput, INPUT]
    ) -> WaterReservePayload | None:
        """For an 8-digit code."""
        school_id = cardholder(info).school_id
        return await answer(
            info,
            WATER,
            WaterReservePayload,
            lambda made: WaterReservePayload(reservation=WaterReservation.of(school_id, made)),
            _reserve(info, input),
            Feature.SHOWER,
        )

    @strawberry.mutation(
        description="Gives a place back, until its code works: 10 minutes before the slot.",
        extensions=[cardholder_only()],
    )
    async def water_reservation_cancel(
        self, info: RequestInfo, input: Annotated[WaterReservationCancelInput, INPUT]
    ) -> WaterReservationCancelPayload | None:
        """Again: the same answer."""
        school_id = cardholder(info).school_id
        return await answer(
            info,
            WATER,
            WaterReservationCancelPayload,
            lambda made: WaterReservationCancelPayload(
                reservation=WaterReservation.of(school_id, made)
            ),
            _cancel(info, input),
        )
