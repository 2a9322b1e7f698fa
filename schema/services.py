"""The core's services and the terminals' as the areas read them from the request's context."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.authorisation.service import Authorisations
from core.authorisation.service.reviews import Reviews
from core.card.service.cards import Cards
from core.card.service.codes import Codes
from core.card.service.devices import Devices
from core.card.service.kiosk import Kiosks as VendJobs
from core.card.service.pins import Pins
from core.entry.service.doors import Doors
from core.entry.service.passages import Passages
from core.identity.service.bindings import Bindings
from core.identity.service.campus_links import CampusLinks
from core.identity.service.campus_sign_in import CampusSignIn
from core.identity.service.cardholders import Cardholders
from core.identity.service.channel_sign_in import ChannelSignIn
from core.identity.service.confirmations import Confirmations
from core.identity.service.consents import Consents
from core.identity.service.contacts import Contacts
from core.identity.service.desk import Corrections, DeskLinks
from core.identity.service.guardians import Guardians
from core.identity.service.member_proof import MemberProof
from core.identity.service.real_name import RealNames
from core.identity.service.sessions import Sessions
from core.identity.service.sign_in import SignIn
from core.identity.service.staff_look_ups import StaffLookUps
from core.identity.service.staff_sessions import StaffSignIn
from core.identity.service.step_up import StepUp
from core.kit.clock import Clock
from core.ledger.service import Ledger
from core.limit.service import Limits
from core.school.service import (
    DenyList,
    Documents,
    FourEyes,
    Losses,
    Operators,
    Prints,
    Schools,
    Staff,
    Terminals,
)
from core.settlement.service import Batches
from core.top_up.service import Cash
from core.top_up.service.reviews import ChipReviews
from core.utility.service.reservations import Reservations
from schema.context import RequestInfo
from schema.feed import Feed
from terminals.answers import AnswerKey
from terminals.authoriser import Authoriser
from terminals.claims import Claims
from terminals.entry import Entries
from terminals.entry_events import EntryEvents
from terminals.follow_ups import FollowUps
from terminals.keys import PublicKey
from terminals.kiosks import Kiosks
from terminals.look_up import LookUps
from terminals.merchant_codes import MerchantCodes
from terminals.meter import Metering
from terminals.operators import SignOns
from terminals.publisher import Publisher
from terminals.uploads import Uploads


@dataclass(frozen=True, slots=True)
class TerminalKeys:
    """What terminals are told of the school's keys; `roots` are public keys by their kid."""

    roots: Mapping[int, bytes]
    pin_public_key: bytes
    published: Callable[[int], Sequence[PublicKey]]
    answer: Callable[[int], AnswerKey]


@dataclass(frozen=True, slots=True)
class CardDesk:
    """What answers terminals about cards, and staff about what was left to them."""

    claims: Claims
    kiosks: Kiosks
    jobs: VendJobs
    reviews: ChipReviews


@dataclass(frozen=True, slots=True)
class OperatorDesk:
    """Whom staff register, and who signs on at terminals."""

    registry: Operators
    sign_ons: SignOns


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a field may call; put together by `bff.wiring`."""

    clock: Clock
    schools: Schools
    losses: Losses
    staff: Staff
    terminals: Terminals
    documents: Documents
    operators: OperatorDesk
    prints: Prints
    four_eyes: FourEyes
    cash: Cash
    reviews: Reviews
    cardholders: Cardholders
    staff_look_ups: StaffLookUps
    sign_in: SignIn
    channel_sign_in: ChannelSignIn
    confirmations: Confirmations
    member_proof: MemberProof
    real_names: RealNames
    campus: CampusSignIn
    campus_links: CampusLinks
    consents: Consents
    contacts: Contacts
    guardians: Guardians
    desk_links: DeskLinks
    corrections: Corrections
    sessions: Sessions
    step_up: StepUp
    bindings: Bindings
    staff_sign_in: StaffSignIn
    cards: Cards
    pins: Pins
    devices: Devices
    codes: Codes
    ledger: Ledger
    limits: Limits
    authorisations: Authorisations
    authoriser: Authoriser
    follow_ups: FollowUps
    uploads: Uploads
    batches: Batches
    publisher: Publisher
    deny: DenyList
    look_ups: LookUps
    merchant_codes: MerchantCodes
    doors: Doors
    passages: Passages
    entries: Entries
    entry_events: EntryEvents
    reservations: Reservations
    metering: Metering
    card_desk: CardDesk
    start_url: Callable[[int, str, str], str]
    """Where a browser begins a campus sign-on: school, provider, start id."""
    terminal_keys: TerminalKeys
    feed: Feed


def services(info: RequestInfo) -> Services:
    """The services of a request."""
    found: Services = info.context.services
    return found
