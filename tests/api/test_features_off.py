"""A feature that the school switched off: refused where it begins, and nothing else changes."""

from typing import Any

import pytest

from tests.api.campus import ALICE, OPERATOR, PIN, Campus, school_file
from tests.api.devices import SCHOOL
from tests.api.test_bindings import binding_id

OFF = [
    ("PIN", "pinSet", {"pin": PIN}),
    ("PIN", "pinChange", {"oldPin": PIN, "newPin": "314159"}),
    ("PIN", "pinReset", {"newPin": "314159"}),
    ("PIN", "pinUnlock", {}),
    ("LOSS", "cardReportLost", {"cardId": "x", "pin": PIN}),
    ("LOSS", "cardRelease", {"cardId": "x", "pin": PIN}),
    ("LIMIT", "limitsSet", {"singleMinor": 100, "dailyMinor": 200, "pin": PIN}),
    ("VIRTUAL_CARD", "virtualCardOpen", {"pin": PIN}),
    ("VIRTUAL_CARD", "codePassIssue", {"deviceId": "x", "kinds": ["VIRTUAL_CARD"]}),
    ("VIRTUAL_CARD", "codeTokenIssue", {"deviceId": "x"}),
]
BOOKS = ("card", "pin", "cardholder_limit", "code_device", "code_pass", "binding", "session")


async def switch_off(campus: Campus, feature: str) -> None:
    """Puts a policy in force that offers the feature nowhere."""
    text = school_file(SCHOOL, f"{feature} = []")
    await campus.wired.services.schools.policy_activate(SCHOOL, text, OPERATOR)


def codes(payload: Any) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


@pytest.mark.parametrize(("feature", "name", "given"), OFF, ids=[name for _, name, _ in OFF])
async def test_feature_that_is_off_is_refused_and_nothing_changes(
    campus: Campus, feature: str, name: str, given: dict[str, Any]
) -> None:
    token = await campus.with_pin()
    await switch_off(campus, feature)
    before = await campus.dump(*BOOKS)
    assert codes(await campus.do(name, given, "", token)) == ["FEATURE_OFF"]
    assert await campus.dump(*BOOKS) == before


async def test_binding_that_is_off_is_refused_and_unbinding_is_not(campus: Campus) -> None:
    fresh = (await campus.sign_in("bob@people.example"))["accessToken"]
    bound = await campus.bind(ALICE)
    await switch_off(campus, "BINDING")
    form = {"name": "示例乙", "number": "S002"}
    assert codes(await campus.do("bindingCreate", form, "", fresh)) == ["FEATURE_OFF"]
    given = {"bindingId": await binding_id(campus, bound)}
    ended = await campus.do("bindingEnd", given, "endedBindingId", bound)
    assert (ended["endedBindingId"], codes(ended)) == (given["bindingId"], [])


async def test_device_of_a_virtual_card_that_is_off_is_not_enrolled(campus: Campus) -> None:
    phone = await campus.phone()
    await switch_off(campus, "VIRTUAL_CARD")
    before = await campus.dump(*BOOKS)
    given = campus.device_input(phone.key)
    assert codes(await campus.do("codeDeviceEnrol", given, "", phone.token)) == ["FEATURE_OFF"]
    assert await campus.dump(*BOOKS) == before
