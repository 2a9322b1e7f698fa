"""Staff sign in with a password and a second factor, and give the latter again."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from core.identity.records import SessionTokens as TokensRecord
from core.school.staff_rules import second_factor_until
from schema.context import RequestInfo
from schema.directives import OncePerOperation
from schema.errors import UserError
from schema.inputs import INPUT
from schema.payload import answer
from schema.permissions import staff, staff_only
from schema.school.access import get_school
from schema.services import services
from schema.staff.errors import STAFF

DEVICE = "console"


@strawberry.input(description="Who signs in at the desk.")
class StaffSignInInput:
    """Three secrets."""

    school_code: str = strawberry.field(description="The school's code.")
    login: str = strawberry.field(description="The login.")
    password: str = strawberry.field(description="The password.")
    totp: str = strawberry.field(description="The second factor's 6 digits, good once.")


@strawberry.type(description="The secret of a desk's session, shown this once.")
class StaffTokens:
    """One token: 30 minutes idle, 8 hours at most, never refreshed."""

    access_token: str = strawberry.field(description="For the Authorization header.")
    access_expires_at: datetime = strawberry.field(description="Its end at the latest.")

    @classmethod
    def of(cls, tokens: TokensRecord) -> Self:
        """The client's view."""
        return cls(access_token=tokens.access_token, access_expires_at=tokens.session.expires_at)


@strawberry.type(description="A session at the desk.")
class StaffSignInPayload:
    """Its secret."""

    tokens: StaffTokens | None = strawberry.field(default=None, description="The secret.")
    user_errors: list[UserError] = STAFF.field()


@strawberry.input(description="The second factor again.")
class StaffStepUpInput:
    """A code."""

    totp: str = strawberry.field(description="The second factor's 6 digits, good once.")


@strawberry.type(description="A stronger session.")
class StaffStepUpPayload:
    """Until when."""

    stepped_up_until: datetime | None = strawberry.field(
        default=None, description="Until when acts of two persons are open: 15 minutes."
    )
    user_errors: list[UserError] = STAFF.field()


async def _sign_in(info: RequestInfo, asked: StaffSignInInput) -> TokensRecord:
    school = await get_school(info, asked.school_code)
    return await services(info).staff_sign_in.sign_in(
        school.id, asked.login, asked.password, asked.totp, DEVICE
    )


@strawberry.type(description="Signing in at the desk.")
class StaffSignInMutation:
    """Sign-in and step-up."""

    @strawberry.mutation(
        description="Opens a session at the desk; 5 tries in 15 minutes.",
        directives=[OncePerOperation()],
    )
    async def staff_sign_in(
        self, info: RequestInfo, input: Annotated[StaffSignInInput, INPUT]
    ) -> StaffSignInPayload | None:
        """One refusal for any reason."""
        return await answer(
            info,
            STAFF,
            StaffSignInPayload,
            lambda tokens: StaffSignInPayload(tokens=StaffTokens.of(tokens)),
            _sign_in(info, input),
        )

    @strawberry.mutation(
        description="Gives the second factor again.",
        directives=[OncePerOperation()],
        extensions=[staff_only()],
    )
    async def staff_step_up(
        self, info: RequestInfo, input: Annotated[StaffStepUpInput, INPUT]
    ) -> StaffStepUpPayload | None:
        """Acts of two persons need one of at most 15 minutes ago."""
        return await answer(
            info,
            STAFF,
            StaffStepUpPayload,
            lambda session: StaffStepUpPayload(
                stepped_up_until=second_factor_until(session.step_up_at)
            ),
            services(info).staff_sign_in.step_up(staff(info).session, input.totp),
        )
