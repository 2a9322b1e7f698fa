"""I12: whether the balance that an answer shows was the payer's at some instant while it was asked.

The legs of a purse are in the order in which its balance moved; when each moved is known from the
journals only: after its request was first sent and before it was first answered. The town's purses
other than the main one stay empty.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from tests.faults.bank.journal import Line
from tests.faults.bank.spending import keys_spent

Row = dict[str, Any]
ALWAYS, NEVER = float("-inf"), float("inf")


@dataclass(frozen=True, slots=True)
class Span:
    """The seconds within which something happened."""

    earliest: float
    latest: float


_FOLLOW_UPS = {"PURCHASE": "CAPTURE", "PURCHASE_VOID": "VOID", "REFUND": "REFUND"}
"""Which operation a leg that is not the purchase itself comes from."""
Spans = Mapping[object, Span]
"""By an intent's id, by (purchase's id, operation that followed) and by a top-up's id."""
_BEFORE, _UNKNOWN = Span(ALWAYS, ALWAYS), Span(ALWAYS, NEVER)


@dataclass
class Purse:
    """A purse's balances, each with what led to it, and its holds: when, how much, until when."""

    balances: list[tuple[int, Span]] = field(default_factory=lambda: [(0, _BEFORE)])
    holds: list[tuple[Span, int, Span]] = field(default_factory=list)

    def available(self, asked: Span) -> set[int]:
        """Every figure that may have been true at an instant of `asked`, in fen."""
        causes = [cause for _, cause in self.balances]
        since = accumulate((cause.earliest for cause in causes), max)
        until = [*accumulate((cause.latest for cause in reversed(causes[1:])), min, initial=NEVER)]
        balances = {
            balance
            for (balance, _), begin, end in zip(self.balances, since, reversed(until), strict=True)
            if begin <= asked.latest and end >= asked.earliest
        }
        held = {0}
        for placed, amount, ended in self.holds:
            if placed.earliest > asked.latest or ended.latest < asked.earliest:
                continue
            with_it = {each + amount for each in held}
            is_certain = placed.latest <= asked.earliest and ended.earliest >= asked.latest
            held = with_it if is_certain else held | with_it
        return {balance - each for balance in balances for each in held}


def untrue(
    rows: Mapping[str, Row], legs: Sequence[Row], holds: Iterable[Row], spans: Spans
) -> Iterator[Row]:
    """The answers that show a balance which their payer never had while they were asked."""
    purses = _purses(rows, legs, holds, spans)
    for id_, row in rows.items():
        if row["available_minor"] is None or row["cardholder_id"] is None or id_ not in spans:
            continue
        true = purses[row["cardholder_id"]].available(spans[id_])
        if row["available_minor"] not in true:
            yield {"row": row, "true": sorted(true)}


def _purses(
    rows: Mapping[str, Row], legs: Sequence[Row], holds: Iterable[Row], spans: Spans
) -> defaultdict[object, Purse]:
    purchases = {
        (row["school_id"], row["retrieval_reference"]): id_
        for id_, row in rows.items()
        if row["operation"] == "AUTHORISE"
    }
    purses: defaultdict[object, Purse] = defaultdict(Purse)
    for leg in legs:
        purchase = purchases.get((leg["school_id"], leg["retrieval_reference"]))
        match leg["kind"], leg["phase"]:
            case "OPENING_BALANCE", _:
                cause = _BEFORE
            case "CASH_TOP_UP", _:
                cause = spans.get(leg["top_up_id"], _UNKNOWN)
            case "PURCHASE", "POSTED":
                cause = spans.get(purchase, _UNKNOWN)
            case kind, _:
                cause = spans.get((purchase, _FOLLOW_UPS.get(kind)), _UNKNOWN)
        purses[leg["owner_id"]].balances.append((leg["balance_after_minor"], cause))
    for hold in holds:
        purchase = purchases.get((hold["school_id"], hold["retrieval_reference"]))
        ends = [spans[key] for way in ("CAPTURE", "VOID") if (key := (purchase, way)) in spans]
        purses[hold["owner_id"]].holds.append(
            (spans.get(purchase, _UNKNOWN), hold["amount_minor"], _over(ends))
        )
    return purses


def spans_of(
    intents: Mapping[str, Line], answers: Mapping[str, Sequence[Line]], rows: Mapping[str, Row]
) -> Spans:
    """When each intent took effect, and each top-up, and what followed each purchase."""
    spans: dict[object, Span] = {}
    others: defaultdict[str, list[Span]] = defaultdict(list)
    follow_ups: defaultdict[object, list[Span]] = defaultdict(list)
    for id_, intent in intents.items():
        found = answers.get(id_, ())
        spans[id_] = Span(intent["at"], min((each["at"] for each in found), default=NEVER))
        for key in keys_spent(intent):
            others[key].append(spans[id_])
        if "of" in intent["about"] and id_ in rows and rows[id_]["response_code"] == "00":
            follow_ups[intent["about"]["of"], intent["operation"]].append(spans[id_])
        for each in found:
            if each["facts"].get("topUp"):
                spans[each["facts"]["topUp"]] = spans[id_]
    for key, several in others.items():
        spans[key] = _over([*several, *([spans[key]] if key in spans else [])])
    return spans | {key: _over(several) for key, several in follow_ups.items()}


def _over(several: Sequence[Span]) -> Span:
    """One span over all of them; over none, one that never comes."""
    return Span(
        min((each.earliest for each in several), default=NEVER),
        max((each.latest for each in several), default=NEVER),
    )
