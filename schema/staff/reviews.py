"""Who bears what the school paid in doubt: the decision of staff."""

from typing import Annotated
from uuid import UUID

import strawberry

from core.authorisation.records import Key
from core.authorisation.reviews import Bearer
from core.school.records import Role
from schema.context import RequestInfo
from schema.directives import OncePerOperation
from schema.errors import UserError
from schema.feed import News
from schema.inputs import INPUT
from schema.payload import answer
from schema.permissions import staff, staff_only
from schema.services import services
from schema.staff.cash import REASON_MAXIMUM
from schema.staff.errors import STAFF
from schema.staff.suspects import OfflineSuspect
from schema.staff.types import FourEyesRequest


@strawberry.input(description="A decision about a record that the school paid in doubt.")
class OfflineReviewDecideInput:
    """Which record, who bears it, and why."""

    idempotency_key: strawberry.ID = strawberry.field(
        description="Made by the client, at most 100 characters: a repeat answers as before."
    )
    terminal_no: int = strawberry.field(description="Which terminal wrote it.")
    batch_no: int = strawberry.field(description="In which batch.")
    seq_no: int = strawberry.field(description="Under which number.")
    bearer: Bearer = strawberry.field(description="Who bears it.")
    reason: str = strawberry.field(description="Why, cut to 200 characters, for the audit.")


@strawberry.type(description="The decided record, or the request for a second person.")
class OfflineReviewDecidePayload:
    """What came of it."""

    suspect: OfflineSuspect | None = strawberry.field(default=None, description="The record.")
    four_eyes_request: FourEyesRequest | None = strawberry.field(
        default=None, description="What waits: the amount is above `staff.four_eyes_minor`."
    )
    user_errors: list[UserError] = STAFF.field()


async def _decide(info: RequestInfo, asked: OfflineReviewDecideInput) -> OfflineReviewDecidePayload:
    viewer, found = staff(info), services(info)
    key = Key(asked.terminal_no, asked.batch_no, asked.seq_no)
    request_id: UUID | None = await found.reviews.decide(
        viewer.school_id, viewer.caller, key, asked.bearer, asked.idempotency_key,
        asked.reason[:REASON_MAXIMUM],
    )  # fmt: skip
    suspect = await found.reviews.get(viewer.school_id, key)
    if request_id is not None:
        request = await found.four_eyes.get(viewer.school_id, request_id)
        return OfflineReviewDecidePayload(
            suspect=OfflineSuspect.of(suspect),
            four_eyes_request=FourEyesRequest.of(viewer.school_id, request),
        )
    if suspect.bearer is Bearer.HOLDER and suspect.cardholder_id is not None:
        found.feed.tell(viewer.school_id, suspect.cardholder_id, News.BALANCE)
    return OfflineReviewDecidePayload(suspect=OfflineSuspect.of(suspect))


@strawberry.type(description="Reviews of what terminals did alone.")
class ReviewMutation:
    """Decisions."""

    @strawberry.mutation(
        description="Decides who bears a SUSPECT record; above the school's limit it waits for a"
        " second person.",
        directives=[OncePerOperation()],
        extensions=[staff_only(Role.CARD_MANAGER)],
    )
    async def offline_review_decide(
        self, info: RequestInfo, input: Annotated[OfflineReviewDecideInput, INPUT]
    ) -> OfflineReviewDecidePayload | None:
        """Once; never about the own card."""
        return await answer(
            info, STAFF, OfflineReviewDecidePayload, lambda payload: payload, _decide(info, input)
        )
