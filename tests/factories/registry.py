"""A school's registry over a real database, with a clock that tests move by hand."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from nacl.signing import SigningKey

from core.audit.records import Actor, ActorKind
from core.audit.service import Audit
from core.card.service.passes import Passes
from core.db.connection import PATIENT_SECONDS
from core.db.unit import Database
from core.kit.ids import Ids
from core.kit.sealed import Sealer
from core.kit.slow_hash import SlowHash
from core.ledger.service import Ledger
from core.limit.service import Limits
from core.ports.holders import HolderStanding
from core.school.records import (
    DeviceClass,
    EnrolledTerminal,
    Merchant,
    NewStaff,
    Role,
    Site,
    StaffCaller,
    Terminal,
)
from core.school.service import DenyList, FourEyes, Losses, Schools, Staff, Terminals
from core.school.totp import code_at, secret_bytes
from core.top_up.service import CASH_TOP_UP, Cash, CashPosting
from terminals.message import KeyId, enrolment_message, rotation_message
from terminals.proofs import SignedProofs
from tests.factories.chance import HandClock, counted_entropy
from tests.servers.fixtures import DatabaseDsn

SCHOOL = 7
OPERATOR = Actor(ActorKind.OPERATOR, "sample-operator")
PASSWORD = "sample plain words"
AUDIT_KEYS = {1: b"first sample audit key, 32 bytes", 2: b"second sample audit key 32 bytes"}
"""Two key ids, so that a change of keys is always in play."""


def school_file(school_id: int = SCHOOL, policy: str = "", name: str = "示范") -> str:
    """A school's file with one campus and this policy."""
    return (
        f'[school]\nid = {school_id}\ncode = "sample-{school_id}"\nname_zh = "{name}"\n'
        'name_en = "Sample"\ndefault_language = "ZH"\n'
        '[[school.campuses]]\ncode = "MAIN"\nname_zh = "主"\nname_en = "Main"\n' + policy
    )


class RosterDirectory:
    """Cardholders as their rows stand, without what identity keeps sealed."""

    async def find_standing(self, unit: Any, cardholder_id: UUID) -> HolderStanding | None:
        row = await unit.row(
            "SELECT id, number, status FROM cardholder WHERE school_id = $1 AND id = $2",
            unit.school_id,
            cardholder_id,
        )
        return row and HolderStanding(row["id"], row["number"], row["status"])


@dataclass
class Registry:
    """The services, and shorts for what tests set up again and again."""

    database: Database
    clock: HandClock
    ids: Ids
    audit: Audit
    schools: Schools
    terminals: Terminals
    staff: Staff
    ledger: Ledger
    limits: Limits
    four_eyes: FourEyes
    cash: Cash

    async def rows(self, sql: str, school_id: int = SCHOOL) -> Sequence[Any]:
        """What a statement finds as the app's role within a school."""
        return await self.database.unit(school_id, lambda unit: unit.rows(sql))

    async def count(self, table: str) -> int:
        """How many rows a table has in the sample school."""
        return int((await self.rows(f"SELECT count(*) AS n FROM {table}"))[0]["n"])

    async def add_merchant(self) -> Merchant:
        """A merchant at site 0."""
        await self.schools.site_put(SCHOOL, Site(0, "食堂", "Canteen"), OPERATOR)
        return await self.schools.merchant_add(SCHOOL, "示范食堂", "Sample Canteen", OPERATOR)

    async def add_terminal(self) -> Terminal:
        """A registered till of a new merchant."""
        merchant = await self.add_merchant()
        return await self.terminals.register(
            SCHOOL, merchant.number, 0, DeviceClass.TILL, ["MEAL"], OPERATOR
        )

    async def enrol(self, code: str, key: SigningKey, serial: str = "SN-1") -> EnrolledTerminal:
        """Enrols a key against a code, with a good proof."""
        public = bytes(key.verify_key)
        proof = key.sign(enrolment_message(code, public, serial)).signature
        return await self.terminals.enrol(SCHOOL, code, public, "Sample 1", serial, proof)

    async def add_active_terminal(self, key: SigningKey) -> EnrolledTerminal:
        """A terminal that sells, with this key as its first."""
        number = (await self.add_terminal()).number
        await self.terminals.activation_open(SCHOOL, number, "SAMPLE000000", OPERATOR)
        enrolled = await self.enrol("SAMPLE000000", key)
        mark = enrolled.keys[-1].fingerprint
        return await self.terminals.confirm(SCHOOL, number, mark, OPERATOR)

    def rotation_proof(self, number: int, key_no: int, key: SigningKey) -> bytes:
        """What a terminal's next key signs."""
        message = rotation_message(KeyId(SCHOOL, number, key_no), bytes(key.verify_key))
        return key.sign(message).signature

    async def add_staff(
        self, login: str, *roles: Role, cardholder_number: str | None = None
    ) -> NewStaff:
        """A member of staff with the sample password."""
        return await self.staff.create(
            SCHOOL, login, login, frozenset(roles), PASSWORD, OPERATOR, cardholder_number
        )

    async def caller(
        self, login: str, *roles: Role, cardholder_number: str | None = None
    ) -> StaffCaller:
        """A member of staff who gave the second factor just now."""
        made = await self.add_staff(login, *roles, cardholder_number=cardholder_number)
        return StaffCaller(made.member.id, self.clock.now())

    def code_of(self, made: NewStaff, drift: int = 0) -> str:
        """The second factor's code now, or `drift` steps off."""
        step = int(self.clock.now().timestamp()) // 30 + drift
        return code_at(secret_bytes(made.totp_secret), step)

    async def add_cardholder(self, number: str = "S001", status: str = "ACTIVE") -> UUID:
        """A cardholder with empty purses."""
        cardholder_id, now = self.ids.new(), self.clock.now()

        async def work(unit: Any) -> None:
            await unit.execute(
                "INSERT INTO cardholder (school_id, id, number, kind, status, name_sealed,"
                " name_index, roster_digest, roster_import_id, created_at, changed_at)"
                " VALUES ($1, $2, $3, 'STUDENT', $4, $5, $6, $6, $2, $7, $7)",
                unit.school_id, cardholder_id, number, status, b"", bytes(32), now,
            )  # fmt: skip
            await self.limits.open(unit, cardholder_id)
            await self.ledger.open_purses(unit, cardholder_id)

        await self.database.unit(SCHOOL, work)
        return cardholder_id

    async def balance(self, cardholder_id: UUID) -> int:
        """What the purses hold, in fen."""
        return (await self.ledger.balances(SCHOOL, cardholder_id)).balance_minor


def build_registry(database: Database, clock: HandClock, slow_hash: SlowHash) -> Registry:
    """All services of the registry, and of cash at the window, over one database."""
    entropy = counted_entropy("registry")
    ids = Ids(clock, entropy)
    audit = Audit(database, clock, ids, AUDIT_KEYS)
    ledger = Ledger(database, clock, ids)
    limits = Limits(database, Passes(clock, DenyList(database, clock)))
    losses = Losses(database)
    schools = Schools(database, clock, ids, audit, ledger, losses)
    sealer = Sealer({1: bytes(range(32))}, bytes(32), entropy)
    staff = Staff(database, clock, ids, sealer, slow_hash, audit)
    posting = CashPosting(clock, ids, audit, schools, staff, limits, ledger, RosterDirectory())
    four_eyes = FourEyes(database, clock, ids, audit, staff, {CASH_TOP_UP: posting})
    return Registry(
        database, clock, ids, audit, schools,
        Terminals(database, clock, audit, SignedProofs(), losses), staff, ledger, limits, four_eyes,
        Cash(database, clock, schools, staff, four_eyes, posting),
    )  # fmt: skip


@pytest.fixture(scope="session")
def slow_hash() -> Iterator[SlowHash]:
    """One pair of hashing threads for all tests."""
    hasher = SlowHash(counted_entropy("slow hash"))
    yield hasher
    hasher.close()


@pytest.fixture
async def registry(database_dsn: DatabaseDsn, slow_hash: SlowHash) -> AsyncIterator[Registry]:
    """The registry over an empty database that holds the sample school."""
    database = Database(database_dsn.app, ["core.limit.store"], command_seconds=PATIENT_SECONDS)
    await database.open()
    made = build_registry(database, HandClock(), slow_hash)
    await made.schools.add(school_file(), OPERATOR)
    yield made
    await database.close()
