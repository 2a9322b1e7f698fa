"""Signing in by a channel: `channelSignIn`, `channelSignInBegin`, `phoneClaim` and more."""

from typing import Any

import pytest

from core.identity.subjects import challenge_of
from core.ports.channels import ClaimKind
from core.ports.providers import ProviderMisconfigured, ProviderUnavailable
from core.school.records import Role
from tests.api.campus import Campus
from tests.api.doors import channel_tokens, codes, door, mini
from tests.api.sample import ALICE, BOB, CODE
from tests.factories.doors import RETURN_TO

VERIFIER = "v" * 43


async def test_mini_program_signs_in_unbound_and_is_bound_by_the_form(campus: Campus) -> None:
    payload = await channel_tokens(campus)
    assert (payload["viewerKind"], payload["userErrors"]) == ("UNBOUND", [])
    tokens = payload["tokens"]
    assert (tokens["refreshToken"], tokens["refreshExpiresAt"]) == (None, None)
    assert tokens["accessExpiresAt"] == "2026-09-01T06:00:00Z"
    alipay = door(campus, "ALIPAY_MINI")
    alipay.phones["p"] = ALICE.phone or ""
    told = await campus.do("phoneClaim", {"code": "p"}, "phoneEnd", tokens["accessToken"])
    assert told == {"phoneEnd": "0001", "userErrors": []}
    form = {"name": ALICE.name, "number": ALICE.number}
    bound = await campus.do(
        "bindingCreate", form, "cardholder { number } tokens { refreshToken }",
        tokens["accessToken"],
    )  # fmt: skip
    assert (bound["cardholder"], bound["tokens"]) == ({"number": "S001"}, {"refreshToken": None})
    assert (await channel_tokens(campus))["viewerKind"] == "CARDHOLDER"


async def test_same_card_through_four_channels(campus: Campus) -> None:
    seen = set()
    for channel in ("ALIPAY_MINI", "WECHAT_MINI", "WECOM"):
        token = await mini(campus, "same person", channel)
        door(campus, channel).phones["p"] = ALICE.phone or ""
        if channel != "WECOM":
            await campus.do("phoneClaim", {"code": "p"}, "phoneEnd", token)
            payload = await campus.do(
                "bindingCreate", {"name": ALICE.name, "number": ALICE.number},
                "cardholder { id }", token,
            )  # fmt: skip
            seen.add(payload["cardholder"]["id"])
    native = await campus.bind(ALICE)
    seen.add((await campus.holder("id", native))["id"])
    assert len(seen) == 1
    listed = await campus.holder("bindings { channel issuer }", native)
    assert sorted(each["channel"] for each in listed["bindings"]) == [
        "ALIPAY_MINI", "NATIVE", "WECHAT_MINI",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"code": "unknown"}, "SIGN_IN_NOT_CONFIRMED"),
        ({"channel": "NATIVE"}, "CHANNEL_NOT_OFFERED"),
        ({"schoolCode": "nowhere"}, "SCHOOL_UNKNOWN"),
        ({"channel": "WECOM", "state": "x", "verifier": "y"}, "START_AGAIN"),
    ],
)
async def test_whatever_is_wrong_with_a_sign_in_opens_nothing(
    campus: Campus, given: dict[str, Any], code: str
) -> None:
    payload = await channel_tokens(campus, **given)
    assert (payload["tokens"], codes(payload)) == (None, [code])
    assert await campus.rows("SELECT 1 FROM session") == []


@pytest.mark.parametrize(
    "fault", [ProviderUnavailable("timeout"), ProviderMisconfigured("app secret")]
)
async def test_a_channel_that_fails_is_told_as_retryable(campus: Campus, fault: Exception) -> None:
    door(campus, "ALIPAY_MINI").fault = fault
    query = (
        "mutation($input: ChannelSignInInput!) { channelSignIn(input: $input)"
        " { tokens { accessToken } userErrors { code retryable message } } }"
    )
    asked = {"schoolCode": CODE, "channel": "ALIPAY_MINI", "code": "x"}
    answer = await campus.query(query, input=asked)
    (error,) = answer["data"]["channelSignIn"]["userErrors"]
    assert (error["code"], error["retryable"]) == ("CHANNEL_UNAVAILABLE", True)
    assert "secret" not in str(answer)


async def page_state(campus: Campus, return_to: str = RETURN_TO) -> Any:
    asked = {
        "schoolCode": CODE, "channel": "WECOM", "challenge": challenge_of(VERIFIER),
        "returnTo": return_to,
    }  # fmt: skip
    return await campus.do("channelSignInBegin", asked, "authoriseUrl")


async def test_page_of_a_channel_signs_in_the_browser_that_began(campus: Campus) -> None:
    begun = await page_state(campus)
    state = begun["authoriseUrl"].partition("state=")[2].partition("&")[0]
    payload = await channel_tokens(campus, "userid-1", "WECOM", state=state, verifier=VERIFIER)
    assert (payload["viewerKind"], payload["userErrors"]) == ("UNBOUND", [])
    refused = await page_state(campus, "https://evil.example/")
    assert (refused["authoriseUrl"], codes(refused)) == (None, ["RETURN_NOT_LISTED"])


async def test_session_is_bound_to_channel(campus: Campus) -> None:
    """Each sign-in and each binding gives a new token; the old one of a binding is over.

    Source: security.md 3, a session fixed or moved between channels.
    """
    alipay, wechat = await mini(campus), await mini(campus, channel="WECHAT_MINI")
    again = await mini(campus)
    door(campus, "WECHAT_MINI").phones["p"] = ALICE.phone or ""
    moved = await campus.query(
        "mutation($input: PhoneClaimInput!) { phoneClaim(input: $input)"
        " { phoneEnd userErrors { code } } }",
        alipay,
        input={"code": "p"},
    )
    assert codes(moved["data"]["phoneClaim"]) == ["NOT_AUTHORISED"]
    await campus.do("phoneClaim", {"code": "p"}, "phoneEnd", wechat)
    form = {"name": ALICE.name, "number": ALICE.number}
    bound = await campus.do("bindingCreate", form, "tokens { accessToken }", wechat)
    new = bound["tokens"]["accessToken"]
    assert len({alipay, again, wechat, new}) == 4
    answers = [await campus.query("{ viewer { kind } }", each) for each in (alipay, again, new)]
    assert [each["data"]["viewer"]["kind"] for each in answers] == [
        "UNBOUND", "UNBOUND", "CARDHOLDER",
    ]  # fmt: skip
    over = await campus.query("{ viewer { kind } }", wechat)
    assert over["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    rows = await campus.rows("SELECT DISTINCT channel, issuer FROM session ORDER BY channel")
    assert [tuple(row.values()) for row in rows] == [
        ("ALIPAY_MINI", "alipay:app-1"),
        ("WECHAT_MINI", "wechat:app-2"),
    ]


async def test_installed_app_has_a_session_to_begin_with(campus: Campus) -> None:
    asked = {"schoolCode": CODE, "deviceLabel": "sample phone"}
    payload = await campus.do("installationCreate", asked, "tokens { accessToken refreshToken }")
    assert payload["tokens"]["refreshToken"] is not None
    answer = await campus.query("{ viewer { kind } }", payload["tokens"]["accessToken"])
    assert answer["data"]["viewer"] == {"kind": "UNBOUND"}


async def test_wallets_answer_is_a_phone_proof_too(campus: Campus) -> None:
    token = await mini(campus)
    alipay = door(campus, "ALIPAY_MINI")
    alipay.phones["sealed"] = ALICE.phone or ""
    given = {"response": "sealed", "sign": "signature"}
    told = await campus.do("phoneClaim", given, "phoneEnd", token)
    assert told == {"phoneEnd": "0001", "userErrors": []}


@pytest.mark.parametrize(
    "given", [{}, {"code": "a", "sign": "b"}, {"response": "a"}, {"code": "a", "response": "b"}]
)
async def test_phone_proof_is_of_one_channel(campus: Campus, given: dict[str, str]) -> None:
    token = await mini(campus)
    query = "mutation($input: PhoneClaimInput!) { phoneClaim(input: $input) { phoneEnd } }"
    answer = await campus.query(query, token, input=given)
    assert answer["errors"][0]["extensions"]["reason"] == "PHONE_PROOF"


async def test_two_sign_ins_of_one_person_are_merged(campus: Campus) -> None:
    bound, other = await campus.bind(ALICE), await mini(campus)
    given, selected = {"accessToken": other}, "tokens { accessToken }"
    payload = await campus.do("bindingMerge", given, selected, bound)
    merged = payload["tokens"]["accessToken"]
    assert (await campus.holder("number", merged))["number"] == "S001"
    wrong = await campus.do("bindingMerge", given, selected, bound)
    assert (wrong["tokens"], codes(wrong)) == (None, ["MERGE_IMPOSSIBLE"])
    listed = (await campus.holder("bindings { id channel }", bound))["bindings"]
    mini_binding = next(each["id"] for each in listed if each["channel"] == "ALIPAY_MINI")
    ended = await campus.do("bindingEnd", {"bindingId": mini_binding}, "endedBindingId", bound)
    assert ended == {"endedBindingId": mini_binding, "userErrors": []}
    assert (await campus.query("{ viewer { kind } }", merged))["data"] is None
    assert (await campus.query("{ viewer { kind } }", bound))["data"] is not None


async def test_where_people_came_from_is_shown_to_the_office(campus: Campus) -> None:
    for subject in ("one", "two"):
        await channel_tokens(campus, subject, entryTag="poster-7")
    await channel_tokens(campus, "three", "WECHAT_MINI", entryTag="link")
    admin = await campus.staff_token("admin", Role.IT_ADMIN)
    answer = await campus.query("{ viewer { staff { entryTags { channel tag signIns } } } }", admin)
    assert answer["data"]["viewer"]["staff"]["entryTags"] == [
        {"channel": "ALIPAY_MINI", "tag": "poster-7", "signIns": 2},
        {"channel": "WECHAT_MINI", "tag": "link", "signIns": 1},
    ]


async def test_wecom_member_is_proven_by_the_registers_mail(campus: Campus) -> None:
    token = await mini(campus, "userid-1", "WECOM")
    assert BOB.email is not None
    given = {"number": BOB.number, "addressKind": "EMAIL"}
    begun = await campus.do("memberProofBegin", given, "resendAfterSeconds", token)
    assert begun == {"resendAfterSeconds": 60, "userErrors": []}
    code = await campus.last_code(BOB.email)
    wrong = await campus.do(
        "memberProofComplete", {**given, "code": "000000" if code != "000000" else "1"},
        "link { step }", token,
    )  # fmt: skip
    assert (wrong["link"], codes(wrong)) == (None, ["IDENTITY_NOT_CONFIRMED"])
    done = await campus.do(
        "memberProofComplete", {**given, "code": code},
        "link { step cardholder { number } tokens { accessToken } }", token,
    )  # fmt: skip
    assert (done["link"]["step"], done["link"]["cardholder"]) == ("NONE", {"number": "S002"})


NEW = "alice-new@people.example"


async def test_own_address_is_changed_by_a_code_to_it(campus: Campus) -> None:
    token = await campus.bind(ALICE)
    given = {"addressKind": "EMAIL", "address": NEW}
    begun = await campus.do("contactChangeBegin", given, "resendAfterSeconds", token)
    assert begun == {"resendAfterSeconds": 60, "userErrors": []}
    code = await campus.last_code(NEW)
    done = await campus.do("contactChange", {**given, "code": code}, "maskedAddress", token)
    assert done == {"maskedAddress": "a***@people.example", "userErrors": []}
    shown = await campus.holder("contacts { phone email }", token)
    assert shown["contacts"] == {"phone": "*******0001", "email": "a***@people.example"}
    again = await campus.do("contactChange", {**given, "code": code}, "maskedAddress", token)
    assert codes(again) == ["SIGN_IN_NOT_CONFIRMED"]


async def test_holder_sees_what_their_channel_and_campus_offer(campus: Campus) -> None:
    token = await campus.bind(ALICE)
    shown = await campus.holder("features campusCode consents { document }", token)
    assert "NEWS" not in shown["features"]
    assert "STATEMENT" in shown["features"]
    assert (shown["campusCode"], shown["consents"]) == (None, [])


async def test_claims_of_a_channel_are_not_shown_to_anybody(campus: Campus) -> None:
    alipay = door(campus, "ALIPAY_MINI")
    code = alipay.code("open-9", alipay.claim(ClaimKind.PHONE, "13912345678"))
    payload = await channel_tokens(campus, code=code)
    assert "13912345678" not in str(payload)
    assert "13912345678" not in str(await campus.dump("identity_claim", "session"))
