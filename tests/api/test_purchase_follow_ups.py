"""What follows a purchase: `purchaseCapture`, `purchaseVoid`, `purchaseRefund`, status."""

from typing import Any

from terminals import ccr
from tests.api.campus import Campus
from tests.api.devices import AUTHORISATION, SCHOOL, Till
from tests.api.sample import ALICE

TAP = f"CARD:{ALICE.card_uid}"
MONEY = ("transfer", "leg", "account", "authorisation", "cardholder_limit")


async def follow(till: Till, name: str, original: dict[str, int], **given: Any) -> Any:
    asked = {"key": till.next_key(), "original": original, **given}
    payload = await till.ask(name, asked, AUTHORISATION)
    assert payload["userErrors"] == []
    return payload["authorisation"]


async def sold(till: Till, minor: int = 1_000, **given: Any) -> dict[str, int]:
    key = till.next_key()
    answer = await till.sell(TAP, minor, key=key, **given)
    assert answer["outcome"] == "APPROVED"
    return key


async def balance(campus: Campus) -> int:
    found = await campus.wired.services.ledger.balances(SCHOOL, await campus.id_of("S001"))
    return found.balance_minor


async def test_hold_is_captured_in_part(campus: Campus) -> None:
    till = await campus.till()
    key = till.next_key()
    held = await till.sell(TAP, 1_000, key=key, capture="MANUAL")
    assert held["expiresAt"] == "2026-09-02T04:00:00Z"
    assert await balance(campus) == 5_000
    captured = await follow(till, "purchaseCapture", key, minorAmount=400)
    assert (captured["outcome"], captured["amount"]) == ("APPROVED", {"minorAmount": 400})
    assert await balance(campus) == 4_600
    assert (await till.status(key))["state"] == "CAPTURED"


async def test_capture_above_the_hold_is_declined_and_changes_nothing(campus: Campus) -> None:
    till = await campus.till()
    key = await sold(till, capture="MANUAL")
    before = await campus.dump(*MONEY)
    answer = await follow(till, "purchaseCapture", key, minorAmount=1_001)
    assert (answer["outcome"], answer["responseCode"]) == ("DECLINED", "64")
    assert await campus.dump(*MONEY) == before


async def test_second_void_answers_as_the_first(campus: Campus) -> None:
    till = await campus.till()
    key = await sold(till)
    asked = {"key": till.next_key(), "original": key, "reason": "CASHIER"}
    first = (await till.ask("purchaseVoid", asked, AUTHORISATION))["authorisation"]
    assert (first["outcome"], first["responseCode"]) == ("VOIDED", "00")
    before = await campus.dump(*MONEY)
    second = (await till.ask("purchaseVoid", asked, AUTHORISATION))["authorisation"]
    assert (second["signedAnswer"], second["replayed"]) == (first["signedAnswer"], True)
    assert await campus.dump(*MONEY) == before
    assert await balance(campus) == 5_000


async def test_void_before_authorise_leaves_tombstone(campus: Campus) -> None:
    till = await campus.till()
    key = till.next_key()
    assert (await follow(till, "purchaseVoid", key, reason="TIMEOUT"))["outcome"] == "VOIDED"
    late = await till.sell(TAP, 1_000, key=key)
    assert (late["outcome"], late["responseCode"]) == ("VOIDED", "22")
    assert await balance(campus) == 5_000
    assert (await till.status(key))["state"] == "TOMBSTONE"


async def test_refund_by_reference_from_another_terminal_of_the_merchant(campus: Campus) -> None:
    till = await campus.till()
    sale = await till.sell(TAP, 1_000)
    asked = {
        "key": till.next_key(),
        "retrievalReference": sale["retrievalReference"],
        "minorAmount": 300,
        "reason": "cold soup",
    }
    payload = await till.ask("purchaseRefund", asked, AUTHORISATION)
    assert payload["authorisation"]["outcome"] == "APPROVED"
    assert await balance(campus) == 4_300


async def test_refunds_never_exceed_the_capture(campus: Campus) -> None:
    till = await campus.till()
    key = await sold(till)
    assert (await follow(till, "purchaseRefund", key, minorAmount=700, reason="a"))[
        "outcome"
    ] == "APPROVED"
    before = await campus.dump(*MONEY)
    second = await follow(till, "purchaseRefund", key, minorAmount=301, reason="b")
    assert (second["outcome"], second["responseCode"]) == ("DECLINED", "64")
    assert await campus.dump(*MONEY) == before


async def test_refund_of_another_merchants_sale_is_not_found(campus: Campus) -> None:
    one, two = await campus.till(), await campus.till()
    sale = await one.sell(TAP, 1_000)
    asked = {
        "key": two.next_key(),
        "retrievalReference": sale["retrievalReference"],
        "minorAmount": 300,
        "reason": "not ours",
    }
    payload = await two.ask("purchaseRefund", asked, AUTHORISATION)
    assert payload["authorisation"]["responseCode"] == "25"
    assert await balance(campus) == 4_000


async def test_refund_of_an_unknown_reference_is_a_wrong_question(campus: Campus) -> None:
    till = await campus.till()
    asked = {
        "key": till.next_key(), "retrievalReference": "000000000000", "minorAmount": 1,
        "reason": "?",
    }  # fmt: skip
    payload = await till.ask("purchaseRefund", asked, AUTHORISATION)
    assert payload["authorisation"] is None
    assert [error["code"] for error in payload["userErrors"]] == ["REFERENCE_UNKNOWN"]


async def test_status_tells_what_is_known_of_a_key(campus: Campus) -> None:
    till = await campus.till()
    unknown = await till.status({"batchNo": 9, "seqNo": 9})
    assert unknown == {"known": False, "state": None, "authorisation": None}
    key = await sold(till)
    known = await till.status(key)
    assert (known["known"], known["state"]) == (True, "CAPTURED")
    assert known["authorisation"]["replayed"] is True
    assert isinstance(ccr.read(known["authorisation"]["signedAnswer"]), ccr.SignedAnswer)
    refused = till.next_key()
    await till.sell("nonsense", 1, key=refused)
    declined = await till.status(refused)
    assert (declined["known"], declined["state"]) == (True, None)
    assert declined["authorisation"]["responseCode"] == "C2"


LOOK_UP = """holder { maskedName name number holderClass } balance { minorAmount } asOf
    responseCode text"""


async def look_up(till: Till, presented: str, scene: str) -> Any:
    given = {"key": till.next_key(0), "presented": presented, "scene": scene}
    return await till.ask("holderLookUp", given, LOOK_UP)


async def test_look_up_shows_the_fields_of_the_scene_and_spends_nothing(campus: Campus) -> None:
    phone, till = await campus.phone(), await campus.till("MEAL", "SELF_CHECK", "GATE")
    code = phone.show()
    meal = await look_up(till, code, "MEAL")
    assert meal["holder"]["maskedName"] == "示*"
    assert (meal["balance"], meal["responseCode"]) == ({"minorAmount": 5_000}, "00")
    check = await look_up(till, TAP, "SELF_CHECK")
    assert (check["holder"]["name"], check["holder"]["number"]) == ("示例甲", "S001")
    assert check["balance"] is None
    assert (await till.sell(code))["outcome"] == "APPROVED"


async def test_gate_learns_no_name(campus: Campus) -> None:
    till = await campus.till("GATE")
    gate = await look_up(till, TAP, "GATE")
    assert gate["holder"] == {
        "maskedName": None, "name": None, "number": None, "holderClass": "STUDENT"
    }  # fmt: skip
    assert gate["balance"] is None


async def test_look_up_of_nobody_is_declined(campus: Campus) -> None:
    till = await campus.till()
    nobody = await look_up(till, "CARD:00000000000099", "MEAL")
    assert (nobody["holder"], nobody["responseCode"]) == (None, "14")
    elsewhere = await look_up(till, TAP, "BUS")
    assert (elsewhere["holder"], elsewhere["responseCode"]) == (None, "58")
