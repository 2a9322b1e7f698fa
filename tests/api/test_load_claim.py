"""Money onto the chips of cards through the real application: claim, write, confirm, refresh."""

import asyncio
from pathlib import Path
from typing import Any

from core.school.records import Role
from tests.api.campus import Campus
from tests.api.claims import (
    LOAD,
    ROWS,
    Purse,
    broken,
    load_of,
    look,
    pin_block,
    report_lost,
    use_policy,
)
from tests.api.sample import ALICE, BOB

TAP = f"CARD:{ALICE.card_uid}"


async def test_claim_confirmed_by_counter(campus: Campus, purse: Purse) -> None:
    till = await campus.till()
    load = await purse.claim(till)
    assert (load["outcome"], load["responseCode"]) == ("APPROVED", "00")
    assert load["amount"] == {"minorAmount": 3_000}
    assert await purse.purses() | {"MAIN": 0} == {
        "MAIN": 0, "SUBSIDY": (0, 0), "CLAIM": (3_000, 3_000), "CARD": (0, 0)
    }  # fmt: skip
    purse.write(load)
    done = await purse.confirm(till, load["loadId"])
    assert (done["outcome"], done["responseCode"]) == ("APPROVED", "00")
    assert done["amount"] == {"minorAmount": 3_000}
    assert (await purse.purses())["CLAIM"] == (0, 0)
    assert (await purse.purses())["CARD"] == (3_000, 0)
    assert purse.chip.memory.balance == 3_000
    assert await broken(campus) == {}


async def test_nothing_waits(campus: Campus, purse: Purse) -> None:
    till = await campus.till()
    load = await purse.claim(till)
    purse.write(load)
    await purse.confirm(till, load["loadId"])
    again = await purse.claim(till)
    assert (again["responseCode"], again["action"]) == ("L1", "CARD_REFRESH")
    assert (again["loadId"], again["command"]) == (None, None)


async def test_killed_before_the_write_the_next_tap_returns_it(
    campus: Campus, purse: Purse
) -> None:
    till = await campus.till()
    lost = await purse.claim(till)
    campus.clock.advance(minutes=5)
    other = await campus.till()
    load = await purse.claim(other)
    assert (load["responseCode"], load["amount"]) == ("00", {"minorAmount": 3_000})
    assert load["loadId"] != lost["loadId"]
    assert (await purse.purses())["CLAIM"] == (3_000, 3_000)
    purse.write(load)
    assert (await purse.confirm(other, load["loadId"]))["outcome"] == "APPROVED"
    late = await purse.confirm(till, lost["loadId"], "NOT_WRITTEN")
    assert (late["outcome"], late["responseCode"]) == ("VOIDED", "00")
    assert await states(campus) == ["POSTED", "RETURNED"]
    assert await broken(campus) == {}


async def test_killed_after_the_write_the_next_tap_confirms_it(
    campus: Campus, purse: Purse
) -> None:
    till = await campus.till()
    load = await purse.claim(till)
    purse.write(load)
    await purse.put(500)
    campus.clock.advance(hours=3)
    more = await purse.claim(await campus.till())
    assert (more["responseCode"], more["amount"]) == ("00", {"minorAmount": 500})
    assert (await purse.purses())["CARD"] == (3_000, 0)
    purse.write(more)
    assert purse.chip.memory.balance == 3_500
    assert (await purse.refresh(till))["responseCode"] == "00"
    assert await states(campus) == ["POSTED", "POSTED"]
    late = await purse.confirm(till, load["loadId"])
    assert (late["outcome"], late["responseCode"]) == ("APPROVED", "00")
    assert (await purse.purses())["CARD"] == (3_500, 0)
    assert await broken(campus) == {}


async def test_chip_that_took_nothing_gives_it_back(campus: Campus, purse: Purse) -> None:
    till = await campus.till()
    load = await purse.claim(till)
    back = await purse.confirm(till, load["loadId"], "NOT_WRITTEN")
    assert (back["outcome"], back["responseCode"]) == ("VOIDED", "00")
    assert (await purse.purses())["CLAIM"] == (3_000, 0)
    again = await purse.confirm(till, load["loadId"], "NOT_WRITTEN")
    assert again["outcome"] == "VOIDED"
    assert await broken(campus) == {}


async def test_chip_decides_whatever_the_terminal_saw(campus: Campus, purse: Purse) -> None:
    till = await campus.till()
    load = await purse.claim(till)
    assert (await purse.confirm(till, load["loadId"], "WRITTEN"))["outcome"] == "VOIDED"
    load = await purse.claim(till)
    purse.write(load)
    assert (await purse.confirm(till, load["loadId"], "NOT_WRITTEN"))["outcome"] == "APPROVED"
    assert (await purse.purses())["CARD"] == (3_000, 0)


async def test_card_torn_away_stays_open_until_its_next_tap(campus: Campus, purse: Purse) -> None:
    till = await campus.till()
    load = await purse.claim(till)
    bare = {"cardUid": ALICE.card_uid, "chip": None}
    torn = await purse.confirm(till, load["loadId"], "UNKNOWN", tap=bare)
    assert (torn["outcome"], torn["responseCode"]) == ("DECLINED", "L2")
    assert (await purse.purses())["CLAIM"] == (3_000, 3_000)
    said = await purse.confirm(till, load["loadId"], "WRITTEN", tap=bare)
    assert (said["responseCode"], said["reason"]) == ("30", "CHIP_NOT_READ")
    assert (await purse.confirm(till, load["loadId"]))["outcome"] == "VOIDED"
    ended = await purse.confirm(till, load["loadId"], "UNKNOWN", tap=bare)
    assert (ended["outcome"], ended["responseCode"]) == ("VOIDED", "00")


async def test_another_terminal_waits_while_the_first_may_be_writing(
    campus: Campus, purse: Purse
) -> None:
    till, other = await campus.till(), await campus.till()
    load = await purse.claim(till)
    early = await purse.claim(other)
    assert (early["responseCode"], early["action"]) == ("L2", "CARD_REFRESH")
    assert (await purse.refresh(other))["responseCode"] == "L2"
    purse.write(load)
    assert (await purse.refresh(other))["responseCode"] == "00"
    assert (await purse.purses())["CARD"] == (3_000, 0)


async def test_chip_out_of_step_is_frozen_with_both_amounts(
    campus: Campus, purse: Purse, tmp_path: Path
) -> None:
    till = await campus.till()
    load = await purse.claim(till)
    twin = Purse.of(campus, tmp_path, ALICE)
    twin.becomes(loads=2, balance=7_000)  # a chip that was loaded by nobody we know
    stopped = await twin.claim(till)
    assert (stopped["responseCode"], stopped["responseName"]) == ("L3", "CARD_OUT_OF_STEP")
    assert await states(campus) == ["REVIEW"]
    before = await campus.dump("card_load", "transfer", "account")
    for asked in (twin.claim(till), twin.refresh(till), twin.confirm(till, load["loadId"])):
        assert (await asked)["responseCode"] == "L3"
    twin.becomes(loads=0, balance=0)  # nor does a good word make it good
    assert (await twin.claim(till))["responseCode"] == "L3"
    assert await campus.dump("card_load", "transfer", "account") == before
    manager = await campus.staff_token("manager", Role.CARD_MANAGER)
    (review,) = await reviews(campus, manager)
    assert review | {"frozenAt": "", "cardId": ""} == {
        "cardId": "", "number": "S001", "frozenAt": "", "seenCounter": 2, "loadCounter": 0,
        "seen": {"minorAmount": 7_000}, "expected": {"minorAmount": 0},
        "load": {"minorAmount": 3_000},
    }  # fmt: skip
    assert await broken(campus) == {}


async def test_staff_let_a_frozen_chip_go_on(campus: Campus, purse: Purse) -> None:
    till = await campus.till()
    load = await purse.claim(till)
    purse.write(load)
    purse.becomes(loads=2, balance=3_000)
    assert (await purse.confirm(till, load["loadId"]))["responseCode"] == "L3"
    manager = await campus.staff_token("manager", Role.CARD_MANAGER)
    (review,) = await reviews(campus, manager)
    given = {"cardId": review["cardId"], "written": True, "reason": "looked at it"}
    payload = await campus.do("cardReviewSettle", given, "left", manager)
    assert payload == {"left": 0, "userErrors": []}
    assert (await purse.purses())["CARD"] == (3_000, 0)
    assert (await purse.refresh(till))["responseCode"] == "00"
    again = await campus.do("cardReviewSettle", given, "left", manager)
    assert [each["code"] for each in again["userErrors"]] == ["REVIEW_UNKNOWN"]
    wrong = await campus.do("cardReviewSettle", {**given, "cardId": "x"}, "left", manager)
    assert [each["code"] for each in wrong["userErrors"]] == ["REVIEW_UNKNOWN"]
    assert await broken(campus) == {}


async def test_clerk_reads_no_reviews_and_settles_none(campus: Campus, purse: Purse) -> None:
    clerk = await campus.staff_token("clerk", Role.CLERK)
    for selection in ("cardReviews { number }", "feesOwed { terminalNo }"):
        answer = await campus.query(f"{{ viewer {{ staff {{ {selection} }} }} }}", clerk)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_repeat_gets_the_stored_answer_bytes(campus: Campus, purse: Purse) -> None:
    till = await campus.till()
    key = till.next_key()
    first = await purse.claim(till, key=key)
    before = await campus.dump(*ROWS)
    campus.clock.advance(seconds=30)
    assert await purse.claim(till, key=key) == {**first, "replayed": True}
    assert await campus.dump(*ROWS) == before


async def test_parallel_repeats_of_a_claim_hold_once(campus: Campus, purse: Purse) -> None:
    till = await campus.till()
    key = till.next_key()
    loads = await asyncio.gather(*(purse.claim(till, key=key) for _ in range(5)))
    assert len({each["loadId"] for each in loads}) == 1
    assert [each["replayed"] for each in loads].count(False) == 1
    assert (await purse.purses())["CLAIM"] == (3_000, 3_000)


async def test_same_key_other_content_conflicts_and_changes_nothing(
    campus: Campus, purse: Purse
) -> None:
    till = await campus.till()
    key = till.next_key()
    load = await purse.claim(till, key=key)
    before = await campus.dump(*ROWS)
    purse.write(load)
    given = {"key": key, "tap": purse.tap(till, key)}
    payload = await till.ask("loadClaim", given, LOAD)
    assert payload["load"] is None
    assert [each["code"] for each in payload["userErrors"]] == ["IDEMPOTENCY_CONFLICT"]
    confirmed = {**given, "loadId": load["loadId"], "result": "WRITTEN"}
    payload = await till.ask("loadConfirm", confirmed, LOAD)
    assert [each["code"] for each in payload["userErrors"]] == ["IDEMPOTENCY_CONFLICT"]
    assert await campus.dump(*ROWS) == before


async def test_mac_of_another_key_proves_nothing(campus: Campus, purse: Purse) -> None:
    till = await campus.till()
    stale = purse.tap(till, till.next_key())
    before = await campus.dump("card_load", "transfer", "account", "chip")
    refused = await purse.claim(till, tap=stale)
    assert (refused["responseCode"], refused["reason"]) == ("63", "CHIP_MAC")
    for tap, code in (
        ({"cardUid": ALICE.card_uid, "chip": None}, "63"),
        ({"cardUid": "00", "chip": None}, "30"),
        ({"cardUid": ALICE.card_uid, "chip": "AAAA"}, "30"),
        ({"cardUid": "0102030405060708", "chip": None}, "14"),
    ):
        assert (await purse.claim(till, tap=tap))["responseCode"] == code
        assert (await purse.refresh(till, tap=tap))["responseCode"] == code
    assert await campus.dump("card_load", "transfer", "account", "chip") == before


async def test_load_of_another_card_or_of_nobody_is_not_found(
    campus: Campus, purse: Purse, tmp_path: Path
) -> None:
    till, bob = await campus.till(), Purse.of(campus, tmp_path, BOB)
    load = await purse.claim(till)
    assert (await bob.confirm(till, load["loadId"]))["responseCode"] == "25"
    assert (await bob.confirm(till, "nonsense"))["responseCode"] == "25"
    assert (await purse.purses())["CLAIM"] == (3_000, 3_000)


async def test_lost_card_claims_nothing(campus: Campus, purse: Purse) -> None:
    token, till = await campus.with_pin(), await campus.till()
    await report_lost(campus, token)
    assert (await purse.claim(till))["responseCode"] == "41"
    told = await purse.refresh(till)
    assert (told["responseCode"], told["cardState"]) == ("41", "LOST")
    purse.write(told)
    assert purse.chip.memory.usable is False
    assert (await purse.purses())["CLAIM"] == (3_000, 0)


async def test_school_with_one_purse_has_nothing_to_load(campus: Campus) -> None:
    till = await campus.till()
    tap = {"cardUid": ALICE.card_uid, "chip": None}
    before = await campus.dump("card_load", "transfer", "account", "chip")
    answer = await load_of(till, "loadClaim", {"key": till.next_key(), "tap": tap})
    assert (answer["responseCode"], answer["responseName"]) == ("L1", "NOTHING_TO_LOAD")
    assert await campus.dump("card_load", "transfer", "account", "chip") == before


async def test_claims_only_where_the_school_says(campus: Campus, tmp_path: Path) -> None:
    policy = '[policy.purse]\nmodel = "ON_CARD"\n[policy.claim]\nvia = ["KIOSK"]\n'
    await use_policy(campus, policy)
    purse = Purse.of(campus, tmp_path)
    await purse.put(100)
    refused = await purse.claim(await campus.till())
    assert (refused["responseCode"], refused["reason"]) == ("58", "CLAIM_ELSEWHERE")
    assert (await purse.purses())["CLAIM"] == (100, 0)


async def test_kiosk_claims_with_the_pin(campus: Campus, purse: Purse) -> None:
    await campus.with_pin()
    kiosk = await campus.till("KIOSK")
    assert (await purse.claim(kiosk))["responseCode"] == "70"
    key = kiosk.next_key()
    wrong = await purse.claim(kiosk, key=key, pinBlock=pin_block(kiosk, key, "999999"))
    assert (wrong["responseCode"], wrong["triesLeft"]) == ("55", 4)
    assert "4" in wrong["text"]
    again = await purse.claim(kiosk, key=key, pinBlock=pin_block(kiosk, key, "999999"))
    assert again == {**wrong, "replayed": True}
    key = kiosk.next_key()
    second = await purse.claim(kiosk, key=key, pinBlock=pin_block(kiosk, key, "999999"))
    assert second["triesLeft"] == 3  # the repeat cost none
    key = kiosk.next_key()
    foreign = await purse.claim(kiosk, key=key, pinBlock=pin_block(kiosk, kiosk.next_key()))
    assert (foreign["responseCode"], foreign["reason"]) == ("63", "PIN_BLOCK")
    assert (await purse.purses())["CLAIM"] == (3_000, 0)
    key = kiosk.next_key()
    load = await purse.claim(kiosk, key=key, pinBlock=pin_block(kiosk, key))
    assert (load["outcome"], load["amount"]) == ("APPROVED", {"minorAmount": 3_000})


async def test_kiosk_lists_claims_and_log_after_the_pin(campus: Campus, purse: Purse) -> None:
    await campus.with_pin()
    kiosk, till = await campus.till("KIOSK"), await campus.till()
    load = await purse.claim(till)
    purse.write(load)
    done = await purse.confirm(till, load["loadId"])
    await purse.put(200)
    campus.clock.advance(minutes=1)
    await purse.put(300)
    shut = await look(kiosk, TAP, pin=None)
    assert (shut["responseCode"], shut["holder"], shut["pending"]) == ("70", None, None)
    wrong = await look(kiosk, TAP, pin="999999")
    assert (wrong["responseCode"], wrong["triesLeft"], wrong["loads"]) == ("55", 4, None)
    seen = await look(kiosk, TAP)
    assert seen["holder"] == {"name": "示例甲", "number": "S001"}
    assert (seen["waiting"], seen["held"]) == ({"minorAmount": 500}, {"minorAmount": 0})
    assert [(each["kind"], each["amount"]["minorAmount"]) for each in seen["pending"]] == [
        ("CASH_TOP_UP", 300), ("CASH_TOP_UP", 200)
    ]  # fmt: skip
    (line,) = seen["loads"]
    assert (line["state"], line["amount"]) == ("POSTED", {"minorAmount": 3_000})
    assert line["retrievalReference"] == load["retrievalReference"] != done["retrievalReference"]
    assert line["endedAt"] is not None


async def states(campus: Campus) -> list[str]:
    """The states of all loads."""
    return sorted(row[0] for row in await campus.rows("SELECT state FROM card_load"))


async def reviews(campus: Campus, token: str) -> Any:
    """What waits for staff."""
    selection = (
        "cardReviews { cardId number frozenAt seenCounter loadCounter seen { minorAmount }"
        " expected { minorAmount } load { minorAmount } }"
    )
    answer = await campus.query(f"{{ viewer {{ staff {{ {selection} }} }} }}", token)
    assert "errors" not in answer, answer
    return answer["data"]["viewer"]["staff"]["cardReviews"]


async def test_command_written_after_its_money_went_back_is_seen(
    campus: Campus, purse: Purse
) -> None:
    till = await campus.till()
    load = await purse.claim(till)
    purse.write(load)
    await purse.confirm(till, load["loadId"])
    purse.chip.debit(3_000, bytes(10))  # not told yet, so the books hold more than the chip
    await purse.put(2_000)
    load = await purse.claim(till)
    assert (await purse.confirm(till, load["loadId"], "NOT_WRITTEN"))["outcome"] == "VOIDED"
    purse.write(load)
    assert (await purse.claim(till))["responseCode"] == "L3"  # by its counter alone
    assert (await purse.purses())["CLAIM"] == (2_000, 0)
    assert await broken(campus) == {}
