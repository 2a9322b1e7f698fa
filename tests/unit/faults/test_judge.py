"""The bank test's verdict: honest journals break nothing, and each lie is noticed."""

from collections import Counter
from typing import Any

import pytest

from tests.faults.bank.coverage import missing
from tests.faults.bank.judge import Evidence, judge

Line = dict[str, Any]


def intent(id_: str, operation: str = "AUTHORISE", at: float = 1, **about: str) -> Line:
    given = {"idempotencyKey": "k1"} if operation == "TOP_UP" else {}
    till = None if operation in ("TOP_UP", "LOSS", "RELEASE") else 71_000_001
    return {"t": "intent", "id": id_, "operation": operation, "at": at, "till": till,
            "given": given, "about": about}  # fmt: skip


def answer(id_: str, outcome: str = "APPROVED", at: float = 2, **facts: object) -> Line:
    told: Line = {"outcome": outcome, "code": "00", "reference": f"R{id_}", "signed": f"S{id_}",
                  "verified": True}  # fmt: skip
    return {"t": "answer", "id": id_, "at": at, "sent": at, "tries": 0, "facts": told | facts}


def row(id_: str, outcome: str = "APPROVED", **columns: object) -> Line:
    return {"outcome": outcome, "response_code": "00", "retrieval_reference": f"R{id_}",
            "signed_answer": f"S{id_}", "available_minor": 5,
            "amount_minor": 9} | columns  # fmt: skip


def done(id_: str, at: float = 2, **facts: object) -> Line:
    return {"t": "answer", "id": id_, "at": at, "sent": at, "tries": 0,
            "facts": {"done": True} | facts}  # fmt: skip


def verdict(lines: list[Line], rows: dict[str, Line], cash: set[str] | None = None) -> Counter[str]:
    return judge(Evidence(lines, rows, cash or set())).violations


HONEST = (
    [intent("1", code="c"), answer("1"), answer("1"), intent("2", "TOP_UP"), done("2", topUp="t")],
    {"1": row("1")},
    {"k1"},
)


def test_honest_journals_break_nothing() -> None:
    assert verdict(*HONEST) == {}


@pytest.mark.parametrize(
    ("lines", "rows", "cash", "broken"),
    [
        ([intent("1"), answer("1")], {}, set(), {"I1": 1}),
        ([intent("1"), answer("1")], {"1": row("1", "DECLINED")}, set(), {"I1": 1}),
        ([intent("1"), answer("1", verified=False)], {"1": row("1")}, set(), {"I2": 1}),
        ([], {"1": row("1")}, set(), {"I3": 1}),
        ([], {}, {"k2"}, {"I3": 1}),
        ([intent("2", "TOP_UP"), done("2", topUp="t")], {}, set(), {"I1": 1}),
        (
            [intent("2", "TOP_UP"), done("2", topUp="t"), done("2", topUp="u")],
            {}, {"k1"}, {"I5": 1},
        ),
        (
            [intent("1"), answer("1"), answer("1", signed="S9")], {"1": row("1")}, set(),
            {"I1": 1, "I5": 1},
        ),
        ([intent("1")], {}, set(), {"I15": 1}),
        (
            [intent("1"), answer("1")], {"1": row("1", response_code="51", available_minor=9)},
            set(), {"I1": 1, "I12": 1},
        ),
        (
            [intent("1", code="c"), answer("1"), intent("2", code="c"), answer("2")],
            {"1": row("1"), "2": row("2")}, set(), {"I14": 1},
        ),
        ([{"t": "trial", "total": 1}], {}, set(), {"I9": 1}),
        ([{"t": "read", "found": False}], {}, set(), {"I21": 1}),
        ([{"t": "fault", "reason": "HTTP 500"}], {}, set(), {"I23": 1}),
        ([{"t": "conflict", "facts": {"outcome": "APPROVED"}}], {}, set(), {"I4": 1}),
        ([{"t": "conflict", "facts": {"refused": "IDEMPOTENCY_CONFLICT"}}], {}, set(), {}),
    ],
)  # fmt: skip
def test_each_lie_is_noticed(
    lines: list[Line], rows: dict[str, Line], cash: set[str], broken: dict[str, int]
) -> None:
    assert verdict(lines, rows, cash) == broken


@pytest.mark.parametrize(
    ("tapped_at", "released_at", "broken"),
    [(11, None, {"I17": 1}), (9, None, {}), (11, 10.5, {}), (11, 30, {"I17": 1})],
)
def test_a_tap_after_a_confirmed_loss_is_noticed(
    tapped_at: float, released_at: float | None, broken: dict[str, int]
) -> None:
    lines = [intent("1", "LOSS", at=8, uid="A"), done("1", at=10),
             intent("2", at=tapped_at, uid="A"), answer("2", at=20)]  # fmt: skip
    if released_at:
        lines += [intent("3", "RELEASE", at=released_at, uid="A"), done("3", at=released_at + 1)]
    assert verdict(lines, {"2": row("2")}) == broken


def test_a_run_that_met_too_little_says_what() -> None:
    counts = Counter(dict.fromkeys(("keys", "AUTHORISE 00"), 10000))
    short = missing(counts, Counter({"kill_app": 40}), 60)
    assert "keys" not in short
    assert short["kinds"] == "1 of 15"
    assert short["AUTHORISE 51"] == "0 of 50"
