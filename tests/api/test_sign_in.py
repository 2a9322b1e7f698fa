"""Signing in by a one-time code: `signInBegin`, `signInComplete`."""

import json

from tests.api.campus import Campus
from tests.api.sample import ALICE, CODE

ADDRESS = {"schoolCode": CODE, "addressKind": "EMAIL", "address": "alice@people.example"}
TOKENS = "viewerKind tokens { accessToken refreshToken accessExpiresAt refreshExpiresAt }"


def codes(payload: dict[str, list[dict[str, str]]]) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


async def test_code_sent_to_an_address_opens_a_session(campus: Campus) -> None:
    begun = await campus.do("signInBegin", ADDRESS, "resendAfterSeconds")
    assert begun == {"resendAfterSeconds": 60, "userErrors": []}
    code = await campus.last_code("alice@people.example")
    given = {**ADDRESS, "code": code, "deviceLabel": "sample phone"}
    payload = await campus.do("signInComplete", given, TOKENS)
    assert payload["viewerKind"] == "UNBOUND"
    tokens = payload["tokens"]
    assert tokens["accessExpiresAt"] == "2026-09-01T04:15:00Z"
    assert tokens["refreshExpiresAt"] == "2026-10-01T04:00:00Z"
    answer = await campus.query(
        "{ viewer { kind session { deviceLabel isCurrent } cardholder { id } } }",
        tokens["accessToken"],
    )
    assert answer["data"]["viewer"] == {
        "kind": "UNBOUND",
        "session": {"deviceLabel": "sample phone", "isCurrent": True},
        "cardholder": None,
    }


async def test_every_address_gets_the_same_answer(campus: Campus) -> None:
    stranger = {**ADDRESS, "address": "nobody@people.example"}
    assert await campus.do("signInBegin", ADDRESS, "resendAfterSeconds") == await campus.do(
        "signInBegin", stranger, "resendAfterSeconds"
    )


async def test_wrong_code_opens_nothing(campus: Campus) -> None:
    await campus.do("signInBegin", ADDRESS, "resendAfterSeconds")
    right = await campus.last_code("alice@people.example")
    wrong = "000000" if right != "000000" else "000001"
    given = {**ADDRESS, "code": wrong, "deviceLabel": "sample phone"}
    payload = await campus.do("signInComplete", given, TOKENS)
    assert (payload["tokens"], codes(payload)) == (None, ["SIGN_IN_NOT_CONFIRMED"])
    assert await campus.rows("SELECT 1 FROM session") == []


async def test_unknown_school_and_bad_address_are_told(campus: Campus) -> None:
    unknown = {**ADDRESS, "schoolCode": "nowhere"}
    assert codes(await campus.do("signInBegin", unknown, "resendAfterSeconds")) == [
        "SCHOOL_UNKNOWN"
    ]
    bad = {**ADDRESS, "address": "not an address"}
    payload = await campus.do("signInBegin", bad, "resendAfterSeconds")
    assert codes(payload) == ["ADDRESS_INVALID"]
    assert payload["userErrors"][0]["path"] == ["address"]
    assert await campus.rows("SELECT 1 FROM one_time_code") == []


async def test_bound_address_signs_in_as_its_cardholder(campus: Campus) -> None:
    await campus.bind(ALICE)
    campus.clock.advance(seconds=61)
    await campus.do("signInBegin", ADDRESS, "resendAfterSeconds")
    code = await campus.last_code("alice@people.example")
    given = {**ADDRESS, "code": code, "deviceLabel": "second phone"}
    payload = await campus.do("signInComplete", given, TOKENS)
    assert payload["viewerKind"] == "CARDHOLDER"


async def test_messages_speak_the_language_that_is_asked_for(campus: Campus) -> None:
    query = (
        "mutation($input: SignInBeginInput!) { signInBegin(input: $input)"
        " { userErrors { message } } }"
    )
    unknown = {"input": {**ADDRESS, "schoolCode": "nowhere"}}
    english = await campus.query(query, input=unknown["input"])
    assert english["data"]["signInBegin"]["userErrors"][0]["message"].startswith("There is no")
    body = json.dumps({"query": query, "variables": unknown}).encode()
    chinese = await campus.post(body)
    assert chinese["data"]["signInBegin"]["userErrors"][0]["message"].startswith("没有这所学校")
