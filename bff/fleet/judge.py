"""The model: from what went over the counters to what the books must say, and where they do not.

It believes the diary alone, knows the caps and the rules of terminals.md 6, and shares no code with
the server. Every difference is a violation, with a witness.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from bff.fleet.card_judge import judge_cards
from bff.fleet.day import Day, Goods, Means, Span
from bff.fleet.evidence import Evidence
from bff.fleet.violation import Violation

CAP_MINOR, CAP_COUNT, CAP_TOTAL_MINOR = 2_000, 3, 5_000
"""Class 1 of codes.md 13, at one authority: a till alone."""
CARD_MINOR, CARD_COUNT, CARD_TOTAL_MINOR = 1_000, 2, 2_000
"""What one physical card may take there."""
PRICE_MINOR, PER_UNITS, UNITS_MAXIMUM = 30, 10, 200
"""What water costs."""
LOSS_EACH_MINOR = min(CAP_TOTAL_MINOR, CAP_COUNT * CAP_MINOR) + min(
    CARD_TOTAL_MINOR, CARD_COUNT * CARD_MINOR
)
"""By the phone and the card of one cardholder together."""
_ACCEPTED, _SUSPECT = "ACCEPTED", "SUSPECT"
_PURSES = ("MAIN", "SUBSIDY", "RESERVE", "CLAIM")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the model found, and what the loss came to; fen."""

    violations: tuple[Violation, ...]
    loss_minor: int
    bound_minor: int
    worst_minor: int
    worst_bound_minor: int


def judge(day: Day, books: Evidence) -> Verdict:
    """Everything that the day and the books do not agree on."""
    wet = list(_water(day, books))
    found = chain(
        wet,
        _judged_once(day, books), _paid_once(day, books), _codes(day, books), _reasons(day, books),
        _balances(day, books), _caps(day), _batches(day, books), judge_cards(day, books),
        _keys(day, books),
    )  # fmt: skip
    violations = list(found)
    losses = loss_by_holder(day, books)
    each = day.tills * LOSS_EACH_MINOR
    violations += [
        Violation("the loss by one cardholder is within the bound", (holder, minor, each))
        for holder, minor in losses.items()
        if minor > each
    ]
    total, bound = sum(losses.values()), each * len(losses)
    return Verdict(tuple(violations), total, bound, max(losses.values(), default=0), each)


def loss_by_holder(day: Day, books: Evidence) -> Counter[str]:
    """What cardholders took beyond their money: what they owe, and what the school paid."""
    losses: Counter[str] = Counter()
    for (kind, holder), minor in books.accounts.items():
        if kind == "ARREARS" and holder is not None and minor < 0:
            losses[holder] -= minor
    for key, made in day.kept.items():
        if key in books.sales:
            losses[made.holder] += books.sales[key].paid.get("LOSS", 0)
    return +losses


def _water(day: Day, books: Evidence) -> Iterator[Violation]:
    """What ran is paid, to the unit on the disk; from then on it counts as other goods do."""
    for ran in day.water:
        sale = books.sales.get(ran.key)
        paid = sale.minor if sale is not None and sale.state == "CAPTURED" else 0
        if paid not in {water_minor(ran.low), water_minor(ran.high)}:
            yield Violation("water is paid by what ran", (ran, sale))
        if ran.alone and ran.clock_lost:
            yield Violation("a meter that lost the time lets no water run alone", ran)
        if paid:
            name, span = f"water {ran.key}", Span(0, 0)
            day.goods[ran.key] = Goods(
                ran.key, paid, ran.holder, name, False, False, Means.CODE, span
            )


def water_minor(units: int) -> int:
    """What so many units cost, in fen, rounded down."""
    return min(units, UNITS_MAXIMUM) * PRICE_MINOR // PER_UNITS


def _judged_once(day: Day, books: Evidence) -> Iterator[Violation]:
    for key in day.twice:
        yield Violation("a key stands for one purchase", key)
    for key, made in day.records.items():
        item = books.items.get(key)
        if item is None:
            yield Violation("every record is judged", key)
        elif item.minor != made.minor:
            yield Violation("a record is judged for its amount", (made, item))
        elif not day.heard[key]:
            yield Violation("the till hears the verdict", item)
        elif set(day.heard[key]) != {(item.verdict, item.reason)}:
            yield Violation("a verdict never changes", (item, day.heard[key]))
    for key in books.items.keys() - day.records.keys() - set(day.undone.values()):
        yield Violation("nothing is judged that was not handed over", books.items[key])


def _paid_once(day: Day, books: Evidence) -> Iterator[Violation]:
    for key, made in day.kept.items():
        sale, item = books.sales.get(key), books.items.get(key)
        if key in day.lost and sale is None:
            continue  # nobody can know of it
        if item is not None and item.verdict not in (_ACCEPTED, _SUSPECT):
            yield Violation("an honest till's record is paid", item)
        elif sale is None or sale.state != "CAPTURED":
            yield Violation("what was handed over is paid", (made, sale))
        elif not sale.minor == made.minor == sum(sale.paid.values()):
            yield Violation("it is paid once and in full", (made, sale))
        elif sale.holder not in (None, made.holder):
            yield Violation("it is paid by whose code it was", (made, sale))
    for key, sale in books.sales.items():
        is_paid = sale.state == "PENDING" or (sale.state == "CAPTURED" and sale.minor > 0)
        if is_paid and key not in day.goods:
            yield Violation("nobody pays for what was not handed over", sale)


def _codes(day: Day, books: Evidence) -> Iterator[Violation]:
    """However many tills took a code, its holder pays for one; at one till it was taken once."""
    by_code = defaultdict(list)
    for key, made in day.goods.items():
        if key not in day.lost and made.means is Means.CODE:
            by_code[made.code].append(key)
    for keys in by_code.values():
        kept = [key for key in keys if key not in day.undone]
        charged = [k for k in kept if (s := books.sales.get(k)) and "LOSS" not in s.paid]
        if len(charged) > 1:
            yield Violation("a code is charged once", [books.sales[key] for key in charged])
        if len({key.till for key in keys}) < len(keys):
            yield Violation("a till takes a code once", keys)


def _reasons(day: Day, books: Evidence) -> Iterator[Violation]:
    """Suspect is what the day says, and nothing else; the school pays for nothing else either."""
    for key, item in books.items.items():
        made = day.goods.get(key)
        if made is None:
            continue
        may_be = {
            "CODE_USED_ELSEWHERE": len(day.scanned[made.code]) > 1 and made.means is Means.CODE,
            "CLOCK": made.ahead,
            None: not made.ahead,
        }
        if item.verdict in (_ACCEPTED, _SUSPECT) and not may_be.get(item.reason, False):
            yield Violation("a verdict follows from the day", (made, item))
        pays_school = item.verdict == _SUSPECT or "AFTER_REPORT" in item.flags
        if pays_school != ("LOSS" in books.sales[key].paid if key in books.sales else False):
            yield Violation("the school pays what is suspect or reported", item)
        if "AFTER_REPORT" in item.flags and (made.means, made.holder) not in day.reports:
            yield Violation("only who reported is spared", item)
        gap = "CHAIN_GAP" in item.flags
        if gap and not any(lost[:2] == key[:2] for lost in day.lost):
            yield Violation("no chain has a gap but where a record was lost", item)


def _balances(day: Day, books: Evidence) -> Iterator[Violation]:
    spent: Counter[str] = Counter()
    merchants = losses = 0
    for key, made in day.kept.items():
        sale = books.sales.get(key)
        if sale is not None and sale.state == "CAPTURED":
            merchants += made.minor
            is_loss = "LOSS" in sale.paid
            losses += made.minor if is_loss else 0
            spent[made.holder] += 0 if is_loss else made.minor
    for holder, opening in day.opening.items():
        holds = sum(books.accounts.get((kind, holder), 0) for kind in (*_PURSES, "ARREARS"))
        if holds != opening - spent[holder]:
            yield Violation("a balance is what was not spent", (holder, opening, spent, holds))
        if books.accounts.get(("MAIN", holder), 0) < 0:
            yield Violation("no purse is below nothing", holder)
    for kind, expected in (("MERCHANT", merchants), ("LOSS", -losses)):
        holds = books.accounts.get((kind, None), 0)
        if holds != expected:
            yield Violation(f"the {kind} accounts hold what was handed over", (expected, holds))
    if books.legs_minor != 0:
        yield Violation("the sum of all legs is 0", books.legs_minor)


def _caps(day: Day) -> Iterator[Violation]:
    """At one till, a cardholder of one day; what a disk forgot counts nowhere."""
    caps = {
        Means.CODE: (CAP_MINOR, CAP_COUNT, CAP_TOTAL_MINOR),
        Means.CARD: (CARD_MINOR, CARD_COUNT, CARD_TOTAL_MINOR),
    }
    taken = defaultdict(list)
    for made in day.records.values():
        if made.means in caps and not day.knew_lost(made):
            taken[made.key.till, made.holder, made.means].append(made.minor)
    for who, amounts in taken.items():
        each, count, total = caps[who[2]]
        if max(amounts) > each or len(amounts) > count or sum(amounts) > total:
            yield Violation("no till takes more than its caps", (who, amounts))


def _keys(day: Day, books: Evidence) -> Iterator[Violation]:
    """However often a device asked for a new key, it is one; a new PASS key is for new passes."""
    for holder in day.changed_passes:
        yield Violation("a pass that has begun stays as it is", holder)
    for till, key_no in day.keys.items():
        if list(books.keys.get(till, ())) != list(range(1, key_no + 1)):
            yield Violation("a device takes one new key at a time", (till, key_no, books.keys))


def _batches(day: Day, books: Evidence) -> Iterator[Violation]:
    """Each closes at what went over the counter in it, or names just the record that was lost."""
    kept, sold = day.kept, Counter[tuple[int, int]]()
    for key, made in day.goods.items():
        sold[key.till, key.batch] += made.minor if key in kept else 0
    missing = defaultdict(list)
    for lost in day.lost - books.sales.keys():  # what came online first is known by that
        missing[lost.till, lost.batch].append(lost.seq)
    for batch, line in day.closed.items():
        if batch in missing:
            named = (line["result"] or {}).get("missing")
            if line["net"] is not None or named != sorted(missing[batch]):
                yield Violation("a close names the record that is missing", line)
        elif line["net"] != sold[batch] or books.settlements.get(batch) != sold[batch]:
            yield Violation("a batch closes at what was sold", (line, sold[batch]))
    for batch in sold.keys() - day.closed.keys():
        yield Violation("every batch is closed", batch)
