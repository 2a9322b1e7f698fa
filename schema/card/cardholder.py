"""The cardholder: everything that hangs off `viewer.cardholder`."""

from datetime import date
from typing import Annotated, Self
from uuid import UUID

import strawberry

from core.card.records import CardKind
from core.identity.records import Cardholder as CardholderRecord
from core.identity.records import CardholderKind
from core.ports.messages import AddressKind
from core.school.features import offered
from core.school.policy_words import Channel, Feature
from schema.card.reads import find_card, read_limits
from schema.card.types import Card, Limits, Pin
from schema.card.words import CardholderStatus
from schema.code.types import CodeDevice
from schema.connection import After, First
from schema.context import CardholderViewer, RequestContext, RequestInfo
from schema.directives import Bounded
from schema.entry.reads import read_passages
from schema.entry.types import PassageConnection
from schema.identity.types import Binding, Consent, Contacts, Session
from schema.inputs import month_of
from schema.node import Node, node_id
from schema.permissions import cardholder
from schema.services import Services, services
from schema.statement.reads import (
    read_arrears,
    read_balance,
    read_payment,
    read_statement,
    read_totals,
)
from schema.statement.types import Arrears, Balance, MonthTotals, Payment, StatementLineConnection
from schema.water.types import SLOTS_MAXIMUM, WaterGroup, WaterReservation, WaterSlot

LISTED_MAXIMUM = 100

Month = Annotated[
    str | None,
    strawberry.argument(description="YYYY-MM in the school's time zone; null: all of time."),
]
GroupNo = Annotated[int, strawberry.argument(description="The number of the bath house.")]
OnDay = Annotated[date, strawberry.argument(description="A day of the school's time zone.")]
OneMonth = Annotated[str, strawberry.argument(description="YYYY-MM in the school's time zone.")]


@strawberry.type(description="The person a card belongs to, as they see themselves.")
class Cardholder(Node):
    """The viewer's own cardholder; each field below the facts is one read."""

    school_id: strawberry.Private[int]
    cardholder_id: strawberry.Private[UUID]
    number: str = strawberry.field(description="Their number at the school.")
    name: str = strawberry.field(description="Their name.")
    kind: CardholderKind = strawberry.field(description="What they are to the school.")
    status: CardholderStatus = strawberry.field(description="Where they stand.")
    campus_code: str | None = strawberry.field(description="The code of their campus.")

    @strawberry.field(description="The virtual card.")
    async def virtual_card(self, info: RequestInfo) -> Card | None:
        """The virtual card."""
        return await find_card(info, self.school_id, self.cardholder_id, CardKind.VIRTUAL)

    @strawberry.field(description="The physical card; null where there is none.")
    async def physical_card(self, info: RequestInfo) -> Card | None:
        """The physical card."""
        return await find_card(info, self.school_id, self.cardholder_id, CardKind.PHYSICAL)

    @strawberry.field(description="What they have, as of now.")
    async def balance(self, info: RequestInfo) -> Balance:
        """The balance."""
        return await read_balance(info, self.school_id, self.cardholder_id)

    @strawberry.field(description="What they owe; null if nothing.")
    async def arrears(self, info: RequestInfo) -> Arrears | None:
        """The debt."""
        return await read_arrears(info, self.school_id, self.cardholder_id)

    @strawberry.field(description="Amounts above which the PIN is asked.")
    async def limits(self, info: RequestInfo) -> Limits:
        """The limits."""
        return await read_limits(info, self.school_id, self.cardholder_id)

    @strawberry.field(
        description="One PIN of each kind the school has, at most 3.",
        directives=[Bounded(maximum=3)],
    )
    async def pins(self, info: RequestInfo) -> list[Pin]:
        """The PINs."""
        listed = await services(info).pins.list_all(self.school_id, self.cardholder_id)
        return [Pin.of(status) for status in listed]

    @strawberry.field(
        description="The phones that may show codes, the oldest first, at most 5.",
        directives=[Bounded(maximum=5)],
    )
    async def code_devices(self, info: RequestInfo) -> list[CodeDevice]:
        """The live devices."""
        listed = await services(info).devices.list_live(self.school_id, self.cardholder_id)
        return [CodeDevice.of(self.school_id, device) for device in listed]

    @strawberry.field(
        description="What is linked to the card, the newest first, at most 10.",
        directives=[Bounded(maximum=10)],
    )
    async def bindings(self, info: RequestInfo) -> list[Binding]:
        """The live bindings."""
        listed = await services(info).bindings.list_live(self.school_id, self.cardholder_id)
        return [Binding.of(self.school_id, binding) for binding in listed]

    @strawberry.field(
        description="The devices signed in through this binding, at most 100.",
        directives=[Bounded(maximum=LISTED_MAXIMUM)],
    )
    async def sessions(self, info: RequestInfo) -> list[Session]:
        """The live sessions."""
        own = cardholder(info).session
        listed = await services(info).sessions.list_devices(own)
        return [Session.of(session, own.id) for session in listed]

    @strawberry.field(description="Posted movements, newest first.")
    async def statement(
        self,
        info: RequestInfo,
        month: Month = None,
        first: First = 20,
        after: After = None,
    ) -> StatementLineConnection:
        """A page of the statement."""
        day = None if month is None else month_of(month)
        return await read_statement(info, self.cardholder_id, day, first, after)

    @strawberry.field(
        description="The doors passed, newest first, of the last 180 days; nobody else reads them."
    )
    async def passages(
        self, info: RequestInfo, first: First = 20, after: After = None
    ) -> PassageConnection:
        """A page of the own log (U-06)."""
        return await read_passages(info, first, after)

    @strawberry.field(description="What a month brought in and took out.")
    async def month_totals(self, info: RequestInfo, month: OneMonth) -> MonthTotals:
        """The sums of a month."""
        return await read_totals(info, self.cardholder_id, month, month_of(month))

    @strawberry.field(
        description="The newest purchase, declined ones too; null before the first. The twin of"
        " `paymentResult`."
    )
    async def last_payment(self, info: RequestInfo) -> Payment | None:
        """What became of it."""
        return await read_payment(info, self.school_id, self.cardholder_id)

    @strawberry.field(
        description="What was agreed to, the newest first, at most 100.",
        directives=[Bounded(maximum=LISTED_MAXIMUM)],
    )
    async def consents(self, info: RequestInfo) -> list[Consent]:
        """The agreements of everything bound to the card."""
        listed = await services(info).consents.list_of_cardholder(
            self.school_id, self.cardholder_id
        )
        return [Consent.of(each) for each in listed]

    @strawberry.field(description="Where notices and one-time codes go, masked.")
    async def contacts(self, info: RequestInfo) -> Contacts:
        """The register's addresses."""
        found = await services(info).contacts.masked(self.school_id, self.cardholder_id)
        return Contacts(phone=found[AddressKind.PHONE], email=found[AddressKind.EMAIL])

    @strawberry.field(
        description="What the school offers the holder in this channel and on their campus,"
        " at most 25.",
        directives=[Bounded(maximum=25)],
    )
    async def features(self, info: RequestInfo) -> list[Feature]:
        """The policy's features, in the order of the grid."""
        policy = await services(info).schools.policy(self.school_id)
        channel = Channel(cardholder(info).session.channel)
        return offered(policy, channel, self.campus_code)

    @strawberry.field(
        description="The bath houses that can be reserved, by number, at most 50.",
        directives=[Bounded(maximum=50)],
    )
    async def water_groups(self, info: RequestInfo) -> list[WaterGroup]:
        """Those of campuses that offer it."""
        channel = Channel(cardholder(info).session.channel)
        listed = await services(info).reservations.list_groups(self.school_id, channel)
        return [WaterGroup.of(self.school_id, each) for each in listed[:50]]

    @strawberry.field(
        description="The slots of a bath house on a day that are not over, at most 96; none of one"
        " that cannot be reserved.",
        directives=[Bounded(maximum=SLOTS_MAXIMUM)],
    )
    async def water_slots(self, info: RequestInfo, group_no: GroupNo, on: OnDay) -> list[WaterSlot]:
        """What can be reserved."""
        found = await services(info).reservations.free_slots(self.school_id, group_no, on)
        return [WaterSlot.of(each) for each in found[:SLOTS_MAXIMUM]]

    @strawberry.field(
        description="Reservations of water that are not over, the next one first, at most 5.",
        directives=[Bounded(maximum=5)],
    )
    async def water_reservations(self, info: RequestInfo) -> list[WaterReservation]:
        """The reservations that hold."""
        listed = await services(info).reservations.list_open(self.school_id, self.cardholder_id)
        return [WaterReservation.of(self.school_id, each) for each in listed[:5]]

    @classmethod
    def of(cls, school_id: int, person: CardholderRecord) -> Self:
        """The client's view."""
        return cls(
            id=node_id("Cardholder", school_id, person.id),
            school_id=school_id,
            cardholder_id=person.id,
            number=person.number,
            name=person.name,
            kind=CardholderKind(person.kind),
            status=CardholderStatus(person.status),
            campus_code=person.campus_code,
        )


async def own_cardholder(context: RequestContext) -> Cardholder | None:
    """The viewer's cardholder; None for every other viewer."""
    viewer = context.viewer
    if not isinstance(viewer, CardholderViewer):
        return None
    found: Services = context.services
    person = await found.cardholders.get(viewer.school_id, viewer.cardholder_id)
    return Cardholder.of(viewer.school_id, person)


async def load_cardholder(context: RequestContext, key: str) -> Cardholder | None:
    """The viewer's own cardholder by its key."""
    own = await own_cardholder(context)
    return own if own is not None and str(own.cardholder_id) == key else None
