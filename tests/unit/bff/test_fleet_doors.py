"""The fleet's model of doors: an honest day breaks nothing, and each lie of the log is noticed."""

from dataclasses import replace
from typing import Any

import pytest

from bff.fleet.diary import Key, Line
from bff.fleet.door_judge import Doors, judge_doors
from bff.fleet.evidence import Event, Evidence
from bff.fleet.porter import DOOR, SAFE_DOOR

ONLINE, ALONE, LATE, RELAYED, SHUT, AHEAD, TIMELESS = (Key(7, 1, n) for n in range(1, 8))


def line(what: str, key: Key = ONLINE, **facts: Any) -> Line:
    return {"t": what, "till": key.till, "batch": key.batch, "seq": key.seq, **facts}


def opened(key: Key, holder: str, code: str, **changes: Any) -> Line:
    facts = {"offline": True, "door": DOOR, "clockLost": False, "ahead": False, **changes}
    return line("opened", key, holder=holder, code=code, **facts)


def told(key: Key, verdict: str = "ACCEPTED", reason: str | None = None) -> Line:
    return line("told", key, verdict=verdict, reason=reason)


LINES = [
    line("shown", code="a"), opened(ONLINE, "S1", "a", offline=False),
    line("shown", code="b"), opened(ALONE, "S2", "b"), told(ALONE),
    told(ALONE, "DUPLICATE", "SAME_RECORD"),
    line("shown", code="c"), opened(LATE, "S3", "c"), told(LATE, "DUPLICATE", "SAME_RECORD"),
    line("shown", code="d"), line("shown", Key(8, 1, 1), code="d"), opened(RELAYED, "S4", "d"),
    told(RELAYED, "SUSPECT", "CODE_USED_ELSEWHERE"),
    line("shown", code="f"), opened(AHEAD, "S6", "f", ahead=True), told(AHEAD, "SUSPECT", "CLOCK"),
    line("shown", code="g"), opened(TIMELESS, "S7", "g", door=SAFE_DOOR, clockLost=True),
    told(TIMELESS),
    line("shown", code="e"), line("shut", SHUT, holder="S5"), line("custom", name="plain"),
]  # fmt: skip
HONEST = Evidence(
    items={}, sales={}, accounts={}, settlements={}, legs_minor=0,
    events={
        ALONE: Event(ALONE, "ACCEPTED", None, frozenset()),
        RELAYED: Event(RELAYED, "SUSPECT", "CODE_USED_ELSEWHERE", frozenset()),
        AHEAD: Event(AHEAD, "SUSPECT", "CLOCK", frozenset()),
        TIMELESS: Event(TIMELESS, "ACCEPTED", None, frozenset()),
    },
    passages={ONLINE: "S1", ALONE: "S2", LATE: "S3", SHUT: "S5", TIMELESS: "S7"},
)  # fmt: skip


def promises(books: Evidence = HONEST, *more: Line) -> set[str]:
    return {each.promise for each in judge_doors(Doors.of([*LINES, *more]), books)}


def test_honest_day_breaks_nothing() -> None:
    assert promises() == set()


def with_passage(key: Key, holder: str | None) -> Evidence:
    passages = {k: h for k, h in HONEST.passages.items() if k != key}
    return replace(HONEST, passages=passages if holder is None else {**passages, key: holder})


def with_event(*made: Event) -> Evidence:
    events = {k: e for k, e in HONEST.events.items() if k != ALONE}
    return replace(HONEST, events={**events, **{each.key: each for each in made}})


@pytest.mark.parametrize(("books", "broken"), [
    (with_event(), "every passage taken alone is judged"),
    (with_passage(LATE, None), "every passage taken alone is judged"),
    (with_event(Event(ALONE, "SUSPECT", "CLOCK", frozenset())), "a gate hears one verdict"),
    (with_event(Event(ALONE, "REJECTED", "X", frozenset())),
     "an honest gate's passage is believed"),
    (with_event(Event(AHEAD, "ACCEPTED", None, frozenset())),
     "an honest gate's passage is believed"),
    (with_event(Event(TIMELESS, "SUSPECT", "CLOCK", frozenset())),
     "an honest gate's passage is believed"),
    (with_passage(ONLINE, None), "who passed stands in the log"),
    (with_passage(ALONE, "S9"), "who passed stands in the log"),
    (with_passage(RELAYED, "S4"), "who passed stands in the log"),
    (with_passage(Key(7, 1, 9), "S5"), "nobody stands in the log who never stood there"),
    (with_passage(Key(7, 1, 9), "S9"), "nobody stands in the log who never stood there"),
])  # fmt: skip
def test_each_lie_of_the_log_is_noticed(books: Evidence, broken: str) -> None:
    assert broken in promises(books)


@pytest.mark.parametrize(("told_", "broken"), [
    (opened(Key(7, 1, 8), "S1", "a", offline=False), "a gate takes a code once"),
    (opened(TIMELESS, "S7", "g", clockLost=True),
     "who lost the time opens only what leads out of a fire"),
    (told(ALONE, "REJECTED", "X"), "a gate hears one verdict"),
    (told(RELAYED, "DUPLICATE", "SAME_RECORD"), "a gate hears one verdict"),
])  # fmt: skip
def test_each_lie_of_a_gate_is_noticed(told_: Line, broken: str) -> None:
    assert broken in promises(HONEST, told_)


def test_passage_nobody_told_of_is_noticed() -> None:
    silent = Doors.of(each for each in LINES if each["t"] != "told")
    assert "a gate hears one verdict" in {v.promise for v in judge_doors(silent, HONEST)}
