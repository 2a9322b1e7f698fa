"""The card office and the register: link at the counter, correct what it says (M-027)."""

from typing import Annotated

import strawberry

from core.school.records import Role
from schema.context import RequestInfo
from schema.directives import OncePerOperation
from schema.errors import UserError
from schema.inputs import INPUT
from schema.payload import answer
from schema.permissions import staff, staff_only
from schema.services import services
from schema.staff.errors import STAFF
from schema.staff.types import FourEyesRequest

_REASON = "Why, cut to 200 characters, for the audit."
_COLUMNS = ("name", "id_number", "phone", "email")


@strawberry.input(description="A sign-on that waits, and whose card it is.")
class BindingApproveInput:
    """A code and a number."""

    staff_code: str = strawberry.field(
        description="The 8 characters that the person shows; blanks and `-` are ignored."
    )
    number: str = strawberry.field(description="The cardholder's number, by their document.")
    reason: str = strawberry.field(description=_REASON)


@strawberry.type(description="The linked cardholder; the person signs in once more.")
class BindingApprovePayload:
    """A number."""

    number: str | None = strawberry.field(default=None, description="The cardholder's number.")
    user_errors: list[UserError] = STAFF.field()


@strawberry.input(description="What a document shows; what is absent stays as it is.")
class CardholderCorrectInput:
    """A number and its corrections."""

    number: str = strawberry.field(description="The cardholder's number.")
    name: str | None = strawberry.field(default=None, description="The name, at most 60.")
    id_number: str | None = strawberry.field(
        default=None, description="The resident ID number, 18 characters."
    )
    phone: str | None = strawberry.field(default=None, description="A mainland mobile number.")
    email: str | None = strawberry.field(default=None, description="An e-mail address.")
    reason: str = strawberry.field(description=_REASON)


@strawberry.type(description="The correction, which waits for a second person.")
class CardholderCorrectPayload:
    """A request."""

    request: FourEyesRequest | None = strawberry.field(default=None, description="The request.")
    user_errors: list[UserError] = STAFF.field()


async def _approve(info: RequestInfo, asked: BindingApproveInput) -> str:
    viewer = staff(info)
    await services(info).desk_links.approve(
        viewer.school_id, viewer.caller, asked.staff_code, asked.number, asked.reason
    )
    return asked.number


async def _correct(info: RequestInfo, asked: CardholderCorrectInput) -> FourEyesRequest:
    viewer, found = staff(info), services(info)
    stated = {name: getattr(asked, name) for name in _COLUMNS}
    changes = {name: text for name, text in stated.items() if text is not None}
    request = await found.corrections.ask(
        found.four_eyes, viewer.school_id, viewer.caller, asked.number, changes, asked.reason
    )
    return FourEyesRequest.of(viewer.school_id, request)


@strawberry.type(description="The register.")
class RegisterMutation:
    """What the counter does with it."""

    @strawberry.mutation(
        description="Links a sign-on that waits to the card of whoever shows a document.",
        directives=[OncePerOperation()],
        extensions=[staff_only(Role.CLERK, Role.CARD_MANAGER)],
    )
    async def binding_approve(
        self, info: RequestInfo, input: Annotated[BindingApproveInput, INPUT]
    ) -> BindingApprovePayload | None:
        """Never to the own card."""
        return await answer(
            info,
            STAFF,
            BindingApprovePayload,
            lambda number: BindingApprovePayload(number=number),
            _approve(info, input),
        )

    @strawberry.mutation(
        description="Asks to correct name, ID number or addresses; a second person decides.",
        directives=[OncePerOperation()],
        extensions=[staff_only(Role.CLERK, Role.CARD_MANAGER)],
    )
    async def cardholder_correct(
        self, info: RequestInfo, input: Annotated[CardholderCorrectInput, INPUT]
    ) -> CardholderCorrectPayload | None:
        """Then the person binds again."""
        return await answer(
            info,
            STAFF,
            CardholderCorrectPayload,
            lambda request: CardholderCorrectPayload(request=request),
            _correct(info, input),
        )
