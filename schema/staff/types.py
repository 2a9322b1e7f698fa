"""What a school's staff see."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

import strawberry

from core.entry.records import Direction, EventFlag
from core.entry.records import DoorPassage as PassageRecord
from core.entry.service.doors import PASSAGES_MAXIMUM
from core.identity.records import Cardholder as CardholderRecord
from core.identity.records import CardholderKind
from core.ledger.records import TrialBalance as TrialRecord
from core.school.operators import PER_MERCHANT_MAXIMUM
from core.school.records import FourEyesRequest as RequestRecord
from core.school.records import RequestState, Role
from core.school.records import StaffMember as MemberRecord
from core.school.service.staff import staff_actor
from core.top_up.records import CashTopUp as TopUpRecord
from schema.card.words import CardholderStatus
from schema.context import RequestInfo
from schema.directives import Bounded
from schema.entry import words as _door_words  # noqa: F401 - describes the enums
from schema.errors import BadDocument
from schema.money import Money
from schema.node import node_id
from schema.permissions import staff, staff_only
from schema.scalars import Base64Bytes
from schema.services import services
from schema.staff import words as _words  # noqa: F401 - describes the enums
from schema.staff.card_reviews import REVIEWS_MAXIMUM, CardReview, FeeOwed
from schema.staff.loss import OfflineLoss, Supposed
from schema.staff.operators import Operator
from schema.staff.suspects import SUSPECTS_MAXIMUM, OfflineSuspect
from schema.statement.reads import read_arrears, read_balance
from schema.statement.types import Arrears, Balance

REQUESTS_MAXIMUM = 100

Number = Annotated[str, strawberry.argument(description="The cardholder's number.")]
Reason = Annotated[
    str | None,
    strawberry.argument(description="Why, cut to 200 characters, for the audit."),
]

TerminalNo = Annotated[int, strawberry.argument(description="The terminal the door hangs on.")]
DoorNo = Annotated[int, strawberry.argument(description="The number of the door there, 1 to 32.")]
MerchantNo = Annotated[int, strawberry.argument(description="The merchant's number.")]
Why = Annotated[
    str, strawberry.argument(description="Why, not blank, cut to 200 characters, for the audit.")
]
Until = Annotated[datetime | None, strawberry.argument(description="Passages before this instant.")]


@strawberry.type(description="The ledger's proof (I6): everything that left entered somewhere.")
class TrialBalance:
    """Sums over all accounts of the school, in one snapshot."""

    total: Money = strawberry.field(description="Purses plus others: always zero.")
    purses: Money = strawberry.field(description="What cardholders have.")
    others: Money = strawberry.field(
        description="What merchants, cash and openings stand at; negative where they paid in."
    )
    transfers: int = strawberry.field(description="How many movements there are.")
    as_of: datetime = strawberry.field(description="When it was read.")

    @classmethod
    def of(cls, trial: TrialRecord) -> Self:
        """The client's view."""
        return cls(
            total=Money.of(trial.total_minor),
            purses=Money.of(trial.purses_minor),
            others=Money.of(trial.others_minor),
            transfers=trial.transfers,
            as_of=trial.as_of,
        )


@strawberry.type(description="A cardholder as the desk sees them; nothing of class A.")
class StaffCardholder:
    """A cardholder found by number."""

    cardholder_id: strawberry.Private[UUID]
    number: str = strawberry.field(description="Their number.")
    name: str = strawberry.field(description="Their name.")
    kind: CardholderKind = strawberry.field(description="What they are to the school.")
    status: CardholderStatus = strawberry.field(description="Where they stand.")

    @strawberry.field(description="What they have, as of now.")
    async def balance(self, info: RequestInfo) -> Balance:
        """The balance."""
        return await read_balance(info, staff(info).school_id, self.cardholder_id)

    @strawberry.field(description="What they owe; null if nothing.")
    async def arrears(self, info: RequestInfo) -> Arrears | None:
        """The debt."""
        return await read_arrears(info, staff(info).school_id, self.cardholder_id)

    @classmethod
    def of(cls, person: CardholderRecord) -> Self:
        """The client's view."""
        return cls(
            cardholder_id=person.id,
            number=person.number,
            name=person.name,
            kind=CardholderKind(person.kind),
            status=CardholderStatus(person.status),
        )


@strawberry.type(description="One column of a correction.")
class RegisterChange:
    """A column and its new value."""

    column: str = strawberry.field(description="name, id_number, phone or email.")
    masked_value: str = strawberry.field(description="The new value; a name in full.")


@strawberry.type(description="How many signed in by a poster or link.")
class EntryTag:
    """A tag of one channel."""

    channel: str = strawberry.field(description="The channel.")
    tag: str = strawberry.field(description="The tag.")
    sign_ins: int = strawberry.field(description="How often somebody signed in by it.")


@strawberry.type(description="An act that waits for a second person, or was decided by one.")
class FourEyesRequest:
    """A request."""

    request: strawberry.Private[RequestRecord]
    id: strawberry.ID = strawberry.field(description="The request, opaque.")
    act: str = strawberry.field(description="What it will do, such as CASH_TOP_UP.")
    content_hash: Base64Bytes = strawberry.field(
        description="SHA-256 of all it will do: approve exactly this."
    )
    state: RequestState = strawberry.field(description="How it stands.")
    created_at: datetime = strawberry.field(description="When it was asked.")
    expires_at: datetime = strawberry.field(description="When it dies, 24 hours later.")

    @strawberry.field(description="The money it will move; null if it moves none.")
    def amount(self) -> Money | None:
        """The amount."""
        minor = self.request.content.get("amount_minor")
        return Money.of(minor) if isinstance(minor, int) else None

    @strawberry.field(description="Why it is asked.")
    def reason(self) -> str | None:
        """The reason."""
        reason = self.request.content.get("reason")
        return reason if isinstance(reason, str) else None

    @strawberry.field(description="The number of the cardholder it is about.")
    async def number(self, info: RequestInfo) -> str | None:
        """The number."""
        cardholder_id = self.request.content.get("cardholder_id")
        if not isinstance(cardholder_id, str):
            return None
        found = services(info).cardholders
        return (await found.get(staff(info).school_id, UUID(cardholder_id))).number

    @strawberry.field(
        description="What it will write into the register, masked, at most 4.",
        directives=[Bounded(maximum=4)],
    )
    def changes(self, info: RequestInfo) -> list[RegisterChange]:
        """Of a correction; empty for other acts."""
        listed = services(info).corrections.describe(staff(info).school_id, self.request)
        return [RegisterChange(column=name, masked_value=text) for name, text in listed]

    @classmethod
    def of(cls, school_id: int, request: RequestRecord) -> Self:
        """The client's view."""
        return cls(
            request=request,
            id=node_id("FourEyesRequest", school_id, request.id),
            act=request.act,
            content_hash=Base64Bytes(request.content_hash),
            state=request.state,
            created_at=request.created_at,
            expires_at=request.expires_at,
        )


@strawberry.type(description="Cash taken at the window.")
class CashTopUp:
    """A posted top-up."""

    id: strawberry.ID = strawberry.field(description="The top-up, opaque.")
    amount: Money = strawberry.field(description="How much.")
    balance: Money = strawberry.field(description="What the cardholder has now.")
    made_at: datetime = strawberry.field(description="When it was posted.")

    @classmethod
    def of(cls, school_id: int, top_up: TopUpRecord, balance_minor: int) -> Self:
        """The client's view."""
        return cls(
            id=node_id("CashTopUp", school_id, top_up.id),
            amount=Money.of(top_up.amount_minor),
            balance=Money.of(balance_minor),
            made_at=top_up.made_at,
        )


@strawberry.type(description="One passing of a door, as staff see it.")
class DoorPassage:
    """A number and an instant; names are looked up elsewhere, and noted there."""

    passed_at: datetime = strawberry.field(description="When it was.")
    direction: Direction = strawberry.field(description="Which way.")
    offline: bool = strawberry.field(
        description="Whether the gate had no line then and told later."
    )
    flags: list[EventFlag] = strawberry.field(
        description="What is worth knowing of it, at most 4.", directives=[Bounded(maximum=4)]
    )
    number: str = strawberry.field(description="The cardholder's number.")

    @classmethod
    def of(cls, passage: PassageRecord) -> Self:
        """The client's view."""
        return cls(
            passed_at=passage.passed_at,
            direction=passage.direction,
            offline=passage.is_offline,
            flags=list(passage.flags),
            number=passage.cardholder_number,
        )


@strawberry.type(description="A member of a school's staff.")
class StaffMember:
    """The viewer at the desk; what they may read hangs off here."""

    display_name: str = strawberry.field(description="The name on the screen.")
    roles: list[Role] = strawberry.field(
        description="What they may do, at most 6.", directives=[Bounded(maximum=6)]
    )

    @strawberry.field(description="The proof of the books.", extensions=[staff_only(Role.AUDITOR)])
    async def trial_balance(self, info: RequestInfo) -> TrialBalance | None:
        """For auditors."""
        return TrialBalance.of(await services(info).ledger.trial_balance(staff(info).school_id))

    @strawberry.field(
        description="Requests that wait for a second person, the oldest first, at most 100.",
        directives=[Bounded(maximum=REQUESTS_MAXIMUM)],
        extensions=[staff_only(Role.CASHIER, Role.CARD_MANAGER)],
    )
    async def four_eyes_requests(self, info: RequestInfo) -> list[FourEyesRequest] | None:
        """The open requests."""
        school_id = staff(info).school_id
        listed = await services(info).four_eyes.list_open(school_id)
        return [FourEyesRequest.of(school_id, request) for request in listed]

    @strawberry.field(
        description="Offline records that the school paid in doubt and nobody decided, the oldest"
        " first, at most 100.",
        directives=[Bounded(maximum=SUSPECTS_MAXIMUM)],
        extensions=[staff_only(Role.CARD_MANAGER, Role.AUDITOR)],
    )
    async def offline_suspects(self, info: RequestInfo) -> list[OfflineSuspect] | None:
        """What waits for a review."""
        listed = await services(info).reviews.list_open(staff(info).school_id)
        return [OfflineSuspect.of(suspect) for suspect in listed]

    @strawberry.field(
        description="Chips out of step that wait for a decision, the oldest first, at most 100.",
        directives=[Bounded(maximum=REVIEWS_MAXIMUM)],
        extensions=[staff_only(Role.CARD_MANAGER)],
    )
    async def card_reviews(self, info: RequestInfo) -> list[CardReview] | None:
        """Both amounts of each."""
        school_id = staff(info).school_id
        listed = await services(info).card_desk.reviews.list_open(school_id)
        return [CardReview.of(school_id, chip) for chip in listed]

    @strawberry.field(
        description="Who works a merchant's terminals, by number, at most 50.",
        directives=[Bounded(maximum=PER_MERCHANT_MAXIMUM)],
        extensions=[staff_only(Role.IT_ADMIN, Role.CARD_MANAGER, Role.AUDITOR)],
    )
    async def operators(self, info: RequestInfo, merchant_no: MerchantNo) -> list[Operator] | None:
        """Blocked ones, too."""
        listed = await services(info).operators.registry.list_all(staff(info).school_id)
        return [Operator.of(each) for each in listed if each.merchant_number == merchant_no]

    @strawberry.field(
        description="Cards that came out after their fee was given back, while it is open, the"
        " oldest first, at most 100. Of a card that works it is a debt that the next top-up pays.",
        directives=[Bounded(maximum=REVIEWS_MAXIMUM)],
        extensions=[staff_only(Role.CARD_MANAGER)],
    )
    async def fees_owed(self, info: RequestInfo) -> list[FeeOwed] | None:
        """Fees that no top-up has paid yet, and those that staff decide about."""
        listed = await services(info).card_desk.jobs.owed(staff(info).school_id)
        return [FeeOwed.of(job) for job in listed]

    @strawberry.field(
        description="The cardholder with this number, noted in the audit; null when there is none.",
        extensions=[staff_only(Role.CLERK, Role.CASHIER, Role.CARD_MANAGER)],
    )
    async def cardholder(
        self, info: RequestInfo, number: Number, reason: Reason = None
    ) -> StaffCardholder | None:
        """A cardholder by number."""
        viewer = staff(info)
        found = await services(info).staff_look_ups.find(
            viewer.school_id, number, staff_actor(viewer.member), reason
        )
        return None if found is None else StaffCardholder.of(found)

    @strawberry.field(
        description="Who passed a door in the 24 h before `until` (now if unsaid), newest first,"
        " at most 100; noted in the audit with the reason. Earlier ones: ask with the last time.",
        directives=[Bounded(maximum=PASSAGES_MAXIMUM)],
        extensions=[staff_only(Role.CARD_MANAGER, Role.AUDITOR)],
    )
    async def door_passages(
        self,
        info: RequestInfo,
        terminal_no: TerminalNo,
        door_no: DoorNo,
        reason: Why,
        until: Until = None,
    ) -> list[DoorPassage] | None:
        """Raises BadDocument without a reason: whereabouts are shown to nobody who has none."""
        if not reason.strip():
            raise BadDocument("REASON_MISSING")
        viewer, found = staff(info), services(info)
        listed = await found.doors.list_passages(
            viewer.school_id, (terminal_no, door_no), until or found.clock.now(),
            staff_actor(viewer.member), reason,
        )  # fmt: skip
        return [DoorPassage.of(each) for each in listed]

    @strawberry.field(
        description="Where people came from in the last 90 days, the most first, at most 100.",
        directives=[Bounded(maximum=100)],
        extensions=[staff_only(Role.IT_ADMIN, Role.CARD_MANAGER)],
    )
    async def entry_tags(self, info: RequestInfo) -> list[EntryTag] | None:
        """Sign-ins by the tags of posters and links."""
        counted = await services(info).channel_sign_in.entry_tags(staff(info).school_id)
        return [EntryTag(channel=c, tag=t, sign_ins=n) for c, t, n in counted]

    @strawberry.field(
        description="The most that a stolen phone can cost the school offline, or what if.",
        extensions=[staff_only(Role.IT_ADMIN, Role.CARD_MANAGER, Role.AUDITOR)],
    )
    async def offline_loss(self, info: RequestInfo, what_if: Supposed = None) -> OfflineLoss | None:
        """Computed from the policy, the sites, the terminals and the edges of this instant."""
        asked = None if what_if is None else what_if.checked()
        found = await services(info).losses.exposure(staff(info).school_id, asked)
        return OfflineLoss.of(found)

    @classmethod
    def of(cls, member: MemberRecord) -> Self:
        """The client's view."""
        return cls(display_name=member.display_name, roles=sorted(member.roles))
