"""Two schools with the same people, tills and offline records, of which one settles each alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from core.authorisation.offline import Settled
from core.authorisation.records import Key
from core.authorisation.service.reserve import Reserves
from core.db.unit import Unit
from core.kit.clock import business_day, unix_seconds
from core.settlement.records import Closing
from terminals import cc1
from terminals.answers import signing
from terminals.cc1 import Kind
from terminals.codes import Use
from terminals.offline import Item, RecordKind
from terminals.parameters import CardCap
from tests.factories.canteen import TILLS, ZONE, Canteen, Holder
from tests.factories.offline import PARAMETERS, VERSION, Lane, Phone, Stall
from tests.unit.terminals import samples

RICH, POOR, RESERVED, REVOKED = range(4)
KINDS = (
    *("unsigned", "again", "void", "void next", "asked", "declined", "waiting", "undone"),
    *("tap", "stranger", "junk", "newer", "lost", "unpublished", "receipt"),
)
"""What is not plain about a record."""
RESERVE_MINOR = 1_000
LATER = 1_000
"""Voids go under keys of a batch so much later."""


_OF_BATCH = """
t.retrieval_reference IN (SELECT x.retrieval_reference FROM authorisation x
  WHERE x.school_id = $1 AND x.batch_no = ANY($2))
OR EXISTS (SELECT FROM account x WHERE x.school_id = $1 AND x.owner_id = ANY($3)
  AND x.id IN (t.debit_account_id, t.credit_account_id))
"""
_REFERENCES = (
    "SELECT retrieval_reference FROM terminal_answer WHERE school_id = $1 AND batch_no = ANY($2)"
    " ORDER BY terminal_no, batch_no, seq_no"
)
_BOOKS = {
    "items": "SELECT terminal_no, batch_no, seq_no, kind, made_at, received_at, amount_minor,"
    " cardholder_id, serial IS NULL, cap_tag, replay_key IS NULL, card_uid IS NULL, verdict,"
    " reason, flags::text, retrieval_reference FROM offline_item"
    " WHERE school_id = $1 AND batch_no = ANY($2)",
    "purchases": "SELECT terminal_no, batch_no, seq_no, state, cardholder_id, card_id,"
    " serial IS NULL, instrument, scene, merchant_account_id, held_minor, captured_minor,"
    " refunded_minor, pin_proven, single_minor, daily_minor, spent_before_minor,"
    " cardinality(transfer_ids), retrieval_reference, business_on, made_at, payer, is_offline"
    " FROM authorisation WHERE school_id = $1 AND batch_no = ANY($2)",
    "answers": "SELECT terminal_no, batch_no, seq_no, operation, outcome, response_code, reason,"
    " amount_minor, cardholder_id, available_minor, spent_minor, retrieval_reference,"
    " original_seq_no, answered_at, signed_answer IS NULL FROM terminal_answer"
    " WHERE school_id = $1 AND batch_no = ANY($2)",
    "transfers": "SELECT t.kind, t.phase, t.debit_account_id, t.credit_account_id, t.amount_minor,"
    " t.retrieval_reference, t.made_at, t.business_on FROM transfer t"
    f" WHERE t.school_id = $1 AND ({_OF_BATCH})",
    "legs": "SELECT l.account_id, l.posted_at, l.counter_account_id, l.kind, l.amount_minor,"
    " l.balance_after_minor FROM transfer t JOIN leg l ON l.school_id = $1"
    f" AND l.transfer_id = t.id WHERE t.school_id = $1 AND ({_OF_BATCH})",
    "purses": "SELECT owner_id, kind, balance_minor, pending_minor, last_posted_at FROM account"
    " WHERE school_id = $1 AND owner_id = ANY($3)",
    "codes": "SELECT terminal_no, batch_no, seq_no, reserved_for IS NULL, used_at FROM code_use"
    " WHERE school_id = $1 AND batch_no = ANY($2)",
    "days": "SELECT cardholder_id, spent_on, spent_minor FROM cardholder_limit"
    " WHERE school_id = $1 AND cardholder_id = ANY($3)",
    "reserves": "SELECT cardholder_id, reserve_minor FROM cap_slot"
    " WHERE school_id = $1 AND cardholder_id = ANY($3)",
    "passes": "SELECT cardholder_id, not_before, revoked_at, withdrawn_at FROM code_pass"
    " WHERE school_id = $1 AND cardholder_id = ANY($3)",
    "denied": "SELECT version, kind, op, until, added_at FROM deny_entry WHERE school_id = $1",
    "links": "SELECT terminal_no, batch_no, count(*) FROM offline_link"
    " WHERE school_id = $1 AND batch_no = ANY($2) GROUP BY terminal_no, batch_no",
    "adjusted": "SELECT terminal_no, batch_no, number, purchases_minor, refunds_minor"
    " FROM settlement_adjustment WHERE school_id = $1 AND batch_no = ANY($2)",
}
"""What is compared: everything of a batch and its people but ids, codes, texts and signatures."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One record of a till: of the same screen the code is the same; made `ago` seconds ago."""

    till: int
    kind: str
    person: int
    screen: int
    minor: int
    ago: int


@dataclass
class Twin:
    """One of the two schools, in one batch of its own."""

    stall: Stall
    batch_no: int
    people: list[Holder] = field(default_factory=list)
    lanes: dict[int, Lane] = field(default_factory=dict)
    newest: int = 0
    _phones: dict[tuple[int, int], Phone] = field(default_factory=dict)

    @property
    def canteen(self) -> Canteen:
        """The school."""
        return self.stall.canteen

    async def settle_in(self, *, is_closed: bool) -> None:
        """New people, with money and passes; perhaps the batch is closed already."""
        canteen, school_id = self.canteen, self.canteen.school_id
        cap = CardCap(amount_minor=1_000, count=2, total_minor=1_500)
        self.stall.parameters[VERSION] = PARAMETERS.model_copy(update={"card_cap": cap})
        for main, subsidy in ((200_000, 500), (700, 0), (2_000 + RESERVE_MINOR, 0), (5_000, 0)):
            self.people.append(await canteen.holder(main_minor=main, subsidy_minor=subsidy))
        for ago in (0, 90_000, 950_000, -121):
            for person, holder in enumerate(self.people):
                began = unix_seconds(canteen.clock.now()) - ago - 3_600
                self._phones[person, ago] = await self.stall.phone(holder, not_before=began)
        await canteen.database.unit(school_id, self._set_aside)
        for (person, _), phone in self._phones.items():
            if person == REVOKED:
                self.newest = await self.stall.revoke(phone)
        self.lanes = {number: self.stall.lane(number, self.batch_no) for number in TILLS}
        if is_closed:
            lane = self.lanes[TILLS[0]]
            closing = Closing(
                lane.terminal_no, lane.batch_no, canteen.merchant_account_id, 0, frozenset(), (),
                lane.first, lane.first,
            )  # fmt: skip
            assert (await self.stall.batches.close(school_id, closing)).settlement

    async def _set_aside(self, unit: Unit) -> None:
        canteen, holder = self.canteen, self.people[RESERVED]
        presented = cc1.read(self.stall.show(self._phones[RESERVED, 0]))
        assert isinstance(presented, cc1.Presentation)
        await unit.execute(
            "INSERT INTO cap_slot (school_id, cardholder_id, starts_at, ends_at, cap_tag)"
            " VALUES ($1, $2, 0, 1, $3)",
            unit.school_id, holder.id, presented.cap_tag,
        )  # fmt: skip
        policies: Any = None  # nothing is given back here
        reserves = Reserves(
            canteen.database, canteen.ledger, canteen.limits, policies, canteen.clock, canteen.ids
        )
        await reserves.lock(unit, holder.id)
        day = business_day(canteen.clock.now(), ZONE)
        assert await reserves.set_aside(unit, holder.id, presented.cap_tag, RESERVE_MINOR, day)

    async def write(self, deed: Deed) -> Item:
        """The record of a deed, after what happened online under its key."""
        lane, canteen = self.lanes[TILLS[deed.till]], self.canteen
        at = unix_seconds(canteen.clock.now()) - deed.ago
        phone = self._phones[deed.person, deed.ago]
        if deed.kind == "stranger":
            phone = replace(phone, signed_pass=self._strange(phone))
        text, changes = phone.show(at - 5 * deed.screen), self._changes(deed, lane)
        text = changes.pop("presented", text)
        item = lane.write(text, deed.minor, created_at=at, **changes)
        await self._ask(deed, text, Key(*item.record.key))
        return replace(item, signature=bytes(64)) if deed.kind == "unsigned" else item

    def _strange(self, phone: Phone) -> bytes:
        """A pass of a serial that no row knows; the signature is as good as a test's."""
        began = phone.not_before
        made = cc1.read(phone.show(began))
        assert isinstance(made, cc1.Presentation)
        return cc1.issue_pass(
            issuer=made.issuer, kid=made.kid, kind=Kind(made.kind), pass_no=1, not_before=began,
            cap_tag=made.cap_tag + (1 << 20), ttl=96, cap_class=1, flags=made.flags,
            mask=made.mask, device_key=samples.public(phone.seed), sign=samples.sign_pass,
        )  # fmt: skip

    def _changes(self, deed: Deed, lane: Lane) -> dict[str, Any]:
        uid = self.people[deed.person].physical_id.hex[-8:].upper()
        mine = lane.written[-1].record.key if lane.written else lane.key()
        changes: dict[str, dict[str, Any]] = {
            "again": {"key": mine},
            "void": {"presented": "VOID:1", "kind": RecordKind.VOID},
            "void next": {"presented": f"VOID:{lane.seq_no + 2}", "kind": RecordKind.VOID},
            "tap": {"presented": f"CARD:{uid}"},
            "junk": {"presented": "CC1:junk"},
            "newer": {"deny_version": self.newest + 1},
            "lost": {"clock_state": 2},
            "unpublished": {"parameters_version": VERSION + 1},
            "receipt": {"presented": "CCR:junk", "kind": RecordKind.RECEIPT},
        }
        return dict(changes.get(deed.kind, {}))

    async def _ask(self, deed: Deed, text: str, key: Key) -> None:
        """What was asked online under the key of a record, before it is uploaded."""
        if deed.kind not in ("asked", "declined", "waiting", "undone"):
            return
        canteen, code = self.canteen, cc1.read(text)
        assert isinstance(code, cc1.Presentation)
        numbers = {"terminal_no": key.terminal_no, "batch_no": key.batch_no, "seq_no": key.seq_no}
        if deed.kind == "undone":
            own = Key(key.terminal_no, key.batch_no + LATER, key.seq_no)
            await canteen.answer(canteen.follow("VOID", key, key=own))
            return
        asked = canteen.purchase(
            self.people[deed.person], 9_999_999 if deed.kind == "declined" else max(1, deed.minor),
            replay_key=code.replay_key(Use.PAY), single_minor=100_000_000,
            daily_minor=100_000_000, **numbers,
        )  # fmt: skip
        if deed.kind == "waiting":
            asked = replace(asked, single_minor=0)
        await canteen.authorise(asked)

    async def upload(self, till: int, items: Sequence[Item]) -> list[Settled]:
        """Some records of a till."""
        return await self.stall.upload(*items, lane=self.lanes[TILLS[till]])

    async def told(self, settled: Sequence[Settled]) -> list[tuple[object, ...]]:
        """What records heard, comparable between the schools."""
        names = await self._names()
        return [
            (
                each.key,
                each.judgement,
                *map(names.get, (each.retrieval_reference, each.cardholder_id)),
            )
            for each in settled
        ]

    async def books(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that stands in the rows of the batch and of its people, without what chance made."""
        names = await self._names()
        return {
            table: sorted(
                (tuple(names.get(value, value) for value in row) for row in rows), key=repr
            )
            for table, sql in _BOOKS.items()
            for rows in (await self._rows(sql),)
        }

    async def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        given: list[object] = []
        if "$2" in sql:
            given.append([self.batch_no, self.batch_no + LATER])
        if "$3" in sql:
            given.append([holder.id for holder in self.people])
        sql = sql if "$2" in sql else sql.replace("$3", "$2")
        return await self.canteen.rows(sql, self.canteen.school_id, *given)

    async def _names(self) -> dict[object, object]:
        """What stands for an id or a reference in both schools: whose it is."""
        found: dict[object, object] = {self.canteen.merchant_account_id: "merchant"}
        for person, holder in enumerate(self.people):
            for part in ("id", "virtual_id", "physical_id"):
                found[getattr(holder, part)] = (person, part)
        for id_, owner, kind in await self.canteen.rows(
            "SELECT id, owner_id, kind FROM account WHERE school_id = $1", self.canteen.school_id
        ):
            found.setdefault(id_, (found.get(owner, "school"), kind))
        for number, (reference,) in enumerate(await self._rows(_REFERENCES)):
            found[reference] = ("reference", number)
        return found

    async def check_signatures(self) -> None:
        """Every answer of a record is signed as it stands."""
        sign = signing(self.stall.keys.answers)
        for key in await self._rows(
            "SELECT terminal_no, batch_no, seq_no FROM authorisation"
            " WHERE school_id = $1 AND batch_no = ANY($2) AND is_offline"
        ):
            status = await self.canteen.authorisations.status(self.canteen.school_id, Key(*key))
            assert status.answer is not None
            if status.answer.outcome == "APPROVED":
                assert status.answer.signed_answer == sign(status.answer)
