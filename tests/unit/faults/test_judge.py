"""The bank test's verdict: honest journals break nothing, and each lie is noticed."""

from collections import Counter
from typing import Any

import pytest

from tests.faults.bank.coverage import missing
from tests.faults.bank.judge import Evidence, judge

Line = dict[str, Any]


def intent(id_: str, operation: str = "AUTHORISE", at: float = 1, **about: str) -> Line:
    given = {"minorAmount": 500, "number": "S1"} if operation == "TOP_UP" else {}
    till = None if operation in ("TOP_UP", "LOSS", "RELEASE") else 71_000_001
    return {"t": "intent", "id": id_, "operation": operation, "at": at, "till": till,
            "given": given, "about": about}  # fmt: skip


def answer(id_: str, outcome: str = "APPROVED", at: float = 2, **facts: object) -> Line:
    told: Line = {"outcome": outcome, "code": "00", "reference": f"R{id_}", "signed": f"S{id_}",
                  "verified": True}  # fmt: skip
    return {"t": "answer", "id": id_, "at": at, "sent": at, "tries": 0, "facts": told | facts}


def row(id_: str, outcome: str = "APPROVED", **columns: object) -> Line:
    return {"school_id": 71, "operation": "AUTHORISE", "outcome": outcome, "response_code": "00",
            "retrieval_reference": f"R{id_}", "signed_answer": f"S{id_}", "cardholder_id": None,
            "available_minor": 5, "amount_minor": 9} | columns  # fmt: skip


def done(id_: str, at: float = 2, **facts: object) -> Line:
    return {"t": "answer", "id": id_, "at": at, "sent": at, "tries": 0,
            "facts": {"done": True} | facts}  # fmt: skip


def verdict(
    lines: list[Line], rows: dict[str, Line], cash: dict[str, Line] | None = None
) -> Counter[str]:
    return judge(Evidence(lines, rows, cash or {})).violations


CASH = {"t": {"amount_minor": 500, "number": "S1"}}


HONEST = (
    [intent("1", code="c"), answer("1"), answer("1"), intent("2", "TOP_UP"), done("2", topUp="t")],
    {"1": row("1")},
    CASH,
)


def test_honest_journals_break_nothing() -> None:
    assert verdict(*HONEST) == {}


@pytest.mark.parametrize(
    ("lines", "rows", "cash", "broken"),
    [
        ([intent("1"), answer("1")], {}, {}, {"I1": 1}),
        ([intent("1"), answer("1")], {"1": row("1", "DECLINED")}, {}, {"I1": 1}),
        ([intent("1"), answer("1", verified=False)], {"1": row("1")}, {}, {"I2": 1}),
        ([], {"1": row("1")}, {}, {"I3": 1}),
        ([], {}, CASH, {"I3": 1}),
        ([intent("2", "TOP_UP"), done("2", topUp="t")], {}, {}, {"I1": 1}),
        (
            [intent("2", "TOP_UP"), done("2", topUp="t")],
            {}, {"t": {"amount_minor": 501, "number": "S1"}}, {"I1": 1},
        ),
        (
            [intent("2", "TOP_UP"), done("2", topUp="t")],
            {}, {"t": {"amount_minor": 500, "number": "S2"}}, {"I1": 1},
        ),
        (
            [intent("2", "TOP_UP"), done("2", topUp="t"), done("2", topUp="u")],
            {}, CASH | {"u": CASH["t"]}, {"I5": 1},
        ),
        (
            [intent("1"), answer("1"), answer("1", signed="S9")], {"1": row("1")}, {},
            {"I1": 1, "I5": 1},
        ),
        ([intent("1")], {}, {}, {"I15": 1}),
        (
            [intent("1"), answer("1")], {"1": row("1", response_code="51", available_minor=9)},
            {}, {"I1": 1, "I12": 1},
        ),
        (
            [intent("1", code="c"), answer("1"), intent("2", code="c"), answer("2")],
            {"1": row("1"), "2": row("2")}, {}, {"I14": 1},
        ),
        ([{"t": "trial", "total": 1}], {}, {}, {"I9": 1}),
        ([{"t": "read", "found": False}], {}, {}, {"I21": 1}),
        ([{"t": "fault", "reason": "HTTP 500"}], {}, {}, {"I23": 1}),
        ([{"t": "conflict", "facts": {"outcome": "APPROVED"}}], {}, {}, {"I4": 1}),
        ([{"t": "conflict", "facts": {"refused": "IDEMPOTENCY_CONFLICT"}}], {}, {}, {}),
    ],
)  # fmt: skip
def test_each_lie_is_noticed(
    lines: list[Line], rows: dict[str, Line], cash: dict[str, Line], broken: dict[str, int]
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


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("C1", intent("2", at=5, code="c")),
        ("22", intent("2", "VOID", at=5, of="1")),
        ("41", intent("2", "LOSS", at=5, uid="A")),
    ],
)
def test_a_reason_that_nobody_gave_yet_is_noticed(code: str, cause: Line) -> None:
    rows = {"1": row("1", "DECLINED", response_code=code), "2": row("2")}
    asked = intent("1", at=1, code="c", uid="A")
    for heard_at, broken in ((4, 1), (6, 0)):
        told = answer("1", "DECLINED", at=heard_at, code=code)
        found = verdict([asked, cause, told, answer("2", at=9)], rows)
        assert found["I12"] == broken, heard_at


def test_a_code_that_bought_nothing_is_not_used() -> None:
    lines = [intent("1", code="c"), answer("1", "DECLINED", code="C1"),
             intent("2", code="c"), answer("2", "DECLINED", code="51")]  # fmt: skip
    rows = {"1": row("1", "DECLINED", response_code="C1"),
            "2": row("2", "DECLINED", response_code="51")}  # fmt: skip
    assert verdict(lines, rows)["I12"] == 1


def test_a_run_that_met_too_little_says_what() -> None:
    counts = Counter(dict.fromkeys(("keys", "AUTHORISE 00"), 10000))
    short = missing(counts, Counter({"kill_app": 40}), 60)
    assert "keys" not in short
    assert short["kinds"] == "1 of 18"
    assert short["AUTHORISE 51"] == "0 of 280"
