"""Choosing, changing, resetting, unlocking: `pinSet` and its family."""

from typing import Any

import pytest

from tests.api.campus import Campus
from tests.api.sample import PIN

STATE = "pin { kind state triesLeft }"
NEW = "314159"


def codes(payload: Any) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


async def test_first_pin_is_chosen_after_a_fresh_proof(campus: Campus) -> None:
    token = await campus.bind()
    payload = await campus.do("pinSet", {"pin": PIN}, STATE, token)
    assert payload == {"pin": {"kind": "PAY", "state": "SET", "triesLeft": 5}, "userErrors": []}


async def test_first_pin_needs_second_proof(campus: Campus) -> None:
    token = await campus.bind()
    campus.clock.advance(seconds=301)
    assert codes(await campus.do("pinSet", {"pin": PIN}, STATE, token)) == ["STEP_UP_REQUIRED"]
    assert await campus.rows("SELECT 1 FROM pin WHERE state = 'SET'") == []


@pytest.mark.parametrize("weak", ["111111", "123456", "000001 ", "12345", "000001"[::-1] + "0"])
async def test_weak_pin_is_refused(campus: Campus, weak: str) -> None:
    token = await campus.bind()
    payload = await campus.do("pinSet", {"pin": weak}, STATE, token)
    assert codes(payload) == ["PIN_TOO_WEAK"]
    assert payload["userErrors"][0]["path"] == ["pin"]
    assert await campus.rows("SELECT 1 FROM pin WHERE state = 'SET'") == []


async def test_chosen_pin_is_not_chosen_first_again(campus: Campus) -> None:
    token = await campus.with_pin()
    assert codes(await campus.do("pinSet", {"pin": NEW}, STATE, token)) == ["PIN_ALREADY_SET"]


async def test_pin_changes_by_the_old_one(campus: Campus) -> None:
    token = await campus.with_pin()
    wrong = await campus.do("pinChange", {"oldPin": "000001", "newPin": NEW}, STATE, token)
    assert codes(wrong) == ["PIN_WRONG"]
    right = await campus.do("pinChange", {"oldPin": PIN, "newPin": NEW}, STATE, token)
    assert right["pin"]["state"] == "SET"
    assert codes(await campus.do("sessionStepUp", {"pin": PIN}, "steppedUpUntil", token)) == [
        "PIN_WRONG"
    ]


async def test_locked_pin_is_unlocked_or_reset_after_a_fresh_proof(campus: Campus) -> None:
    token = await campus.with_pin()
    for _ in range(5):
        last = await campus.do("sessionStepUp", {"pin": "000001"}, "steppedUpUntil", token)
    assert codes(last) == ["PIN_LOCKED"]
    assert codes(await campus.do("sessionStepUp", {"pin": PIN}, "steppedUpUntil", token)) == [
        "PIN_LOCKED"
    ]
    pins = (await campus.holder("pins { kind state triesLeft }", token))["pins"]
    assert pins == [{"kind": "PAY", "state": "LOCKED", "triesLeft": None}]
    unlocked = await campus.do("pinUnlock", {}, STATE, token)
    assert unlocked["pin"] == {"kind": "PAY", "state": "SET", "triesLeft": 5}
    reset = await campus.do("pinReset", {"newPin": NEW}, STATE, token)
    assert reset["pin"]["state"] == "SET"


async def test_reset_and_unlock_need_a_fresh_proof(campus: Campus) -> None:
    token = await campus.with_pin()
    campus.clock.advance(seconds=301)
    before = await campus.dump("pin")
    assert codes(await campus.do("pinReset", {"newPin": NEW}, STATE, token)) == ["STEP_UP_REQUIRED"]
    assert codes(await campus.do("pinUnlock", {}, STATE, token)) == ["STEP_UP_REQUIRED"]
    assert await campus.dump("pin") == before


async def test_kind_of_pin_that_the_school_lacks_is_refused(campus: Campus) -> None:
    token = await campus.bind()
    assert codes(await campus.do("pinSet", {"kind": "QUERY", "pin": PIN}, STATE, token)) == [
        "PIN_KIND_UNKNOWN"
    ]
