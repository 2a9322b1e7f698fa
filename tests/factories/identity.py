"""The identity context with everything below it real, and the contexts above it pretended."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from core.audit.service import Audit
from core.card.service.passes import Passes
from core.db.connection import PATIENT_SECONDS
from core.db.unit import Database, Unit
from core.identity.records import RosterReport, RosterRow, RowRefusal, SessionTokens
from core.identity.service.assembled import IdentityServices, Needs
from core.identity.service.cardholders import Cardholders
from core.identity.service.staff_sessions import StaffSignIn
from core.kit.ids import Ids
from core.kit.sealed import Sealer
from core.ledger.service import Ledger
from core.limit.service import Limits
from core.ports.messages import AddressKind, Message, MessageTemplate
from core.ports.newcomers import Newcomer
from core.ports.pins import PinStanding
from core.school.policy import Policy
from core.school.policy_file import ConsentFacts
from core.school.service import DenyList
from tests.factories.chance import NOON, HandClock, counted_entropy
from tests.factories.doors import MemoryStore, PretendedDoors, PretendedSignOns
from tests.factories.roster import HEADER_ZH, cells_of, csv_bytes

SCHOOL = 1
OTHER_SCHOOL = 2
NETWORK = "198.51.100.7"
MASTER = bytes(range(32))
INDEX_KEY = bytes(range(32, 64))


@dataclass
class PretendedPins:
    """Knows one PIN per cardholder; counts how often it compared, and with whom."""

    known: dict[UUID, tuple[str, PinStanding]] = field(default_factory=dict)
    compared: list[UUID | None] = field(default_factory=list)

    async def compare(
        self, school_id: int, cardholder_id: UUID | None, kind: str, pin: str
    ) -> PinStanding:
        """Right if it is the known PIN."""
        self.compared.append(cardholder_id)
        if cardholder_id is None:
            return PinStanding.WRONG
        known = self.known.get(cardholder_id)
        if known is None:
            return PinStanding.ABSENT
        return known[1] if pin == known[0] else PinStanding.WRONG

    async def prove(self, school_id: int, cardholder_id: UUID, kind: str, pin: str) -> None:
        """Passes every PIN; the card context's own tests are about the others."""


@dataclass
class PretendedCards:
    """Remembers who got which card; revokes nothing but remembers it was asked to."""

    holders: dict[str, UUID] = field(default_factory=dict)
    revoked: list[tuple[UUID, UUID]] = field(default_factory=list)
    fail_at: UUID | None = None
    opened: int = 0

    async def owners(self, unit: Unit, uids: Sequence[str]) -> Mapping[str, UUID]:
        """Who got the cards."""
        return {uid: self.holders[uid] for uid in uids if uid in self.holders}

    async def open_newcomers(self, unit: Unit, newcomers: Sequence[Newcomer], day: date, /) -> None:
        """Hands the cards out when the unit has committed."""
        self.opened += 1
        for newcomer in newcomers:
            if newcomer.card_uid is not None:
                self.holders.setdefault(newcomer.card_uid, newcomer.cardholder_id)

    async def revoke_of_binding(self, unit: Unit, cardholder_id: UUID, binding_id: UUID) -> None:
        """Notes the binding."""
        self.revoked.append((cardholder_id, binding_id))


@dataclass
class PretendedStaff:
    """Knows one member of staff."""

    staff_id: UUID | None = None

    async def check(
        self, school_id: int, login: str, password: str, second_factor: str
    ) -> UUID | None:
        """The one member, by the one password."""
        return self.staff_id if password == "correct sample phrase" else None

    async def prove_second_factor(self, school_id: int, staff_id: UUID, code: str) -> datetime:
        """Takes every code."""
        return NOON


@dataclass
class Inbox:
    """Keeps what was sent."""

    messages: list[Message] = field(default_factory=list)

    async def send(self, message: Message) -> None:
        """Keeps it."""
        self.messages.append(message)

    def last_code(self, to: str) -> str:
        """The newest one-time code to an address."""
        sent = [m for m in self.messages if m.to == to]
        return [m.facts["code"] for m in sent if m.template is MessageTemplate.ONE_TIME_CODE][-1]


@dataclass(frozen=True)
class Identity(IdentityServices):
    """All services of the context on one database."""

    database: Database
    clock: HandClock
    sealer: Sealer
    ids: Ids
    policies: dict[int, Policy]
    documents: dict[int, tuple[ConsentFacts, ...]]
    pins: PretendedPins
    cards: PretendedCards
    staff: PretendedStaff
    inbox: Inbox
    doors: PretendedDoors
    sign_ons: PretendedSignOns
    store: MemoryStore
    ledger: Ledger
    limits: Limits
    audit: Audit
    cardholders: Cardholders
    staff_sign_in: StaffSignIn

    async def rows(self, sql: str, *values: object, school: int = SCHOOL) -> list[Any]:
        """What the tables hold, as the application sees it."""

        async def work(unit: Unit) -> list[Any]:
            return list(await unit.rows(sql, *values))

        return await self.database.unit(school, work)

    async def dump(self, *tables: str, school: int = SCHOOL) -> dict[str, list[str]]:
        """Tables as text, to be compared before and after."""
        return {
            table: sorted(str(tuple(row)) for row in await self.rows(f"SELECT * FROM {table}"))
            for table in tables
        }

    async def enrol(self, *people: RosterRow, school: int = SCHOOL) -> RosterReport:
        """Imports a roster of these people."""
        return await self.roster.import_file(school, roster(*people), "tests", _must_not_refuse)

    async def id_of(self, number: str, school: int = SCHOOL) -> UUID:
        """The cardholder with a number."""
        found = await self.cardholders.find_id(school, number)
        assert found is not None
        return found

    async def code_for(self, email: str, school: int = SCHOOL) -> str:
        """Asks for a code, has the worker send it, and reads it in the inbox."""
        self.clock.advance(seconds=61)
        await self.sign_in.sign_in_begin(school, AddressKind.EMAIL, email, NETWORK)
        await self.deliver(school)
        return self.inbox.last_code(email)

    async def deliver(self, school: int = SCHOOL) -> None:
        """Sends every due message, once."""
        from core.db import outbox

        now = self.clock.now()
        for intent in await self.database.unit(school, lambda unit: outbox.lease(unit, now)):
            await self.messages.deliver(school, intent)

            async def settle(unit: Unit, intent_id: UUID = intent.id) -> None:
                await outbox.finish(unit, intent_id, now)

            await self.database.unit(school, settle)

    async def signed_in(
        self, email: str, device: str = "sample phone", school: int = SCHOOL
    ) -> SessionTokens:
        """A session of a proven address."""
        code = await self.code_for(email, school)
        return await self.sign_in.sign_in_complete(school, AddressKind.EMAIL, email, code, device)

    async def intents(self) -> list[dict[str, str]]:
        """The payloads waiting in the outbox."""
        found = await self.rows("SELECT payload FROM outbox WHERE done_at IS NULL ORDER BY id")
        return [json.loads(row["payload"]) for row in found]


def roster(*people: RosterRow) -> bytes:
    """A roster file of these people."""
    return csv_bytes([HEADER_ZH, *(cells_of(person) for person in people)])


def person_like(row: RosterRow, **facts: Any) -> RosterRow:
    """The same person with other facts."""
    return replace(row, **facts)


def _must_not_refuse(refusal: RowRefusal) -> None:
    raise AssertionError(refusal)


@asynccontextmanager
async def identity_on(dsn: str) -> AsyncIterator[Identity]:
    """The context on a migrated database, with two schools in it."""
    database = Database(dsn, ["core.limit.store"], command_seconds=PATIENT_SECONDS)
    await database.open()
    try:
        for school in (SCHOOL, OTHER_SCHOOL):
            await database.unit(school, _add_school)
        yield _assemble(database)
    finally:
        await database.close()


async def _add_school(unit: Unit) -> None:
    now = HandClock().now()
    await unit.execute(
        "INSERT INTO school (school_id, code, name_zh, name_en, default_language, created_at)"
        " VALUES ($1, $2, '示例大学', 'Sample University', 'zh', $3)",
        unit.school_id, f"sample-{unit.school_id}", now,
    )  # fmt: skip
    await unit.execute(
        "INSERT INTO campus (school_id, code, name_zh, name_en)"
        " VALUES ($1, 'NORTH', '示例北校区', 'Sample North')",
        unit.school_id,
    )


def _assemble(database: Database) -> Identity:
    clock, entropy = HandClock(), counted_entropy("identity")
    ids, sealer = Ids(clock, entropy), Sealer({1: MASTER}, INDEX_KEY, entropy)
    policies = {SCHOOL: Policy(), OTHER_SCHOOL: Policy()}
    documents: dict[int, tuple[ConsentFacts, ...]] = {}

    async def read_policy(school_id: int) -> Policy:
        return policies[school_id]

    async def documents_of(school_id: int) -> tuple[ConsentFacts, ...]:
        return documents.get(school_id, ())

    pins, cards, staff, inbox = PretendedPins(), PretendedCards(), PretendedStaff(), Inbox()
    doors, sign_ons, store = PretendedDoors(), PretendedSignOns(), MemoryStore()
    ledger = Ledger(database, clock, ids)
    limits = Limits(database, Passes(clock, DenyList(database, clock)))
    needs = Needs(
        database=database,
        clock=clock,
        ids=ids,
        sealer=sealer,
        pepper_for=lambda use: use.encode().ljust(32),
        audit=Audit(database, clock, ids, {1: bytes(32)}),
        cardholders=Cardholders(database, sealer),
        policy_of=read_policy,
        documents_of=documents_of,
        pins=pins,
        cards=cards,
        devices=cards,
        limits=limits,
        openers=[limits, ledger, cards],
        senders={AddressKind.EMAIL: inbox, AddressKind.PHONE: inbox},
        doors=doors,
        sign_ons=sign_ons,
        store=store,
    )
    services = IdentityServices.over(needs)
    return Identity(
        **{each.name: getattr(services, each.name) for each in fields(services)},
        database=database,
        clock=clock,
        sealer=sealer,
        ids=ids,
        policies=policies,
        documents=documents,
        pins=pins,
        cards=cards,
        staff=staff,
        inbox=inbox,
        doors=doors,
        sign_ons=sign_ons,
        store=store,
        ledger=ledger,
        limits=limits,
        audit=needs.audit,
        cardholders=needs.cardholders,
        staff_sign_in=StaffSignIn(database, clock, ids, sealer, staff, services.sessions),
    )
