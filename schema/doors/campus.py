"""Signing in at the school itself (M-030): the hand-off to a browser and back."""

from typing import Annotated

import strawberry

from core.identity.linking import LinkResult
from schema.context import RequestInfo
from schema.directives import OncePerOperation
from schema.doors.errors import DOORS
from schema.doors.types import ConsentInput, LinkProgress, consents_field, given
from schema.errors import UserError
from schema.inputs import INPUT
from schema.payload import answer
from schema.permissions import holder_only, signed_in
from schema.services import services

_PROVIDER = "The provider's id, from `School.campusSignOns`."


@strawberry.input(description="Which sign-on, and where it comes back to.")
class CampusSignInBeginInput:
    """A provider and what stays with the client."""

    provider: strawberry.ID = strawberry.field(description=_PROVIDER)
    challenge: str = strawberry.field(
        description="S256 of a secret of at least 43 characters that stays with this client."
    )
    return_to: str = strawberry.field(description="The page to come back to, exactly as listed.")
    consents: list[ConsentInput] = consents_field()


@strawberry.type(description="What the web-view or browser opens.")
class CampusSignInBeginPayload:
    """An address."""

    start_url: str | None = strawberry.field(
        default=None, description="The address; it is good once and for 2 minutes."
    )
    user_errors: list[UserError] = DOORS.field()


@strawberry.input(description="What the front channel brought back.")
class CampusSignInCompleteInput:
    """A code and its secret."""

    code: str = strawberry.field(description="The code; good once and for 1 minute.")
    verifier: str = strawberry.field(description="The secret that stayed with this client.")


@strawberry.type(description="What the sign-on came to.")
class CampusSignInCompletePayload:
    """The progress."""

    link: LinkProgress | None = strawberry.field(default=None, description="What it came to.")
    user_errors: list[UserError] = DOORS.field()


@strawberry.input(description="A code of the channel that a provider takes without a browser.")
class CampusSignInByCodeInput:
    """A provider and a code."""

    provider: strawberry.ID = strawberry.field(description=_PROVIDER)
    code: str = strawberry.field(description="The code; good once.")
    consents: list[ConsentInput] = consents_field()


@strawberry.type(description="What the sign-on came to.")
class CampusSignInByCodePayload:
    """The progress."""

    link: LinkProgress | None = strawberry.field(default=None, description="What it came to.")
    user_errors: list[UserError] = DOORS.field()


async def _begin(info: RequestInfo, asked: CampusSignInBeginInput) -> str:
    session, found = signed_in(info).session, services(info)
    start_id = await found.campus_links.begin(
        session, asked.provider, asked.challenge, asked.return_to, given(asked.consents)
    )
    return found.start_url(session.school_id, asked.provider, start_id)


async def _progress(info: RequestInfo, result: LinkResult) -> LinkProgress:
    return await LinkProgress.of(info, signed_in(info).school_id, result)


async def _complete(info: RequestInfo, asked: CampusSignInCompleteInput) -> LinkProgress:
    links, session = services(info).campus_links, signed_in(info).session
    return await _progress(info, await links.complete(session, asked.code, asked.verifier))


async def _by_code(info: RequestInfo, asked: CampusSignInByCodeInput) -> LinkProgress:
    links, session = services(info).campus_links, signed_in(info).session
    result = await links.by_code(session, asked.provider, asked.code, given(asked.consents))
    return await _progress(info, result)


@strawberry.type(description="Signing in at the school.")
class CampusMutation:
    """Adds to a session of a channel; a signed-in cardholder is strengthened by it."""

    @strawberry.mutation(
        description="Begins a campus sign-on in a web-view or browser.",
        directives=[OncePerOperation()],
        extensions=[holder_only()],
    )
    async def campus_sign_in_begin(
        self, info: RequestInfo, input: Annotated[CampusSignInBeginInput, INPUT]
    ) -> CampusSignInBeginPayload | None:
        """The code comes back through the front channel of this very client."""
        return await answer(
            info,
            DOORS,
            CampusSignInBeginPayload,
            lambda url: CampusSignInBeginPayload(start_url=url),
            _begin(info, input),
        )

    @strawberry.mutation(
        description="Takes what the sign-on brought back, in the session that began it.",
        directives=[OncePerOperation()],
        extensions=[holder_only()],
    )
    async def campus_sign_in_complete(
        self, info: RequestInfo, input: Annotated[CampusSignInCompleteInput, INPUT]
    ) -> CampusSignInCompletePayload | None:
        """A wrong try burns the code."""
        return await answer(
            info,
            DOORS,
            CampusSignInCompletePayload,
            lambda link: CampusSignInCompletePayload(link=link),
            _complete(info, input),
        )

    @strawberry.mutation(
        description="Signs on by a code of the channel, without a browser.",
        directives=[OncePerOperation()],
        extensions=[holder_only()],
    )
    async def campus_sign_in_by_code(
        self, info: RequestInfo, input: Annotated[CampusSignInByCodeInput, INPUT]
    ) -> CampusSignInByCodePayload | None:
        """For providers whose flow is CODE."""
        return await answer(
            info,
            DOORS,
            CampusSignInByCodePayload,
            lambda link: CampusSignInByCodePayload(link=link),
            _by_code(info, input),
        )
