"""Signing in by a one-time code (M-023, M-031)."""

from typing import Annotated

import strawberry

from core.identity.records import SessionTokens as TokensRecord
from core.identity.records import SignInBegun
from core.ports.messages import AddressKind
from schema.context import RequestInfo
from schema.directives import OncePerOperation
from schema.errors import UserError
from schema.identity.errors import IDENTITY
from schema.identity.types import SessionTokens, ViewerKind, viewer_kind_of
from schema.inputs import INPUT
from schema.payload import answer
from schema.school.access import get_school
from schema.services import services


@strawberry.input(description="Where to send a one-time code.")
class SignInBeginInput:
    """An address at a school."""

    school_code: str = strawberry.field(description="The school's code.")
    address_kind: AddressKind = strawberry.field(description="What sort of address it is.")
    address: str = strawberry.field(description="The address, at most 254 characters.")


@strawberry.type(description="The one answer, whoever the address belongs to.")
class SignInBeginPayload:
    """When to ask again."""

    resend_after_seconds: int | None = strawberry.field(
        default=None, description="How long to wait before asking for another code, in seconds."
    )
    user_errors: list[UserError] = IDENTITY.field()


@strawberry.input(description="The code that was sent.")
class SignInCompleteInput:
    """A proof of an address."""

    school_code: str = strawberry.field(description="The school's code.")
    address_kind: AddressKind = strawberry.field(description="What sort of address it is.")
    address: str = strawberry.field(description="The address the code was sent to.")
    code: str = strawberry.field(description="The 6 digits; 5 minutes, 5 tries.")
    device_label: str = strawberry.field(
        description="What the device calls itself, cut to 80 characters."
    )


@strawberry.type(description="A new session.")
class SignInCompletePayload:
    """Its secrets, and whether a card is bound."""

    tokens: SessionTokens | None = strawberry.field(
        default=None, description="The session's secrets."
    )
    viewer_kind: ViewerKind | None = strawberry.field(
        default=None, description="CARDHOLDER, or UNBOUND while no card is bound."
    )
    user_errors: list[UserError] = IDENTITY.field()


async def _begin(info: RequestInfo, asked: SignInBeginInput) -> SignInBegun:
    school = await get_school(info, asked.school_code)
    return await services(info).sign_in.sign_in_begin(
        school.id, asked.address_kind, asked.address, info.context.network
    )


async def _complete(info: RequestInfo, asked: SignInCompleteInput) -> TokensRecord:
    school = await get_school(info, asked.school_code)
    return await services(info).sign_in.sign_in_complete(
        school.id, asked.address_kind, asked.address, asked.code, asked.device_label
    )


def _signed_in(tokens: TokensRecord) -> SignInCompletePayload:
    return SignInCompletePayload(
        tokens=SessionTokens.of(tokens), viewer_kind=viewer_kind_of(tokens)
    )


@strawberry.type(description="Signing in.")
class SignInMutation:
    """The two steps of the native channel."""

    @strawberry.mutation(
        description="Sends a one-time code to an address, at most one a minute.",
        directives=[OncePerOperation()],
    )
    async def sign_in_begin(
        self, info: RequestInfo, input: Annotated[SignInBeginInput, INPUT]
    ) -> SignInBeginPayload | None:
        """The same answer for every address."""
        return await answer(
            info,
            IDENTITY,
            SignInBeginPayload,
            lambda begun: SignInBeginPayload(resend_after_seconds=begun.resend_after_seconds),
            _begin(info, input),
        )

    @strawberry.mutation(
        description="Opens a session for whoever has the code.", directives=[OncePerOperation()]
    )
    async def sign_in_complete(
        self, info: RequestInfo, input: Annotated[SignInCompleteInput, INPUT]
    ) -> SignInCompletePayload | None:
        """The session."""
        return await answer(
            info, IDENTITY, SignInCompletePayload, _signed_in, _complete(info, input)
        )
