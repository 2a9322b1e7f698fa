"""What the school may lose offline, as its staff see it, with a what-if (codes.md 13)."""

from typing import Annotated, Self

import strawberry

from core.school.loss import Exposure, WhatIf
from core.school.policy import SITES_MAXIMUM
from schema.directives import Bounded
from schema.errors import BadDocument
from schema.money import Money
from schema.scalars import MinorAmount

TERMINALS_MAXIMUM = 10_000
RESERVE_MAXIMUM_MINOR = 100_000


@strawberry.input(description="Another school than this one; what is absent stays as it is.")
class OfflineLossWhatIf:
    """A supposition."""

    sites: int | None = strawberry.field(
        default=None, description="How many sites a pass names, 0 to 16; 16: no mask."
    )
    edges: bool | None = strawberry.field(
        default=None, description="Whether every site has an edge, or none."
    )
    cap_class: int | None = strawberry.field(
        default=None, description="The least cap class of passes, 1 or 2."
    )
    reserve_minor: MinorAmount | None = strawberry.field(
        default=None, description="The reserve set aside at issue, in fen, at most 100000."
    )
    site_count: int | None = strawberry.field(
        default=None, description="How many sites there are, 1 to 16."
    )
    terminals: int | None = strawberry.field(
        default=None, description="How many terminals stand at each site, at most 10000."
    )
    cards: bool | None = strawberry.field(
        default=None, description="Whether terminals take physical cards alone."
    )

    def checked(self) -> WhatIf:
        """The same for the core.

        Raises: BadDocument.
        """
        asked = WhatIf(
            self.sites, self.edges, self.cap_class, self.reserve_minor, self.site_count,
            self.terminals, self.cards,
        )  # fmt: skip
        bounds = (
            (asked.sites, 0, SITES_MAXIMUM), (asked.cap_class, 1, 2),
            (asked.reserve_minor, 1, RESERVE_MAXIMUM_MINOR),
            (asked.site_count, 1, SITES_MAXIMUM), (asked.terminals, 0, TERMINALS_MAXIMUM),
        )  # fmt: skip
        if any(number is not None and not low <= number <= high for number, low, high in bounds):
            raise BadDocument("WHAT_IF_OUT_OF_RANGE")
        return asked


@strawberry.type(description="A site, and who decides there when the network is down.")
class OfflineLossSite:
    """A site."""

    site_number: int = strawberry.field(description="The site.")
    terminals: int = strawberry.field(description="How many terminals sell there.")
    has_edge: bool = strawberry.field(description="Whether one edge decides for all of them.")
    is_named: bool = strawberry.field(description="Whether passes name it.")


@strawberry.type(description="A cap class, and what it can cost.")
class OfflineLossClass:
    """A class."""

    cap_class: int = strawberry.field(description="The class; 3: only behind a PIN.")
    at_one: Money = strawberry.field(description="The most at one terminal or edge.")
    loss: Money = strawberry.field(description="The most at all that a pass names.")
    is_issued: bool = strawberry.field(description="Whether passes of this class are issued.")


@strawberry.type(description="What a stolen physical card can cost after the report of its loss.")
class OfflineLossCard:
    """A card."""

    authorities: int = strawberry.field(
        description="How many terminals take it alone; 0: none may. Edges take no card."
    )
    days: int = strawberry.field(
        description="How many days a terminal that hears nothing may still take it."
    )
    at_one: Money = strawberry.field(description="The most at one terminal in a day.")
    loss: Money = strawberry.field(description="Authorities x days x what each sells.")


@strawberry.type(
    description="The most that an unlocked phone, in one slot, and a physical card can take of an"
    " empty account."
)
class OfflineLoss:
    """The figure and what it is made of."""

    loss: Money = strawberry.field(description="Of the phone and the card together.")
    phone_loss: Money = strawberry.field(
        description="Authorities x what each sells, less the reserve."
    )
    card: OfflineLossCard = strawberry.field(description="What the card adds.")
    accepted: Money = strawberry.field(description="What the school's file accepts.")
    is_accepted: bool = strawberry.field(description="Whether the figure is within that.")
    is_on: bool = strawberry.field(description="Whether offline purchases are allowed at all.")
    authorities: int = strawberry.field(description="How many decide alone, of those named.")
    reserve: Money = strawberry.field(description="What is set aside when a pass is issued.")
    sites: list[OfflineLossSite] = strawberry.field(
        description="The sites, at most 16.", directives=[Bounded(maximum=SITES_MAXIMUM)]
    )
    classes: list[OfflineLossClass] = strawberry.field(
        description="The cap classes, 3.", directives=[Bounded(maximum=3)]
    )

    @classmethod
    def of(cls, found: Exposure) -> Self:
        """The client's view."""
        return cls(
            loss=Money.of(found.loss_minor),
            phone_loss=Money.of(found.phone_minor),
            card=OfflineLossCard(
                authorities=found.card.authorities,
                days=found.card.days,
                at_one=Money.of(found.card.authority_minor),
                loss=Money.of(found.card.loss_minor),
            ),
            accepted=Money.of(found.accepted_minor),
            is_accepted=found.is_accepted,
            is_on=found.is_on,
            authorities=found.authorities,
            reserve=Money.of(found.reserve_minor),
            sites=[
                OfflineLossSite(
                    site_number=place.number,
                    terminals=place.terminals,
                    has_edge=place.has_edge,
                    is_named=place.number < found.sites,
                )
                for place in found.places[:SITES_MAXIMUM]
            ],
            classes=[
                OfflineLossClass(
                    cap_class=each.cap_class,
                    at_one=Money.of(each.authority_minor),
                    loss=Money.of(each.loss_minor),
                    is_issued=each.is_issued,
                )
                for each in found.classes
            ],
        )


Supposed = Annotated[
    OfflineLossWhatIf | None, strawberry.argument(description="What to suppose; null: as it is.")
]
