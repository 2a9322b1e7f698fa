"""Code devices, passes and tokens: `codeDeviceEnrol` and its family."""

from base64 import b64decode
from typing import Any

from nacl.signing import SigningKey

from tests.api.campus import Campus
from tests.api.devices import SCHOOL
from tests.api.sample import ALICE, BOB, PIN

DEVICE = "device { id isRevoked fingerprint }"
ISSUE = """issue { passes { kind content notBefore endsAt } totpKey aliases { day digits }
    serverTime refreshAfter rotationSeconds lifeSeconds issuer }"""


def codes(payload: Any) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


async def opened(campus: Campus) -> str:
    token = await campus.with_pin()
    await campus.do("virtualCardOpen", {"pin": PIN}, "card { state }", token)
    return token


async def test_phone_gets_its_passes_and_the_same_ones_again(campus: Campus) -> None:
    phone = await campus.phone()
    given = {"deviceId": phone.device_id, "kinds": ["VIRTUAL_CARD"]}
    issued = (await campus.do("codePassIssue", given, ISSUE, phone.token))["issue"]
    assert [each["kind"] for each in issued["passes"]] == ["VIRTUAL_CARD"]
    assert len(b64decode(issued["passes"][0]["content"])) == 115
    assert len(b64decode(issued["totpKey"])) == 32
    assert len(issued["aliases"]) == 3
    assert (issued["rotationSeconds"], issued["lifeSeconds"], issued["issuer"]) == (30, 45, SCHOOL)
    again = (await campus.do("codePassIssue", given, ISSUE, phone.token))["issue"]
    assert again["passes"] == issued["passes"]


async def test_device_needs_an_open_card_a_proof_and_the_pin(campus: Campus) -> None:
    token, key = await campus.with_pin(), SigningKey(campus.entropy(32))
    shut = await campus.do("codeDeviceEnrol", campus.device_input(key), DEVICE, token)
    assert codes(shut) == ["VIRTUAL_CARD_NOT_OPENED"]
    await campus.do("virtualCardOpen", {"pin": PIN}, "card { state }", token)
    for given, code in (
        (campus.device_input(key, None), "PIN_REQUIRED"),
        (campus.device_input(key, "000001"), "PIN_WRONG"),
        (campus.device_input(key) | {"createdAt": 1}, "DEVICE_KEY_INVALID"),
    ):
        assert codes(await campus.do("codeDeviceEnrol", given, DEVICE, token)) == [code]
    assert await campus.rows("SELECT 1 FROM code_device") == []


async def test_third_device_replaces_the_oldest(campus: Campus) -> None:
    token = await opened(campus)
    devices = []
    for _ in range(3):
        campus.clock.advance(seconds=1)
        devices.append(await campus.enrol_device(token, SigningKey(campus.entropy(32))))
    listed = (await campus.holder("codeDevices { id isRevoked }", token))["codeDevices"]
    assert listed == [{"id": each["id"], "isRevoked": False} for each in devices[1:]]


async def test_revoked_device_shows_no_code(campus: Campus) -> None:
    phone, till = await campus.phone(), await campus.till()
    given = {"deviceId": phone.device_id}
    revoked = await campus.do("codeDeviceRevoke", given, DEVICE, phone.token)
    assert (revoked["device"]["id"], revoked["device"]["isRevoked"]) == (phone.device_id, True)
    assert (await till.sell(phone.show()))["responseCode"] == "C3"
    again = await campus.do("codeDeviceRevoke", given, DEVICE, phone.token)
    assert again["device"]["isRevoked"] is True
    assert codes(await campus.do("codePassIssue", given | {"kinds": ["VIRTUAL_CARD"]}, ISSUE,
                                 phone.token)) == ["DEVICE_UNKNOWN"]  # fmt: skip


async def test_device_of_another_cardholder_is_unknown(campus: Campus) -> None:
    phone, bob = await campus.phone(ALICE), await campus.bind(BOB)
    for act, given, shown in (
        ("codeDeviceRevoke", {}, DEVICE),
        ("codeTokenIssue", {}, "token { text }"),
        ("codePassIssue", {"kinds": ["VIRTUAL_CARD"]}, "issue { issuer }"),
    ):
        payload = await campus.do(act, given | {"deviceId": phone.device_id}, shown, bob)
        assert codes(payload) in (["DEVICE_UNKNOWN"], ["VIRTUAL_CARD_NOT_OPENED"])
    assert await campus.rows("SELECT 1 FROM code_device WHERE revoked_at IS NOT NULL") == []


async def test_kinds_that_are_not_offered_are_refused(campus: Campus) -> None:
    phone = await campus.phone()
    for kind, code in (("CAMPUS_CODE", "AGREEMENT_MISSING"), ("ENTRY", "FEATURE_OFF")):
        given = {"deviceId": phone.device_id, "kinds": [kind]}
        assert codes(await campus.do("codePassIssue", given, ISSUE, phone.token)) == [code]


async def test_device_draws_one_token_in_five_seconds(campus: Campus) -> None:
    phone = await campus.phone()
    given = {"deviceId": phone.device_id}
    first = await campus.do("codeTokenIssue", given, "token { text expiresAt }", phone.token)
    assert first["token"]["text"].startswith("91")
    soon = await campus.do("codeTokenIssue", given, "token { text }", phone.token)
    assert (codes(soon), soon["userErrors"][0]["retryable"]) == (["TOKEN_TOO_SOON"], True)
    campus.clock.advance(seconds=5)
    later = await campus.do("codeTokenIssue", given, "token { text }", phone.token)
    assert later["token"] is not None


async def test_flushed_cache_spends_nothing_and_phones_draw_again(campus: Campus) -> None:
    phone, till = await campus.phone(), await campus.till()
    given = {"deviceId": phone.device_id}
    drawn = await campus.do("codeTokenIssue", given, "token { text }", phone.token)
    await campus.wired.redis.flushdb()
    assert (await till.sell(drawn["token"]["text"]))["responseCode"] == "C0"
    campus.clock.advance(seconds=5)
    again = await campus.do("codeTokenIssue", given, "token { text }", phone.token)
    assert (await till.sell(again["token"]["text"]))["outcome"] == "APPROVED"
