"""Proving a card and unbinding it: `bindingCreate`, `bindingEnd`."""

from typing import Any

import pytest

from tests.api.campus import Campus
from tests.api.sample import ALICE, BOB

BOUND = "cardholder { number name kind status } tokens { accessToken }"


def codes(payload: Any) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


async def test_form_binds_and_replaces_the_token(campus: Campus) -> None:
    token = (await campus.sign_in("alice@people.example"))["accessToken"]
    form = {"name": ALICE.name, "number": ALICE.number}
    payload = await campus.do("bindingCreate", form, BOUND, token)
    assert payload["cardholder"] == {
        "number": "S001", "name": "示例甲", "kind": "STUDENT", "status": "ACTIVE"
    }  # fmt: skip
    assert (await campus.query("{ viewer { kind } }", token))["data"] is None
    fresh = payload["tokens"]["accessToken"]
    listed = (await campus.holder("bindings { channel issuer }", fresh))["bindings"]
    assert listed == [{"channel": "NATIVE", "issuer": "native:email"}]


@pytest.mark.parametrize(
    ("name", "number"), [("示例甲", "S404"), ("示例丙", "S001"), ("示例乙", "S002")]
)
async def test_whatever_does_not_agree_is_one_refusal(
    campus: Campus, name: str, number: str
) -> None:
    token = (await campus.sign_in("alice@people.example"))["accessToken"]
    payload = await campus.do("bindingCreate", {"name": name, "number": number}, BOUND, token)
    assert payload["cardholder"] is None
    assert payload["tokens"] is None
    assert codes(payload) == ["IDENTITY_NOT_CONFIRMED"]
    assert await campus.rows("SELECT 1 FROM binding") == []


async def test_bound_session_binds_no_second_card(campus: Campus) -> None:
    token = await campus.bind(ALICE)
    form = {"name": BOB.name, "number": BOB.number}
    assert codes(await campus.do("bindingCreate", form, BOUND, token)) == ["ALREADY_BOUND"]


async def binding_id(campus: Campus, token: str) -> str:
    listed = (await campus.holder("bindings { id }", token))["bindings"]
    return str(listed[0]["id"])


async def test_unbinding_ends_the_session(campus: Campus) -> None:
    token = await campus.bind()
    given = {"bindingId": await binding_id(campus, token)}
    payload = await campus.do("bindingEnd", given, "endedBindingId", token)
    assert payload == {"endedBindingId": given["bindingId"], "userErrors": []}
    assert (await campus.query("{ viewer { kind } }", token))["data"] is None


async def test_unbinding_needs_a_fresh_proof(campus: Campus) -> None:
    token = await campus.bind()
    campus.clock.advance(seconds=301)
    given = {"bindingId": await binding_id(campus, token)}
    assert codes(await campus.do("bindingEnd", given, "endedBindingId", token)) == [
        "STEP_UP_REQUIRED"
    ]
    assert (await campus.query("{ viewer { kind } }", token))["data"] is not None


async def test_binding_of_another_cardholder_is_not_ended(campus: Campus) -> None:
    alice, bob = await campus.bind(ALICE), await campus.bind(BOB)
    given = {"bindingId": await binding_id(campus, bob)}
    assert codes(await campus.do("bindingEnd", given, "endedBindingId", alice)) == ["NOT_BOUND"]
    assert (await campus.query("{ viewer { kind } }", bob))["data"] is not None
