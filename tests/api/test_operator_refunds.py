"""Refunds where the school asks for an operator who is signed on, and where it does not."""

from typing import Any

from core.school.operators import OperatorRight
from tests.api.campus import Campus
from tests.api.devices import AUTHORISATION, SCHOOL, Till
from tests.api.operators import NUMBER, register, sign_on
from tests.api.sample import ALICE, OPERATOR, school_file

TAP = f"CARD:{ALICE.card_uid}"
MONEY = ("transfer", "leg", "account", "authorisation")
NEEDED = "\n[policy.terminal]\noperators = true\n"


async def sold(till: Till) -> dict[str, int]:
    key = till.next_key()
    assert (await till.sell(TAP, 1_000, key=key))["outcome"] == "APPROVED"
    return key


def refund_input(till: Till, original: dict[str, int], **given: Any) -> dict[str, Any]:
    return {
        "key": till.next_key(), "original": original, "minorAmount": 100, "reason": "cold", **given
    }  # fmt: skip


async def refund(till: Till, original: dict[str, int], **given: Any) -> Any:
    asked = refund_input(till, original, **given)
    payload = await till.ask("purchaseRefund", asked, AUTHORISATION)
    assert payload["userErrors"] == []
    return payload["authorisation"]


async def ask_for_operators(campus: Campus) -> None:
    text = school_file(SCHOOL, NEEDED)
    await campus.wired.services.schools.policy_activate(SCHOOL, text, OPERATOR)


async def test_refund_needs_an_operator_only_where_the_school_asks_for_one(campus: Campus) -> None:
    till = await campus.till()
    original = await sold(till)
    assert (await refund(till, original))["outcome"] == "APPROVED"
    assert (await refund(till, original, operatorNo="anybody"))["outcome"] == "APPROVED"
    await register(campus)
    await register(campus, "1002", OperatorRight.SALE)
    await ask_for_operators(campus)
    before = await campus.dump(*MONEY, "operator_refund")
    for named in (None, NUMBER):
        refused = await refund(till, original, operatorNo=named)
        assert (refused["outcome"], refused["responseCode"], refused["reason"]) == (
            "DECLINED", "S1", "SIGN_ON_REQUIRED",
        )  # fmt: skip
    await sign_on(till, "1002")
    lacking = await refund(till, original, operatorNo="1002")
    assert (lacking["outcome"], lacking["responseCode"]) == ("DECLINED", "S2")
    assert await campus.dump(*MONEY, "operator_refund") == before
    await sign_on(till)
    assert (await refund(till, original, operatorNo="1002"))["responseCode"] == "S1"
    assert (await refund(till, original))["responseCode"] == "S1"
    done = await refund(till, original, operatorNo=NUMBER)
    assert (done["outcome"], done["responseCode"]) == ("APPROVED", "00")


async def test_refund_by_reference_names_its_operator_and_is_repeated_after_the_shift(
    campus: Campus,
) -> None:
    till = await campus.till()
    await register(campus)
    await ask_for_operators(campus)
    sale = await till.sell(TAP, 1_000)
    asked = {
        "key": till.next_key(), "retrievalReference": sale["retrievalReference"],
        "minorAmount": 100, "reason": "cold", "operatorNo": NUMBER,
    }  # fmt: skip
    shift = (await sign_on(till))["shift"]
    first = (await till.ask("purchaseRefund", asked, AUTHORISATION))["authorisation"]
    assert first["outcome"] == "APPROVED"
    ended = {"key": till.next_key(0), "shiftId": shift["id"]}
    await till.ask("operatorSignOff", ended, "shift { endedAt }")
    before = await campus.dump(*MONEY, "operator_refund")
    again = (await till.ask("purchaseRefund", asked, AUTHORISATION))["authorisation"]
    assert (again["signedAnswer"], again["replayed"]) == (first["signedAnswer"], True)
    assert await campus.dump(*MONEY, "operator_refund") == before
    noted = await campus.rows(
        "SELECT s.operator_no, r.seq_no FROM operator_refund r JOIN operator_shift s"
        " ON s.school_id = r.school_id AND s.id = r.shift_id"
    )
    assert [tuple(row) for row in noted] == [(NUMBER, asked["key"]["seqNo"])]


async def test_refund_of_who_is_signed_on_is_noted_also_where_nobody_is_asked_for(
    campus: Campus,
) -> None:
    till = await campus.till()
    await register(campus)
    original = await sold(till)
    await sign_on(till)
    for named, noted in ((None, 0), ("1002", 0), (NUMBER, 1)):
        assert (await refund(till, original, operatorNo=named))["outcome"] == "APPROVED"
        assert len(await campus.rows("SELECT 1 FROM operator_refund")) == noted
