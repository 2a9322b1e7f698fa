"""Cash at the window, and the second person above the school's limit (M-063)."""

from typing import Annotated
from uuid import UUID

import strawberry

from core.identity.records import CardholderUnknown
from core.school.records import FourEyesRequest as RequestRecord
from core.school.records import RequestUnknown, Role
from schema.context import RequestInfo
from schema.directives import OncePerOperation
from schema.errors import UserError
from schema.feed import News
from schema.inputs import INPUT, uuid_key
from schema.payload import answer
from schema.permissions import staff, staff_only
from schema.scalars import Base64Bytes, MinorAmount
from schema.services import services
from schema.staff.errors import STAFF
from schema.staff.types import CashTopUp, FourEyesRequest

REASON_MAXIMUM = 200
REQUEST = "The request."


@strawberry.input(description="Cash for a cardholder.")
class CashTopUpInput:
    """Whom, how much and why."""

    idempotency_key: strawberry.ID = strawberry.field(
        description="Made by the client, at most 100 characters: a repeat answers as before."
    )
    number: str = strawberry.field(description="The cardholder's number.")
    minor_amount: MinorAmount = strawberry.field(description="How much, in fen.")
    reason: str = strawberry.field(description="Why, cut to 200 characters, for the audit.")


@strawberry.type(description="Either the posted top-up, or the request for a second person.")
class CashTopUpPayload:
    """What came of it."""

    top_up: CashTopUp | None = strawberry.field(default=None, description="What was posted.")
    four_eyes_request: FourEyesRequest | None = strawberry.field(
        default=None, description="What waits: the amount is above `staff.four_eyes_minor`."
    )
    user_errors: list[UserError] = STAFF.field()


@strawberry.input(description="What a second person agrees to.")
class FourEyesApproveInput:
    """A request and its content."""

    request_id: strawberry.ID = strawberry.field(description=REQUEST)
    content_hash: Base64Bytes = strawberry.field(
        description="The request's `contentHash` as it was read."
    )


@strawberry.type(description="The executed request.")
class FourEyesApprovePayload:
    """The request."""

    request: FourEyesRequest | None = strawberry.field(default=None, description="The request.")
    user_errors: list[UserError] = STAFF.field()


@strawberry.input(description="What a second person refuses, or the requester withdraws.")
class FourEyesRefuseInput:
    """A request and why not."""

    request_id: strawberry.ID = strawberry.field(description=REQUEST)
    reason: str = strawberry.field(description="Why, cut to 200 characters, for the audit.")


@strawberry.type(description="The refused request.")
class FourEyesRefusePayload:
    """The request."""

    request: FourEyesRequest | None = strawberry.field(default=None, description="The request.")
    user_errors: list[UserError] = STAFF.field()


async def _take(info: RequestInfo, asked: CashTopUpInput) -> CashTopUpPayload:
    viewer, found = staff(info), services(info)
    school_id = viewer.school_id
    cardholder_id = await found.cardholders.find_id(school_id, asked.number)
    if cardholder_id is None:
        raise CardholderUnknown("number")
    taken = await found.cash.take(
        school_id,
        viewer.caller,
        cardholder_id,
        asked.minor_amount,
        asked.idempotency_key,
        asked.reason[:REASON_MAXIMUM],
    )
    if taken.request_id is not None:
        request = await found.four_eyes.get(school_id, taken.request_id)
        return CashTopUpPayload(four_eyes_request=FourEyesRequest.of(school_id, request))
    assert taken.top_up_id is not None
    found.feed.tell(school_id, cardholder_id, News.BALANCE)
    top_up = await found.cash.get(school_id, taken.top_up_id)
    balances = await found.ledger.balances(school_id, cardholder_id)
    return CashTopUpPayload(top_up=CashTopUp.of(school_id, top_up, balances.balance_minor))


def _request_id(info: RequestInfo, text: str) -> UUID:
    found = uuid_key(info, text, "FourEyesRequest")
    if found is None:
        raise RequestUnknown("requestId")
    return found


async def _approve(info: RequestInfo, asked: FourEyesApproveInput) -> RequestRecord:
    viewer, found = staff(info), services(info).four_eyes
    request_id = _request_id(info, asked.request_id)
    await found.approve(viewer.school_id, viewer.caller, request_id, asked.content_hash)
    request = await found.get(viewer.school_id, request_id)
    cardholder_id = request.content.get("cardholder_id")
    if isinstance(cardholder_id, str):
        services(info).feed.tell(viewer.school_id, UUID(cardholder_id), News.BALANCE)
    return request


async def _refuse(info: RequestInfo, asked: FourEyesRefuseInput) -> RequestRecord:
    viewer, found = staff(info), services(info).four_eyes
    request_id = _request_id(info, asked.request_id)
    reason = asked.reason[:REASON_MAXIMUM]
    await found.refuse(viewer.school_id, viewer.caller, request_id, reason)
    return await found.get(viewer.school_id, request_id)


@strawberry.type(description="Money over the counter.")
class CashMutation:
    """Cash, and four eyes."""

    @strawberry.mutation(
        description="Takes cash in; above the school's limit it waits for a second person.",
        directives=[OncePerOperation()],
        extensions=[staff_only(Role.CASHIER)],
    )
    async def cash_top_up(
        self, info: RequestInfo, input: Annotated[CashTopUpInput, INPUT]
    ) -> CashTopUpPayload | None:
        """Never for the own card."""
        return await answer(
            info, STAFF, CashTopUpPayload, lambda payload: payload, _take(info, input)
        )

    @strawberry.mutation(
        description="Agrees to a request, which runs once, now.",
        directives=[OncePerOperation()],
        extensions=[staff_only(Role.CASHIER, Role.CARD_MANAGER)],
    )
    async def four_eyes_approve(
        self, info: RequestInfo, input: Annotated[FourEyesApproveInput, INPUT]
    ) -> FourEyesApprovePayload | None:
        """Never by the requester."""
        school_id = staff(info).school_id
        return await answer(
            info,
            STAFF,
            FourEyesApprovePayload,
            lambda done: FourEyesApprovePayload(request=FourEyesRequest.of(school_id, done)),
            _approve(info, input),
        )

    @strawberry.mutation(
        description="Refuses a request, or withdraws the own one.",
        extensions=[staff_only(Role.CASHIER, Role.CARD_MANAGER, Role.CLERK)],
    )
    async def four_eyes_refuse(
        self, info: RequestInfo, input: Annotated[FourEyesRefuseInput, INPUT]
    ) -> FourEyesRefusePayload | None:
        """It never runs."""
        school_id = staff(info).school_id
        return await answer(
            info,
            STAFF,
            FourEyesRefusePayload,
            lambda done: FourEyesRefusePayload(request=FourEyesRequest.of(school_id, done)),
            _refuse(info, input),
        )
