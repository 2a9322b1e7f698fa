"""Signing in at the school: `campusSignInBegin`, `campusSignInComplete`, `campusSignInByCode`."""

import hashlib
import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from core.identity.service.campus_sign_in import Returned
from core.ports.campus_sign_on import CampusIdentity, LinkMode, SignOnFlow
from core.school.records import Role
from schema.campus import SCHEMA
from schema.documents import graphql_schema
from tests.api.campus import Campus
from tests.api.devices import SCHOOL, mutation
from tests.api.doors import LINK, codes, mini
from tests.api.sample import ALICE, BOB, CODE, OPERATOR, school_file
from tests.factories.doors import RETURN_TO

VERIFIER = "v" * 43
CHALLENGE = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
BEGIN = {"provider": "cas", "challenge": CHALLENGE, "returnTo": RETURN_TO}


async def begin(campus: Campus, token: str | None, **given: Any) -> Any:
    return await campus.do("campusSignInBegin", {**BEGIN, **given}, "startUrl", token)


async def code_of(campus: Campus, token: str, said: CampusIdentity) -> str:
    """The browser's part, through the services: from the start address to the code."""
    begun = await begin(campus, token)
    assert begun["userErrors"] == []
    start = begun["startUrl"].removeprefix("https://card.example/sso/7/cas/start/")
    service = campus.wired.services.campus
    opened = await service.open(SCHOOL, "cas", start)
    campus.outside.sign_ons.providers[0].people["ST-1"] = said
    returned = await service.finish(
        SCHOOL, "cas", opened.state, opened.cookie, "https://card.example/cb",
        {"ticket": "ST-1"}, {},
    )  # fmt: skip
    assert isinstance(returned, Returned)
    return returned.code


async def sign_on(campus: Campus, token: str, **said: Any) -> Any:
    identity = CampusIdentity("https://sso.example", said.pop("subject", "u-1"), **said)
    given = {"code": await code_of(campus, token, identity), "verifier": VERIFIER}
    return await campus.do("campusSignInComplete", given, LINK, token)


async def test_school_shows_its_sign_ons_by_channel(campus: Campus) -> None:
    query = f"""{{ school(code: "{CODE}") {{
        native: campusSignOns {{ id label flow }}
        corp: campusSignOns(channel: WECOM) {{ id }} }} }}"""
    shown = (await campus.query(query))["data"]["school"]
    assert shown == {
        "native": [{"id": "cas", "label": "Campus sign-on", "flow": "REDIRECT"}], "corp": []
    }  # fmt: skip


async def test_sign_on_binds_the_card_that_the_school_names(campus: Campus) -> None:
    token = await mini(campus)
    link = (await sign_on(campus, token, person_no="S001", name=ALICE.name))["link"]
    assert (link["step"], link["cardholder"], link["matched"]) == ("NONE", {"number": "S001"}, None)
    bound = link["tokens"]["accessToken"]
    shown = await campus.holder("number bindings { channel issuer }", bound)
    assert sorted(each["channel"] for each in shown["bindings"]) == ["ALIPAY_MINI", "SSO"]
    assert (await campus.query("{ viewer { kind } }", token))["data"] is None


async def test_card_is_proven_once_after_a_sign_on_that_names_none(campus: Campus) -> None:
    token = await mini(campus)
    link = (await sign_on(campus, token))["link"]
    assert (link["step"], link["cardholder"], link["tokens"]) == ("PROVE_CARD", None, None)
    assert len(link["staffCode"]) == 8
    assert BOB.email is not None
    given = {"number": BOB.number, "addressKind": "EMAIL"}
    await campus.do("memberProofBegin", given, "resendAfterSeconds", token)
    code = await campus.last_code(BOB.email)
    done = await campus.do("memberProofComplete", {**given, "code": code}, LINK, token)
    assert done["link"]["cardholder"] == {"number": "S002"}


async def test_new_phone_of_the_owner_steps_up(campus: Campus) -> None:
    first = await mini(campus, "old phone")
    await sign_on(campus, first, person_no="S001")
    second = await mini(campus, "new phone")
    link = (await sign_on(campus, second, person_no="S001"))["link"]
    assert (link["step"], link["matched"]) == (
        "STEP_UP", {"maskedName": "示*", "maskedNumber": "*001", "maskedIdNumber": None},
    )  # fmt: skip
    bare = await campus.do("bindingConfirm", {}, LINK, second)
    assert (bare["link"], codes(bare)) == (None, ["CONFIRMATION_WRONG"])
    begun = await campus.do("bindingConfirmBegin", {}, "resendAfterSeconds maskedAddress", second)
    assert (begun["resendAfterSeconds"], begun["maskedAddress"]) == (60, "*******0001")
    code = await campus.last_code(ALICE.phone or "")
    done = await campus.do("bindingConfirm", {"code": code}, LINK, second)
    assert done["link"]["cardholder"] == {"number": "S001"}
    token = done["link"]["tokens"]["accessToken"]
    await campus.do("pinSet", {"pin": "271828"}, "pin { state }", token)
    raised = {"singleMinor": 9_000, "dailyMinor": 9_000, "pin": "271828"}
    refused = await campus.do("limitsSet", raised, "limits { single { minorAmount } }", token)
    assert codes(refused) == ["RAISE_TOO_SOON"]
    lowered = {**raised, "singleMinor": 100, "dailyMinor": 100}
    assert codes(await campus.do("limitsSet", lowered, "", token)) == []
    campus.clock.advance(hours=1)
    query = "{ viewer { kind } }"
    assert (await campus.query(query, token))["data"] == {"viewer": {"kind": "CARDHOLDER"}}
    campus.clock.advance(hours=1)
    assert (await campus.query(query, token))["data"] is None


async def test_begin_without_session(campus: Campus) -> None:
    query = mutation("campusSignInBegin", "startUrl")
    answer = await campus.query(query, input=BEGIN)
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_no_endpoint_by_attempt_id() -> None:
    core = graphql_schema(SCHEMA)
    assert core.query_type is not None
    names = {*core.query_type.fields, *(core.subscription_type or core.query_type).fields}
    assert [name for name in names if "sign" in name.lower() or "attempt" in name.lower()] == []


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"provider": "nowhere"}, "SIGN_ON_UNKNOWN"),
        ({"challenge": "short"}, "CHALLENGE_INVALID"),
        ({"returnTo": RETURN_TO + "?x=//evil.example"}, "RETURN_NOT_LISTED"),
    ],
)
async def test_what_cannot_be_begun_is_told(
    campus: Campus, given: dict[str, str], code: str
) -> None:
    refused = await begin(campus, await mini(campus), **given)
    assert (refused["startUrl"], codes(refused)) == (None, [code])


async def test_code_of_somebody_else_is_refused_and_burnt(campus: Campus) -> None:
    token, thief = await mini(campus), await mini(campus, "thief")
    code = await code_of(campus, token, CampusIdentity("i", "u", person_no="S001"))
    given = {"code": code, "verifier": VERIFIER}
    for asker in (thief, token):
        refused = await campus.do("campusSignInComplete", given, LINK, asker)
        assert (refused["link"], codes(refused)) == (None, ["SIGN_ON_REFUSED"])
    assert await campus.rows("SELECT 1 FROM binding") == []


async def test_code_kind_needs_no_browser(campus: Campus) -> None:
    provider = campus.outside.sign_ons.providers[0]
    provider.flow = SignOnFlow.CODE
    provider.people["corp"] = CampusIdentity("i", "u", person_no="S001")
    token = await mini(campus)
    given = {"provider": "cas", "code": "corp"}
    done = await campus.do("campusSignInByCode", given, LINK, token)
    assert done["link"]["cardholder"] == {"number": "S001"}
    again = await campus.do("campusSignInByCode", given, LINK, await mini(campus, "other"))
    assert codes(again) == ["SIGN_ON_REFUSED"]


CONSENT = """
[[consent]]
document = "card-terms"
version = 2
title_zh = "校园卡协议"
title_en = "Card terms"
url = "https://school.example/terms"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
"""


async def test_documents_are_agreed_to_first(campus: Campus) -> None:
    await campus.wired.services.schools.policy_activate(
        SCHOOL, school_file(SCHOOL) + CONSENT, OPERATOR
    )
    token = await mini(campus)
    refused = await begin(campus, token)
    assert (refused["startUrl"], codes(refused)) == (None, ["CONSENT_MISSING"])
    assert "card-terms" in refused["userErrors"][0]["message"]
    assert await campus.rows("SELECT 1 FROM consent") == []
    agreed = await begin(campus, token, consents=[{"document": "card-terms", "version": 2}])
    assert agreed["userErrors"] == []
    form: dict[str, Any] = {"name": ALICE.name, "number": ALICE.number}
    native = (await campus.sign_in(ALICE.email or ""))["accessToken"]
    refused = await campus.do("bindingCreate", form, "cardholder { number }", native)
    assert codes(refused) == ["CONSENT_MISSING"]
    form["consents"] = [{"document": "card-terms", "version": 2}]
    bound = await campus.do("bindingCreate", form, "tokens { accessToken }", native)
    shown = await campus.holder(
        "consents { document version channel }", bound["tokens"]["accessToken"]
    )
    assert shown["consents"] == [{"document": "card-terms", "version": 2, "channel": "NATIVE"}]


async def test_counter_links_a_sign_on(campus: Campus) -> None:
    campus.outside.sign_ons.providers[0].link = LinkMode.MANUAL
    token = await mini(campus)
    link = (await sign_on(campus, token, person_no="S001"))["link"]
    clerk = await campus.staff_token("clerk", Role.CLERK)
    given = {"staffCode": link["staffCode"], "number": "S001", "reason": "ID shown"}
    unknown = await campus.do("bindingApprove", {**given, "staffCode": "2"}, "number", clerk)
    assert (unknown["number"], codes(unknown)) == (None, ["LINK_CODE_UNKNOWN"])
    done = await campus.do("bindingApprove", given, "number", clerk)
    assert done == {"number": "S001", "userErrors": []}
    again = await mini(campus)
    assert (await campus.holder("number", again))["number"] == "S001"


async def test_register_is_corrected_by_two_persons(campus: Campus) -> None:
    clerk = await campus.staff_token("clerk", Role.CLERK)
    manager = await campus.staff_token("manager", Role.CARD_MANAGER)
    given = {"number": "S001", "name": "示例改", "phone": "13800000999", "reason": "ID shown"}
    selected = "request { id act state contentHash changes { column maskedValue } number }"
    asked = (await campus.do("cardholderCorrect", given, selected, clerk))["request"]
    assert (asked["act"], asked["state"], asked["number"]) == (
        "CARDHOLDER_CORRECTION", "OPEN", "S001",
    )  # fmt: skip
    assert asked["changes"] == [
        {"column": "name", "maskedValue": "示例改"},
        {"column": "phone", "maskedValue": "*******0999"},
    ]
    approve = {"requestId": asked["id"], "contentHash": asked["contentHash"]}
    done = await campus.do("fourEyesApprove", approve, "request { state }", manager)
    assert done["request"]["state"] == "EXECUTED"
    wrong = await campus.do("cardholderCorrect", {"number": "S001", "reason": "x"}, selected, clerk)
    assert (wrong["request"], codes(wrong)) == (None, ["CORRECTION_INVALID"])
    looked = '{ viewer { staff { cardholder(number: "S001") { name } } } }'
    seen = (await campus.query(looked, clerk))["data"]["viewer"]["staff"]["cardholder"]
    assert seen == {"name": "示例改"}
    assert "13800000999" not in json.dumps(done)
