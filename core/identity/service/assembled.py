"""The identity context put together: what it needs from outside, and its services over that."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.audit.service import Audit
from core.db.unit import Database
from core.identity.service.attempt_store import AttemptStore
from core.identity.service.attempts import Attempts
from core.identity.service.bindings import Bindings
from core.identity.service.campus_links import CampusLinks
from core.identity.service.campus_sign_in import CampusSignIn
from core.identity.service.cardholders import Cardholders
from core.identity.service.channel_sign_in import ChannelSignIn
from core.identity.service.confirmations import Confirmations
from core.identity.service.consents import Consents
from core.identity.service.contacts import Contacts
from core.identity.service.evidence import EvidenceReader
from core.identity.service.guardians import Guardians
from core.identity.service.links import Links
from core.identity.service.member_proof import MemberProof
from core.identity.service.messages import Messages
from core.identity.service.provider_notices import ProviderNotices
from core.identity.service.real_name import RealNames
from core.identity.service.roster import RosterImport
from core.identity.service.sessions import Sessions
from core.identity.service.sign_in import OneTimeCodes, SignIn
from core.identity.service.step_up import StepUp
from core.kit.clock import Clock
from core.kit.ids import Ids
from core.kit.sealed import Sealer
from core.ports.campus_sign_on import CampusSignOns
from core.ports.channels import Doors
from core.ports.limits import RaisePauser
from core.ports.messages import AddressKind, MessageSender
from core.ports.newcomers import CardDirectory, DeviceRevoker, NewcomerOpener
from core.ports.one_time_store import OneTimeStore
from core.ports.pins import PinChecker
from core.school.policy import PolicyOf
from core.school.policy_file import DocumentsOf


@dataclass(frozen=True, slots=True)
class Needs:
    """What identity stands on: data, time, chance and keys; below, the contexts that it asks."""

    database: Database
    clock: Clock
    ids: Ids
    sealer: Sealer
    pepper_for: Callable[[str], bytes]
    audit: Audit
    cardholders: Cardholders
    policy_of: PolicyOf
    documents_of: DocumentsOf
    pins: PinChecker
    cards: CardDirectory
    devices: DeviceRevoker
    limits: RaisePauser
    openers: Sequence[NewcomerOpener]
    senders: Mapping[AddressKind, MessageSender]
    doors: Doors
    sign_ons: CampusSignOns
    store: OneTimeStore


@dataclass(frozen=True, slots=True)
class IdentityServices:
    """The services of the context."""

    messages: Messages
    attempts: Attempts
    sessions: Sessions
    sign_in: SignIn
    channel_sign_in: ChannelSignIn
    step_up: StepUp
    bindings: Bindings
    confirmations: Confirmations
    member_proof: MemberProof
    real_names: RealNames
    campus: CampusSignIn
    campus_links: CampusLinks
    consents: Consents
    contacts: Contacts
    guardians: Guardians
    links: Links
    notices: ProviderNotices
    roster: RosterImport

    @classmethod
    def over(cls, needs: Needs) -> "IdentityServices":
        """The services over what they need."""
        n, database, clock, sealer = needs, needs.database, needs.clock, needs.sealer
        people, policy_of, pins = n.cardholders, n.policy_of, n.pins
        messages = Messages(database, clock, n.ids, sealer, people, n.senders, n.doors)
        attempts = Attempts(database, clock, sealer, n.pepper_for("spray"))
        opened = AttemptStore(n.store, sealer)
        sessions = Sessions(database, clock, n.ids, messages)
        codes = OneTimeCodes(clock, n.ids, sealer, attempts, messages, n.pepper_for("one-time"))
        links = Links(clock, n.ids, sessions, messages, n.devices, n.limits, n.audit)
        consents = Consents(database, clock, n.ids, n.documents_of)
        evidence = EvidenceReader(clock)
        confirmations = Confirmations(database, people, codes, pins, links, consents)
        channels = ChannelSignIn(
            database, clock, n.ids, sealer, policy_of, sessions, n.doors, opened
        )
        campus = CampusSignIn(n.ids, policy_of, n.sign_ons, n.doors, opened, attempts)
        return cls(
            messages=messages,
            attempts=attempts,
            sessions=sessions,
            sign_in=SignIn(database, clock, sealer, codes, sessions, n.ids),
            channel_sign_in=channels,
            step_up=StepUp(database, clock, people, codes, pins),
            bindings=Bindings(
                database, clock, sealer, policy_of, attempts, sessions, pins, n.cards, links,
                consents, evidence,
            ),
            confirmations=confirmations,
            member_proof=MemberProof(
                database, sealer, policy_of, attempts, people, codes, links, confirmations,
                consents, evidence,
            ),
            real_names=RealNames(
                database, sealer, policy_of, n.doors, channels, attempts, opened, people,
                confirmations, consents, evidence,
            ),
            campus=campus,
            campus_links=CampusLinks(
                database, clock, n.ids, sealer, n.sign_ons, campus, sessions, links,
                confirmations, consents,
            ),
            consents=consents,
            contacts=Contacts(database, clock, sealer, people, codes, messages, n.audit),
            guardians=Guardians(database, clock, n.ids, sealer, policy_of, messages, n.audit),
            links=links,
            notices=ProviderNotices(database, clock, sealer, links),
            roster=RosterImport(database, clock, n.ids, sealer, policy_of, n.cards, n.openers),
        )  # fmt: skip
