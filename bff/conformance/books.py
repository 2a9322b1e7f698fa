"""What the pretended school keeps: purchases and what follows them, records, closed batches."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from bff.conformance.contract import Json
from bff.conformance.school import DENIED_TAG, ISSUER, NEWEST, School, reference_of, serial
from core.authorisation.offline import (
    CodeUse,
    Judgement,
    Known,
    PassFacts,
    Reason,
    StoredItem,
    Verdict,
)
from core.authorisation.records import Authorisation, Key
from core.kit.clock import from_unix
from core.school.records import DocumentKind
from terminals import cc1, offline
from terminals.ccr import NO_REFERENCE, Outcome
from terminals.codes import CodeRefusal, Instrument, classify, strip
from terminals.keys import Evidence
from terminals.message import RequestKey
from terminals.offline import Item, Linked, Record, RecordKind
from terminals.verdicts import Case, judge

_HOLDER = UUID(int=1)
MERCHANT = UUID(int=2)
_OTHER_TERMINAL = 43

Total = tuple[str, str]
"""What a total of a batch is of: PURCHASE or REFUND, and the instrument (none of a refund)."""


@dataclass(slots=True)
class Purchase:
    """One purchase as the school has it: only held, or paid while money stands moved by it.

    `minor_amount` is what is held or was taken, in fen.
    """

    key: RequestKey
    minor_amount: int
    presented: str
    instrument: str
    is_paid: bool = False
    is_held: bool = False
    refunded_minor: int = 0

    @property
    def state(self) -> str:
        """As the server names it."""
        if self.is_held:
            return "PENDING"
        if not self.is_paid:
            return "VOIDED"
        if self.refunded_minor == 0:
            return "CAPTURED"
        is_whole = self.refunded_minor == self.minor_amount
        return "REFUNDED" if is_whole else "REFUNDED_PART"

    def facts(self) -> Authorisation:
        """What the core's rules go by."""
        return Authorisation(
            key=Key(*self.key),
            state=self.state,
            cardholder_id=_HOLDER,
            merchant_account_id=MERCHANT,
            held_minor=self.minor_amount,
            captured_minor=self.minor_amount if self.is_paid else 0,
            refunded_minor=self.refunded_minor,
            transfer_ids=(),
            retrieval_reference=reference_of(self.key),
            business_on=None,
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored answer: what it says, and its signed text."""

    outcome: Outcome
    code: str
    minor_amount: int
    signed: str
    reference: str = NO_REFERENCE
    more: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """A record that came, with its first judgement."""

    linked: Linked
    judgement: Judgement


class Books:
    """Everything kept by key; amounts are fen."""

    def __init__(self, school: School) -> None:
        self._school = school
        self.purchases: dict[RequestKey, Purchase] = {}
        self.answers: dict[RequestKey, Kept] = {}
        self.contents: dict[RequestKey, object] = {}
        self.voided: set[RequestKey] = set()
        self.refunds: dict[RequestKey, int] = {}
        self.records: dict[RequestKey, KeptRecord] = {}
        self.settled: dict[int, Json] = {}
        self.forgotten: Purchase | None = None

    def is_taken(self, key: RequestKey, content: object) -> bool:
        """Whether a key stands for another content; from now on it stands for this one."""
        return self.contents.setdefault(key, content) != content

    def void(self, original: RequestKey) -> None:
        """Undoes a purchase, or leaves a tombstone where there is none."""
        self.voided.add(original)
        if original in self.purchases:
            self.purchases[original].is_paid = self.purchases[original].is_held = False

    def is_spent(self, presented: str, key: RequestKey) -> bool:
        """Whether a code has paid, or holds money, under another key."""
        return any(
            (each.is_paid or each.is_held) and each.presented == presented and each.key != key
            for each in self.purchases.values()
        )

    def judge_all(
        self, previous: bytes, items: list[Item], keys: dict[int, bytes], now: int, wanted: Json
    ) -> list[tuple[int, Judgement]]:
        """The verdicts on an upload by seqNo. `wanted` is the script's wish by presented text."""
        fit = [item for item in items if _is_fit(item.record)]
        linked = offline.link_all(previous, fit)
        signed = {each.hash for each in linked if each.is_signed_by(keys)}
        unproven = Judgement(Verdict.REJECTED, Reason.RECORD_SIGNATURE)
        judged = [(i.record.key.seq_no, unproven) for i in items if not _is_fit(i.record)]
        for each in linked:
            judgement = self._judged(each, signed, keys, now, wanted.get(_text(each)))
            judged.append((each.item.record.key.seq_no, judgement))
        return judged

    def _judged(
        self, linked: Linked, signed: set[bytes], keys: dict[int, bytes], now: int, wanted: object
    ) -> Judgement:
        record = linked.item.record
        parameters = self._school.parameters(record.key.terminal_no)
        case = Case(
            linked=linked,
            is_signed=linked.hash in signed,
            now=from_unix(now),
            public_keys=keys,
            evidence=Evidence(self._school.ring),
            parameters=parameters,
            siblings=signed,
        )
        judgement = judge(case, self._known(linked, wanted))
        if judgement.is_kept:
            self.records[record.key] = KeptRecord(linked, judgement)
            self._post(linked, judgement)
        return judgement

    def _post(self, linked: Linked, judgement: Judgement) -> None:
        """What a judged record does to the money: nothing, if that is posted under its key."""
        record = linked.item.record
        if record.original_seq_no is not None:
            self.void(record.key._replace(seq_no=record.original_seq_no))
        elif record.kind in (RecordKind.PURCHASE, RecordKind.RECEIPT):
            is_receipt = record.kind == RecordKind.RECEIPT
            shown = strip(record.challenge) if is_receipt else _text(linked)
            kind, is_paid = instrument_of(shown), judgement.is_paid
            posted = Purchase(record.key, record.minor_amount, shown, kind, is_paid)
            self.purchases.setdefault(record.key, posted)

    def _known(self, linked: Linked, wanted: object) -> Known:
        key, text = linked.item.record.key, _text(linked)
        stored = self.records.get(key)
        if stored is not None:
            kept = StoredItem(stored.linked.packed, stored.judgement, None)
            return Known(stored=kept)
        code = cc1.read(text)
        issued = b"" if isinstance(code, CodeRefusal) else code.signed_pass
        is_denied = not isinstance(code, CodeRefusal) and code.serial == serial(DENIED_TAG)
        denied_in = NEWEST[DocumentKind.DENY] if is_denied or wanted == "REJECTED" else None
        posted = self.purchases.get(key)
        use = CodeUse(Key(*key), is_reserved=False) if posted and posted.presented == text else None
        if wanted == "SUSPECT":
            use = CodeUse(Key(_OTHER_TERMINAL, 1, 1), is_reserved=False)
        return Known(
            authorisation=posted.facts() if posted else None,
            operation="VOID" if key in self.voided else None,
            code_use=use,
            is_same_code=any(_text(other.linked) == text for other in self.records.values()),
            pass_facts=PassFacts(_HOLDER, None, None, denied_in, issued),
            newest_version=NEWEST[DocumentKind.DENY],
            previous_is_known=linked.previous in {r.linked.hash for r in self.records.values()},
        )

    def close(self, batch_no: int, given: Json) -> Json:
        """What comes of closing a batch: balanced when every number is known and totals agree."""
        if batch_no in self.settled:
            return self.settled[batch_no]
        known = {
            key.seq_no
            for key in (*self.contents, *self.records, *self.voided, *self.answers)
            if key.batch_no == batch_no
        }
        unused = set(given["unused"])
        numbers = set(range(1, given["lastSeq"] + 1)) - unused
        missing = sorted(numbers - known)
        extra = sorted(known & unused | {n for n in known if n > given["lastSeq"]})
        different = self._different(batch_no, given["totals"])
        result: Json = {
            "balanced": not missing and not extra and not different,
            "missing": missing[:100],
            "extra": extra[:100],
            "different": different[:40],
            "headKnown": self._is_head(batch_no, given["headHash"]),
        }
        if result["balanced"]:
            signs = {"PURCHASE": 1, "REFUND": -1}
            net = sum(signs[of[0]] * sum_ for of, (_, sum_) in self.totals(batch_no).items())
            result["net"] = {"minorAmount": net}
            self.settled[batch_no] = result
        return result

    def totals(self, batch_no: int) -> dict[Total, tuple[int, int]]:
        """Count and sum of what is paid, by instrument, and of what was given back."""
        moved = [
            (("PURCHASE", each.instrument), each.key, each.minor_amount)
            for each in self.purchases.values()
            if each.is_paid
        ]
        moved += [(("REFUND", ""), key, minor) for key, minor in self.refunds.items()]
        counts: Counter[Total] = Counter()
        sums: Counter[Total] = Counter()
        for of, key, minor in moved:
            if key.batch_no == batch_no:
                counts[of] += 1
                sums[of] += minor
        return {of: (counts[of], sums[of]) for of in counts}

    def forget_a_record(self) -> None:
        """Loses a sale, as a server that was set back to an older copy would."""
        sales = (
            key
            for key, kept in self.records.items()
            if kept.linked.item.record.kind == RecordKind.PURCHASE
        )
        found = next(sales, None)
        if found is not None:
            del self.records[found]
            self.contents.pop(found, None)
            self.forgotten = self.purchases.pop(found, None)

    def _different(self, batch_no: int, totals: Iterable[Json]) -> list[Json]:
        counted = self.totals(batch_no)
        claimed = claimed_totals(totals)
        return [
            {
                "kind": kind,
                "instrument": instrument,
                "claimed": _total(claimed.get((kind, instrument))),
                "counted": _total(counted.get((kind, instrument))),
            }
            for kind, instrument in sorted(claimed.keys() | counted.keys())
            if claimed.get((kind, instrument)) != counted.get((kind, instrument))
        ]

    def _is_head(self, batch_no: int, head: bytes) -> bool:
        last = [r.linked.hash for k, r in self.records.items() if k.batch_no == batch_no]
        terminal_no = next((key.terminal_no for key in self.contents), 0)
        return head in last or head == offline.first_link(ISSUER, terminal_no, batch_no)


def claimed_totals(totals: Iterable[Json]) -> dict[Total, tuple[int, int]]:
    """The totals of a close as a terminal claims them."""
    return {(t["kind"], t["instrument"]): (t["count"], t["minorAmount"]) for t in totals}


def instrument_of(presented: str) -> str:
    """How a purchase is counted in the totals of a batch."""
    kind = classify(strip(presented))
    return kind.value if isinstance(kind, Instrument) else ""


def _is_fit(record: Record) -> bool:
    """Whether a record can be made of it: of any other nothing can be proven."""
    try:
        return offline.is_well_formed(record) and len(record.packed()) > 0
    except ValueError:
        return False


def _text(linked: Linked) -> str:
    return strip(linked.item.record.presented)


def _total(pair: tuple[int, int] | None) -> Json | None:
    return None if pair is None else {"count": pair[0], "sum": {"minorAmount": pair[1]}}
