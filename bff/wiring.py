"""The composition root: settings and keys become services that know only what they need."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from redis.asyncio import Redis

from bff.cache import open_redis
from bff.connections import Connections
from bff.ground import Ground
from bff.instruments import CachedInstruments
from bff.one_time_store import RedisOneTimeStore
from bff.paying import PayingPins, PurseFunds, terms_by
from bff.push import PushHub
from bff.pushing import PushingPayments
from bff.school_keys import SchoolKeyring
from bff.tokens import RedisTokens
from core.audit.service import Audit
from core.authorisation.service import Authorisations
from core.card.pin_hash import PinHasher
from core.card.service.cards import Cards
from core.card.service.codes import Codes
from core.card.service.devices import Devices
from core.card.service.pins import Pins
from core.db.lanes import Lanes
from core.db.unit import Database
from core.entry.service.doors import Doors as DoorRegistry
from core.entry.service.passages import Passages
from core.identity.service.assembled import IdentityServices, Needs
from core.identity.service.attempts import Attempts
from core.identity.service.cardholders import Cardholders
from core.identity.service.desk import CORRECTION, Corrections, DeskLinks
from core.identity.service.links import Links
from core.identity.service.messages import Messages
from core.identity.service.provider_notices import ProviderNotices
from core.identity.service.roster import RosterImport
from core.identity.service.staff_look_ups import StaffLookUps
from core.identity.service.staff_sessions import StaffSignIn
from core.kit.ids import Ids
from core.kit.sealed import Sealer
from core.kit.slow_hash import SlowHash
from core.ledger.service import Ledger
from core.limit.service import Limits
from core.ports.campus_sign_on import CampusSignOns
from core.ports.channels import Doors
from core.ports.messages import AddressKind, MessageSender
from core.ports.notices import NoticeReaders
from core.school.service import Documents, FourEyes, FourEyesAct, Schools, Staff, Terminals
from core.top_up.service import CASH_TOP_UP, Cash, CashPosting
from schema.services import Services, TerminalKeys
from terminals.authoriser import Authoriser
from terminals.code_maker import CodeMaker
from terminals.entry import Entries
from terminals.entry_events import EntryEvents
from terminals.follow_ups import FollowUps
from terminals.guesses import Guesses, Reader
from terminals.look_up import LookUps
from terminals.proofs import SignedProofs

Senders = Mapping[AddressKind, MessageSender]

MODELS = ("core.card.store.cards", "core.card.store.codes", "core.limit.store")
LANES = 2


class Outside(Protocol):
    """The channels and campus sign-ons of every school."""

    @property
    def doors(self) -> Doors:
        """The channels."""
        ...

    @property
    def sign_ons(self) -> CampusSignOns:
        """The campus sign-ons."""
        ...

    @property
    def notices(self) -> NoticeReaders:
        """Who reads what their providers post."""
        ...

    async def close(self) -> None:
        """Closes the connections to all of them."""
        ...


@dataclass(frozen=True, slots=True)
class Wired:
    """The services of one process, and what only its commands and its worker call."""

    services: Services
    database: Database
    lanes: Lanes
    redis: Redis
    slow_hash: SlowHash
    ids: Ids
    audit: Audit
    messages: Messages
    attempts: Attempts
    roster: RosterImport
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
                await self.lanes.close()


@dataclass(frozen=True, slots=True)
class _Base:
    """What every context is given."""

    ground: Ground
    database: Database
    lanes: Lanes
    redis: Redis
    ids: Ids
    sealer: Sealer
    keyring: SchoolKeyring
    audit: Audit
    ledger: Ledger
    limits: Limits
    schools: Schools
    terminals: Terminals
    cardholders: Cardholders
    doors: DoorRegistry

    @classmethod
    def on(cls, ground: Ground) -> "_Base":
        """The base over a ground."""
        clock = ground.clock
        ids = Ids(clock, ground.entropy)
        database = Database(
            ground.database_url, MODELS, ground.pool_maximum, ground.command_seconds
        )
        sealer = Sealer(ground.keys.data, ground.keys.blind_index, ground.entropy)
        audit = Audit(database, clock, ids, ground.keys.audit)
        ledger = Ledger(database, clock, ids)
        terminals = Terminals(database, clock, audit, SignedProofs())
        cardholders = Cardholders(database, sealer)
        return cls(
            ground=ground,
            database=database,
            lanes=Lanes(ground.database_url, LANES),
            redis=open_redis(ground.redis_url),
            ids=ids,
            sealer=sealer,
            keyring=SchoolKeyring(ground.keys, clock),
            audit=audit,
            ledger=ledger,
            limits=Limits(database),
            schools=Schools(database, clock, ids, audit, ledger),
            terminals=terminals,
            cardholders=cardholders,
            doors=DoorRegistry(database, clock, audit, terminals, cardholders),
        )


@dataclass(frozen=True, slots=True)
class _Cards:
    """The card context."""

    pins: Pins
    cards: Cards
    devices: Devices
    codes: Codes

    @classmethod
    def on(cls, base: _Base, hasher: PinHasher) -> "_Cards":
        """The context over the base."""
        database, clock, policy_of = base.database, base.ground.clock, base.schools.policy
        people, ids = base.cardholders, base.ids
        pins = Pins(database, clock, hasher=hasher, policy_of=policy_of, cardholders=people)
        maker = CodeMaker(base.keyring.for_codes, ids)
        return cls(
            pins=pins,
            cards=Cards(
                database, clock, ids, policy_of=policy_of, cardholders=people, pins=pins
            ),
            devices=Devices(database, clock, ids, policy_of=policy_of, pins=pins, maker=maker),
            codes=Codes(
                database, clock, ids, policy_of=policy_of, cardholders=people, maker=maker,
                tokens=RedisTokens(base.redis), funds=PurseFunds(base.ledger),
            ),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Desk:
    """Staff, and what they do with money."""

    staff: Staff
    four_eyes: FourEyes
    cash: Cash
    links: DeskLinks
    corrections: Corrections

    @classmethod
    def on(cls, base: _Base, slow_hash: SlowHash, links: Links) -> "_Desk":
        """The desk over the base."""
        database, clock, ids, audit = base.database, base.ground.clock, base.ids, base.audit
        staff = Staff(database, clock, ids, base.sealer, slow_hash, audit)
        posting = CashPosting(
            clock, ids, audit, base.schools, staff, base.limits, base.ledger, base.cardholders
        )
        people, sealer = base.cardholders, base.sealer
        corrections = Corrections(database, clock, sealer, audit, staff, people)
        acts: dict[str, FourEyesAct] = {CASH_TOP_UP: posting, CORRECTION: corrections}
        four_eyes = FourEyes(database, clock, ids, audit, staff, acts)
        cash = Cash(database, clock, base.schools, staff, four_eyes, posting)
        desk_links = DeskLinks(database, clock, sealer, staff, people, links)
        return cls(staff, four_eyes, cash, desk_links, corrections)


@dataclass(frozen=True, slots=True)
class _Payments:
    """What answers terminals about money and doors."""

    authorisations: Authorisations
    authoriser: Authoriser
    follow_ups: FollowUps
    look_ups: LookUps
    passages: Passages
    entries: Entries
    entry_events: EntryEvents

    @classmethod
    def on(cls, base: _Base, made: _Cards, push: PushHub) -> "_Payments":
        """The payments over the base."""
        clock, ids, keys = base.ground.clock, base.ids, base.keyring.for_payments
        authorisations = Authorisations(
            base.database, base.lanes, base.ledger, base.limits, clock, ids
        )
        payments = PushingPayments(authorisations, push)
        instruments = CachedInstruments(
            made.codes, made.cards, base.cardholders, base.schools.policy, clock
        )
        terms = terms_by(base.schools.policy)
        pins = PayingPins(made.pins)
        guesses = Guesses(base.terminals.count_guess, clock)
        reader = Reader(instruments, guesses)
        passages, doors = Passages(base.database, clock, ids), base.doors
        return cls(
            authorisations=authorisations,
            authoriser=Authoriser(payments, reader, pins, guesses, terms, keys, clock, ids),
            follow_ups=FollowUps(payments, terms, keys, clock, ids),
            look_ups=LookUps(reader, base.ledger.balances, terms, keys, clock),
            passages=passages,
            entries=Entries(
                passages, doors, reader, instruments, base.ledger.balances, terms, keys, clock
            ),
            entry_events=EntryEvents(passages, doors, instruments, terms, keys, clock),
        )


def wire(ground: Ground, senders: Senders | None = None, outside: Outside | None = None) -> Wired:
    """Every service with what it needs; nothing connects before `Wired.opened`.

    `senders` deliver messages; only the process that does so has any. `outside` stands for the
    channels and sign-ons of the schools' settings.
    """
    slow_hash = SlowHash(ground.entropy)
    base = _Base.on(ground)
    push = PushHub(base.redis)
    made = _Cards.on(base, PinHasher(ground.keys.pepper, slow_hash))
    connections = outside or Connections(base.schools, ground.parts(base.redis))
    identity = IdentityServices.over(_needs(base, made, connections, senders or {}))
    desk = _Desk.on(base, slow_hash, identity.links)
    return Wired(
        services=_services(base, made, identity, desk, _Payments.on(base, made, push), push),
        database=base.database,
        lanes=base.lanes,
        redis=base.redis,
        slow_hash=slow_hash,
        ids=base.ids,
        audit=base.audit,
        messages=identity.messages,
        attempts=identity.attempts,
        roster=identity.roster,
        notices=identity.notices,
        push=push,
        outside=connections,
    )


def _needs(base: _Base, made: _Cards, outside: Outside, senders: Senders) -> Needs:
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


def _services(
    base: _Base,
    made: _Cards,
    identity: IdentityServices,
    desk: _Desk,
    payments: _Payments,
    push: PushHub,
) -> Services:
    database, clock, keyring = base.database, base.ground.clock, base.keyring
    return Services(
        clock=clock,
        schools=base.schools,
        staff=desk.staff,
        terminals=base.terminals,
        documents=Documents(database, clock, base.audit),
        four_eyes=desk.four_eyes,
        cash=desk.cash,
        cardholders=base.cardholders,
        staff_look_ups=StaffLookUps(database, base.cardholders, base.audit),
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
        staff_sign_in=StaffSignIn(
            database, clock, base.ids, base.sealer, desk.staff, identity.sessions
        ),
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
        doors=base.doors,
        passages=payments.passages,
        entries=payments.entries,
        entry_events=payments.entry_events,
        start_url=lambda school_id, provider, start_id: (
            f"{base.ground.public_url}/sso/{school_id}/{provider}/start/{start_id}"
        ),
        terminal_keys=TerminalKeys(
            keyring.roots, keyring.pin_public_key, keyring.published, keyring.answers
        ),
        feed=push,
    )
