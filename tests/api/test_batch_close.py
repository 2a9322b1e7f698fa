"""`batchClose` over the wire, and the void that comes after it."""

from typing import Any

import pytest

from core.school.records import Role
from tests.api.alone import BATCH, Alone, open_offline
from tests.api.campus import Campus, b64
from tests.api.devices import AUTHORISATION, mutation
from tests.api.gates import enter, event, gate_at, told
from tests.api.sample import ALICE

TAP = f"CARD:{ALICE.card_uid}"
SETTLED = ("settlement", "settlement_adjustment", "authorisation", "leg")


def total(kind: str, instrument: str, count: int, minor: int) -> dict[str, Any]:
    return {"kind": kind, "instrument": instrument, "count": count, "minorAmount": minor}


async def lane_of(campus: Campus) -> Alone:
    till = await campus.till()
    await open_offline(campus)
    return Alone(till)


async def test_batch_is_settled_once_and_repeats_its_result(campus: Campus) -> None:
    lane = await lane_of(campus)
    await lane.till.sell(TAP, 700)
    lane.write((await campus.phone()).show(), 500)
    totals = total("PURCHASE", "CARD", 1, 700), total("PURCHASE", "CC1", 1, 500)
    open_ = (await lane.close(*totals))["batch"]
    assert (open_["balanced"], open_["missing"], open_["headKnown"]) == (False, [2], False)
    assert open_["different"] == [
        {"kind": "PURCHASE", "instrument": "CC1", "counted": None,
         "claimed": {"count": 1, "sum": {"minorAmount": 500}}}
    ]  # fmt: skip
    await lane.upload()
    first = (await lane.close(*totals))["batch"]
    assert (first["balanced"], first["net"]) == (True, {"minorAmount": 1_200})
    before = await campus.dump(*SETTLED)
    campus.clock.advance(seconds=60)
    assert (await lane.close())["batch"] == first
    assert await campus.dump(*SETTLED) == before


async def test_numbers_of_doors_are_no_missing_ones(campus: Campus) -> None:
    """A terminal with a door counts entries and purchases in one row of numbers."""
    gate = await gate_at(campus)
    lane = Alone(gate)
    await open_offline(campus)
    await enter(gate, TAP)
    campus.clock.advance(seconds=1)
    assert await told(gate, event(gate, TAP)) == [("ACCEPTED", None)]
    unused = [gate.next_key()["seqNo"]]
    taken = await lane.close(unused=[2, *unused])
    assert (taken["batch"]["balanced"], taken["batch"]["extra"]) == (False, [2])
    closed = await lane.close(unused=unused)
    assert (closed["batch"]["balanced"], closed["batch"]["missing"]) == (True, [])


async def test_void_after_the_close_is_too_late(campus: Campus) -> None:
    lane = await lane_of(campus)
    key = lane.till.next_key()
    await lane.till.sell(TAP, 700, key=key)
    undone = lane.till.next_key()
    await lane.till.sell(TAP, 300, key=undone)
    asked = {"key": lane.till.next_key(), "original": undone, "reason": "CASHIER"}
    first = (await lane.till.ask("purchaseVoid", asked, AUTHORISATION))["authorisation"]
    closed = await lane.close(total("PURCHASE", "CARD", 1, 700), unused=[2, 4])
    assert closed["batch"]["net"] == {"minorAmount": 700}
    before = await campus.dump(*SETTLED)
    late = {"key": lane.till.next_key(2), "original": key, "reason": "CASHIER"}
    payload = await lane.till.ask("purchaseVoid", late, AUTHORISATION)
    assert [error["code"] for error in payload["userErrors"]] == ["VOID_TOO_LATE"]
    again = (await lane.till.ask("purchaseVoid", asked, AUTHORISATION))["authorisation"]
    assert (again["signedAnswer"], again["replayed"]) == (first["signedAnswer"], True)
    assert await campus.dump(*SETTLED) == before


async def test_sale_and_void_in_a_closed_batch_are_answered_90(campus: Campus) -> None:
    lane = await lane_of(campus)
    key = lane.till.next_key()
    first = await lane.till.sell(TAP, 700, key=key)
    assert (await lane.close(total("PURCHASE", "CARD", 1, 700), unused=[2]))["batch"]["balanced"]
    before = await campus.dump(*SETTLED)
    late = lane.till.next_key()
    answer = await lane.till.sell(TAP, 300, key=late)
    assert (answer["outcome"], answer["responseCode"]) == ("DECLINED", "90")
    again = await lane.till.sell(TAP, 300, key=late)
    assert (again["signedAnswer"], again["replayed"]) == (answer["signedAnswer"], True)
    kept = await lane.till.sell(TAP, 700, key=key)
    assert (kept["signedAnswer"], kept["replayed"]) == (first["signedAnswer"], True)
    open_ = lane.till.next_key(2)
    asked = {"key": lane.till.next_key(), "original": open_, "reason": "TIMEOUT"}
    void = (await lane.till.ask("purchaseVoid", asked, AUTHORISATION))["authorisation"]
    assert (void["outcome"], void["responseCode"]) == ("DECLINED", "90")
    assert await campus.dump(*SETTLED) == before
    assert (await lane.till.sell(TAP, 300, key=open_))["outcome"] == "APPROVED"


async def test_batch_in_which_nothing_came_is_unknown(campus: Campus) -> None:
    lane = await lane_of(campus)
    payload = await lane.close(total("PURCHASE", "CC1", 1, 500))
    assert [error["code"] for error in payload["userErrors"]] == ["BATCH_UNKNOWN"]


@pytest.mark.parametrize(("changed", "reason"), [
    ({"batchNo": 0}, "KEY_OUT_OF_RANGE"), ({"lastSeq": 1_000_000}, "KEY_OUT_OF_RANGE"),
    ({"lastSeq": -1}, "KEY_OUT_OF_RANGE"), ({"unused": [0]}, "KEY_OUT_OF_RANGE"),
    ({"headHash": b64(bytes(31))}, "HASH_LENGTH"),
])  # fmt: skip
async def test_numbers_that_no_batch_has_are_a_bad_document(
    campus: Campus, changed: dict[str, Any], reason: str
) -> None:
    lane = await lane_of(campus)
    given = {"key": lane.till.next_key(0), "batchNo": 1, "lastSeq": 0, "unused": [], "totals": [],
             "headHash": b64(lane.first), **changed}  # fmt: skip
    query = mutation("batchClose", BATCH)
    answer = await lane.till.post(query, {"input": given}, given["key"])
    assert answer["errors"][0]["extensions"]["reason"] == reason
    assert await campus.rows("SELECT 1 FROM settlement") == []


@pytest.mark.parametrize("changed", [
    {"unused": list(range(1, 1_002))}, {"totals": [total("REFUND", "", 1, 1)] * 41},
])  # fmt: skip
async def test_more_than_a_close_can_hold_is_refused(
    campus: Campus, changed: dict[str, Any]
) -> None:
    lane = await lane_of(campus)
    payload = await lane.close(**changed)
    assert [error["code"] for error in payload["userErrors"]] == ["ITEM_LIMIT"]


async def test_only_a_terminal_closes(campus: Campus) -> None:
    lane = await lane_of(campus)
    given = {"key": {"batchNo": 0, "seqNo": 1}, "batchNo": 1, "lastSeq": 0, "unused": [],
             "totals": [], "headHash": b64(lane.first)}  # fmt: skip
    query = mutation("batchClose", BATCH)
    tokens = [None, await campus.bind(), await campus.staff_token("it", Role.IT_ADMIN)]
    for token, code in zip(tokens, ("UNAUTHENTICATED", "FORBIDDEN", "FORBIDDEN"), strict=True):
        answer = await campus.query(query, token, input=given)
        assert [e["extensions"]["code"] for e in answer["errors"]] == [code]
    assert await campus.rows("SELECT 1 FROM settlement") == []
