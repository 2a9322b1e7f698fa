"""The pure rules of authorisation: decide, capture, void, refund."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.authorisation.decision import Decision, Situation, decide, fund
from core.authorisation.lifecycle import (
    capture_code,
    capture_shares,
    refund_code,
    refund_shares,
    void_code,
)
from core.authorisation.records import Authorisation, Key

CALM = Situation("ACTIVE", "ACTIVE", False, True, (300, 1000), 0, 3000, 5000)
MERCHANT = UUID(int=1)
STATES = ["CAPTURED", "PENDING", "VOIDED", "EXPIRED", "REFUNDED_PART", "REFUNDED", "TOMBSTONE"]


def make(state: str, held: int = 1000, captured: int = 1000, refunded: int = 0) -> Authorisation:
    return Authorisation(
        Key(42, 1, 1), state, UUID(int=2), MERCHANT, held, captured, refunded, (), "R" * 12, None
    )


def test_the_first_purse_pays_first() -> None:
    assert decide(400, pin_proven=False, seen=CALM) == Decision("APPROVED", "00", None, (300, 100))
    assert fund(300, (300, 1000)) == (300, 0)
    assert fund(1301, (300, 1000)) is None


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        ({"status": "FROZEN", "card_state": "LOST"}, "62", None),
        ({"status": "CLOSED"}, "46", None),
        ({"card_state": "LOST", "revoked": True}, "41", None),
        ({"card_state": "NOT_OPENED"}, "54", None),
        ({"revoked": True, "code_free": False}, "C3", "REVOKED"),
        ({"code_free": False, "purses_minor": (0, 0)}, "C1", "CODE_USED"),
        ({"purses_minor": (0, 399), "single_minor": 1}, "51", None),
    ],
)
def test_the_first_failing_check_is_the_answer(
    change: dict[str, object], code: str, reason: str | None
) -> None:
    seen = replace(CALM, **change)  # type: ignore[arg-type]  # the table names the record's fields
    assert decide(400, pin_proven=True, seen=seen) == Decision("DECLINED", code, reason)


def test_above_a_limit_only_a_pin_approves() -> None:
    seen = replace(CALM, single_minor=399)
    assert decide(400, pin_proven=False, seen=seen) == Decision("PIN_REQUIRED", "70", "SINGLE")
    assert decide(400, pin_proven=True, seen=seen).outcome == "APPROVED"


def test_a_closing_account_may_still_spend() -> None:
    assert decide(1, pin_proven=False, seen=replace(CALM, status="CLOSING")).outcome == "APPROVED"


@pytest.mark.parametrize(
    ("state", "code"),
    list(zip(STATES, ["12", "00", "22", "22", "12", "12", "22"], strict=True)),
)
def test_only_a_pending_hold_is_captured(state: str, code: str) -> None:
    assert capture_code(make(state), 1000) == code


def test_a_capture_never_exceeds_its_hold() -> None:
    assert capture_code(make("PENDING", held=1000), 1001) == "64"
    assert capture_code(None, 1) == "25"


@pytest.mark.parametrize(
    ("state", "code"), list(zip(STATES, ["00", "00", "00", "22", "12", "12", "00"], strict=True))
)
def test_a_void_undoes_what_is_not_refunded(state: str, code: str) -> None:
    assert void_code(state) == code


@pytest.mark.parametrize(
    ("state", "code"), list(zip(STATES, ["00", "12", "22", "22", "00", "22", "25"], strict=True))
)
def test_only_captured_money_is_refunded(state: str, code: str) -> None:
    assert refund_code(make(state), MERCHANT, 1) == code


def test_a_refund_stays_within_the_capture_and_the_merchant() -> None:
    found = make("REFUNDED_PART", captured=1000, refunded=400)
    assert refund_code(found, MERCHANT, 600) == "00"
    assert refund_code(found, MERCHANT, 601) == "64"
    assert refund_code(found, UUID(int=9), 600) == "25"
    assert refund_code(None, MERCHANT, 1) == "25"


def test_the_purse_used_last_gets_its_money_back_first() -> None:
    paid = (300, 700)
    assert refund_shares(100, 0, paid) == (0, 100)
    assert refund_shares(700, 100, paid) == (100, 600)
    assert refund_shares(200, 800, paid) == (200, 0)


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=4), st.data())
def test_refunds_in_any_steps_return_exactly_what_each_purse_paid(
    paid: list[int], data: st.DataObject
) -> None:
    refunded, returned = 0, [0] * len(paid)
    while refunded < sum(paid):
        step = data.draw(st.integers(1, sum(paid) - refunded))
        shares = refund_shares(step, refunded, tuple(paid))
        assert sum(shares) == step
        returned = [a + b for a, b in zip(returned, shares, strict=True)]
        refunded += step
    assert returned == paid


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=4), st.data())
def test_a_capture_takes_the_first_purses_first(held: list[int], data: st.DataObject) -> None:
    amount = data.draw(st.integers(1, sum(held)))
    shares = capture_shares(amount, tuple(held))
    assert sum(shares) == amount
    for index, share in enumerate(shares[:-1]):
        assert share == held[index] or not any(shares[index + 1 :])
