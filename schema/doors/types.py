"""What a proof came to, and the campus sign-ons a channel shows."""

from typing import Self

import strawberry

from core.identity.consents import ConsentGiven
from core.identity.linking import LinkResult, NextStep
from schema.card.cardholder import Cardholder
from schema.context import RequestInfo
from schema.directives import Bounded
from schema.doors import words as _words  # noqa: F401 - describes the enums below
from schema.identity.types import SessionTokens
from schema.services import services

CONSENTS_MAXIMUM = 10


@strawberry.input(description="A document that the person agrees to, in the version they saw.")
class ConsentInput:
    """An agreement."""

    document: str = strawberry.field(description="Its code, from `School.consents`.")
    version: int = strawberry.field(description="The version that was shown.")


def given(consents: list[ConsentInput]) -> list[ConsentGiven]:
    """What a person agrees to, as the core takes it."""
    return [ConsentGiven(each.document, each.version) for each in consents[:CONSENTS_MAXIMUM]]


def consents_field() -> list[ConsentInput]:
    """The `consents` field of an input."""
    made: list[ConsentInput] = strawberry.field(
        default_factory=list,
        description="What the person agrees to now, at most 10.",
        directives=[Bounded(maximum=CONSENTS_MAXIMUM)],
    )
    return made


@strawberry.type(description="A proven cardholder as much as may be shown before they agree.")
class MatchedCardholder:
    """Everything masked."""

    masked_name: str = strawberry.field(description="The first character of the name.")
    masked_number: str = strawberry.field(description="The end of the number.")
    masked_id_number: str | None = strawberry.field(
        description="The last character of the ID number; null where the register has none."
    )


@strawberry.type(description="What a proof came to.")
class LinkProgress:
    """The next step, and what it needs."""

    step: NextStep = strawberry.field(description="What is missing before the card is bound.")
    cardholder: Cardholder | None = strawberry.field(
        description="Whose card was bound; null while something is missing."
    )
    tokens: SessionTokens | None = strawberry.field(
        description="The new secrets where a card was bound; the old ones ended with it."
    )
    matched: MatchedCardholder | None = strawberry.field(
        description="Whom CONFIRM and STEP_UP are about."
    )
    choices: list[str] = strawberry.field(
        description="The numbers of the person's cards for CHOOSE, at most 10.",
        directives=[Bounded(maximum=10)],
    )
    staff_code: str | None = strawberry.field(
        description="For PROVE_CARD: 8 characters to show at the counter, good for a day."
    )

    @classmethod
    async def of(cls, info: RequestInfo, school_id: int, result: LinkResult) -> Self:
        """The client's view."""
        holder = None
        if result.tokens is not None and result.tokens.session.cardholder_id is not None:
            cardholder_id = result.tokens.session.cardholder_id
            person = await services(info).cardholders.get(school_id, cardholder_id)
            holder = Cardholder.of(school_id, person)
        matched = result.matched
        return cls(
            step=result.step,
            cardholder=holder,
            tokens=None if result.tokens is None else SessionTokens.of(result.tokens),
            matched=None
            if matched is None
            else MatchedCardholder(
                masked_name=matched.masked_name,
                masked_number=matched.masked_number,
                masked_id_number=matched.masked_id_number,
            ),
            choices=list(result.choices),
            staff_code=result.staff_code,
        )
