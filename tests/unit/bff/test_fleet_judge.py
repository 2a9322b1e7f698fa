"""The fleet's model: an honest day breaks nothing, and each lie of the books is noticed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bff.fleet.day import Day
from bff.fleet.diary import Diary, Key, Line, read
from bff.fleet.evidence import Evidence, Item, Sale
from bff.fleet.judge import judge

OPENING = {"S1": 2_000, "S2": 500, "S3": 0}
ALONE, ONLINE, OWED, RELAYED, LOST, AHEAD = (
    Key(1, 1, 1), Key(1, 1, 2), Key(1, 1, 3), Key(2, 1, 1), Key(2, 1, 2), Key(2, 2, 1)
)  # fmt: skip


def goods(key: Key, minor: int, holder: str, code: str, **changes: Any) -> list[Line]:
    """Something asked for and handed over."""
    till, batch, seq = key
    at = {"till": till, "batch": batch, "seq": seq}
    made = {"t": "goods", **at, "minor": minor, "holder": holder, "code": code, "offline": True,
            "ahead": False, "means": "CODE", "since": 1_000.0, "until": 1_001.0}  # fmt: skip
    return [{"t": "asked", "till": till, "code": code}, made | changes]


def judged(key: Key, minor: int, verdict: str = "ACCEPTED", reason: str | None = None) -> Line:
    """What a till heard."""
    till, batch, seq = key
    return {"t": "judged", "till": till, "batch": batch, "seq": seq, "minor": minor,
            "verdict": verdict, "reason": reason, "flags": []}  # fmt: skip


def closed(till: int, batch: int, net: int | None, *missing: int) -> Line:
    """What came of a close."""
    result = None if net is not None else {"missing": list(missing)}
    return {"t": "closed", "till": till, "batch": batch, "net": net, "result": result}


LINES: list[Line] = [
    {"t": "fault", "till": 1, "name": "power cut"}, {"t": "custom", "till": 1, "name": "plain"},
    {"t": "refused", "till": 1, "said": "C1"},
    *goods(ALONE, 700, "S1", "a"), judged(ALONE, 700), judged(ALONE, 700),
    *goods(ONLINE, 300, "S1", "b", offline=False),
    *goods(OWED, 900, "S2", "c"), judged(OWED, 900),
    *goods(RELAYED, 600, "S1", "a"), judged(RELAYED, 600, "SUSPECT", "CODE_USED_ELSEWHERE"),
    *goods(LOST, 400, "S1", "d"), {"t": "lost", "till": 2, "batch": 1, "seq": 2},
    *goods(AHEAD, 100, "S1", "e", ahead=True), judged(AHEAD, 100, "SUSPECT", "CLOCK"),
    closed(1, 1, 1_900), closed(2, 1, None, 2), closed(2, 2, 100),
]  # fmt: skip


def item(key: Key, minor: int, holder: str = "S1", reason: str | None = None, *flags: str) -> Item:
    verdict = "SUSPECT" if reason else "ACCEPTED"
    return Item(key, minor, verdict, reason, frozenset(flags), holder)


ITEMS = [
    item(ALONE, 700), item(OWED, 900, "S2", None, "ARREARS"),
    item(RELAYED, 600, "S1", "CODE_USED_ELSEWHERE"), item(AHEAD, 100, "S1", "CLOCK"),
]  # fmt: skip
SALES = [
    Sale(ALONE, "CAPTURED", 700, "S1", {"MAIN": 700}),
    Sale(ONLINE, "CAPTURED", 300, "S1", {"MAIN": 300}),
    Sale(OWED, "CAPTURED", 900, "S2", {"MAIN": 500, "ARREARS": 400}),
    Sale(RELAYED, "CAPTURED", 600, None, {"LOSS": 600}),
    Sale(AHEAD, "CAPTURED", 100, None, {"LOSS": 100}),
    Sale(Key(1, 1, 9), "VOIDED", 0, "S1", {}),
]
HONEST = Evidence(
    items={each.key: each for each in ITEMS},
    sales={each.key: each for each in SALES},
    accounts={
        ("MAIN", "S1"): 1_000, ("MAIN", "S2"): 0, ("ARREARS", "S2"): -400, ("MAIN", "S3"): 0,
        ("MERCHANT", None): 2_600, ("LOSS", None): -700, ("OPENING", None): -2_500,
    },
    settlements={(1, 1): 1_900, (2, 2): 100},
    legs_minor=0,
)  # fmt: skip


def promises(books: Evidence = HONEST, *more: Line, lines: list[Line] = LINES) -> set[str]:
    """What is broken."""
    return {v.promise for v in judge(Day.of([*lines, *more], 2, OPENING), books).violations}


def test_honest_day_breaks_nothing_and_its_loss_is_counted() -> None:
    day = Day.of(LINES, 2, OPENING)
    verdict = judge(day, HONEST)
    assert verdict.violations == ()
    assert (verdict.loss_minor, verdict.bound_minor) == (400 + 600 + 100, 2 * 2 * 7_000)
    assert (verdict.worst_minor, verdict.worst_bound_minor) == (700, 14_000)
    assert day.counts == {"fault": {"power cut": 1}, "custom": {"plain": 1}, "refused": {"C1": 1}}


def with_item(changed: Item) -> Evidence:
    return replace(HONEST, items={**HONEST.items, changed.key: changed})


def with_sale(changed: Sale) -> Evidence:
    return replace(HONEST, sales={**HONEST.sales, changed.key: changed})


def without(key: Key) -> Evidence:
    items = {each: item for each, item in HONEST.items.items() if each != key}
    return replace(HONEST, items=items)


def with_account(kind: str, holder: str | None, minor: int) -> Evidence:
    return replace(HONEST, accounts={**HONEST.accounts, (kind, holder): minor})


@pytest.mark.parametrize(("books", "broken"), [
    (without(ALONE), "every record is judged"),
    (with_item(item(ALONE, 701)), "a record is judged for its amount"),
    (with_item(item(Key(9, 1, 1), 5)), "nothing is judged that was not handed over"),
    (with_item(ITEMS[0]._replace(verdict="REJECTED", reason="CAP_EXCEEDED")),
     "an honest till's record is paid"),
    (with_item(item(ALONE, 700, "S1", "TOO_OLD")), "a verdict follows from the day"),
    (with_item(item(OWED, 900, "S2", "CODE_USED_ELSEWHERE")), "a verdict follows from the day"),
    (with_item(item(AHEAD, 100)), "a verdict follows from the day"),
    (with_item(item(ALONE, 700, "S1", None, "AFTER_REPORT")), "only who reported is spared"),
    (with_item(item(ALONE, 700, "S1", None, "CHAIN_GAP")),
     "no chain has a gap but where a record was lost"),
    (with_sale(Sale(ONLINE, "VOIDED", 0, "S1", {})), "what was handed over is paid"),
    (with_sale(Sale(ONLINE, "CAPTURED", 299, "S1", {"MAIN": 299})), "it is paid once and in full"),
    (with_sale(Sale(ONLINE, "CAPTURED", 300, "S1", {"MAIN": 600})), "it is paid once and in full"),
    (with_sale(Sale(ONLINE, "CAPTURED", 300, "S2", {"MAIN": 300})),
     "it is paid by whose code it was"),
    (with_sale(Sale(Key(9, 1, 1), "CAPTURED", 5, "S1", {"MAIN": 5})),
     "nobody pays for what was not handed over"),
    (with_sale(Sale(RELAYED, "CAPTURED", 600, "S1", {"MAIN": 600})), "a code is charged once"),
    (with_sale(Sale(RELAYED, "CAPTURED", 600, "S1", {"MAIN": 600})),
     "the school pays what is suspect or reported"),
    (with_account("MAIN", "S1", 999), "a balance is what was not spent"),
    (with_account("MAIN", "S3", -1), "no purse is below nothing"),
    (with_account("MERCHANT", None, 2_601), "the MERCHANT accounts hold what was handed over"),
    (with_account("LOSS", None, -701), "the LOSS accounts hold what was handed over"),
    (with_account("ARREARS", "S2", -14_001), "the loss by one cardholder is within the bound"),
    (replace(HONEST, legs_minor=1), "the sum of all legs is 0"),
    (replace(HONEST, settlements={(1, 1): 1_901, (2, 2): 100}), "a batch closes at what was sold"),
])  # fmt: skip
def test_each_lie_of_the_books_is_noticed(books: Evidence, broken: str) -> None:
    assert broken in promises(books)


@pytest.mark.parametrize(("line", "broken"), [
    (judged(ALONE, 700, "SUSPECT", "CLOCK"), "a verdict never changes"),
    (goods(ALONE, 700, "S1", "a")[1], "a key stands for one purchase"),
    (goods(Key(1, 1, 4), 700, "S1", "a")[1], "a till takes a code once"),
    (goods(Key(1, 1, 4), 2_001, "S1", "x")[1], "no till takes more than its caps"),
    (closed(1, 1, None), "a batch closes at what was sold"),
    (closed(2, 1, None, 1, 2), "a close names the record that is missing"),
    (closed(2, 1, 1_000), "a close names the record that is missing"),
])  # fmt: skip
def test_each_lie_of_a_till_is_noticed(line: Line, broken: str) -> None:
    assert broken in promises(HONEST, line)


@pytest.mark.parametrize(("without_", "broken"), [
    ("judged", "the till hears the verdict"), ("closed", "every batch is closed"),
])  # fmt: skip
def test_what_a_till_never_heard_is_noticed(without_: str, broken: str) -> None:
    assert broken in promises(lines=[line for line in LINES if line["t"] != without_])


def test_caps_count_number_and_sum() -> None:
    def fourth(*minors: int) -> list[Line]:
        made = [goods(Key(3, 1, n), minor, "S1", str(n))[1] for n, minor in enumerate(minors, 1)]
        return [*LINES, *made]

    broken = "no till takes more than its caps"
    assert broken in promises(lines=fourth(1, 1, 1, 1))
    assert broken in promises(lines=fourth(2_000, 2_000, 1_001))
    assert broken not in promises(lines=fourth(2_000, 2_000, 1_000))


def test_lost_record_that_came_online_before_is_paid_by_that() -> None:
    books = with_sale(Sale(LOST, "CAPTURED", 400, "S1", {"MAIN": 400}))
    accounts = {**books.accounts, ("MAIN", "S1"): 600, ("MERCHANT", None): 3_000}
    settlements = {**books.settlements, (2, 1): 1_000}
    books = replace(books, accounts=accounts, settlements=settlements)
    lines = [line for line in LINES if (line["t"], line.get("batch")) != ("closed", 1)]
    assert promises(books, closed(1, 1, 1_900), closed(2, 1, 1_000), lines=lines) == set()


WET = Key(3, 1, 1)


@pytest.mark.parametrize(("low", "high", "paid", "is_right"), [
    (25, 25, 75, True), (25, 25, 74, False), (25, 25, 0, False), (0, 0, 0, True),
    (10, 25, 30, True), (10, 25, 75, True), (10, 25, 45, False), (300, 300, 600, True),
    (3, 3, 9, True),
])  # fmt: skip
def test_water_is_paid_by_what_is_on_the_disk(
    low: int, high: int, paid: int, is_right: bool
) -> None:
    sale = Sale(WET, "CAPTURED", paid, "S1", {"MAIN": paid})
    books = replace(
        HONEST,
        sales={**HONEST.sales, WET: sale},
        settlements={**HONEST.settlements, (3, 1): paid},
        accounts={
            **HONEST.accounts, ("MAIN", "S1"): 1_000 - paid, ("MERCHANT", None): 2_600 + paid,
        },
    )  # fmt: skip
    ran = {"t": "water", "till": 3, "batch": 1, "seq": 1, "holder": "S1", "low": low, "high": high,
           "alone": False, "clockLost": False}  # fmt: skip
    broken = promises(books, ran, closed(3, 1, paid))
    assert broken == (set() if is_right else {"water is paid by what ran"})


def test_water_that_a_meter_without_the_time_let_run_alone_is_noticed() -> None:
    ran = {"t": "water", "till": 3, "batch": 1, "seq": 1, "holder": "S1", "low": 0, "high": 0}
    for alone, lost, broken in ((True, True, 1), (True, False, 0), (False, True, 0)):
        noticed = promises(HONEST, {**ran, "alone": alone, "clockLost": lost})
        assert len(noticed) == broken
        assert noticed <= {"a meter that lost the time lets no water run alone"}


@pytest.mark.parametrize(("numbers", "is_right"), [
    ([1, 2], True), ([1], False), ([1, 2, 3], False), ([2], False), ([], False),
])  # fmt: skip
def test_a_new_key_is_one(numbers: list[int], is_right: bool) -> None:
    rotated = {"t": "rotated", "till": 1, "keyNo": 2}
    broken = promises(replace(HONEST, keys={1: numbers}), rotated)
    assert broken == (set() if is_right else {"a device takes one new key at a time"})


def test_pass_that_a_new_key_signed_anew_is_noticed() -> None:
    kept, changed = ({"t": "passes", "holder": "S1", "kept": kept} for kept in (True, False))
    assert promises(HONEST, kept) == set()
    assert promises(HONEST, changed) == {"a pass that has begun stays as it is"}


def test_hold_that_nobody_ended_is_noticed() -> None:
    books = with_sale(Sale(WET, "PENDING", 0, "S1", {}))
    assert promises(books) == {"nobody pays for what was not handed over"}


def test_diary_is_read_as_it_was_written(tmp_path: Path) -> None:
    diary = Diary(tmp_path / "diary.jsonl")
    diary.note("goods", till=1, name="粥")
    assert list(read(tmp_path / "diary.jsonl")) == [{"t": "goods", "till": 1, "name": "粥"}]
    diary.close()
