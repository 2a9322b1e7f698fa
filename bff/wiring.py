"""The composition root: settings and keys become services that know only what they need."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from bff.base import Base, CardServices
from bff.connections import Connections
from bff.ground import Ground
from bff.one_time_store import RedisOneTimeStore
from bff.outside import Outside
from bff.paying import PURSES
from bff.push import PushHub
from bff.school_keys import SchoolKeyring
from bff.terminal_services import TerminalServices
from core.audit.service import Audit
from core.authorisation.service.reserve import Reserves
from core.authorisation.service.reviews import OFFLINE_REVIEW, Deciding, Reviews
from core.card.pin_hash import PinHasher
from core.db.lanes import Lanes
from core.db.unit import Database
from core.identity.service.assembled import IdentityServices, Needs
from core.identity.service.attempts import Attempts
from core.identity.service.desk import CORRECTION, Corrections, DeskLinks
from core.identity.service.links import Links
from core.identity.service.messages import Messages
from core.identity.service.provider_notices import ProviderNotices
from core.identity.service.roster import RosterImport
from core.identity.service.sessions import Sessions
from core.identity.service.staff_look_ups import StaffLookUps
from core.identity.service.staff_sessions import StaffSignIn
from core.kit.ids import Ids
from core.kit.peppered_hash import PepperedHash
from core.kit.slow_hash import SlowHash
from core.ports.messages import AddressKind, MessageSender
from core.school.service import (
    FourEyes,
    FourEyesAct,
    Operators,
    Staff,
)
from core.top_up.service import CASH_TOP_UP, Cash, CashPosting
from core.top_up.service.reviews import ChipReviews
from core.utility.service.meters import Meters
from schema.services import CardDesk, Services, TerminalKeys
from terminals.operators import offline_hash

Senders = Mapping[AddressKind, MessageSender]


@dataclass(frozen=True, slots=True)
class Wired:
    """The services of one process, and what only its commands and its worker call."""

    services: Services
    database: Database
    lanes: tuple[Lanes, ...]
    redis: Redis
    slow_hash: SlowHash
    ids: Ids
    audit: Audit
    reserves: Reserves
    messages: Messages
    attempts: Attempts
    roster: RosterImport
    meters: Meters
    notices: ProviderNotices
    push: PushHub
    outside: Outside

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """What commands that serve nobody need; closed again at the end."""
        await self.database.open()
        try:
            yield
        finally:
            await self.outside.close()
            await self.redis.aclose()
            await self.database.close()
            self.slow_hash.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything opened; closed again at the end."""
        async with self.opened():
            self.push.start()
            try:
                yield
            finally:
                await self.push.stop()
                for lanes in self.lanes:
                    await lanes.close()


@dataclass(frozen=True, slots=True)
class _Desk:
    """Staff, and what they do with money."""

    staff: Staff
    four_eyes: FourEyes
    cash: Cash
    reviews: Reviews
    links: DeskLinks
    corrections: Corrections
    chip_reviews: ChipReviews

    @classmethod
    def on(cls, base: Base, slow_hash: SlowHash, links: Links) -> "_Desk":
        """The desk over the base."""
        database, clock, ids, audit = base.database, base.ground.clock, base.ids, base.audit
        staff = Staff(database, clock, ids, base.sealer, slow_hash, audit)
        posting = CashPosting(
            clock, ids, audit, base.schools, staff, base.limits, base.ledger, base.cardholders
        )
        people, sealer = base.cardholders, base.sealer
        corrections = Corrections(database, clock, sealer, audit, staff, people)
        deciding = Deciding(
            clock, ids, audit, base.schools, staff, base.limits, base.ledger, people, PURSES
        )
        acts: dict[str, FourEyesAct] = {
            CASH_TOP_UP: posting, CORRECTION: corrections, OFFLINE_REVIEW: deciding,
        }  # fmt: skip
        four_eyes = FourEyes(database, clock, ids, audit, staff, acts)
        cash = Cash(database, clock, base.schools, staff, four_eyes, posting)
        desk_links = DeskLinks(database, clock, sealer, staff, people, links)
        reviews = Reviews(database, clock, base.schools, staff, four_eyes, deciding)
        chip_reviews = ChipReviews(
            database, clock, policy_of=base.schools.policy, staff=staff, holders=people,
            limits=base.limits, audit=audit, chips=base.chips,
        )  # fmt: skip
        return cls(staff, four_eyes, cash, reviews, desk_links, corrections, chip_reviews)

    def sign_in_with(self, base: Base, sessions: Sessions) -> StaffSignIn:
        """How staff sign in."""
        clock = base.ground.clock
        return StaffSignIn(base.database, clock, base.ids, base.sealer, self.staff, sessions)


def wire(ground: Ground, senders: Senders | None = None, outside: Outside | None = None) -> Wired:
    """Every service with what it needs; nothing connects before `Wired.opened`.

    `senders` deliver messages; only the process that does so has any. `outside` stands for the
    channels and sign-ons of the schools' settings.
    """
    slow_hash = SlowHash(ground.entropy)
    base = Base.on(ground)
    push = PushHub(base.redis)
    made = CardServices.on(base, PinHasher(ground.keys.pepper, slow_hash))
    operators = Operators(
        base.database, ground.clock, base.ids, base.audit,
        PepperedHash(ground.keys.pepper, slow_hash), offline_hash,
    )  # fmt: skip
    payments = TerminalServices.on(base, made, push, operators)
    connections = outside or Connections(base.schools, ground.parts(base.redis))
    identity = IdentityServices.over(_needs(base, made, connections, senders or {}))
    desk = _Desk.on(base, slow_hash, identity.links)
    return Wired(
        services=_services(base, made, identity, desk, payments),
        database=base.database,
        lanes=(base.lanes, base.door_lanes),
        redis=base.redis,
        slow_hash=slow_hash,
        ids=base.ids,
        audit=base.audit,
        reserves=base.reserves,
        messages=identity.messages,
        attempts=identity.attempts,
        roster=identity.roster,
        meters=base.meters,
        notices=identity.notices,
        push=push,
        outside=connections,
    )


def _needs(base: Base, made: CardServices, outside: Outside, senders: Senders) -> Needs:
    """What identity is given; `made` answers what it asks about cards and PINs."""
    return Needs(
        database=base.database,
        clock=base.ground.clock,
        ids=base.ids,
        sealer=base.sealer,
        pepper_for=base.ground.keys.pepper_for,
        audit=base.audit,
        cardholders=base.cardholders,
        policy_of=base.schools.policy,
        documents_of=base.schools.consents,
        pins=made.pins,
        cards=made.cards,
        devices=made.devices,
        limits=base.limits,
        openers=[base.limits, base.ledger, made.cards],
        senders=senders,
        doors=outside.doors,
        sign_ons=outside.sign_ons,
        store=RedisOneTimeStore(base.redis),
    )


def _terminal_keys(keyring: SchoolKeyring) -> TerminalKeys:
    return TerminalKeys(keyring.roots, keyring.pin_public_key, keyring.published, keyring.answers)


def _services(
    base: Base, made: CardServices, identity: IdentityServices, desk: _Desk,
    payments: TerminalServices,
) -> Services:  # fmt: skip
    return Services(
        clock=base.ground.clock,
        schools=base.schools,
        losses=base.losses,
        staff=desk.staff,
        terminals=base.terminals,
        documents=payments.offline.documents,
        operators=payments.operators,
        prints=base.prints,
        four_eyes=desk.four_eyes,
        cash=desk.cash,
        reviews=desk.reviews,
        cardholders=base.cardholders,
        staff_look_ups=StaffLookUps(base.database, base.cardholders, base.audit),
        sign_in=identity.sign_in,
        channel_sign_in=identity.channel_sign_in,
        confirmations=identity.confirmations,
        member_proof=identity.member_proof,
        real_names=identity.real_names,
        campus=identity.campus,
        campus_links=identity.campus_links,
        consents=identity.consents,
        contacts=identity.contacts,
        guardians=identity.guardians,
        desk_links=desk.links,
        corrections=desk.corrections,
        sessions=identity.sessions,
        step_up=identity.step_up,
        bindings=identity.bindings,
        staff_sign_in=desk.sign_in_with(base, identity.sessions),
        cards=made.cards,
        pins=made.pins,
        devices=made.devices,
        codes=made.codes,
        ledger=base.ledger,
        limits=base.limits,
        authorisations=payments.authorisations,
        authoriser=payments.authoriser,
        follow_ups=payments.follow_ups,
        look_ups=payments.look_ups,
        merchant_codes=payments.merchant_codes,
        uploads=payments.offline.uploads,
        batches=payments.offline.batches,
        publisher=payments.offline.publisher,
        deny=base.deny,
        doors=base.doors,
        passages=payments.passages,
        entries=payments.entries,
        entry_events=payments.entry_events,
        reservations=base.reservations,
        metering=payments.metering,
        card_desk=CardDesk(payments.claims, payments.kiosks, made.kiosks, desk.chip_reviews),
        start_url=base.ground.start_url,
        terminal_keys=_terminal_keys(base.keyring),
        feed=payments.push,
    )
