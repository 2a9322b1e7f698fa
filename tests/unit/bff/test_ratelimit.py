"""Rate limits: per caller, never per campus, and without Redis."""

from uuid import UUID

import pytest

from bff.ratelimit import (
    ANONYMOUS,
    CALLER_FIELDS,
    CARDHOLDER,
    CARDHOLDER_MONEY,
    CODE_DRAW,
    NETWORK_FIELDS,
    SIGN_IN_BEGIN,
    Buckets,
    Limit,
    caller_of,
    field_limit,
)
from bff.refusal import Refused
from schema.campus import SCHEMA
from schema.context import Anonymous
from schema.documents import graphql_schema
from tests.api.house import House
from tests.factories.viewers import cardholder_viewer, staff_viewer, terminal_viewer


class Hand:
    """A clock turned by hand."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def count_allowed(buckets: Buckets, caller: str, tries: int = 50, limit: Limit = CARDHOLDER) -> int:
    for number in range(tries):
        try:
            buckets.take(limit, caller)
        except Refused:
            return number
    return tries


def test_limits_hold_without_redis() -> None:
    hand = Hand()
    buckets = Buckets(hand)
    assert count_allowed(buckets, "7/a") == 20
    hand.seconds = 1.0
    assert count_allowed(buckets, "7/a") == 5
    hand.seconds = 1_000.0
    assert count_allowed(buckets, "7/a") == 20
    assert count_allowed(Buckets(hand, processes=4), "7/a") == 5


def test_refusal_says_when_the_next_is_allowed() -> None:
    hand = Hand()
    buckets = Buckets(hand)
    assert count_allowed(buckets, "7/a", 3, CARDHOLDER_MONEY) == 3
    hand.seconds = 0.25
    with pytest.raises(Refused) as refusal:
        buckets.take(CARDHOLDER_MONEY, "7/a")
    assert (refusal.value.code, refusal.value.retry_after) == ("RATE_LIMITED", 1)
    hand.seconds = 1.0
    assert count_allowed(buckets, "7/a", 3, CARDHOLDER_MONEY) == 1


def test_limit_is_per_school_and_caller() -> None:
    callers = [
        caller_of(cardholder_viewer(7, 1), "campus"),
        caller_of(cardholder_viewer(8, 1), "campus"),
        caller_of(cardholder_viewer(7, 2), "campus"),
        caller_of(staff_viewer(number=1), "campus"),
        caller_of(terminal_viewer(7, 1), "campus"),
        caller_of(Anonymous(), "campus"),
    ]
    assert len(set(callers)) == 6
    assert callers[-1] == (ANONYMOUS, "campus")


def test_fields_of_a_session_are_limited_apart_from_its_requests() -> None:
    holder, other = cardholder_viewer(7, 1), cardholder_viewer(7, 2)
    assert field_limit("limitsSet", holder, "campus") == (CARDHOLDER_MONEY, "7/" + str(UUID(int=1)))
    assert field_limit("limitsSet", holder, "home") == field_limit("pinSet", holder, "campus")
    assert field_limit("limitsSet", other, "campus") != field_limit("pinSet", holder, "campus")
    assert field_limit("codeTokenIssue", holder, "campus") == (CODE_DRAW, "7/" + str(UUID(int=1)))
    assert field_limit("signInBegin", Anonymous(), "campus") == (SIGN_IN_BEGIN, "campus")
    assert field_limit("signInBegin", holder, "campus") == (SIGN_IN_BEGIN, "campus")
    assert field_limit("purchaseAuthorise", terminal_viewer(7, 1), "campus") is None
    assert field_limit("viewer", holder, "campus") is None


def test_every_limited_field_is_in_the_contract() -> None:
    mutations = graphql_schema(SCHEMA).mutation_type
    assert mutations is not None
    assert (NETWORK_FIELDS.keys() | CALLER_FIELDS.keys()) - mutations.fields.keys() == set()


def test_one_screen_is_not_limited_by_how_many_processes_there_are() -> None:
    hand = Hand()
    buckets = Buckets(hand, processes=8)
    assert count_allowed(buckets, "7/a", 3, CARDHOLDER_MONEY) == 3
    with pytest.raises(Refused) as refusal:
        buckets.take(CARDHOLDER_MONEY, "7/a")
    assert refusal.value.retry_after == 8


def test_noon_peak_is_not_limited() -> None:
    buckets = Buckets(Hand())
    callers = [caller_of(cardholder_viewer(number=number), "campus") for number in range(2_000)]
    allowed = [count_allowed(buckets, caller, 1, limit) for limit, caller in callers]
    assert allowed == [1] * 2_000


async def test_caller_over_its_limit_is_429() -> None:
    house = House()
    statuses = [(await house.ask("{ own }", "Bearer holder")).status for _ in range(21)]
    assert statuses == [200] * 20 + [429]
    refused = await house.ask("{ own }", "Bearer holder")
    assert refused.headers["retry-after"] == "1"
    assert refused.codes() == ["RATE_LIMITED"]
    assert (await house.ask("{ ping }")).status == 200


async def test_network_that_tries_tokens_is_429() -> None:
    house = House()
    statuses = [(await house.ask("{ ping }", f"Bearer {n}")).status for n in range(201)]
    assert statuses == [200] * 200 + [429]
    assert (await house.ask("{ own }", "Bearer holder")).status == 200
