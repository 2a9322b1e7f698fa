"""Keeping, ending and strengthening a session."""

from typing import Any

from bff.viewer import Viewers
from tests.api.campus import Campus
from tests.api.sample import ALICE, BOB, PIN

TOKENS = "tokens { accessToken refreshToken }"
KIND = "{ viewer { kind } }"


def codes(payload: Any) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


async def kind(campus: Campus, token: str) -> str:
    answer = await campus.query(KIND, token)
    if answer["data"] is None:
        return str(answer["errors"][0]["extensions"]["code"])
    return str(answer["data"]["viewer"]["kind"])


async def test_refresh_replaces_both_tokens(campus: Campus) -> None:
    tokens = await campus.sign_in("alice@people.example")
    given = {"refreshToken": tokens["refreshToken"], "deviceLabel": "sample phone"}
    fresh = (await campus.do("sessionRefresh", given, TOKENS))["tokens"]
    assert fresh["accessToken"] != tokens["accessToken"]
    assert await kind(campus, fresh["accessToken"]) == "UNBOUND"


async def test_refresh_token_used_twice_ends_the_whole_sign_in(campus: Campus) -> None:
    tokens = await campus.sign_in("alice@people.example")
    given = {"refreshToken": tokens["refreshToken"]}
    fresh = (await campus.do("sessionRefresh", given, TOKENS))["tokens"]
    again = await campus.do("sessionRefresh", given, TOKENS)
    assert (again["tokens"], codes(again)) == (None, ["SESSION_ENDED"])
    assert await kind(campus, fresh["accessToken"]) == "UNAUTHENTICATED"


async def test_unknown_refresh_token_is_refused(campus: Campus) -> None:
    assert codes(await campus.do("sessionRefresh", {"refreshToken": "cc_7_x"}, TOKENS)) == [
        "SESSION_ENDED"
    ]


async def test_signed_out_session_is_nobody(campus: Campus) -> None:
    token = await campus.bind()
    payload = await campus.do("sessionRevoke", {}, "revokedCount", token)
    assert payload == {"revokedCount": 1, "userErrors": []}
    answer = await campus.query(KIND, token)
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert answer["errors"][0]["extensions"]["reason"] == "SESSION_UNKNOWN"


async def test_one_of_the_own_devices_is_signed_out_from_another(campus: Campus) -> None:
    first = await campus.bind()
    second = (await campus.sign_in("alice@people.example", "second phone"))["accessToken"]
    listed = (await campus.holder("sessions { id deviceLabel isCurrent }", second))["sessions"]
    assert {(each["deviceLabel"], each["isCurrent"]) for each in listed} == {
        ("sample phone", False),
        ("second phone", True),
    }
    other = next(each["id"] for each in listed if not each["isCurrent"])
    payload = await campus.do("sessionRevoke", {"sessionId": other}, "revokedCount", second)
    assert payload["revokedCount"] == 1
    assert await kind(campus, first) == "UNAUTHENTICATED"
    assert await kind(campus, second) == "CARDHOLDER"


async def test_session_of_another_cardholder_is_not_touched(campus: Campus) -> None:
    alice, bob = await campus.bind(ALICE), await campus.bind(BOB)
    own = await campus.query("{ viewer { session { id } } }", bob)
    session_id = own["data"]["viewer"]["session"]["id"]
    payload = await campus.do("sessionRevoke", {"sessionId": session_id}, "revokedCount", alice)
    assert payload["revokedCount"] == 0
    assert await kind(campus, bob) == "CARDHOLDER"


async def test_all_devices_are_signed_out_at_once(campus: Campus) -> None:
    first = await campus.bind()
    second = (await campus.sign_in("alice@people.example", "second phone"))["accessToken"]
    payload = await campus.do("sessionRevoke", {"all": True}, "revokedCount", second)
    assert payload["revokedCount"] == 2
    assert await kind(campus, first) == await kind(campus, second) == "UNAUTHENTICATED"


async def test_step_up_by_code_to_the_registered_address(campus: Campus) -> None:
    token = await campus.bind()
    campus.clock.advance(seconds=400)
    begun = await campus.do("sessionStepUpBegin", {}, "resendAfterSeconds", token)
    assert begun["resendAfterSeconds"] == 60
    code = await campus.last_code("13800000001")
    payload = await campus.do("sessionStepUp", {"code": code}, "steppedUpUntil", token)
    assert payload["steppedUpUntil"] == "2026-09-01T04:12:41Z"


async def test_step_up_to_an_address_of_another_kind_is_refused(campus: Campus) -> None:
    token = await campus.bind()
    given = {"addressKind": "EMAIL"}
    payload = await campus.do("sessionStepUpBegin", given, "resendAfterSeconds", token)
    assert codes(payload) == ["STEP_UP_TARGET_MISSING"]


async def test_step_up_by_pin(campus: Campus) -> None:
    token = await campus.with_pin()
    wrong = await campus.do("sessionStepUp", {"pin": "000001"}, "steppedUpUntil", token)
    assert codes(wrong) == ["PIN_WRONG"]
    assert wrong["userErrors"][0]["message"] == "Wrong PIN; 4 tries left."
    right = await campus.do("sessionStepUp", {"pin": PIN}, "steppedUpUntil", token)
    assert right["steppedUpUntil"] is not None


async def test_step_up_takes_exactly_one_proof(campus: Campus) -> None:
    token = await campus.bind()
    query = (
        "mutation($input: SessionStepUpInput!) { sessionStepUp(input: $input) { steppedUpUntil } }"
    )
    for given in ({}, {"code": "123456", "pin": PIN}):
        answer = await campus.query(query, token, input=given)
        assert answer["errors"][0]["extensions"]["reason"] == "CODE_OR_PIN"


async def test_open_socket_ends_with_its_session(campus: Campus) -> None:
    token = await campus.bind()
    services = campus.wired.services
    viewers = Viewers(services.sessions, services.staff)
    viewer = await viewers.identify(f"Bearer {token}")
    assert await viewers.still_valid(viewer) is True
    await campus.do("sessionRevoke", {}, "revokedCount", token)
    assert await viewers.still_valid(viewer) is False


async def test_token_without_its_scheme_is_nobody(campus: Campus) -> None:
    token = await campus.bind()
    body = b'{"query": "{ viewer { kind } }"}'
    answer = await campus.post(body, {"authorization": token})
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
