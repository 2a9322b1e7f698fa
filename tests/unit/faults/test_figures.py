"""The balances that answers show: true at an instant while they were asked, or noticed."""

from typing import Any

import pytest

from tests.faults.bank.figures import spans_of, untrue

Row = dict[str, Any]

Intents = dict[str, tuple[str, int, int, str | None]]
"""By id: operation, when sent, when answered, what it follows."""

PURCHASE: Intents = {"1": ("AUTHORISE", 10, 20, None)}


def leg(
    balance: int, kind: str = "OPENING_BALANCE", phase: str = "POSTED", of: str | None = None
) -> Row:
    return {"school_id": 71, "owner_id": "h", "kind": kind, "phase": phase,
            "balance_after_minor": balance, "top_up_id": of if kind == "CASH_TOP_UP" else None,
            "retrieval_reference": None if of is None else f"R{of}"}  # fmt: skip


def hold(amount: int, of: str) -> Row:
    return {"school_id": 71, "owner_id": "h", "retrieval_reference": f"R{of}",
            "amount_minor": amount}  # fmt: skip


def shown(
    figure: int,
    asked: tuple[int, int],
    legs: list[Row],
    holds: list[Row],
    others: Intents,
    refused: str = "",
) -> list[list[int]]:
    """What would have been true, where `figure` was not."""
    others = {**others, "asked": ("AUTHORISE", *asked, None)}
    intents = {
        id_: {"id": id_, "operation": operation, "at": at, "about": {"of": of} if of else {}}
        for id_, (operation, at, _, of) in others.items()
    }
    answers = {
        id_: [{"at": at, "facts": {"topUp": id_} if operation == "TOP_UP" else {}}]
        for id_, (operation, _, at, _) in others.items()
    }
    rows = {
        id_: {"school_id": 71, "operation": operation, "retrieval_reference": f"R{id_}",
              "response_code": "12" if id_ == refused else "00", "cardholder_id": "h",
              "available_minor": figure if id_ == "asked" else None}
        for id_, (operation, *_) in others.items()
    }  # fmt: skip
    return [found["true"] for found in untrue(rows, legs, holds, spans_of(intents, answers, rows))]


@pytest.mark.parametrize(
    ("asked", "true"),
    [((1, 9), [900]), ((1, 10), [400, 900]), ((20, 30), [400, 900]), ((21, 30), [400])],
)
def test_a_figure_is_that_of_an_instant_between_sending_and_answer(
    asked: tuple[int, int], true: list[int]
) -> None:
    legs = [leg(900), leg(400, "PURCHASE", of="1")]
    assert shown(899, asked, legs, [], PURCHASE) == [true]
    for figure in true:
        assert shown(figure, asked, legs, [], PURCHASE) == []


@pytest.mark.parametrize(
    ("kind", "phase", "operation"),
    [("PURCHASE", "POST", "CAPTURE"), ("PURCHASE_VOID", "POSTED", "VOID"),
     ("REFUND", "POSTED", "REFUND")],
)  # fmt: skip
def test_what_follows_a_purchase_counts_from_its_own_request(
    kind: str, phase: str, operation: str
) -> None:
    legs = [leg(900), leg(950, kind, phase, of="1")]
    others: Intents = {**PURCHASE, "2": (operation, 30, 40, "1")}
    assert shown(950, (21, 29), legs, [], others) == [[900]]
    assert shown(900, (41, 50), legs, [], others) == [[950]]
    assert shown(950, (21, 35), legs, [], others) == []


def test_cash_counts_from_its_own_request() -> None:
    legs = [leg(900), leg(1000, "CASH_TOP_UP", of="1")]
    others: Intents = {"1": ("TOP_UP", 10, 20, None)}
    assert shown(1000, (1, 9), legs, [], others) == [[900]]
    assert shown(900, (21, 30), legs, [], others) == [[1000]]


def test_an_overtaken_balance_is_not_true_again() -> None:
    legs = [leg(900), leg(800, "PURCHASE", of="1"), leg(700, "PURCHASE", of="2")]
    others: Intents = {**PURCHASE, "2": ("AUTHORISE", 10, 12, None)}
    assert shown(900, (13, 19), legs, [], others) == [[700]]


@pytest.mark.parametrize(
    ("asked", "true"),
    [((1, 9), [900]), ((11, 19), [800, 900]), ((21, 29), [800]), ((31, 39), [800, 900]),
     ((41, 50), [900])],
)  # fmt: skip
def test_a_hold_lessens_what_is_available_while_it_stands(
    asked: tuple[int, int], true: list[int]
) -> None:
    others: Intents = {**PURCHASE, "2": ("VOID", 30, 40, "1")}
    assert shown(-1, asked, [leg(900)], [hold(100, "1")], others) == [true]


def test_a_hold_that_nothing_ended_stands() -> None:
    assert shown(900, (21, 29), [leg(900)], [hold(100, "1")], PURCHASE) == [[800]]


def test_a_hold_outlives_a_void_that_was_refused() -> None:
    others: Intents = {**PURCHASE, "2": ("VOID", 30, 40, "1")}
    assert shown(900, (41, 50), [leg(900)], [hold(100, "1")], others, refused="2") == [[800]]
