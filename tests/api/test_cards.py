"""Opening, reporting lost, releasing; limits: `virtualCardOpen` and its family."""

from typing import Any

from tests.api.campus import Campus
from tests.api.sample import ALICE, BOB, PIN

CARD = "card { id kind state openedAt lostAt }"


def codes(payload: Any) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


async def physical(campus: Campus, token: str) -> str:
    return str((await campus.holder("physicalCard { id }", token))["physicalCard"]["id"])


async def test_virtual_card_opens_by_pin_once(campus: Campus) -> None:
    token = await campus.with_pin()
    opened = await campus.do("virtualCardOpen", {"pin": PIN}, CARD, token)
    assert opened["card"]["state"] == "ACTIVE"
    assert (await campus.do("virtualCardOpen", {}, CARD, token))["card"] == opened["card"]


async def test_virtual_card_stays_shut_without_the_pin(campus: Campus) -> None:
    token = await campus.with_pin()
    assert codes(await campus.do("virtualCardOpen", {}, CARD, token)) == ["PIN_REQUIRED"]
    wrong = await campus.do("virtualCardOpen", {"pin": "000001"}, CARD, token)
    assert codes(wrong) == ["PIN_WRONG"]
    shown = await campus.holder("virtualCard { state }", token)
    assert shown == {"virtualCard": {"state": "NOT_OPENED"}}


async def test_pin_that_was_never_chosen_opens_nothing(campus: Campus) -> None:
    token = await campus.bind()
    assert codes(await campus.do("virtualCardOpen", {"pin": PIN}, CARD, token)) == ["PIN_NOT_SET"]


async def test_lost_card_pays_nothing_until_it_is_released(campus: Campus) -> None:
    token, till = await campus.with_pin(), await campus.till()
    card_id = await physical(campus, token)
    given = {"cardId": card_id, "pin": PIN}
    lost = await campus.do("cardReportLost", given, CARD, token)
    assert (lost["card"]["state"], lost["card"]["id"]) == ("LOST", card_id)
    refused = await till.sell(f"CARD:{ALICE.card_uid}")
    assert (refused["outcome"], refused["responseCode"]) == ("DECLINED", "41")
    released = await campus.do("cardRelease", given, CARD, token)
    assert released["card"]["state"] == "ACTIVE"
    assert (await till.sell(f"CARD:{ALICE.card_uid}"))["outcome"] == "APPROVED"


async def test_release_needs_the_pin(campus: Campus) -> None:
    token = await campus.with_pin()
    card_id = await physical(campus, token)
    await campus.do("cardReportLost", {"cardId": card_id, "pin": PIN}, CARD, token)
    assert codes(await campus.do("cardRelease", {"cardId": card_id}, CARD, token)) == [
        "PIN_REQUIRED"
    ]
    shown = await campus.holder("physicalCard { state }", token)
    assert shown == {"physicalCard": {"state": "LOST"}}


async def test_card_of_another_cardholder_is_unknown(campus: Campus) -> None:
    alice, bob = await campus.with_pin(ALICE), await campus.bind(BOB)
    given = {"cardId": await physical(campus, bob), "pin": PIN}
    for act in ("cardReportLost", "cardRelease"):
        assert codes(await campus.do(act, given, CARD, alice)) == ["CARD_UNKNOWN"]
    assert (await campus.holder("physicalCard { state }", bob))["physicalCard"]["state"] == "ACTIVE"


LIMITS = "limits { single { minorAmount } daily { minorAmount } appMaximum { minorAmount } }"


async def test_limits_are_set_by_pin(campus: Campus) -> None:
    token = await campus.with_pin()
    given = {"singleMinor": 1_000, "dailyMinor": 20_000, "pin": PIN}
    payload = await campus.do("limitsSet", given, LIMITS, token)
    assert payload["limits"] == {
        "single": {"minorAmount": 1_000},
        "daily": {"minorAmount": 20_000},
        "appMaximum": {"minorAmount": 20_000},
    }
    till = await campus.till()
    assert (await till.sell(f"CARD:{ALICE.card_uid}", 1_001))["outcome"] == "PIN_REQUIRED"


async def test_limits_that_cannot_be_set_cost_no_try_of_the_pin(campus: Campus) -> None:
    token = await campus.with_pin()
    before = await campus.dump("cardholder_limit", "pin")
    for single, daily, code in (
        (1_000, 20_001, "LIMIT_ABOVE_APP_MAXIMUM"),
        (2_000, 1_000, "LIMIT_OUT_OF_RANGE"),
    ):
        given = {"singleMinor": single, "dailyMinor": daily, "pin": "000001"}
        assert codes(await campus.do("limitsSet", given, LIMITS, token)) == [code]
    assert await campus.dump("cardholder_limit", "pin") == before


async def test_wrong_pin_sets_no_limits(campus: Campus) -> None:
    token = await campus.with_pin()
    before = await campus.dump("cardholder_limit")
    given = {"singleMinor": 1_000, "dailyMinor": 2_000, "pin": "000001"}
    assert codes(await campus.do("limitsSet", given, LIMITS, token)) == ["PIN_WRONG"]
    assert await campus.dump("cardholder_limit") == before
