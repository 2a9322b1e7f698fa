"""The model of what was lost, of receipts, and of what a till undoes alone."""

from collections.abc import Iterator

from bff.fleet.day import Day, Goods, Means
from bff.fleet.evidence import Evidence, Item
from bff.fleet.violation import Violation

SLACK_SECONDS = 20
"""A till knows the server's time as well as a busy server answers; no code is younger by more."""
_PAID_BY_PHONE = "ALREADY_POSTED"
_VOIDED = ("VOIDED", "TOMBSTONE")


def judge_cards(day: Day, books: Evidence) -> Iterator[Violation]:
    """Everything of this that the day and the books do not agree on."""
    for made in day.goods.values():
        if made.means is not Means.RECEIPT and made.key not in day.lost | day.undone.keys():
            yield from _reported(day, made, books)
        if made.means is Means.RECEIPT and made.key in day.records:
            yield from _receipt(made, books)
    yield from _undone(day, books)


def _reported(day: Day, made: Goods, books: Evidence) -> Iterator[Violation]:
    """Before a report its holder pays, after it the school does; whoever knew of it bears it."""
    loss, item = day.reports.get((made.means, made.holder)), books.items.get(made.key)
    is_spared = item is not None and "AFTER_REPORT" in item.flags
    if day.knew_lost(made):
        if not made.offline or made.key.till not in day.careless:
            yield Violation("a till does not take what it knows is lost", made)
        elif item is None or (item.verdict, item.reason) != ("REJECTED", "REVOKED_KNOWN"):
            yield Violation("what a till knew was lost is refused", (made, item))
        elif books.sales.get(made.key) is not None:
            yield Violation("nobody pays by what a till knew was lost", made)
    elif loss is not None and made.span.since > loss.until + SLACK_SECONDS:
        if not made.offline:
            yield Violation("what is lost pays nothing online", (made, loss))
        elif item is not None and not is_spared and item.verdict == "ACCEPTED":
            yield Violation("who reported pays nothing after it", (made, item))
    elif is_spared and (loss is None or made.span.until < loss.since - SLACK_SECONDS):
        yield Violation("until the report the holder pays", (made, item))


def _receipt(made: Goods, books: Evidence) -> Iterator[Violation]:
    """The phone has paid; the record of its receipt moves nothing more."""
    item = books.items.get(made.key)
    if item is None or item.verdict != "ACCEPTED" or _PAID_BY_PHONE not in item.flags:
        yield Violation("a receipt is the proof of what the phone paid", (made, item))


def _undone(day: Day, books: Evidence) -> Iterator[Violation]:
    """What is undone alone is taken by nobody and from nobody, and the till hears so."""
    for key, void in day.undone.items():
        sale, item = books.sales.get(key), books.items.get(void)
        if not _is_believed(item) or set(day.heard[void]) != {("ACCEPTED", None)}:
            yield Violation("what a till undid alone is believed", (key, item, day.heard[void]))
        if sale is not None and sale.state not in _VOIDED:
            yield Violation("nobody pays for what was undone", sale)


def _is_believed(item: Item | None) -> bool:
    return item is not None and (item.verdict, item.reason) == ("ACCEPTED", None)
