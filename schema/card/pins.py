"""Choosing, changing, resetting and unlocking a PIN (M-092, M-094)."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import strawberry

from core.card.credentials import paying_kind
from core.card.pin import PinStatus
from core.card.service.pins import Pins
from core.school.policy_words import Feature, PinKind
from schema.card.errors import CARD
from schema.card.types import Pin
from schema.context import CardholderViewer, RequestInfo
from schema.directives import OncePerOperation
from schema.errors import UserError
from schema.inputs import INPUT
from schema.payload import answer
from schema.permissions import cardholder, cardholder_only
from schema.services import services

KIND = "Which PIN; null: the one that pays."
NEW = (
    "Six digits; not the initial PIN, one digit, a row, a birthday, the end of a phone"
    " or ID number, or a common choice."
)
PIN_FIELD = "The PIN as it stands now."


@strawberry.input(description="A first own PIN, after a second proof.")
class PinSetInput:
    """A choice."""

    kind: PinKind | None = strawberry.field(default=None, description=KIND)
    pin: str = strawberry.field(description=NEW)


@strawberry.type(description="The chosen PIN.")
class PinSetPayload:
    """Where it stands."""

    pin: Pin | None = strawberry.field(default=None, description=PIN_FIELD)
    user_errors: list[UserError] = CARD.field()


@strawberry.input(description="Another PIN, by the old one.")
class PinChangeInput:
    """A change."""

    kind: PinKind | None = strawberry.field(default=None, description=KIND)
    old_pin: str = strawberry.field(description="The PIN until now; an initial one is none.")
    new_pin: str = strawberry.field(description=NEW)


@strawberry.type(description="The changed PIN.")
class PinChangePayload:
    """Where it stands."""

    pin: Pin | None = strawberry.field(default=None, description=PIN_FIELD)
    user_errors: list[UserError] = CARD.field()


@strawberry.input(description="Another PIN in place of a forgotten one, after a second proof.")
class PinResetInput:
    """A reset."""

    kind: PinKind | None = strawberry.field(default=None, description=KIND)
    new_pin: str = strawberry.field(description=NEW)


@strawberry.type(description="The reset PIN.")
class PinResetPayload:
    """Where it stands."""

    pin: Pin | None = strawberry.field(default=None, description=PIN_FIELD)
    user_errors: list[UserError] = CARD.field()


@strawberry.input(description="Which locked PIN gets its tries back, after a second proof.")
class PinUnlockInput:
    """An unlock."""

    kind: PinKind | None = strawberry.field(default=None, description=KIND)


@strawberry.type(description="The unlocked PIN.")
class PinUnlockPayload:
    """Where it stands."""

    pin: Pin | None = strawberry.field(default=None, description=PIN_FIELD)
    user_errors: list[UserError] = CARD.field()


async def _after(
    info: RequestInfo,
    kind: PinKind | None,
    act: Callable[[Pins, CardholderViewer, PinKind], Awaitable[None]],
) -> PinStatus:
    """Where the PIN stands once the act is done."""
    viewer, found = cardholder(info), services(info)
    policy = await found.schools.policy(viewer.school_id)
    meant = kind or paying_kind(policy.pin.kinds)
    await act(found.pins, viewer, meant)
    return await found.pins.status(viewer.school_id, viewer.cardholder_id, meant)


@strawberry.type(description="PINs.")
class PinMutation:
    """What a cardholder does with PINs; each counts its tries before it compares."""

    @strawberry.mutation(
        description="Chooses the first own PIN; needs a second proof of at most 5 minutes ago.",
        directives=[OncePerOperation()],
        extensions=[cardholder_only()],
    )
    async def pin_set(
        self, info: RequestInfo, input: Annotated[PinSetInput, INPUT]
    ) -> PinSetPayload | None:
        """The initial PIN proves nothing here."""
        return await answer(
            info,
            CARD,
            PinSetPayload,
            lambda status: PinSetPayload(pin=Pin.of(status)),
            _after(
                info,
                input.kind,
                lambda pins, me, kind: pins.choose_first(
                    me.school_id,
                    me.cardholder_id,
                    kind,
                    pin=input.pin,
                    step_up_at=me.session.step_up_at,
                ),
            ),
            Feature.PIN,
        )

    @strawberry.mutation(
        description="Changes a PIN by the old one.",
        directives=[OncePerOperation()],
        extensions=[cardholder_only()],
    )
    async def pin_change(
        self, info: RequestInfo, input: Annotated[PinChangeInput, INPUT]
    ) -> PinChangePayload | None:
        """Where the school allows it in the app."""
        return await answer(
            info,
            CARD,
            PinChangePayload,
            lambda status: PinChangePayload(pin=Pin.of(status)),
            _after(
                info,
                input.kind,
                lambda pins, me, kind: pins.change(
                    me.school_id,
                    me.cardholder_id,
                    kind,
                    old_pin=input.old_pin,
                    new_pin=input.new_pin,
                ),
            ),
            Feature.PIN,
        )

    @strawberry.mutation(
        description="Replaces a forgotten or locked PIN; needs a second proof.",
        directives=[OncePerOperation()],
        extensions=[cardholder_only()],
    )
    async def pin_reset(
        self, info: RequestInfo, input: Annotated[PinResetInput, INPUT]
    ) -> PinResetPayload | None:
        """Where the school allows it in the app."""
        return await answer(
            info,
            CARD,
            PinResetPayload,
            lambda status: PinResetPayload(pin=Pin.of(status)),
            _after(
                info,
                input.kind,
                lambda pins, me, kind: pins.reset(
                    me.school_id,
                    me.cardholder_id,
                    kind,
                    pin=input.new_pin,
                    step_up_at=me.session.step_up_at,
                ),
            ),
            Feature.PIN,
        )

    @strawberry.mutation(
        description="Gives a locked PIN its tries back; needs a second proof.",
        directives=[OncePerOperation()],
        extensions=[cardholder_only()],
    )
    async def pin_unlock(
        self, info: RequestInfo, input: Annotated[PinUnlockInput, INPUT]
    ) -> PinUnlockPayload | None:
        """Never by waiting."""
        return await answer(
            info,
            CARD,
            PinUnlockPayload,
            lambda status: PinUnlockPayload(pin=Pin.of(status)),
            _after(
                info,
                input.kind,
                lambda pins, me, kind: pins.unlock(
                    me.school_id, me.cardholder_id, kind, step_up_at=me.session.step_up_at
                ),
            ),
            Feature.PIN,
        )
