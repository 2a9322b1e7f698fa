"""Chips out of step, and cards that came out after their fee was given back: staff decide."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

import strawberry

from core.card.vending import VendJob
from core.school.records import Role
from core.top_up.records import FrozenChip, ReviewUnknown
from schema.context import RequestInfo
from schema.directives import OncePerOperation
from schema.errors import UserError
from schema.inputs import INPUT, uuid_key
from schema.money import Money
from schema.node import node_id
from schema.payload import answer
from schema.permissions import staff, staff_only
from schema.services import services
from schema.staff.errors import STAFF

REASON_MAXIMUM = 200
REVIEWS_MAXIMUM = 100


@strawberry.type(description="A chip out of step: what it said, and what our books held.")
class CardReview:
    """Both amounts; nothing of the card moves until somebody decides."""

    card_id: strawberry.ID = strawberry.field(description="The card, opaque.")
    number: str = strawberry.field(description="The cardholder's number.")
    frozen_at: datetime = strawberry.field(description="When it was out of step.")
    seen_counter: int = strawberry.field(description="The load counter that the chip said.")
    load_counter: int = strawberry.field(description="Where we had it.")
    seen: Money = strawberry.field(description="The balance that the chip said.")
    expected: Money = strawberry.field(description="What our books held on it.")
    load: Money | None = strawberry.field(
        description="What a load holds that the chip may have taken; null if there is none."
    )

    @classmethod
    def of(cls, school_id: int, chip: FrozenChip) -> Self:
        """The client's view."""
        return cls(
            card_id=node_id("Card", school_id, chip.card_id),
            number=chip.number,
            frozen_at=chip.frozen_at,
            seen_counter=chip.seen_counter,
            load_counter=chip.load_counter,
            seen=Money.of(chip.seen_minor),
            expected=Money.of(chip.expected_minor),
            load=None if chip.load_minor is None else Money.of(chip.load_minor),
        )


@strawberry.type(description="A card that came out after its fee was given back.")
class FeeOwed:
    """A job of a kiosk."""

    terminal_no: int = strawberry.field(description="The kiosk.")
    fee: Money = strawberry.field(description="The fee that is open.")
    retrieval_reference: str = strawberry.field(description="Our reference, as on the slip.")
    made_at: datetime = strawberry.field(description="When the job began.")

    @classmethod
    def of(cls, job: VendJob) -> Self:
        """The client's view."""
        return cls(
            terminal_no=job.terminal_no,
            fee=Money.of(job.fee_minor),
            retrieval_reference=job.retrieval_reference,
            made_at=job.made_at,
        )


@strawberry.input(description="What staff decided about a chip.")
class CardReviewSettleInput:
    """A card and a decision."""

    card_id: strawberry.ID = strawberry.field(description="The card, as in `cardReviews`.")
    written: bool = strawberry.field(
        description="Whether the open load is on the chip: then it is posted, else returned."
    )
    reason: str = strawberry.field(description="Why, cut to 200 characters, for the audit.")


@strawberry.type(description="The chips that still wait.")
class CardReviewSettlePayload:
    """What is left to do."""

    left: int | None = strawberry.field(
        default=None, description="How many chips still wait, at most 100 are counted."
    )
    user_errors: list[UserError] = STAFF.field()


async def _settle(info: RequestInfo, asked: CardReviewSettleInput) -> int:
    viewer, found = staff(info), services(info).card_desk.reviews
    card_id: UUID | None = uuid_key(info, asked.card_id, "Card")
    if card_id is None:
        raise ReviewUnknown("cardId")
    await found.settle(
        viewer.school_id,
        viewer.caller,
        card_id,
        is_written=asked.written,
        reason=asked.reason[:REASON_MAXIMUM],
    )
    return len(await found.list_open(viewer.school_id))


@strawberry.type(description="Chips out of step.")
class CardReviewMutation:
    """Decide."""

    @strawberry.mutation(
        description="Lets a chip go on from what it said; its open load is posted or returned.",
        directives=[OncePerOperation()],
        extensions=[staff_only(Role.CARD_MANAGER)],
    )
    async def card_review_settle(
        self, info: RequestInfo, input: Annotated[CardReviewSettleInput, INPUT]
    ) -> CardReviewSettlePayload | None:
        """Never for the own card."""
        return await answer(
            info,
            STAFF,
            CardReviewSettlePayload,
            lambda left: CardReviewSettlePayload(left=left),
            _settle(info, input),
        )
