"""A cardholder's cards, PINs and limits."""

from datetime import datetime
from typing import Self

import strawberry

from core.card.pin import PinState, PinStatus
from core.card.records import Card as CardRecord
from core.card.records import CardKind, CardState
from core.limit.records import LimitsInForce
from core.school.policy_words import PinKind
from schema.card import words as _words  # noqa: F401 - describes the enums
from schema.money import Money
from schema.node import Node, node_id


@strawberry.type(description="One card.")
class Card(Node):
    """A physical or the virtual card."""

    kind: CardKind = strawberry.field(description="What it is made of.")
    state: CardState = strawberry.field(description="Where it stands.")
    opened_at: datetime | None = strawberry.field(description="When it was opened.")
    lost_at: datetime | None = strawberry.field(description="When its loss was reported.")

    @classmethod
    def of(cls, school_id: int, card: CardRecord) -> Self:
        """The client's view."""
        return cls(
            id=node_id("Card", school_id, card.id),
            kind=card.kind,
            state=card.state,
            opened_at=card.opened_at,
            lost_at=card.lost_at,
        )


@strawberry.type(description="One of the cardholder's PINs; its digits are never told.")
class Pin:
    """Where a PIN stands."""

    kind: PinKind = strawberry.field(description="What it is for.")
    state: PinState = strawberry.field(description="Where it stands.")
    tries_left: int | None = strawberry.field(
        description="How often it may be tried; null unless it is SET."
    )

    @classmethod
    def of(cls, status: PinStatus) -> Self:
        """The client's view."""
        return cls(kind=status.kind, state=status.state, tries_left=status.tries_left)


@strawberry.type(description="Amounts above which a purchase needs the PIN (M-096).")
class Limits:
    """What holds now."""

    single: Money = strawberry.field(description="For one purchase.")
    daily: Money = strawberry.field(description="For all purchases of a school day.")
    spent_today: Money = strawberry.field(description="What this school day has spent so far.")
    app_maximum: Money = strawberry.field(description="The highest that the app may set.")

    @classmethod
    def of(cls, limits: LimitsInForce) -> Self:
        """The client's view."""
        return cls(
            single=Money.of(limits.single_minor),
            daily=Money.of(limits.daily_minor),
            spent_today=Money.of(limits.spent_today_minor),
            app_maximum=Money.of(limits.app_maximum_minor),
        )
