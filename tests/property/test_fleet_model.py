"""Fifty tills, two hundred offline records each, and a model that says what becomes of each.

The model knows the table of terminals.md 6 and nothing of the product: from what a record is it
says the verdict, and from the verdicts every balance.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from core.authorisation.offline import Settled
from core.kit.clock import unix_seconds
from core.settlement.records import Closed, Closing, Total, TotalKind
from terminals import cc1
from terminals.cc1 import Flags, Kind
from terminals.offline import Item, RecordKind
from terminals.parameters import SiteTerminals
from tests.factories.canteen import TILLS
from tests.factories.offline import BATCH, PARAMETERS, SAME, SITE, VERSION, Lane, Phone, Stall, said
from tests.unit.terminals import samples

NUMBERS = range(TILLS[0], TILLS[0] + 50)
RECORDS, RICH = 200, 90
AT_ONCE = 8
DAY = 86_400
RICH_MINOR, POOR_MINOR = 500_000, 700
Verdict = tuple[str, str | None, set[str]]


@dataclass(frozen=True, slots=True)
class Deed:
    """One record as the model sees it; seconds are by the till's clock, fen.

    `age` is how long ago it was made, `shown_ago` how much older its code is.
    """

    person: str
    minor: int
    code: object
    age: int
    shown_ago: int = 0
    deny_version: int = 0
    is_signed: bool = True
    knows_documents: bool = True
    is_on_site: bool = True
    is_lost: bool = False
    voids: int | None = None


@dataclass
class Model:
    """What the table of terminals.md 6 says, and what the books must hold then."""

    opening: dict[str, int]
    revoked: dict[str, int] = field(default_factory=dict)
    """The deny version that names a person's pass; it was revoked just now."""
    spent: Counter[str] = field(default_factory=Counter)
    merchant: int = 0
    loss: int = 0
    _codes: dict[object, int] = field(default_factory=dict)
    _taken: dict[tuple[int, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    totals: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    _own: set[tuple[int, object]] = field(default_factory=set)

    def judge(self, till: int, deed: Deed, deeds: list[Deed], *, gap: bool) -> Verdict:
        """The verdict, and what it does to the books."""
        alarm = {"CHAIN_GAP"} if gap else set()
        if not deed.is_signed:
            return "REJECTED", "RECORD_SIGNATURE", set()
        if deed.minor == 0:
            return "REJECTED", "AMOUNT_INVALID", set()
        if deed.voids is not None:
            undone = deeds[deed.voids - 1]
            self._book(till, undone.person, -undone.minor)
            return "ACCEPTED", None, alarm
        if (refusal := self._refusal(till, deed)) is not None:
            return "REJECTED", refusal, set()
        if (till, deed.code) in self._own:
            return "DUPLICATE", "SAME_CODE", set()
        self._own.add((till, deed.code))
        self._taken[till, deed.person].append(deed.minor)
        doubt = self._doubt(till, deed)
        self._codes.setdefault(deed.code, till)
        if doubt is not None:
            self._book(till, None, deed.minor)
            return "SUSPECT", doubt, alarm
        late = {"LATE"} if deed.age > DAY else set()
        if deed.person in self.revoked and deed.age <= 0:
            self._book(till, None, deed.minor)
            return "ACCEPTED", None, alarm | late | {"AFTER_REPORT"}
        self._book(till, deed.person, deed.minor)
        owes = self.spent[deed.person] > self.opening[deed.person]
        return "ACCEPTED", None, alarm | late | ({"ARREARS"} if owes else set())

    def _refusal(self, till: int, deed: Deed) -> str | None:
        if deed.shown_ago < -15:
            return "CODE_FROM_FUTURE"
        if deed.shown_ago > 60:
            return "CODE_EXPIRED"
        if 0 < self.revoked.get(deed.person, 0) <= deed.deny_version:
            return "REVOKED_KNOWN"
        if not deed.knows_documents:
            return "STALE_DOCUMENTS"
        before = self._taken[till, deed.person]
        if deed.minor > 2_000 or len(before) == 3 or sum(before) + deed.minor > 5_000:
            return "CAP_EXCEEDED"
        return None if deed.is_on_site else "SITE_NOT_ALLOWED"

    def _doubt(self, till: int, deed: Deed) -> str | None:
        if self._codes.get(deed.code, till) != till:
            return "CODE_USED_ELSEWHERE"
        if deed.person not in self.opening:
            return "PASS_UNKNOWN"
        if deed.age < -120:
            return "CLOCK"
        return "TOO_OLD" if deed.age > 10 * DAY else None

    def _book(self, till: int, payer: str | None, minor: int) -> None:
        self.merchant += minor
        if minor < 0:
            self.totals[till].remove(-minor)
        else:
            self.totals[till].append(minor)
        if payer is None:
            self.loss += minor
        else:
            self.spent[payer] += minor


_SINGLE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("unsigned", {"is_signed": False}),
    ("nothing", {"minor": 0}),
    ("fresh 60", {"shown_ago": 60}),
    ("fresh 61", {"shown_ago": 61}),
    ("future 15", {"shown_ago": -15}),
    ("future 16", {"shown_ago": -16}),
    ("elsewhere", {"is_on_site": False}),
    ("unpublished", {"knows_documents": False}),
    ("at cap", {"minor": 2_000}),
    ("above cap", {"minor": 2_001}),
    ("stranger", {}),
    ("lost", {"is_lost": True}),
)
"""Each makes one record of a kind at every till."""


def deeds_of(place: int, versions: dict[str, int]) -> list[Deed]:
    """What the till at a place does: the odd cases among plain sales, always two hundred."""
    odd = list(_odd(place, versions))
    plain = [
        Deed(f"rich {n % RICH}", 100 + n, ("rich", n % RICH, place, n // RICH),
             age=3_000 - place * 40 - n // RICH)
        for n in range(RECORDS - len(odd) - 1)
    ]  # fmt: skip
    step = len(plain) // len(odd)
    mixed = []
    for number, deed in enumerate(odd):
        mixed += [*plain[number * step : (number + 1) * step], deed]
    mixed += plain[len(odd) * step :]
    return [*mixed, Deed("", mixed[0].minor, None, 0, voids=1)]


def _odd(place: int, versions: dict[str, int]) -> Iterator[Deed]:
    for person, changes in _SINGLE:
        base = Deed(person, 300, (person, place), age=1_000 + place * 20)
        yield replace(base, **changes)
    for person, minors in (
        ("often", (500, 500, 500, 500)),
        ("much", (2_000, 2_000, 1_001, 1_000)),
        (f"poor {place}", (500, 500, 500)),
    ):
        for number, minor in enumerate(minors):
            yield Deed(person, minor, (person, place, number), age=2_000 - place * 20 - number)
    for _ in range(2):
        yield Deed("twin", 400, ("twin", place), age=2_500 - place)
    for number in range(5):  # the same screens at the tills of both waves
        yield Deed(f"relayed {number}", 600, (number, place % 25), age=1_500 + place % 25)
    # Of instants that are the same everywhere, the screens differ by when they were shown.
    yield Deed("hasty", 700, ("hasty 0", place), age=-120, shown_ago=place)
    yield Deed("fast", 700, ("fast", place), age=-121, shown_ago=place)
    yield Deed("late", 700, ("late", place), age=DAY + 1 + place)
    yield Deed("old", 700, ("old", place), age=10 * DAY + 1 + place)
    yield Deed("after", 700, ("after", place), age=-place)
    yield Deed("known", 700, ("known", place), age=-place, deny_version=versions["known"])


@dataclass
class School:
    """The phones of everybody, and the tills' lanes."""

    stall: Stall
    now: int
    phones: dict[str, Phone] = field(default_factory=dict)

    async def settle_in(self) -> tuple[dict[str, int], dict[str, int]]:
        """Opening balances, and the deny versions of who is revoked."""
        await _add_tills(self.stall)
        names = [name for name, _ in _SINGLE] + [
            "often", "much", "twin", "hasty", "fast", "late", "old", "after", "known",
            *(f"relayed {n}" for n in range(5)), *(f"rich {n}" for n in range(RICH)),
            *(f"poor {place}" for place in range(len(NUMBERS))),
        ]  # fmt: skip
        opening = {}
        for name in names:
            opening[name] = POOR_MINOR if name.startswith("poor") else RICH_MINOR
            holder = await self.stall.canteen.holder(main_minor=opening[name])
            began = {"late": self.now - DAY - 7_200, "old": self.now - 10 * DAY - 7_200}
            changes: dict[str, Any] = {"not_before": began.get(name, self.now - 3_600)}
            if name == "elsewhere":
                changes["mask"] = 1 << (SITE + 1)
            self.phones[name] = await self.stall.phone(holder, **changes)
        self.phones["stranger"] = self._stranger(self.phones["stranger"])
        del opening["stranger"]
        versions = {name: await self.stall.revoke(self.phones[name]) for name in ("known", "after")}
        return opening, versions

    def _stranger(self, like: Phone) -> Phone:
        """A pass that is signed well, and that no row knows."""
        began = self.now - 3_600
        signed = cc1.issue_pass(
            issuer=self.stall.canteen.school_id, kid=1, kind=Kind.VIRTUAL_CARD, cap_tag=1 << 30,
            pass_no=1, not_before=began, ttl=96, cap_class=1, flags=Flags.PAY, mask=1 << SITE,
            device_key=samples.public(like.seed), sign=samples.sign_pass,
        )  # fmt: skip
        return replace(like, signed_pass=signed, not_before=began)

    def write(self, lane: Lane, deed: Deed) -> Item:
        """The record of a deed."""
        if deed.voids is not None:
            return lane.write(f"VOID:{deed.voids}", deed.minor, kind=RecordKind.VOID)
        shown_at = self.now - deed.age - deed.shown_ago
        item = lane.write(
            self.phones[deed.person].show(shown_at),
            deed.minor,
            created_at=self.now - deed.age,
            deny_version=deed.deny_version,
            parameters_version=VERSION if deed.knows_documents else VERSION + 1,
        )
        return item if deed.is_signed else replace(item, signature=bytes(64))

    async def upload(self, lane: Lane, items: list[Item]) -> list[Settled]:
        """All of a till in one request."""
        till = self.stall.till(lane.terminal_no)
        return await self.stall.uploads.answer(till, BATCH, lane.first, items)


async def _add_tills(stall: Stall) -> None:
    await stall.canteen.rows(
        "INSERT INTO terminal (school_id, terminal_no, merchant_id, site_number, state,"
        " device_class, scenes, created_at) SELECT t.school_id, n, t.merchant_id, t.site_number,"
        " t.state, t.device_class, t.scenes, t.created_at FROM terminal t,"
        " generate_series($2::int, $3::int) n WHERE t.school_id = $1 AND t.terminal_no = $4",
        stall.canteen.school_id, NUMBERS[len(TILLS)], NUMBERS[-1], TILLS[0],
    )  # fmt: skip
    site = SiteTerminals(site_no=SITE, name_zh="楼", name_en="Hall", terminals=list(NUMBERS))
    stall.parameters[VERSION] = PARAMETERS.model_copy(update={"sites": [site]})


@dataclass(frozen=True, slots=True)
class Played:
    """A till's day: what it did, what it sent."""

    lane: Lane
    deeds: list[Deed]
    items: list[Item]

    @property
    def sent(self) -> list[Item]:
        """All but what its disk lost."""
        pairs = zip(self.items, self.deeds, strict=True)
        return [item for item, deed in pairs if not deed.is_lost]

    def expected(self, model: Model) -> list[Verdict]:
        """What the model says to each of them."""
        verdicts, gap = [], False
        for deed in self.deeds:
            if not deed.is_lost:
                till = self.lane.terminal_no
                verdicts.append(model.judge(till, deed, self.deeds, gap=gap))
            gap = deed.is_lost or not deed.is_signed
        return verdicts


async def test_fifty_terminals_two_hundred_records_match_model(stall: Stall) -> None:
    school = School(stall, unix_seconds(stall.canteen.clock.now()))
    opening, versions = await school.settle_in()
    model, gate = Model(opening, versions), asyncio.Semaphore(AT_ONCE)
    tills = []
    for place, number in enumerate(NUMBERS):
        lane, deeds = stall.lane(number), deeds_of(place, versions)
        assert len(deeds) == RECORDS
        tills.append(Played(lane, deeds, [school.write(lane, deed) for deed in deeds]))

    async def uploaded(till: Played) -> list[Verdict]:
        async with gate:
            return [said(each) for each in await school.upload(till.lane, till.sent)]

    for wave in (tills[:25], tills[25:]):
        heard = await asyncio.gather(*map(uploaded, wave))
        assert heard == [till.expected(model) for till in wave]
    again = Counter(verdict[:2] for verdict in await uploaded(tills[0]))
    unsigned = ("REJECTED", "RECORD_SIGNATURE")
    assert again == {SAME: len(tills[0].sent) - 1, unsigned: 1}
    await _balances_match(school, model)
    for till in tills:
        await _batch_closes(stall, till, model.totals[till.lane.terminal_no])


async def _balances_match(school: School, model: Model) -> None:
    stall, canteen = school.stall, school.stall.canteen
    for name, opening in model.opening.items():
        holder, rest = school.phones[name].holder, opening - model.spent[name]
        owed = await canteen.ledger.arrears_minor(canteen.school_id, holder.id)
        assert (name, await stall.balance(holder), owed) == (name, max(0, rest), max(0, -rest))
    assert await stall.account("MERCHANT") == model.merchant
    assert await stall.account("LOSS") == -model.loss
    assert await canteen.broken() == {}


async def _batch_closes(stall: Stall, till: Played, totals: list[int]) -> None:
    """It names just the records that never came, and then settles at what the model says."""
    pairs = enumerate(till.deeds, 1)
    absent = [seq for seq, deed in pairs if deed.is_lost or not deed.is_signed]
    closing = Closing(
        terminal_no=till.lane.terminal_no,
        batch_no=BATCH,
        merchant_account_id=stall.canteen.merchant_account_id,
        last_seq=RECORDS,
        unused=frozenset(),
        totals=(Total(TotalKind.PURCHASE, "CC1", len(totals), sum(totals)),),
        head_hash=till.lane.head,
        first_hash=till.lane.first,
    )
    school_id = stall.canteen.school_id
    assert await stall.batches.close(school_id, closing) == Closed(None, missing=tuple(absent))
    closed = await stall.batches.close(school_id, replace(closing, unused=frozenset(absent)))
    assert closed.settlement is not None
    assert closed.settlement.net_minor == sum(totals)
