"""The storm's last question: a purchase stands where its till was told it stands."""

from typing import Any

import pytest

from tests.faults.storm.states import disagreements

Line = dict[str, Any]


def purchase(id_: str) -> Line:
    return {"t": "intent", "id": id_, "operation": "AUTHORISE", "about": {}}


def void(id_: str, of: str) -> Line:
    return {"t": "intent", "id": id_, "operation": "VOID", "about": {"of": of}}


def answer(id_: str, outcome: str, **state: str | None) -> Line:
    return {"t": "answer", "id": id_, "facts": {"outcome": outcome} | state}


VOIDED = [purchase("1"), void("2", "1"), answer("2", "VOIDED")]


@pytest.mark.parametrize(
    "lines",
    [
        [purchase("1"), answer("1", "APPROVED"), answer("1", "APPROVED", state="CAPTURED")],
        [purchase("1"), answer("1", "DECLINED", state=None)],
        [*VOIDED, answer("1", "APPROVED", state="VOIDED")],
        [*VOIDED, answer("1", "DECLINED", state="TOMBSTONE")],
        [
            purchase("1"),
            void("2", "1"),
            answer("2", "DECLINED"),
            answer("1", "DECLINED", state=None),
        ],
    ],
)
def test_what_the_till_was_told_agrees(lines: list[Line]) -> None:
    assert list(disagreements(lines)) == []


@pytest.mark.parametrize(
    ("lines", "state", "expected"),
    [
        ([purchase("1")], None, None),
        ([purchase("1"), answer("1", "APPROVED")], "NEVER ASKED", "CAPTURED"),
        ([purchase("1"), answer("1", "APPROVED", state="VOIDED")], "VOIDED", "CAPTURED"),
        ([purchase("1"), answer("1", "APPROVED", state=None)], None, "CAPTURED"),
        ([purchase("1"), answer("1", "DECLINED", state="CAPTURED")], "CAPTURED", None),
        ([*VOIDED, answer("1", "APPROVED", state="CAPTURED")], "CAPTURED", "VOIDED"),
        ([*VOIDED, answer("1", "DECLINED", state=None)], None, "TOMBSTONE"),
    ],
)
def test_another_state_than_the_till_was_told_is_named(
    lines: list[Line], state: str | None, expected: str | None
) -> None:
    (found,) = disagreements(lines)
    assert (found["id"], found["state"], found["expected"]) == ("1", state, expected)
