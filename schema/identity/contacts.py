"""The holder's own telephone and e-mail (M-015)."""

from typing import Annotated

import strawberry

from core.ports.messages import AddressKind
from schema.context import RequestInfo
from schema.directives import OncePerOperation
from schema.errors import UserError
from schema.identity.errors import IDENTITY
from schema.inputs import INPUT
from schema.payload import answer
from schema.permissions import cardholder, cardholder_only
from schema.services import services


@strawberry.input(description="A new address.")
class ContactChangeBeginInput:
    """An address of a kind."""

    address_kind: AddressKind = strawberry.field(description="E-mail or telephone.")
    address: str = strawberry.field(description="The new address, at most 254 characters.")


@strawberry.type(description="A code is under way to the new address.")
class ContactChangeBeginPayload:
    """When to ask again."""

    resend_after_seconds: int | None = strawberry.field(
        default=None, description="How long to wait before asking for another code, in seconds."
    )
    user_errors: list[UserError] = IDENTITY.field()


@strawberry.input(description="The code that came to the new address.")
class ContactChangeInput:
    """A proven address."""

    address_kind: AddressKind = strawberry.field(description="As it was begun.")
    address: str = strawberry.field(description="As it was begun.")
    code: str = strawberry.field(description="The 6 digits; 5 minutes, 5 tries.")


@strawberry.type(description="The address that notices and one-time codes go to from now on.")
class ContactChangePayload:
    """The address, masked."""

    masked_address: str | None = strawberry.field(default=None, description="It, masked.")
    user_errors: list[UserError] = IDENTITY.field()


@strawberry.type(description="Own addresses.")
class ContactMutation:
    """Two steps, each with a second proof of at most 5 minutes ago."""

    @strawberry.mutation(
        description="Sends a code to a new address of the cardholder.",
        directives=[OncePerOperation()],
        extensions=[cardholder_only()],
    )
    async def contact_change_begin(
        self, info: RequestInfo, input: Annotated[ContactChangeBeginInput, INPUT]
    ) -> ContactChangeBeginPayload | None:
        """Whoever has it."""
        return await answer(
            info,
            IDENTITY,
            ContactChangeBeginPayload,
            lambda begun: ContactChangeBeginPayload(
                resend_after_seconds=begun.resend_after_seconds
            ),
            services(info).contacts.change_begin(
                cardholder(info).session, input.address_kind, input.address
            ),
        )

    @strawberry.mutation(
        description="Takes the new address over; the old one is told.",
        directives=[OncePerOperation()],
        extensions=[cardholder_only()],
    )
    async def contact_change(
        self, info: RequestInfo, input: Annotated[ContactChangeInput, INPUT]
    ) -> ContactChangePayload | None:
        """The next roster leaves it alone."""
        return await answer(
            info,
            IDENTITY,
            ContactChangePayload,
            lambda shown: ContactChangePayload(masked_address=shown),
            services(info).contacts.change(
                cardholder(info).session, input.address_kind, input.address, input.code
            ),
        )
