"""What the school paid in doubt: who sees it, who decides it, and what a decision moves."""

from typing import Any

import pytest

from core.kit.clock import unix_seconds
from core.school.records import Role
from terminals import ccr
from terminals.message import RequestKey
from terminals.offline import RecordKind
from tests.api.alone import OFFLINE, Alone, open_offline
from tests.api.campus import Campus
from tests.api.devices import AUTHORISATION, SCHOOL
from tests.api.sample import ALICE
from tests.api.scanning import assert_books_hold

SUSPECTS = """offlineSuspects { terminalNo batchNo seqNo amount { minorAmount } reason number
    merchantName bearer retrievalReference }"""
DECIDED = """suspect { bearer seqNo } fourEyesRequest { id act contentHash number
    amount { minorAmount } }"""
ROWS = ("transfer", "leg", "account", "authorisation", "offline_review", "audit_event",
        "four_eyes_request")  # fmt: skip
KINDS = (
    "SELECT t.kind, d.kind AS debit, c.kind AS credit, t.amount_minor FROM transfer t"
    " JOIN account d ON d.id = t.debit_account_id JOIN account c ON c.id = t.credit_account_id"
    " WHERE t.kind NOT IN ('PURCHASE', 'OPENING_BALANCE', 'CASH_TOP_UP')"
    " ORDER BY t.made_at, d.kind DESC"
)


async def doubted(campus: Campus, minor: int = 800, policy: str = OFFLINE) -> Alone:
    """The lane whose record names a code that another till was paid for."""
    first, second = Alone(await campus.till()), Alone(await campus.till())
    await open_offline(campus, policy)
    text = (await campus.phone()).show()
    first.write(text, 900)
    second.write(text, minor)
    await first.upload()
    (settled,) = await second.upload()
    assert settled["judgement"]["reason"] == "CODE_USED_ELSEWHERE"
    return second


def decision(lane: Alone, bearer: str, key: str = "key-1", seq_no: int = 1) -> dict[str, Any]:
    return {"idempotencyKey": key, "terminalNo": lane.till.number, "batchNo": 1, "seqNo": seq_no,
            "bearer": bearer, "reason": "sample"}  # fmt: skip


async def decide(campus: Campus, lane: Alone, bearer: str, token: str, **given: Any) -> Any:
    return await campus.do("offlineReviewDecide", decision(lane, bearer, **given), DECIDED, token)


async def suspects(campus: Campus, token: str) -> list[Any]:
    answer = await campus.query(f"{{ viewer {{ staff {{ {SUSPECTS} }} }} }}", token)
    assert "errors" not in answer, answer
    found: list[Any] = answer["data"]["viewer"]["staff"]["offlineSuspects"]
    return found


async def balance(campus: Campus) -> int:
    found = await campus.wired.services.ledger.balances(SCHOOL, await campus.id_of("S001"))
    return found.balance_minor


async def refused(campus: Campus, lane: Alone, bearer: str, token: str, **given: Any) -> Any:
    """The refusal of a decision; nothing changes."""
    before = await campus.dump(*ROWS)
    payload = await decide(campus, lane, bearer, token, **given)
    assert payload["suspect"] is None
    assert await campus.dump(*ROWS) == before
    (error,) = payload["userErrors"]
    return error


async def test_doubted_record_is_listed_and_the_loss_may_stay_with_the_school(
    campus: Campus,
) -> None:
    lane = await doubted(campus)
    manager = await campus.staff_token("manager", Role.CARD_MANAGER)
    auditor = await campus.staff_token("auditor", Role.AUDITOR)
    (listed,) = await suspects(campus, auditor)
    facts = {
        "terminalNo": lane.till.number, "batchNo": 1, "seqNo": 1, "number": "S001",
        "amount": {"minorAmount": 800}, "reason": "CODE_USED_ELSEWHERE", "bearer": None,
    }  # fmt: skip
    assert facts.items() <= listed.items()
    before = await campus.dump("transfer", "leg")
    first = await decide(campus, lane, "SCHOOL", manager)
    assert first["suspect"]["bearer"] == "SCHOOL"
    rows = await campus.dump(*ROWS)
    assert await decide(campus, lane, "SCHOOL", manager) == first, "repeated, not done again"
    assert await campus.dump(*ROWS) == rows
    assert await campus.dump("transfer", "leg") == before
    assert await suspects(campus, manager) == []
    again = await refused(campus, lane, "HOLDER", manager, key="key-2")
    assert again["code"] == "REVIEW_DECIDED"
    (audited,) = await campus.rows(
        "SELECT subject, reason, facts::jsonb ->> 'state_after' AS bearer FROM audit_event"
        " WHERE act = 'offline.review'"
    )
    assert tuple(audited) == (f"record:{lane.till.number}.1.1", "sample", "SCHOOL")
    await assert_books_hold(campus)


async def test_holder_is_charged_and_gets_back_what_the_merchant_refunds(campus: Campus) -> None:
    lane = await doubted(campus)
    manager = await campus.staff_token("manager", Role.CARD_MANAGER)
    assert (await lane.till.sell(f"CARD:{ALICE.card_uid}", 2_900))["outcome"] == "APPROVED"
    assert (await lane.till.sell(f"CARD:{ALICE.card_uid}", 900))["responseCode"] == "00"
    assert await balance(campus) == 300
    decided = await decide(campus, lane, "HOLDER", manager)
    assert decided["suspect"]["bearer"] == "HOLDER"
    assert await balance(campus) == 0
    debt = await campus.wired.services.ledger.arrears_minor(SCHOOL, await campus.id_of("S001"))
    assert debt == 500
    assert sorted(tuple(row) for row in await campus.rows(KINDS)) == [
        ("LOSS_RECOVERY", "ARREARS", "LOSS", 500), ("LOSS_RECOVERY", "MAIN", "LOSS", 300),
    ]  # fmt: skip
    campus.clock.advance(seconds=5)
    back = {"key": lane.till.next_key(), "original": {"batchNo": 1, "seqNo": 1},
            "minorAmount": 600, "reason": "sample"}  # fmt: skip
    payload = await lane.till.ask("purchaseRefund", back, AUTHORISATION)
    assert payload["authorisation"]["outcome"] == "APPROVED"
    debt = await campus.wired.services.ledger.arrears_minor(SCHOOL, await campus.id_of("S001"))
    assert (debt, await balance(campus)) == (0, 100)
    await assert_books_hold(campus)


async def test_merchant_gives_back_once_its_batch_is_closed(campus: Campus) -> None:
    lane = await doubted(campus)
    manager = await campus.staff_token("manager", Role.CARD_MANAGER)
    early = await refused(campus, lane, "MERCHANT", manager)
    assert (early["code"], "BATCH_OPEN" in early["message"]) == ("REVIEW_IMPOSSIBLE", True)
    total = {"kind": "PURCHASE", "instrument": "CC1", "count": 1, "minorAmount": 800}
    assert (await lane.close(total))["batch"]["balanced"]
    for _ in range(2):
        campus.clock.advance(seconds=90)
        await campus.wired.services.batches.adjust_touched(SCHOOL)
    assert await campus.rows("SELECT 1 FROM settlement_adjustment") == []
    decided = await decide(campus, lane, "MERCHANT", manager)
    assert decided["suspect"]["bearer"] == "MERCHANT"
    assert [tuple(row) for row in await campus.rows(KINDS)] == [
        ("PURCHASE_VOID", "MERCHANT", "LOSS", 800)
    ]
    await campus.wired.services.batches.adjust_touched(SCHOOL)
    adjusted = await campus.rows("SELECT terminal_no, net_minor FROM settlement_adjustment")
    assert [tuple(row) for row in adjusted] == [(lane.till.number, -800)]
    assert await balance(campus) == 4_100
    await assert_books_hold(campus)


async def test_much_money_needs_a_second_person(campus: Campus) -> None:
    strict = f"{OFFLINE}[policy.staff]\nfour_eyes_minor = 799\n"
    lane = await doubted(campus, policy=strict)
    one = await campus.staff_token("manager", Role.CARD_MANAGER)
    asked = await decide(campus, lane, "HOLDER", one)
    request = asked["fourEyesRequest"]
    assert (request["act"], request["number"], request["amount"]) == (
        "OFFLINE_REVIEW", "S001", {"minorAmount": 800},
    )  # fmt: skip
    assert (asked["suspect"]["bearer"], await balance(campus)) == (None, 4_100)
    two = await campus.staff_token("second", Role.CARD_MANAGER)
    given = {"requestId": request["id"], "contentHash": request["contentHash"]}
    own = await campus.do("fourEyesApprove", given, "request { state }", one)
    assert own["userErrors"][0]["code"] == "REQUESTER_CANNOT_APPROVE"
    done = await campus.do("fourEyesApprove", given, "request { state }", two)
    assert done["request"]["state"] == "EXECUTED"
    assert await balance(campus) == 3_300
    (row,) = await campus.rows("SELECT bearer, four_eyes_id IS NOT NULL FROM offline_review")
    assert tuple(row) == ("HOLDER", True)
    await assert_books_hold(campus)


async def test_what_was_given_back_is_borne_by_none(campus: Campus) -> None:
    lane = await doubted(campus)
    manager = await campus.staff_token("manager", Role.CARD_MANAGER)
    assert (await refused(campus, lane, "SCHOOL", manager, seq_no=9))["code"] == "SUSPECT_UNKNOWN"
    lane.till.seq += 1
    await lane.till.void({"batchNo": 1, "seqNo": 1})
    given_back = await refused(campus, lane, "SCHOOL", manager)
    assert "GIVEN_BACK" in given_back["message"]
    await assert_books_hold(campus)


async def test_receipt_that_our_books_lack_names_nobody_to_charge(campus: Campus) -> None:
    """As after a restore: our own signature, and no purchase of it."""
    lane = Alone(await campus.till())
    await open_offline(campus)
    key, asked = lane.till.ask_for(300)
    signs = campus.wired.services.terminal_keys.answer(SCHOOL)
    named = RequestKey(lane.till.number, 1, key["seqNo"])
    now = unix_seconds(campus.clock.now())
    paid = ccr.Answer(ccr.Outcome.APPROVED, SCHOOL, signs.kid, named, 300, now, "00", "R" * 12)
    receipt = ccr.make(paid, signs.sign)
    lane.write(receipt, 300, key=key, record_kind=RecordKind.RECEIPT, asked=asked)
    (settled,) = await lane.upload()
    assert settled["judgement"]["reason"] == "RECEIPT_UNKNOWN"
    manager = await campus.staff_token("manager", Role.CARD_MANAGER)
    (listed,) = await suspects(campus, manager)
    assert (listed["number"], listed["amount"]) == (None, {"minorAmount": 300})
    nobody = await refused(campus, lane, "HOLDER", manager, seq_no=key["seqNo"])
    assert "HOLDER_UNKNOWN" in nobody["message"]
    await assert_books_hold(campus)


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.CARD_MANAGER}))
async def test_only_a_card_manager_decides_and_never_about_the_own_card(
    campus: Campus, role: Role
) -> None:
    lane = await doubted(campus)
    other = await campus.staff_token("other", role)
    manager = await campus.staff_token("manager", Role.CARD_MANAGER, number="S001")
    before = await campus.dump(*ROWS)
    query = (
        "mutation($input: OfflineReviewDecideInput!) { offlineReviewDecide(input: $input)"
        " { suspect { bearer } } }"
    )
    answer = await campus.query(query, other, input=decision(lane, "SCHOOL"))
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await campus.dump(*ROWS) == before
    assert (await refused(campus, lane, "SCHOOL", manager))["code"] == "OWN_CARD_EXCLUDED"
