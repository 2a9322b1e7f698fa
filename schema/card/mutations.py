"""Opening the virtual card, reporting a loss and releasing it, setting limits."""

from typing import Annotated

import strawberry

from core.card.records import Card as CardRecord
from core.school.policy_words import Feature
from schema.card.errors import CARD
from schema.card.reads import check_physical, read_limits
from schema.card.types import Card, Limits
from schema.context import RequestInfo
from schema.directives import OncePerOperation
from schema.errors import UserError
from schema.inputs import INPUT
from schema.payload import answer
from schema.permissions import cardholder, cardholder_only
from schema.scalars import MinorAmount
from schema.services import services

CARD_FIELD = "The card as it stands now."


@strawberry.input(description="The PIN, where the school asks it.")
class VirtualCardOpenInput:
    """A proof."""

    pin: str | None = strawberry.field(default=None, description="The PIN that pays.")


@strawberry.type(description="The opened card.")
class VirtualCardOpenPayload:
    """The card."""

    card: Card | None = strawberry.field(default=None, description=CARD_FIELD)
    user_errors: list[UserError] = CARD.field()


@strawberry.input(description="Which card is lost.")
class CardReportLostInput:
    """A physical card and a proof."""

    card_id: strawberry.ID = strawberry.field(description="The physical card.")
    pin: str | None = strawberry.field(
        default=None, description="The PIN the school asks for; null after a second proof."
    )


@strawberry.type(description="The blocked card; the virtual card works on.")
class CardReportLostPayload:
    """The card."""

    card: Card | None = strawberry.field(default=None, description=CARD_FIELD)
    user_errors: list[UserError] = CARD.field()


@strawberry.input(description="Which card was found again.")
class CardReleaseInput:
    """A physical card and a proof."""

    card_id: strawberry.ID = strawberry.field(description="The physical card.")
    pin: str | None = strawberry.field(default=None, description="The PIN that pays.")


@strawberry.type(description="The released card; tap it on a terminal before it pays.")
class CardReleasePayload:
    """The card."""

    card: Card | None = strawberry.field(default=None, description=CARD_FIELD)
    user_errors: list[UserError] = CARD.field()


@strawberry.input(description="Both limits.")
class LimitsSetInput:
    """Limits and a proof."""

    single_minor: MinorAmount = strawberry.field(description="For one purchase, in fen.")
    daily_minor: MinorAmount = strawberry.field(
        description="For a school day, in fen; at least the single one."
    )
    pin: str = strawberry.field(description="The PIN that pays.")


@strawberry.type(description="The limits that hold from now on.")
class LimitsSetPayload:
    """The limits."""

    limits: Limits | None = strawberry.field(default=None, description="The limits.")
    user_errors: list[UserError] = CARD.field()


async def _report(info: RequestInfo, asked: CardReportLostInput) -> CardRecord:
    viewer = cardholder(info)
    await check_physical(info, asked.card_id)
    return await services(info).cards.report_loss(
        viewer.school_id,
        viewer.cardholder_id,
        pin=asked.pin,
        step_up_at=viewer.session.step_up_at,
    )


async def _release(info: RequestInfo, asked: CardReleaseInput) -> CardRecord:
    viewer = cardholder(info)
    await check_physical(info, asked.card_id)
    return await services(info).cards.release(viewer.school_id, viewer.cardholder_id, pin=asked.pin)


async def _set_limits(info: RequestInfo, asked: LimitsSetInput) -> Limits:
    viewer, found = cardholder(info), services(info)
    school_id, cardholder_id = viewer.school_id, viewer.cardholder_id
    await found.limits.change_in_app(
        school_id,
        cardholder_id,
        await found.schools.policy(school_id),
        single_minor=asked.single_minor,
        daily_minor=asked.daily_minor,
        prove=lambda: found.pins.prove_to_pay(school_id, cardholder_id, asked.pin),
        now=found.clock.now(),
    )
    return await read_limits(info, school_id, cardholder_id)


@strawberry.type(description="Cards and limits.")
class CardMutation:
    """What a cardholder does with cards."""

    @strawberry.mutation(
        description="Opens the virtual card (M-036); opening it again answers the same.",
        directives=[OncePerOperation()],
        extensions=[cardholder_only()],
    )
    async def virtual_card_open(
        self, info: RequestInfo, input: Annotated[VirtualCardOpenInput, INPUT]
    ) -> VirtualCardOpenPayload | None:
        """Before the first code."""
        viewer = cardholder(info)
        return await answer(
            info,
            CARD,
            VirtualCardOpenPayload,
            lambda card: VirtualCardOpenPayload(card=Card.of(viewer.school_id, card)),
            services(info).cards.open_virtual(
                viewer.school_id, viewer.cardholder_id, pin=input.pin
            ),
            Feature.VIRTUAL_CARD,
        )

    @strawberry.mutation(
        description="Blocks the physical card at once (M-076).",
        directives=[OncePerOperation()],
        extensions=[cardholder_only()],
    )
    async def card_report_lost(
        self, info: RequestInfo, input: Annotated[CardReportLostInput, INPUT]
    ) -> CardReportLostPayload | None:
        """Reporting again answers the same."""
        school_id = cardholder(info).school_id
        return await answer(
            info,
            CARD,
            CardReportLostPayload,
            lambda card: CardReportLostPayload(card=Card.of(school_id, card)),
            _report(info, input),
            Feature.LOSS,
        )

    @strawberry.mutation(
        description="Takes a loss report back, where the school allows it in the app (M-080).",
        directives=[OncePerOperation()],
        extensions=[cardholder_only()],
    )
    async def card_release(
        self, info: RequestInfo, input: Annotated[CardReleaseInput, INPUT]
    ) -> CardReleasePayload | None:
        """Releasing again answers the same."""
        school_id = cardholder(info).school_id
        return await answer(
            info,
            CARD,
            CardReleasePayload,
            lambda card: CardReleasePayload(card=Card.of(school_id, card)),
            _release(info, input),
            Feature.LOSS,
        )

    @strawberry.mutation(
        description="Sets both limits, up to the app's maximum (M-097).",
        directives=[OncePerOperation()],
        extensions=[cardholder_only()],
    )
    async def limits_set(
        self, info: RequestInfo, input: Annotated[LimitsSetInput, INPUT]
    ) -> LimitsSetPayload | None:
        """By the PIN."""
        return await answer(
            info,
            CARD,
            LimitsSetPayload,
            lambda limits: LimitsSetPayload(limits=limits),
            _set_limits(info, input),
            Feature.LIMIT,
        )
