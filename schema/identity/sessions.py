"""Keeping, ending and strengthening a session (security.md 3)."""

from datetime import datetime
from typing import Annotated

import strawberry

from core.card.credentials import paying_kind
from core.identity.lives import stepped_up_until
from core.identity.records import SessionRecord
from core.ports.messages import AddressKind
from schema.context import RequestInfo
from schema.directives import OncePerOperation
from schema.errors import BadDocument, UserError
from schema.identity.errors import IDENTITY
from schema.identity.types import SessionTokens
from schema.inputs import INPUT, uuid_key
from schema.payload import answer
from schema.permissions import cardholder, cardholder_only, signed_in, signed_in_only
from schema.services import services


@strawberry.input(description="The token to be replaced.")
class SessionRefreshInput:
    """A refresh token."""

    refresh_token: str = strawberry.field(description="The newest refresh token.")
    device_label: str | None = strawberry.field(
        default=None,
        description="As at sign-in. The device that lost an answer and names itself may use a token"
        " again within 10 s; any other second use ends all sessions of the sign-in.",
    )


@strawberry.type(description="New secrets of the same session.")
class SessionRefreshPayload:
    """The tokens."""

    tokens: SessionTokens | None = strawberry.field(default=None, description="The new secrets.")
    user_errors: list[UserError] = IDENTITY.field()


@strawberry.input(description="Which sessions to end.")
class SessionRevokeInput:
    """One session, or all."""

    session_id: strawberry.ID | None = strawberry.field(
        default=None, description="The session; null: the one that asks."
    )
    all: bool = strawberry.field(
        default=False, description="Every session of the binding; `sessionId` is not looked at."
    )


@strawberry.type(description="What was ended.")
class SessionRevokePayload:
    """How many."""

    revoked_count: int | None = strawberry.field(
        default=None, description="How many sessions ended; 0 for an unknown one."
    )
    user_errors: list[UserError] = IDENTITY.field()


@strawberry.input(description="Where the holder expects a one-time code.")
class SessionStepUpBeginInput:
    """An optional kind."""

    address_kind: AddressKind | None = strawberry.field(
        default=None,
        description="What the register's address is expected to be; null: whatever it is.",
    )


@strawberry.type(description="A code is under way to the address in the register.")
class SessionStepUpBeginPayload:
    """When to ask again."""

    resend_after_seconds: int | None = strawberry.field(
        default=None, description="How long to wait before asking for another code, in seconds."
    )
    user_errors: list[UserError] = IDENTITY.field()


@strawberry.input(description="A second proof: the code or the PIN, exactly one of them.")
class SessionStepUpInput:
    """A proof."""

    code: str | None = strawberry.field(default=None, description="The 6 digits that were sent.")
    pin: str | None = strawberry.field(default=None, description="The PIN that pays.")


@strawberry.type(description="A stronger session.")
class SessionStepUpPayload:
    """Until when."""

    stepped_up_until: datetime | None = strawberry.field(
        default=None, description="Until when acts that need a second proof are open."
    )
    user_errors: list[UserError] = IDENTITY.field()


async def _revoke(info: RequestInfo, asked: SessionRevokeInput) -> int:
    sessions, session = services(info).sessions, signed_in(info).session
    if asked.all:
        ending = len(await sessions.list_devices(session))
        await sessions.revoke_all(session)
        return ending
    if asked.session_id is None:
        await sessions.sign_out(session)
        return 1
    session_id = uuid_key(info, asked.session_id, "Session")
    return int(session_id is not None and await sessions.revoke_device(session, session_id))


async def _step_up(info: RequestInfo, asked: SessionStepUpInput) -> SessionRecord:
    step_up, viewer = services(info).step_up, cardholder(info)
    match asked.code, asked.pin:
        case str(code), None:
            return await step_up.by_code(viewer.session, code)
        case None, str(pin):
            policy = await services(info).schools.policy(viewer.school_id)
            return await step_up.by_pin(viewer.session, paying_kind(policy.pin.kinds), pin)
    raise BadDocument("CODE_OR_PIN")


@strawberry.type(description="Sessions.")
class SessionMutation:
    """What may be done with a session."""

    @strawberry.mutation(
        description="New tokens for an old refresh token.", directives=[OncePerOperation()]
    )
    async def session_refresh(
        self, info: RequestInfo, input: Annotated[SessionRefreshInput, INPUT]
    ) -> SessionRefreshPayload | None:
        """Needs no access token: it may have run out."""
        return await answer(
            info,
            IDENTITY,
            SessionRefreshPayload,
            lambda tokens: SessionRefreshPayload(tokens=SessionTokens.of(tokens)),
            services(info).sessions.refresh(input.refresh_token, input.device_label or ""),
        )

    @strawberry.mutation(description="Signs devices out.", extensions=[signed_in_only()])
    async def session_revoke(
        self, info: RequestInfo, input: Annotated[SessionRevokeInput, INPUT]
    ) -> SessionRevokePayload | None:
        """This device, another one, or all."""
        return await answer(
            info,
            IDENTITY,
            SessionRevokePayload,
            lambda count: SessionRevokePayload(revoked_count=count),
            _revoke(info, input),
        )

    @strawberry.mutation(
        description="Sends a one-time code to the address in the register.",
        directives=[OncePerOperation()],
        extensions=[cardholder_only()],
    )
    async def session_step_up_begin(
        self, info: RequestInfo, input: Annotated[SessionStepUpBeginInput, INPUT]
    ) -> SessionStepUpBeginPayload | None:
        """The address is never told."""
        return await answer(
            info,
            IDENTITY,
            SessionStepUpBeginPayload,
            lambda begun: SessionStepUpBeginPayload(
                resend_after_seconds=begun.resend_after_seconds
            ),
            services(info).step_up.begin(cardholder(info).session, input.address_kind),
        )

    @strawberry.mutation(
        description="Gives a second proof, good for 5 minutes.",
        directives=[OncePerOperation()],
        extensions=[cardholder_only()],
    )
    async def session_step_up(
        self, info: RequestInfo, input: Annotated[SessionStepUpInput, INPUT]
    ) -> SessionStepUpPayload | None:
        """By code or by PIN."""
        return await answer(
            info,
            IDENTITY,
            SessionStepUpPayload,
            lambda session: SessionStepUpPayload(stepped_up_until=stepped_up_until(session)),
            _step_up(info, input),
        )
