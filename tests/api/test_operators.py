"""Operators: registered by staff, signed on at terminals, asked for where refunds need one."""

import asyncio
from typing import Any

import pytest

from core.school.operators import PIN_TRIES, OperatorRight
from core.school.records import Role
from tests.api.campus import Campus
from tests.api.devices import SCHOOL, Till
from tests.api.operators import (
    NUMBER,
    OPERATORS,
    PIN,
    SIGN_ON,
    WRONG,
    register,
    sign_on,
    sign_on_input,
)
from tests.api.sample import OPERATOR

OF_STAFF = "operator { merchantNo operatorNo displayName rights blocked }"


def put_input(**changed: Any) -> dict[str, Any]:
    return {
        "merchantNo": 1, "operatorNo": NUMBER, "displayName": "示例收银", "rights": ["SALE"],
        "pin": PIN, **changed,
    }  # fmt: skip


def codes(payload: Any) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


async def sign_off(till: Till, shift_id: str) -> Any:
    given = {"key": till.next_key(0), "shiftId": shift_id}
    return await till.ask("operatorSignOff", given, "shift { id operatorNo endedAt }")


async def tries(campus: Campus) -> list[int]:
    return [row[0] for row in await campus.rows("SELECT tries FROM operator ORDER BY operator_no")]


async def test_staff_put_block_and_list_operators(campus: Campus) -> None:
    await campus.till()
    token = await campus.staff_token("it", Role.IT_ADMIN)
    made = await campus.do("operatorPut", put_input(), OF_STAFF, token)
    expected = {
        "merchantNo": 1, "operatorNo": NUMBER, "displayName": "示例收银", "rights": ["SALE"],
        "blocked": False,
    }  # fmt: skip
    assert (made["operator"], made["userErrors"]) == (expected, [])
    changed = put_input(displayName="示例店长", rights=["REFUND", "SALE"], pin=None)
    again = await campus.do("operatorPut", changed, OF_STAFF, token)
    assert again["operator"]["rights"] == ["SALE", "REFUND"]
    named = {"merchantNo": 1, "operatorNo": NUMBER, "reason": "left"}
    for act in ("operatorBlock", "operatorBlock", "operatorUnblock"):
        done = await campus.do(act, named, OF_STAFF, token)
        assert (done["operator"]["blocked"], done["userErrors"]) == (act == "operatorBlock", [])
    listed = await campus.query(
        "{ viewer { staff { operators(merchantNo: 1) { operatorNo displayName blocked } } } }",
        token,
    )
    assert listed["data"]["viewer"]["staff"]["operators"] == [
        {"operatorNo": NUMBER, "displayName": "示例店长", "blocked": False}
    ]
    audited = await campus.rows(
        "SELECT act, reason FROM audit_event WHERE subject = $1 ORDER BY occurred_at, id",
        f"operator:1.{NUMBER}",
    )
    assert sorted(tuple(row) for row in audited) == [
        ("operator.block", "left"), ("operator.put", ""), ("operator.put", ""),
        ("operator.unblock", "left"),
    ]  # fmt: skip
    kept = await campus.rows("SELECT * FROM operator")
    assert PIN not in str([tuple(row) for row in kept]), "a PIN is never stored as it is"


NO_OPERATORS: list[tuple[dict[str, Any], str, str]] = [
    ({"merchantNo": 9}, "MERCHANT_UNKNOWN", "merchantNumber"),
    ({"operatorNo": "12a"}, "OPERATOR_INVALID", "operatorNo"),
    ({"operatorNo": "123456789"}, "OPERATOR_INVALID", "operatorNo"),
    ({"displayName": " "}, "OPERATOR_INVALID", "displayName"),
    ({"displayName": "x" * 21}, "OPERATOR_INVALID", "displayName"),
    ({"rights": []}, "OPERATOR_INVALID", "rights"),
    ({"pin": None}, "OPERATOR_INVALID", "pin"),
    ({"pin": "12345"}, "OPERATOR_PIN_WEAK", "pin"),
    ({"pin": "765432"}, "OPERATOR_PIN_WEAK", "pin"),
    ({"pin": "888888"}, "OPERATOR_PIN_WEAK", "pin"),
]


async def test_what_is_no_operator_is_refused_and_nothing_is_kept(campus: Campus) -> None:
    await campus.till()
    token = await campus.staff_token("manager", Role.CARD_MANAGER)
    before = await campus.dump(*OPERATORS, "audit_event")
    for changed, code, path in NO_OPERATORS:
        refused = await campus.do("operatorPut", put_input(**changed), OF_STAFF, token)
        assert (refused["operator"], codes(refused)) == (None, [code]), changed
        assert refused["userErrors"][0]["path"] == [path]
    assert await campus.dump(*OPERATORS, "audit_event") == before


async def test_nobody_else_registers_operators_and_strangers_are_unknown(campus: Campus) -> None:
    await campus.till()
    clerk = await campus.staff_token("clerk", Role.CLERK)
    query = "mutation($i: OperatorPutInput!) { operatorPut(input: $i) { userErrors { code } } }"
    answer = await campus.query(query, clerk, i=put_input())
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    token = await campus.staff_token("it", Role.IT_ADMIN)
    named = {"merchantNo": 1, "operatorNo": "7", "reason": ""}
    for act in ("operatorBlock", "operatorUnblock"):
        assert codes(await campus.do(act, named, OF_STAFF, token)) == ["OPERATOR_UNKNOWN"]
    assert await campus.rows("SELECT 1 FROM operator") == []


async def test_only_so_many_operators(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    await campus.till()
    await campus.till()
    monkeypatch.setattr("core.school.operators.PER_MERCHANT_MAXIMUM", 1)
    await register(campus, "1")
    token = await campus.staff_token("it", Role.IT_ADMIN)
    full = await campus.do("operatorPut", put_input(operatorNo="2"), OF_STAFF, token)
    assert codes(full) == ["OPERATOR_LIMIT"]
    await register(campus, "1")  # who is there already may be changed
    monkeypatch.setattr("core.school.operators.PER_SCHOOL_MAXIMUM", 1)
    other = await campus.do("operatorPut", put_input(merchantNo=2), OF_STAFF, token)
    assert codes(other) == ["OPERATOR_LIMIT"]
    assert len(await campus.rows("SELECT 1 FROM operator")) == 1


async def test_operator_signs_on_and_off(campus: Campus) -> None:
    till = await campus.till()
    await register(campus, NUMBER, OperatorRight.REFUND, OperatorRight.SALE)
    signed = await sign_on(till)
    assert (signed["responseCode"], signed["textZh"]) == ("00", "交易成功")
    shift = signed["shift"]
    assert (shift["operatorNo"], shift["displayName"], shift["rights"], shift["endedAt"]) == (
        NUMBER, f"示例{NUMBER}", ["SALE", "REFUND"], None,
    )  # fmt: skip
    again = await sign_on(till)
    assert again["shift"] == shift, "who is signed on goes on with the same shift"
    campus.clock.advance(seconds=60)
    ended = await sign_off(till, shift["id"])
    assert ended["shift"]["endedAt"] is not None
    campus.clock.advance(seconds=60)
    repeated = await sign_off(till, shift["id"])
    assert repeated["shift"] == ended["shift"]
    next_one = (await sign_on(till))["shift"]
    assert next_one["id"] != shift["id"]
    late = await sign_off(till, shift["id"])
    assert late["shift"] == ended["shift"], "a late repeat ends no newer shift"
    assert len(await campus.rows("SELECT 1 FROM operator_shift WHERE ended_at IS NULL")) == 1


async def test_repeat_of_a_sign_on_hears_of_the_same_shift_and_opens_none(campus: Campus) -> None:
    till = await campus.till()
    await register(campus)
    given = sign_on_input(till)
    first = await till.ask("operatorSignOn", given, SIGN_ON)
    again = await till.ask("operatorSignOn", given, SIGN_ON)
    assert again == first
    await sign_off(till, first["shift"]["id"])
    await register(campus, pin="852074")
    replayed = await till.ask("operatorSignOn", given, SIGN_ON)
    assert replayed["shift"]["id"] == first["shift"]["id"]
    assert replayed["shift"]["endedAt"] is not None, "a replay signs nobody on again"
    assert len(await campus.rows("SELECT 1 FROM operator_shift")) == 1
    assert await tries(campus) == [0], "its PIN was not looked at again"


async def test_repeat_that_overtakes_its_first_answer_opens_no_second_shift(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = await campus.till()
    await register(campus)
    operators = campus.wired.services.operators.registry

    async def came_too_soon(*_asked: object) -> None:
        return None

    monkeypatch.setattr(operators, "find_repeated", came_too_soon)
    given = sign_on_input(till)
    first, second = await asyncio.gather(
        till.ask("operatorSignOn", given, SIGN_ON), till.ask("operatorSignOn", given, SIGN_ON)
    )
    assert first == second
    await sign_off(till, first["shift"]["id"])
    third = await till.ask("operatorSignOn", given, SIGN_ON)
    assert third["shift"]["id"] == first["shift"]["id"]
    assert third["shift"]["endedAt"] is not None
    assert len(await campus.rows("SELECT 1 FROM operator_shift")) == 1


async def test_shift_of_another_operator_ends(campus: Campus) -> None:
    till, elsewhere = await campus.till(), await campus.till()
    await register(campus)
    await register(campus, "1002")
    await register(campus, "1002", merchant=2)
    await sign_on(till)
    await sign_on(elsewhere, "1002")
    await sign_on(till, "1002")
    rows = await campus.rows(
        "SELECT terminal_no, operator_no, end_reason FROM operator_shift ORDER BY 1, 2"
    )
    assert [tuple(row) for row in rows] == [
        (till.number, "1001", "REPLACED"), (till.number, "1002", None),
        (elsewhere.number, "1002", None),
    ]  # fmt: skip


async def test_wrong_pin_counts_and_the_right_one_gives_the_tries_back(campus: Campus) -> None:
    till = await campus.till()
    await register(campus)
    wrong = await sign_on(till, pin=WRONG)
    assert (wrong["shift"], wrong["responseCode"], wrong["triesLeft"]) == (None, "55", 4)
    assert "4" in wrong["textZh"]
    assert await tries(campus) == [1]
    await sign_on(till)
    assert await tries(campus) == [0]


async def test_parallel_guesses_evaluate_five_and_lock_until_staff_set_a_pin(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = await campus.till()
    await register(campus)
    compared = 0
    hasher = campus.wired.services.operators.registry._hasher
    really = hasher.matches

    async def counted(*args: Any) -> bool:
        nonlocal compared
        compared += 1
        return await really(*args)

    monkeypatch.setattr(hasher, "matches", counted)
    guesses = await asyncio.gather(*(sign_on(till, pin=WRONG) for _ in range(12)))
    assert compared == PIN_TRIES
    assert sorted(each["responseCode"] for each in guesses) == ["55"] * 4 + ["S4"] * 8
    right = await sign_on(till)
    assert (right["shift"], right["responseCode"], right["triesLeft"]) == (None, "S4", 0)
    assert await campus.rows("SELECT 1 FROM operator_shift") == []
    await register(campus, pin="852074")
    assert (await sign_on(till))["responseCode"] == "55", "the old PIN is good no more"
    assert (await sign_on(till, pin="852074"))["responseCode"] == "00"


async def test_terminal_that_guesses_is_answered_without_a_look(campus: Campus) -> None:
    till = await campus.till()
    for number in ("1", "2", "3", "4", "5", "6", "7"):
        await register(campus, number)
    for number in ("1", "2", "3", "4", "5", "6"):
        for _ in range(5):
            await sign_on(till, number, WRONG)
    closed = await sign_on(till, "7")
    assert (closed["shift"], closed["responseCode"]) == (None, "05")
    campus.clock.advance(minutes=10)
    assert (await sign_on(till, "7"))["responseCode"] == "00"


async def test_pin_under_a_pepper_that_is_gone_is_locked_until_staff_set_a_new_one(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = await campus.till()
    await register(campus)
    hasher = campus.wired.services.operators.registry._hasher
    monkeypatch.setattr(hasher, "knows", lambda _kid: False)
    gone = await sign_on(till)
    assert (gone["shift"], gone["responseCode"]) == (None, "S4")
    assert await tries(campus) == [0]


async def test_blocked_and_foreign_operators_are_unknown(campus: Campus) -> None:
    till, other = await campus.till(), await campus.till()
    await register(campus)
    await sign_on(till)
    operators = campus.wired.services.operators.registry
    await operators.block(SCHOOL, 1, NUMBER, "left", OPERATOR)
    assert [row[0] for row in await campus.rows("SELECT end_reason FROM operator_shift")] == [
        "BLOCKED"
    ]
    before = await campus.dump(*OPERATORS)
    for terminal, number in ((till, NUMBER), (other, NUMBER), (till, "404")):
        refused = await sign_on(terminal, number)
        assert (refused["shift"], refused["responseCode"]) == (None, "S3")
    assert await campus.dump(*OPERATORS) == before
    await operators.unblock(SCHOOL, 1, NUMBER, "back", OPERATOR)
    assert (await sign_on(till))["responseCode"] == "00"


async def test_pin_block_of_another_key_is_none(campus: Campus) -> None:
    till = await campus.till()
    await register(campus)
    for bound in ({"seq_no": 999}, {"batch_no": 1}, {"terminal_no": 77}):
        refused = await sign_on(till, NUMBER, PIN, **bound)
        assert (refused["shift"], refused["responseCode"]) == (None, "63")
    assert await tries(campus) == [0]


async def test_merchant_who_is_not_active_signs_nobody_on(campus: Campus) -> None:
    till = await campus.till()
    await register(campus)
    await campus.rows("UPDATE merchant SET active = false")
    campus.clock.advance(seconds=31)
    refused = await sign_on(till)
    assert (refused["shift"], refused["responseCode"]) == (None, "03")


@pytest.mark.parametrize("change", ["block", "pin"])
async def test_changed_while_signing_on_is_unknown(
    campus: Campus, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    till = await campus.till()
    await register(campus)
    operators = campus.wired.services.operators.registry
    really = operators.begin

    async def late(*args: Any) -> Any:
        if change == "block":
            await operators.block(SCHOOL, 1, NUMBER, "left", OPERATOR)
        else:
            await register(campus, pin="852074")
        return await really(*args)

    monkeypatch.setattr(operators, "begin", late)
    refused = await sign_on(till)
    assert (refused["shift"], refused["responseCode"]) == (None, "S3")
    assert await campus.rows("SELECT 1 FROM operator_shift") == []


async def test_shift_of_another_terminal_is_unknown(campus: Campus) -> None:
    till, other = await campus.till(), await campus.till()
    await register(campus)
    shift = (await sign_on(till))["shift"]
    before = await campus.dump(*OPERATORS)
    for id_ in (shift["id"], "nonsense"):
        assert codes(await sign_off(other, id_)) == ["SHIFT_UNKNOWN"]
    assert await campus.dump(*OPERATORS) == before
