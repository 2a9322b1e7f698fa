"""A small invented school with tills, cardholders and money, on a database of the test's own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from bff.proof import PROOF
from core.authorisation.records import Answer, FollowUp, Key, PurchaseRequest
from core.authorisation.service import Authorisations
from core.card.service.passes import Passes
from core.db.connection import PATIENT_SECONDS
from core.db.invariants import Finding, judge
from core.db.lanes import Lanes
from core.db.unit import Database, Unit
from core.kit.clock import business_day
from core.ledger.records import Posting
from core.ledger.service import Ledger
from core.limit.service import Limits
from core.school.service import DenyList
from tests.factories.chance import HandClock, make_ids
from tests.servers.fixtures import DatabaseDsn

SCHOOL = 7
ZONE = "Asia/Shanghai"
PURSES = ("SUBSIDY", "MAIN")
TILLS = (42, 43)
MODELS = ("core.limit.store",)


@dataclass(frozen=True, slots=True)
class Holder:
    """A cardholder with a physical and a virtual card and one enrolled device."""

    id: UUID
    physical_id: UUID
    virtual_id: UUID
    device_id: UUID


def sign(answer: Answer) -> str:
    """Stands for the CCR: pure, and different for every different answer."""
    key = f"{answer.terminal_no}.{answer.batch_no}.{answer.seq_no}"
    return f"{key} {answer.outcome} {answer.response_code} {answer.retrieval_reference}"


class Canteen:
    """The services under test and the hands that play terminals and staff."""

    def __init__(self, dsn: str, lanes: int, school_id: int = SCHOOL) -> None:
        self.school_id = school_id
        self.dsn = dsn
        self.clock = HandClock()
        self.ids = make_ids(self.clock, f"canteen {school_id}")
        self.database = Database(dsn, MODELS, command_seconds=PATIENT_SECONDS)
        self.ledger = Ledger(self.database, self.clock, self.ids)
        self.limits = Limits(self.database, Passes(self.clock, DenyList(self.database, self.clock)))
        self.lanes = [Lanes(dsn, lanes, PATIENT_SECONDS) for _ in range(2)]
        self.processes = [
            Authorisations(self.database, lane, self.ledger, self.limits, self.clock, self.ids)
            for lane in self.lanes
        ]
        self.merchant_account_id = UUID(int=0)
        self._seq = count(1)

    @property
    def authorisations(self) -> Authorisations:
        """The first of the two app processes."""
        return self.processes[0]

    async def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Any statement in a unit of the school."""

        async def work(unit: Unit) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in await unit.rows(sql, *values)]

        return await self.database.unit(self.school_id, work)

    async def found_school(self) -> None:
        """School, merchant and tills."""
        school, now, merchant = self.school_id, self.clock.now(), self.ids.new()

        async def work(unit: Unit) -> None:
            await unit.execute(
                "INSERT INTO school VALUES ($1, $2, '示例大学', 'Sample University', 'zh', $3)",
                school, f"sample-{school}", now,
            )  # fmt: skip
            self.merchant_account_id = await self.ledger.open_merchant_account(unit, merchant)
            await unit.execute(
                "INSERT INTO merchant (school_id, id, number, name_zh, name_en, active,"
                " account_id, created_at) VALUES ($1, $2, 1, '示例食堂', 'Canteen', true, $3, $4)",
                school, merchant, self.merchant_account_id, now,
            )  # fmt: skip
            await unit.execute(
                "INSERT INTO site (school_id, number, name_zh, name_en)"
                " VALUES ($1, 1, '示例楼', 'Hall')",
                school,
            )
            for number in TILLS:
                await unit.execute(
                    "INSERT INTO terminal (school_id, terminal_no, merchant_id, site_number,"
                    " state, device_class, scenes, created_at)"
                    " VALUES ($1, $2, $3, 1, 'ACTIVE', 'TILL', '{MEAL}', $4)",
                    school, number, merchant, now,
                )  # fmt: skip

        await self.database.unit(school, work)

    async def holder(self, main_minor: int = 0, subsidy_minor: int = 0) -> Holder:
        """A new cardholder with money in the purses, in fen."""
        made = Holder(*(self.ids.new() for _ in range(4)))
        now, school = self.clock.now(), self.school_id

        async def work(unit: Unit) -> None:
            await unit.execute(
                "INSERT INTO cardholder (school_id, id, number, kind, status, name_sealed,"
                " name_index, roster_digest, roster_import_id, created_at, changed_at)"
                " VALUES ($1, $2, $3, 'STUDENT', 'ACTIVE', '', $4, $4, $2, $5, $5)",
                school, made.id, made.id.hex, bytes(32), now,
            )  # fmt: skip
            for id_, kind, uid in (
                (made.physical_id, "PHYSICAL", made.physical_id.hex[-8:].upper()),
                (made.virtual_id, "VIRTUAL", None),
            ):
                await unit.execute(
                    "INSERT INTO card (school_id, id, cardholder_id, kind, state, uid, issued_at,"
                    " changed_at) VALUES ($1, $2, $3, $4, 'ACTIVE', $5, $6, $6)",
                    school, id_, made.id, kind, uid, now,
                )  # fmt: skip
            await unit.execute(
                "INSERT INTO code_device (school_id, id, cardholder_id, public_key, enrolled_at)"
                " VALUES ($1, $2, $3, $4, $5)",
                school, made.device_id, made.id, self.ids.bytes(32), now,
            )  # fmt: skip
            await self.limits.open(unit, made.id)
            await self.ledger.open_purses(unit, made.id)
            for kind, amount in (("MAIN", main_minor), ("SUBSIDY", subsidy_minor)):
                if amount:
                    await self.pay_in(unit, made, amount, kind)

        await self.database.unit(school, work)
        return made

    async def pay_in(
        self, unit: Unit, holder: Holder, amount_minor: int, kind: str = "MAIN"
    ) -> None:
        """Money out of the old system, within a unit."""
        await self.limits.lock(unit, holder.id)
        opening = await self.ledger.school_account(unit, "OPENING")
        purse = await self.ledger.purse(unit, holder.id, kind)
        assert purse is not None
        posting = Posting(self.ids.new(), "OPENING_BALANCE", opening, purse, amount_minor)
        await self.ledger.post(unit, [posting], business_day(self.clock.now(), ZONE))

    def purchase(self, holder: Holder, amount_minor: int, **changes: Any) -> PurchaseRequest:
        """A purchase with a code of its own at the first till; `changes` replace its fields."""
        now = self.clock.now()
        made = PurchaseRequest(
            terminal_no=TILLS[0],
            batch_no=1,
            seq_no=next(self._seq),
            content_hash=amount_minor.to_bytes(32),
            cardholder_id=holder.id,
            card_id=holder.virtual_id,
            serial=None,
            device_id=holder.device_id,
            instrument="CC1",
            scene="MEAL",
            replay_key=self.ids.bytes(14),
            continuation_id=None,
            new_continuation_id=self.ids.new(),
            continuation_until=now + timedelta(seconds=90),
            amount_minor=amount_minor,
            manual=False,
            expires_at=None,
            pin_proven=False,
            single_minor=100_000,
            daily_minor=100_000,
            merchant_account_id=self.merchant_account_id,
            transfer_ids=(self.ids.new(), self.ids.new()),
            retrieval_reference=self.ids.retrieval_reference(),
            answer_kid=1,
            answered_at=now,
            business_on=business_day(now, ZONE),
            signed_answer="",
        )
        made = replace(made, **changes)
        if made.manual and made.expires_at is None:
            made = replace(made, expires_at=made.answered_at + timedelta(hours=1))
        return replace(made, signed_answer=sign(approval(made)))

    def retry(self, request: PurchaseRequest) -> PurchaseRequest:
        """The same question as it comes again, with what the server adds made anew."""
        again = replace(
            request,
            transfer_ids=(self.ids.new(), self.ids.new()),
            new_continuation_id=self.ids.new(),
            retrieval_reference=self.ids.retrieval_reference(),
            answered_at=self.clock.now(),
        )
        return replace(again, signed_answer=sign(approval(again)))

    def follow(
        self, operation: str, original: PurchaseRequest | Key, amount_minor: int = 0, **changes: Any
    ) -> FollowUp:
        """A capture, void or refund of a purchase, under a key of its own."""
        now = self.clock.now()
        made = FollowUp(
            operation=operation,
            key=Key(TILLS[0], 1, next(self._seq)),
            original=original if isinstance(original, Key) else key_of(original),
            content_hash=(amount_minor + 1).to_bytes(31) + operation[:1].encode(),
            amount_minor=amount_minor,
            reason=None,
            retrieval_reference=self.ids.retrieval_reference(),
            answer_kid=1,
            answered_at=now,
            business_on=business_day(now, ZONE),
        )
        return replace(made, **changes)

    async def authorise(self, request: PurchaseRequest, process: int = 0) -> Answer:
        """Asks one of the two app processes."""
        return await self.processes[process].authorise(self.school_id, PURSES, request, sign)

    async def answer(self, follow: FollowUp, process: int = 0) -> Answer:
        """Asks one of the two app processes what follows a purchase."""
        asked = self.processes[process]
        if follow.operation == "CAPTURE":
            return await asked.capture(self.school_id, follow, sign)
        if follow.operation == "VOID":
            return await asked.void(self.school_id, follow, sign)
        return await asked.refund(self.school_id, follow, self.merchant_account_id, sign)

    async def funds(self, holder: Holder) -> tuple[int, int]:
        """Balance and available balance over all purses."""
        balances = await self.ledger.balances(self.school_id, holder.id)
        return balances.balance_minor, balances.available_minor

    async def counts(self) -> tuple[int, ...]:
        """How many answers, purchases, transfers, legs and spent codes there are."""
        tables = ("terminal_answer", "authorisation", "transfer", "leg", "code_use")
        counted = ", ".join(
            f"(SELECT count(*) FROM {table} WHERE school_id = $1)" for table in tables
        )
        return (await self.rows(f"SELECT {counted}", self.school_id))[0]

    async def findings(self) -> list[Finding]:
        """Every invariant of the books and of the answers."""
        return await judge(self.database, self.school_id, PROOF, self.clock.now())

    async def broken(self) -> dict[str, int]:
        """The ids of the invariants that do not hold, and how often."""
        return {f.invariant.id: f.count for f in await self.findings() if f.count}


def key_of(request: PurchaseRequest) -> Key:
    """The key a purchase was sent under."""
    return Key(request.terminal_no, request.batch_no, request.seq_no)


def approval(request: PurchaseRequest) -> Answer:
    """What the purchase is answered if it is approved."""
    return Answer(
        *(request.terminal_no, request.batch_no, request.seq_no, "NEW", "APPROVED", "00", None),
        *(request.amount_minor, None, None, None, None, None, request.retrieval_reference),
        *(request.answer_kid, request.answered_at, None),
    )


@asynccontextmanager
async def canteen_on(
    dsn: str, lanes: int = 2, school_ids: Sequence[int] = (SCHOOL,)
) -> AsyncIterator[list[Canteen]]:
    """Schools on one migrated, empty database."""
    made = [Canteen(dsn, lanes, school_id) for school_id in school_ids]
    await made[0].database.open()
    try:
        for canteen in made:
            await canteen.found_school()
        yield made
    finally:
        for canteen in made:
            for lanes_ in canteen.lanes:
                await lanes_.close()
        await made[0].database.close()


@pytest.fixture
async def canteen(database_dsn: DatabaseDsn) -> AsyncIterator[Canteen]:
    """A school on a database of the test's own."""
    async with canteen_on(database_dsn.app) as (made,):
        yield made
