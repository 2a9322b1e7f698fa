"""A feature that the school switched off: refused where it begins, and nothing else changes."""

from dataclasses import replace
from typing import Any

import pytest

from tests.api.campus import Campus
from tests.api.devices import SCHOOL
from tests.api.sample import ALICE, CODE, OPERATOR, PIN, school_file
from tests.api.test_bindings import binding_id

WATER = {"idempotencyKey": "x", "groupNo": 1, "startsAt": "2026-09-01T05:00:00Z"}
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
    ("MERCHANT_CODE", "merchantCodePay", {"idempotencyKey": "x", "text": "x"}),
    ("SHOWER", "waterReserve", WATER),
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


async def test_feature_of_another_channel_is_refused_and_nothing_changes(campus: Campus) -> None:
    token = await campus.with_pin()
    text = school_file(SCHOOL, 'PIN = ["WECHAT_OFFICIAL"]\nLIMIT = ["WECHAT_MINI", "NATIVE"]')
    await campus.wired.services.schools.policy_activate(SCHOOL, text, OPERATOR)
    before = await campus.dump(*BOOKS)
    given: dict[str, Any] = {"oldPin": PIN, "newPin": "314159"}
    assert codes(await campus.do("pinChange", given, "", token)) == ["FEATURE_OFF"]
    assert await campus.dump(*BOOKS) == before
    given = {"singleMinor": 100, "dailyMinor": 200, "pin": PIN}
    assert codes(await campus.do("limitsSet", given, "", token)) == []


async def test_feature_of_another_campus_is_refused_and_nothing_changes(campus: Campus) -> None:
    token = await campus.with_pin()
    await campus.enrol(replace(ALICE, campus="NORTH"))
    south = '[[school.campuses]]\ncode = "SOUTH"\nname_zh = "南"\nname_en = "S"\n[policy.auth]'
    for places, expected in (('["SOUTH"]', ["FEATURE_OFF"]), ('["NORTH"]', [])):
        text = school_file(SCHOOL, f"[policy.campus.features]\nLIMIT = {places}")
        await campus.wired.services.schools.policy_activate(
            SCHOOL, text.replace("[policy.auth]", south), OPERATOR
        )
        before = await campus.dump(*BOOKS)
        given = {"singleMinor": 100, "dailyMinor": 200, "pin": PIN}
        assert codes(await campus.do("limitsSet", given, "", token)) == expected
        assert (await campus.dump(*BOOKS) == before) is bool(expected)


PLACES = """
[[consent]]
document = "card-terms"
version = 2
title_zh = "校园卡协议"
title_en = "Card terms"
url = "https://school.example/terms"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
methods = ["SSO"]

[[service_point]]
campus = "NORTH"
kind = "WINDOW"
name_zh = "示例窗口"
name_en = "Sample window"
place_zh = "示例楼"
place_en = "Sample house"
hours = "9:00-17:00"
"""


async def test_school_shows_what_its_file_says_to_whoever_chooses_it(campus: Campus) -> None:
    policy = 'TOP_UP = ["WECHAT_OFFICIAL"]\n[policy.app]\ngrid = ["STATEMENT", "TOP_UP"]'
    text = school_file(SCHOOL, policy + PLACES).replace(
        'default_language = "ZH"', 'default_language = "ZH"\ncrest_url = "/crests/sample.svg"'
    )
    await campus.wired.services.schools.policy_activate(SCHOOL, text, OPERATOR)
    query = f"""{{ school(code: "{CODE}") {{
        crestUrl native: grid official: grid(channel: WECHAT_OFFICIAL) features
        consents(method: SSO) {{ document version title url sha256 }} none: consents(method: FORM)
        {{ document }} servicePoints {{ kind campusCode name location hours phone }}
        elsewhere: servicePoints(campus: "SOUTH") {{ name }} }} }}"""
    shown = (await campus.query(query))["data"]["school"]
    assert (shown["crestUrl"], shown["native"], shown["official"]) == (
        "/crests/sample.svg", ["STATEMENT"], ["STATEMENT", "TOP_UP"],
    )  # fmt: skip
    assert "TOP_UP" not in shown["features"]
    assert "NEWS" not in shown["features"]
    assert shown["consents"] == [
        {
            "document": "card-terms",
            "version": 2,
            "title": "Card terms",
            "url": "https://school.example/terms",
            "sha256": "0" * 64,
        }
    ]
    assert shown["servicePoints"] == [
        {
            "kind": "WINDOW",
            "campusCode": "NORTH",
            "name": "Sample window",
            "location": "Sample house",
            "hours": "9:00-17:00",
            "phone": None,
        }
    ]
    assert (shown["none"], shown["elsewhere"]) == ([], [])
