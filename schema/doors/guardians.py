"""Guardians: offered, taken, ended; and what a guardian sees and does (mission.md 3.7)."""

from typing import Annotated, Self
from uuid import UUID

import strawberry

from core.card.records import CardActImpossible, CardUnknown
from core.identity.guardians import GuardianGrant as GrantRecord
from core.identity.guardians import GuardianRight
from core.identity.linking import masked_name
from core.identity.records import (
    GuardianCodeInvalid,
    GuardianLimitReached,
    GuardianNotOffered,
    GuardianUnknown,
    NotBound,
    StepUpRequired,
)
from core.school.records import FeatureOff
from schema.connection import After, First
from schema.context import RequestInfo
from schema.directives import Bounded, OncePerOperation
from schema.doors import words as _words  # noqa: F401 - describes the enum below
from schema.errors import AreaErrors, BadDocument, UserError
from schema.inputs import INPUT, uuid_key
from schema.node import node_id
from schema.payload import answer
from schema.permissions import cardholder, cardholder_only, holder_only, signed_in
from schema.services import services
from schema.statement.reads import read_balance, read_statement
from schema.statement.types import Balance, StatementLineConnection

RIGHTS_MAXIMUM = 3
_GRANT = "GuardianGrant"

GUARDIAN = AreaErrors(
    "Guardian",
    CardActImpossible,
    CardUnknown,
    FeatureOff,
    GuardianCodeInvalid,
    GuardianLimitReached,
    GuardianNotOffered,
    GuardianUnknown,
    NotBound,
    StepUpRequired,
)


@strawberry.type(description="What a cardholder lets one guardian do.")
class GuardianGrant:
    """A grant or an open offer, as the cardholder sees it."""

    id: strawberry.ID = strawberry.field(description="The grant, opaque.")
    label: str = strawberry.field(description="What the cardholder calls the guardian.")
    rights: list[GuardianRight] = strawberry.field(
        description="What is allowed, at most 3.", directives=[Bounded(maximum=RIGHTS_MAXIMUM)]
    )
    is_accepted: bool = strawberry.field(description="Whether somebody took it.")

    @classmethod
    def of(cls, school_id: int, grant: GrantRecord) -> Self:
        """The client's view."""
        return cls(
            id=node_id(_GRANT, school_id, grant.id),
            label=grant.label,
            rights=sorted(grant.rights),
            is_accepted=grant.accepted_at is not None,
        )


@strawberry.type(description="A cardholder whose guardian the viewer is.")
class Ward:
    """What the grant shows of them."""

    grant: strawberry.Private[GrantRecord]
    id: strawberry.ID = strawberry.field(description="The grant, opaque.")
    masked_name: str = strawberry.field(description="The first character of the name.")
    rights: list[GuardianRight] = strawberry.field(
        description="What is allowed, at most 3.", directives=[Bounded(maximum=RIGHTS_MAXIMUM)]
    )

    @strawberry.field(description="What they have; null without VIEW_STATEMENT.")
    async def balance(self, info: RequestInfo) -> Balance | None:
        """The balance."""
        if GuardianRight.VIEW_STATEMENT not in self.grant.rights:
            return None
        return await read_balance(info, signed_in(info).school_id, self.grant.cardholder_id)

    @strawberry.field(description="Posted movements, newest first; null without VIEW_STATEMENT.")
    async def statement(
        self, info: RequestInfo, first: First = 20, after: After = None
    ) -> StatementLineConnection | None:
        """A page of the statement."""
        if GuardianRight.VIEW_STATEMENT not in self.grant.rights:
            return None
        return await read_statement(info, self.grant.cardholder_id, None, first, after)

    @classmethod
    async def of(cls, info: RequestInfo, grant: GrantRecord) -> Self:
        """The guardian's view."""
        school_id = signed_in(info).school_id
        person = await services(info).cardholders.get(school_id, grant.cardholder_id)
        return cls(
            grant=grant,
            id=node_id(_GRANT, school_id, grant.id),
            masked_name=masked_name(person.name),
            rights=sorted(grant.rights),
        )


@strawberry.input(description="What a guardian shall be allowed.")
class GuardianOfferInput:
    """A label and rights."""

    label: str = strawberry.field(description="What to call the guardian, cut to 20 characters.")
    rights: list[GuardianRight] = strawberry.field(
        description="One to 3 of them.", directives=[Bounded(maximum=RIGHTS_MAXIMUM)]
    )


@strawberry.type(description="An offer, good for a day.")
class GuardianOfferPayload:
    """The code."""

    code: str | None = strawberry.field(
        default=None, description="12 digits for the guardian; shown this once."
    )
    grant: GuardianGrant | None = strawberry.field(default=None, description="The open offer.")
    user_errors: list[UserError] = GUARDIAN.field()


@strawberry.input(description="The code of an offer.")
class GuardianAcceptInput:
    """A code."""

    code: str = strawberry.field(description="The 12 digits; blanks and `-` are ignored.")


@strawberry.type(description="Whose guardian the viewer is now; the cardholder is told.")
class GuardianAcceptPayload:
    """The ward."""

    ward: Ward | None = strawberry.field(default=None, description="The cardholder.")
    user_errors: list[UserError] = GUARDIAN.field()


@strawberry.input(description="A grant to end, from either side.")
class GuardianEndInput:
    """A grant."""

    grant_id: strawberry.ID = strawberry.field(description="The grant.")


@strawberry.type(description="The ended grant.")
class GuardianEndPayload:
    """Its id."""

    ended_grant_id: strawberry.ID | None = strawberry.field(
        default=None, description="The grant that ended."
    )
    user_errors: list[UserError] = GUARDIAN.field()


@strawberry.input(description="Whose physical card is lost.")
class WardCardReportLostInput:
    """A grant with REPORT_LOSS."""

    grant_id: strawberry.ID = strawberry.field(description="The grant.")


@strawberry.type(description="Whether the card is blocked.")
class WardCardReportLostPayload:
    """A yes."""

    is_blocked: bool | None = strawberry.field(
        default=None, description="True once the physical card pays no more."
    )
    user_errors: list[UserError] = GUARDIAN.field()


async def _offer(info: RequestInfo, asked: GuardianOfferInput) -> GuardianOfferPayload:
    if not 1 <= len(asked.rights) <= RIGHTS_MAXIMUM:
        raise BadDocument("RIGHTS")
    viewer = cardholder(info)
    grant, code = await services(info).guardians.offer(viewer.session, asked.label, asked.rights)
    return GuardianOfferPayload(code=code, grant=GuardianGrant.of(viewer.school_id, grant))


async def _accept(info: RequestInfo, asked: GuardianAcceptInput) -> Ward:
    grant = await services(info).guardians.accept(signed_in(info).session, asked.code)
    return await Ward.of(info, grant)


def _grant_id(info: RequestInfo, text: str) -> UUID:
    found = uuid_key(info, text, _GRANT)
    if found is None:
        raise GuardianUnknown("grantId")
    return found


async def _end(info: RequestInfo, asked: GuardianEndInput) -> strawberry.ID:
    grant_id = _grant_id(info, asked.grant_id)
    await services(info).guardians.end(signed_in(info).session, grant_id)
    return asked.grant_id


async def _report(info: RequestInfo, asked: WardCardReportLostInput) -> bool:
    session, found = signed_in(info).session, services(info)
    grant = await found.guardians.require(
        session, _grant_id(info, asked.grant_id), GuardianRight.REPORT_LOSS
    )
    await found.cards.report_loss_by_guardian(session.school_id, grant.cardholder_id)
    return True


@strawberry.type(description="Guardians.")
class GuardianMutation:
    """Grants, and what they allow."""

    @strawberry.mutation(
        description="Offers rights to a guardian; needs a second proof of at most 5 minutes ago.",
        directives=[OncePerOperation()],
        extensions=[cardholder_only()],
    )
    async def guardian_offer(
        self, info: RequestInfo, input: Annotated[GuardianOfferInput, INPUT]
    ) -> GuardianOfferPayload | None:
        """Where the school has guardians."""
        return await answer(
            info, GUARDIAN, GuardianOfferPayload, lambda made: made, _offer(info, input)
        )

    @strawberry.mutation(
        description="Takes an offer, for whoever signed in.",
        directives=[OncePerOperation()],
        extensions=[holder_only()],
    )
    async def guardian_accept(
        self, info: RequestInfo, input: Annotated[GuardianAcceptInput, INPUT]
    ) -> GuardianAcceptPayload | None:
        """A guardian needs no card."""
        return await answer(
            info,
            GUARDIAN,
            GuardianAcceptPayload,
            lambda ward: GuardianAcceptPayload(ward=ward),
            _accept(info, input),
        )

    @strawberry.mutation(description="Ends a grant at once.", extensions=[holder_only()])
    async def guardian_end(
        self, info: RequestInfo, input: Annotated[GuardianEndInput, INPUT]
    ) -> GuardianEndPayload | None:
        """By the cardholder or the guardian."""
        return await answer(
            info,
            GUARDIAN,
            GuardianEndPayload,
            lambda ended: GuardianEndPayload(ended_grant_id=ended),
            _end(info, input),
        )

    @strawberry.mutation(
        description="Reports a ward's physical card as lost.", extensions=[holder_only()]
    )
    async def ward_card_report_lost(
        self, info: RequestInfo, input: Annotated[WardCardReportLostInput, INPUT]
    ) -> WardCardReportLostPayload | None:
        """It protects, so it needs the grant alone."""
        return await answer(
            info,
            GUARDIAN,
            WardCardReportLostPayload,
            lambda blocked: WardCardReportLostPayload(is_blocked=blocked),
            _report(info, input),
        )
