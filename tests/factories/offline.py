"""A canteen whose tills lose their network: passes, codes, signed records and their upload."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pytest

from core.authorisation.offline import Flag, Settled, Verdict
from core.authorisation.records import Key
from core.authorisation.service import bundles
from core.authorisation.service.bundles import Bundles
from core.authorisation.service.offline import OfflineRecords
from core.kit.clock import unix_seconds
from core.school.records import DocumentKind
from core.school.service import DenyList
from core.settlement.service import Batches
from terminals import cc1, offline
from terminals.answers import AnswerKey
from terminals.cc1 import Flags, Intent, Kind
from terminals.ccq import Challenge, Purpose, SignedChallenge, make
from terminals.keys import Evidence, KeyRing, signer
from terminals.message import RequestKey
from terminals.offline import Item, Record, RecordKind
from terminals.parameters import FundingLine, OfflineCap, Parameters, SiteTerminals
from terminals.payments import SchoolKeys, Terms, Till
from terminals.scenes import Scene
from terminals.uploads import Uploads
from tests.factories.canteen import PURSES, TILLS, ZONE, Canteen, Holder
from tests.unit.terminals import samples

BATCH = 1
SITE = 1
TILL_SEEDS = {number: bytes([number]) * 32 for number in range(TILLS[0], TILLS[0] + 50)}
"""Of the tills of the canteen, and of those that a test adds."""
PARAMETERS = Parameters(
    offline_money=True,
    offline_instruments=["VIRTUAL"],
    caps=[
        OfflineCap(cap_class=1, amount_minor=2_000, count=3, total_minor=5_000),
        OfflineCap(cap_class=2, amount_minor=1_000, count=2, total_minor=2_000),
        OfflineCap(cap_class=3, amount_minor=5_000, count=4, total_minor=10_000, high=True),
    ],
    sites=[SiteTerminals(site_no=SITE, name_zh="楼", name_en="Hall", terminals=list(TILLS))],
    challenge_above_minor=5_000,
    offline_challenge_above_minor=None,
    funding_plan=[
        FundingLine(
            instrument="VIRTUAL",
            online=list(PURSES),
            outage=list(PURSES),
            offline=["RESERVE", *PURSES],
        )
    ],
    code_prefixes=[],
    skew_seconds=15,
    life_seconds=45,
    rotation_seconds=30,
    deny_age_seconds=86_400,
    upload_due_seconds=86_400,
    upload_seconds=864_000,
    stored_records=2_000,
    stored_total_minor=2_000_000,
    heartbeat_seconds=30,
    hold_seconds=86_400,
    single_minor=100_000,
    daily_minor=100_000,
    zone=ZONE,
    pin_public_key=bytes(32),
)
"""Version 7 of the sample school."""
VERSION = 7
_signer = cache(signer)
"""The same people and tills sign thousands of times."""


@dataclass(frozen=True, slots=True)
class Phone:
    """A pass on a holder's device; its presentations are signed with the device's seed."""

    holder: Holder
    signed_pass: bytes
    not_before: int
    seed: bytes

    @property
    def serial(self) -> bytes:
        """What a deny list names."""
        return self.signed_pass[4:10]

    def show(self, at: int, challenge: SignedChallenge | None = None) -> str:
        """The text shown at an instant."""
        digest = b"" if challenge is None else challenge.digest
        t = at - self.not_before
        return cc1.show(self.signed_pass, t, Intent.ANY, _signer(self.seed), digest)


@dataclass
class Lane:
    """One till without a network: it numbers, chains and signs, and keeps what it wrote."""

    canteen: Canteen
    terminal_no: int
    batch_no: int = BATCH
    seq_no: int = 0
    head: bytes = b""
    written: list[Item] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.head = self.first

    @property
    def first(self) -> bytes:
        """h0 of its batch."""
        return offline.first_link(self.canteen.school_id, self.terminal_no, self.batch_no)

    def key(self) -> RequestKey:
        """The next number."""
        self.seq_no += 1
        return RequestKey(self.terminal_no, self.batch_no, self.seq_no)

    def write(self, presented: str, minor: int = 500, **changes: Any) -> Item:
        """One record, written and signed."""
        made = Record(
            issuer=self.canteen.school_id,
            key=changes.pop("key", None) or self.key(),
            kind=RecordKind.PURCHASE,
            created_at=unix_seconds(self.canteen.clock.now()),
            minor_amount=minor,
            parameters_version=VERSION,
            deny_version=0,
            clock_state=1,
            presented=presented,
        )
        record = made._replace(**changes)
        previous, self.head = self.head, offline.link(self.head, record.packed())
        signature = offline.sign_link(self.head, _signer(TILL_SEEDS[self.terminal_no]))
        item = Item(record, signature, previous=previous)
        self.written.append(item)
        return item

    def challenge(self, key: RequestKey, minor: int) -> SignedChallenge:
        """The CCQ of a purchase."""
        at = unix_seconds(self.canteen.clock.now())
        asked = Challenge(Purpose.PAY, self.canteen.school_id, 1, key, at, 120, minor)
        return make(asked, _signer(TILL_SEEDS[self.terminal_no]))


class Stall:
    """A canteen with what its offline tills need, and the server's side of their uploads."""

    def __init__(self, canteen: Canteen) -> None:
        self.canteen = canteen
        self.deny = DenyList(canteen.database, canteen.clock)
        self.records = OfflineRecords(
            canteen.database, canteen.ledger, canteen.limits, canteen.clock, canteen.ids
        )
        self.batches = Batches(canteen.database, canteen.clock, self.records)
        self.bundles = self.bundles_of()
        self.parameters: dict[int, Parameters] = {VERSION: PARAMETERS}
        self._tags = iter(range(1, 10_000))
        issuer = canteen.school_id
        pass_key = replace(samples.PASS_KEY, issuer=issuer, sign_from=0, sign_until=1 << 32)
        answer_key = replace(samples.ANSWER_KEY, issuer=issuer, sign_from=0, sign_until=1 << 32)
        keys = [replace(key, drop_after=1 << 32) for key in (pass_key, answer_key)]
        answer = AnswerKey(issuer, 2, samples.sign_answer)
        ring = KeyRing(keys)
        self.keys = SchoolKeys(ring, answer, lambda _kid: answer, bytes(32), Evidence(ring))
        self.uploads = self.uploads_with()

    def bundles_of(self, **changes: Any) -> Bundles:
        """How the records of an upload are settled; `maximum` 0 settles each alone."""
        canteen = self.canteen
        return Bundles(
            canteen.database, canteen.ledger, self.records, canteen.clock, canteen.ids, **changes
        )

    def uploads_with(self, **changes: Any) -> Uploads:
        """The upload service over this school; `changes` stand for its parts."""
        parts: dict[str, Any] = {
            "records": self.bundles,
            "batches": self.batches,
            "parameters": self._parameters,
            "terms": self._terms,
            "keys": lambda _school_id: self.keys,
            "clock": self.canteen.clock,
        }
        return Uploads(**(parts | changes))

    async def _parameters(self, _school_id: int, version: int) -> Parameters | None:
        return self.parameters.get(version)

    async def _terms(self, _school_id: int) -> Terms:
        plan = PARAMETERS.plan
        return Terms(PURSES, 100_000, 100_000, ZONE, 86_400, None, 15, 45, 10, plan)

    def till(self, terminal_no: int = TILLS[0]) -> Till:
        """The terminal as the registry knows it."""
        keys = {1: samples.public(TILL_SEEDS[terminal_no])}
        merchant = self.canteen.merchant_account_id
        issuer = self.canteen.school_id
        return Till(issuer, terminal_no, keys, merchant, True, frozenset({Scene.MEAL}), keys)

    def lane(self, terminal_no: int = TILLS[0], batch_no: int = BATCH) -> Lane:
        """A till without a network."""
        return Lane(self.canteen, terminal_no, batch_no)

    async def phone(
        self, holder: Holder, *, cap_tag: int | None = None, pass_no: int = 1, **changes: Any
    ) -> Phone:
        """A pass of a holder that began an hour ago; the same `cap_tag` refreshes one."""
        now, seed = self.canteen.clock.now(), holder.device_id.bytes * 2
        facts: dict[str, Any] = {
            "issuer": self.canteen.school_id,
            "kid": 1,
            "kind": Kind.VIRTUAL_CARD,
            "cap_tag": next(self._tags) if cap_tag is None else cap_tag,
            "pass_no": pass_no,
            "not_before": unix_seconds(now) - 3_600,
            "ttl": 96,
            "cap_class": 1,
            "flags": Flags.PAY,
            "mask": 1 << SITE,
            "device_key": samples.public(seed),
            "sign": samples.sign_pass,
        }
        signed = cc1.issue_pass(**(facts | changes))
        starts = int.from_bytes(signed[10:14])
        made = Phone(holder, signed, starts, seed)
        await self.canteen.rows(
            "INSERT INTO code_pass (school_id, serial, device_id, cardholder_id, kind, not_before,"
            " ends_at, content, issued_at) VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8)",
            self.canteen.school_id, made.serial, holder.device_id, holder.id, starts,
            starts + 86_400, signed, now,
        )  # fmt: skip
        return made

    def show(self, phone: Phone, ago: int = 0) -> str:
        """What a phone shows now, or showed some seconds ago."""
        return phone.show(unix_seconds(self.canteen.clock.now()) - ago)

    async def revoke(self, phone: Phone) -> int:
        """Revokes a pass as the app does; the new version of the deny list."""

        async def work(unit: Any) -> None:
            await unit.execute(
                "UPDATE code_pass SET revoked_at = $3 WHERE school_id = $1 AND serial = $2",
                unit.school_id, phone.serial, self.canteen.clock.now(),
            )  # fmt: skip
            await self.deny.add_serials(unit, [(phone.serial, phone.not_before + 86_400)])

        await self.canteen.database.unit(self.canteen.school_id, work)
        version, _ = await self.deny.changes(self.canteen.school_id, 0)
        return version

    async def acknowledge(self, version: int, terminal_no: int = TILLS[0]) -> None:
        """The terminal's heartbeat says that it goes by a deny list."""
        held = {DocumentKind.DENY: version}
        await self.deny.acknowledge(self.canteen.school_id, terminal_no, held)

    async def upload(
        self, *items: Item, lane: Lane | None = None, previous: bytes | None = None
    ) -> list[Settled]:
        """The verdicts on some records."""
        lane = lane or self.lane(items[0].record.key.terminal_no, items[0].record.key.batch_no)
        till = self.till(lane.terminal_no)
        return await self.uploads.answer(till, lane.batch_no, previous or lane.first, items)

    async def one(self, item: Item) -> tuple[str, str | None, set[str]]:
        """Verdict, reason and flags of one record."""
        (settled,) = await self.upload(item)
        return said(settled)

    async def balance(self, holder: Holder) -> int:
        """What the holder's purses hold."""
        return (await self.canteen.funds(holder))[0]

    async def account(self, kind: str) -> int:
        """The sum of the legs of all accounts of a kind."""
        rows = await self.canteen.rows(
            "SELECT coalesce(sum(l.amount_minor), 0)::bigint FROM leg l JOIN account a"
            " ON a.school_id = $1 AND a.id = l.account_id WHERE l.school_id = $1 AND a.kind = $2",
            self.canteen.school_id, kind,
        )  # fmt: skip
        total: int = rows[0][0]
        return total

    async def money(self) -> list[tuple[Any, ...]]:
        """Every row that money stands in: compared before and after a refusal."""
        tables = ("transfer", "leg", "account", "authorisation", "code_use", "terminal_answer",
                  "cardholder_limit")  # fmt: skip
        found: list[tuple[Any, ...]] = []
        for table in tables:
            sql = f"SELECT * FROM {table} WHERE school_id = $1"
            rows = await self.canteen.rows(sql, self.canteen.school_id)
            found += sorted((table, *map(str, row)) for row in rows)
        return found


def said(settled: Settled) -> tuple[str, str | None, set[str]]:
    """Verdict, reason and flags."""
    judgement = settled.judgement
    return judgement.verdict.value, judgement.reason, {flag.value for flag in judgement.flags}


def verdicts(settled: Iterable[Settled]) -> list[tuple[str, str | None]]:
    """Verdicts and reasons, by seqNo."""
    return [(s.judgement.verdict.value, s.judgement.reason) for s in settled]


ACCEPTED = (Verdict.ACCEPTED.value, None)
GAP = Flag.CHAIN_GAP.value
SAME = ("DUPLICATE", "SAME_RECORD")


def key_of(lane: Lane, seq_no: int | None = None) -> Key:
    """The key of a record of a lane, its last one if none is named."""
    return Key(lane.terminal_no, lane.batch_no, seq_no or lane.seq_no)


def later(number: int) -> Key:
    """A key of another batch, for what follows a purchase."""
    return Key(TILLS[0], 9, number)


async def rich(stall: Stall) -> Holder:
    """A cardholder with 200 yuan."""
    return await stall.canteen.holder(main_minor=20_000)


async def refused(stall: Stall, item: Item, reason: str, verdict: str = "REJECTED") -> None:
    """The record is judged so, and neither money nor codes nor answers change."""
    before = await stall.money()
    assert await stall.one(item) == (verdict, reason, set())
    assert await stall.money() == before
    assert await stall.canteen.broken() == {}


LOCKED = "LockNotAvailableError"
"""Of a bundle that waited too long for somebody's money lock, and is settled one by one for it."""


def failed_bundles(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was settled one by one for a fault of its bundle: it works, so nobody else would see."""
    told = [each.getMessage() for each in caplog.records if each.name == bundles.__name__]
    return [each for each in told if LOCKED not in each]


@pytest.fixture
def stall(canteen: Canteen, caplog: pytest.LogCaptureFixture) -> Iterator[Stall]:
    """A canteen whose tills lose their network."""
    yield Stall(canteen)
    assert failed_bundles(caplog) == []
