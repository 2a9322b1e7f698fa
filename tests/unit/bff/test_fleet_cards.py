"""The fleet's model of what was lost, of receipts and of what was undone alone: no lie goes by."""

from dataclasses import replace
from typing import Any

import pytest

from bff.fleet.card_judge import judge_cards
from bff.fleet.day import Day
from bff.fleet.diary import Key, Line
from bff.fleet.evidence import Evidence, Item, Sale
from bff.fleet.judge import CARD_MINOR, LOSS_EACH_MINOR, judge

BEFORE, AFTER, KNOWN, ONLINE, PHONE, UNDONE = (Key(1, 1, n) for n in (1, 2, 3, 4, 5, 6))
VOID = Key(1, 1, 7)
REPORTED_AT = 1_000.0
OPENING = {"S1": 5_000, "S2": 5_000}


def goods(key: Key, at: float, means: str = "CARD", holder: str = "S1", **changes: Any) -> Line:
    made = {"t": "goods", "till": key.till, "batch": key.batch, "seq": key.seq, "minor": 300,
            "holder": holder, "code": f"c{key.seq}", "offline": True, "ahead": False,
            "means": means, "since": at, "until": at + 1}  # fmt: skip
    return made | changes


def judged(key: Key, verdict: str = "ACCEPTED", reason: str | None = None) -> Line:
    return {"t": "judged", "till": key.till, "batch": key.batch, "seq": key.seq, "minor": 300,
            "verdict": verdict, "reason": reason, "flags": []}  # fmt: skip


LINES: list[Line] = [
    goods(BEFORE, 900), judged(BEFORE), goods(ONLINE, 905, offline=False),
    {"t": "reported", "holder": "S1", "means": "CARD", "since": REPORTED_AT,
     "until": REPORTED_AT + 1},
    goods(AFTER, 1_100), judged(AFTER),
    {"t": "beat", "till": 1, "since": 1_200.0, "until": 1_201.0}, {"t": "careless", "till": 1},
    goods(KNOWN, 1_300), judged(KNOWN, "REJECTED", "REVOKED_KNOWN"),
    goods(PHONE, 1_300, "RECEIPT", "S2"), judged(PHONE),
    goods(UNDONE, 1_300, "CODE", "S2"), judged(UNDONE), judged(VOID),
    {"t": "undone", "till": 1, "batch": 1, "seq": UNDONE.seq, "void": VOID.seq},
    {"t": "closed", "till": 1, "batch": 1, "net": 1_200, "result": None},
]  # fmt: skip


def item(key: Key, *flags: str, verdict: str = "ACCEPTED", reason: str | None = None) -> Item:
    return Item(key, 300, verdict, reason, frozenset(flags), None)


def sale(key: Key, holder: str | None, purse: str = "MAIN", state: str = "CAPTURED") -> Sale:
    return Sale(key, state, 300, holder, {purse: 300})


ITEMS = (
    item(BEFORE), item(AFTER, "AFTER_REPORT"),
    item(KNOWN, verdict="REJECTED", reason="REVOKED_KNOWN"), item(PHONE, "ALREADY_POSTED"),
    item(UNDONE), item(VOID),
)  # fmt: skip
SALES = (
    sale(BEFORE, "S1"), sale(ONLINE, "S1"), sale(AFTER, None, "LOSS"), sale(PHONE, "S2"),
    sale(UNDONE, "S2", state="VOIDED"),
)  # fmt: skip
HONEST = Evidence(
    items={each.key: each for each in ITEMS},
    sales={each.key: each for each in SALES},
    accounts={
        ("MAIN", "S1"): 4_400, ("MAIN", "S2"): 4_700, ("MERCHANT", None): 1_200,
        ("LOSS", None): -300,
    },
    settlements={(1, 1): 1_200},
    legs_minor=0,
)  # fmt: skip


def promises(books: Evidence = HONEST, lines: list[Line] = LINES) -> set[str]:
    return {each.promise for each in judge(Day.of(lines, 1, OPENING), books).violations}


def of_cards(books: Evidence, lines: list[Line] = LINES) -> set[str]:
    return {each.promise for each in judge_cards(Day.of(lines, 1, OPENING), books)}


def test_honest_day_breaks_nothing() -> None:
    assert promises() == set()
    assert judge(Day.of(LINES, 1, OPENING), HONEST).loss_minor == 300


def with_item(changed: Item) -> Evidence:
    return replace(HONEST, items={**HONEST.items, changed.key: changed})


def with_sale(changed: Sale) -> Evidence:
    return replace(HONEST, sales={**HONEST.sales, changed.key: changed})


def without(key: Key) -> Evidence:
    return replace(HONEST, items={k: v for k, v in HONEST.items.items() if k != key})


@pytest.mark.parametrize(("books", "broken"), [
    (with_item(item(BEFORE, "AFTER_REPORT")), "until the report the holder pays"),
    (with_item(item(AFTER)), "who reported pays nothing after it"),
    (with_item(item(KNOWN, "AFTER_REPORT")), "what a till knew was lost is refused"),
    (without(KNOWN), "what a till knew was lost is refused"),
    (with_item(item(KNOWN, verdict="REJECTED", reason="CAP_EXCEEDED")),
     "what a till knew was lost is refused"),
    (with_sale(sale(KNOWN, "S1")), "nobody pays by what a till knew was lost"),
    (with_item(item(PHONE)), "a receipt is the proof of what the phone paid"),
    (without(PHONE), "a receipt is the proof of what the phone paid"),
    (with_item(item(PHONE, verdict="SUSPECT", reason="RECEIPT_UNKNOWN")),
     "a receipt is the proof of what the phone paid"),
    (with_item(item(VOID, verdict="REJECTED", reason="KEY_CONFLICT")),
     "what a till undid alone is believed"),
    (without(VOID), "what a till undid alone is believed"),
    (with_sale(sale(UNDONE, "S2")), "nobody pays for what was undone"),
])  # fmt: skip
def test_each_lie_of_the_books_is_noticed(books: Evidence, broken: str) -> None:
    assert of_cards(books) == {broken}
    assert broken in promises(books)


@pytest.mark.parametrize(("line", "broken"), [
    (goods(Key(2, 1, 1), 1_100, offline=False), "what is lost pays nothing online"),
    (goods(Key(1, 1, 8), 1_300, offline=False), "a till does not take what it knows is lost"),
    (judged(VOID, "REJECTED", "KEY_CONFLICT"), "what a till undid alone is believed"),
])  # fmt: skip
def test_each_lie_of_a_till_is_noticed(line: Line, broken: str) -> None:
    assert broken in of_cards(HONEST, [*LINES, line])


def test_only_a_till_that_forgot_its_list_takes_what_it_knew() -> None:
    careful = [line for line in LINES if line["t"] != "careless"]
    assert of_cards(HONEST, careful) == {"a till does not take what it knows is lost"}


def test_a_till_knows_by_a_beat_that_began_after_the_report_and_ended_before_the_sale() -> None:
    for since, until in ((1_000.5, 1_201.0), (1_200.0, 1_300.5)):
        beat = {"t": "beat", "till": 1, "since": since, "until": until}
        lines = [beat if line["t"] == "beat" else line for line in LINES]
        day = Day.of(lines, 1, OPENING)
        assert not any(map(day.knew_lost, day.goods.values()))


def test_caps_of_a_card_are_its_own() -> None:
    def taken(*minors: int) -> set[str]:
        made = [goods(Key(3, 1, n), 900, holder="S2", minor=m) for n, m in enumerate(minors, 1)]
        return promises(lines=[*LINES, *made])

    broken = "no till takes more than its caps"
    assert broken in taken(1, 1, 1)
    assert broken in taken(CARD_MINOR + 1)
    assert broken not in taken(CARD_MINOR, CARD_MINOR)


def test_a_card_is_no_code_and_may_come_again() -> None:
    again = goods(Key(1, 1, 9), 950, code="")
    lines = [goods(BEFORE, 900, code=""), *LINES[1:], again]
    assert not {p for p in promises(lines=lines) if "code" in p}


def test_loss_by_card_and_phone_together_is_bounded() -> None:
    accounts = {**HONEST.accounts, ("ARREARS", "S2"): -LOSS_EACH_MINOR - 1}
    assert "the loss by one cardholder is within the bound" in promises(
        replace(HONEST, accounts=accounts)
    )
    assert LOSS_EACH_MINOR == 5_000 + 2_000
