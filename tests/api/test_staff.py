"""Staff sign in, take cash, decide for four eyes, and run terminals."""

from typing import Any

import pytest
from nacl.signing import SigningKey

from core.db.unit import Unit
from core.school.records import Content, FourEyesRequest, Role, StaffCaller
from tests.api.campus import Campus
from tests.api.devices import SCHOOL
from tests.api.sample import ALICE, CODE, PASSWORD

TOP_UP = """topUp { id amount { minorAmount } balance { minorAmount } madeAt }
    fourEyesRequest { id act state contentHash amount { minorAmount } number reason }"""
REQUEST = "request { id state }"
BOOKS = ("transfer", "leg", "account", "cash_top_up", "audit_event", "four_eyes_request")


def codes(payload: Any) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


def cash(minor: int = 10_000, key: str = "key-1", number: str = "S001") -> dict[str, Any]:
    return {"idempotencyKey": key, "number": number, "minorAmount": minor, "reason": "sample"}


async def staff(campus: Campus, selection: str, token: str) -> Any:
    answer = await campus.query(f"{{ viewer {{ kind staff {{ {selection} }} }} }}", token)
    assert "errors" not in answer, answer
    return answer["data"]["viewer"]["staff"]


async def test_member_signs_in_with_password_and_second_factor(campus: Campus) -> None:
    token = await campus.staff_token("cashier", Role.CASHIER)
    assert await staff(campus, "displayName roles", token) == {
        "displayName": "cashier", "roles": ["CASHIER"]
    }  # fmt: skip


async def test_whatever_is_wrong_at_the_desk_is_one_refusal(campus: Campus) -> None:
    await campus.add_staff("cashier", Role.CASHIER)
    good = {
        "schoolCode": CODE,
        "login": "cashier",
        "password": PASSWORD,
        "totp": campus.totp("cashier"),
    }
    for wrong in ({"login": "nobody"}, {"password": "another plain phrase"}, {"totp": "000000"}):
        payload = await campus.do("staffSignIn", good | wrong, "tokens { accessToken }")
        assert (payload["tokens"], codes(payload)) == (None, ["STAFF_NOT_CONFIRMED"])
    assert await campus.rows("SELECT 1 FROM session") == []


async def test_idle_desk_is_signed_out(campus: Campus) -> None:
    token = await campus.staff_token("cashier", Role.CASHIER)
    campus.clock.advance(minutes=30)
    answer = await campus.query("{ viewer { kind } }", token)
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_cash_is_posted_once_and_seen_by_the_holder(campus: Campus) -> None:
    token = await campus.staff_token("cashier", Role.CASHIER)
    first = await campus.do("cashTopUp", cash(), TOP_UP, token)
    assert first["topUp"]["balance"] == {"minorAmount": 15_000}
    before = await campus.dump(*BOOKS)
    again = await campus.do("cashTopUp", cash(), TOP_UP, token)
    assert again["topUp"] == first["topUp"]
    assert await campus.dump(*BOOKS) == before
    holder = await campus.bind(ALICE)
    lines = await campus.holder("statement { nodes { kind amount { amount } } }", holder)
    assert lines["statement"]["nodes"][0] == {"kind": "CASH_TOP_UP", "amount": {"amount": "100.00"}}
    reasons = await campus.rows("SELECT reason FROM audit_event WHERE act = 'top_up.cash'")
    assert [row["reason"] for row in reasons] == ["sample"]


async def test_same_key_for_other_cash_conflicts(campus: Campus) -> None:
    token = await campus.staff_token("cashier", Role.CASHIER)
    await campus.do("cashTopUp", cash(), TOP_UP, token)
    before = await campus.dump(*BOOKS)
    payload = await campus.do("cashTopUp", cash(10_001), TOP_UP, token)
    assert (payload["topUp"], codes(payload)) == (None, ["IDEMPOTENCY_CONFLICT"])
    assert await campus.dump(*BOOKS) == before


async def test_own_card_is_excluded_and_nobody_is_unknown(campus: Campus) -> None:
    token = await campus.staff_token("cashier", Role.CASHIER, number="S001")
    before = await campus.dump(*BOOKS)
    assert codes(await campus.do("cashTopUp", cash(), TOP_UP, token)) == ["OWN_CARD_EXCLUDED"]
    unknown = await campus.do("cashTopUp", cash(number="S404"), TOP_UP, token)
    assert (codes(unknown), unknown["userErrors"][0]["path"]) == (
        ["CARDHOLDER_UNKNOWN"], ["number"],
    )  # fmt: skip
    assert await campus.dump(*BOOKS) == before


async def asked(campus: Campus, token: str) -> Any:
    payload = await campus.do("cashTopUp", cash(60_000), TOP_UP, token)
    assert payload["topUp"] is None
    return payload["fourEyesRequest"]


async def test_much_cash_waits_for_a_second_person(campus: Campus) -> None:
    one = await campus.staff_token("cashier", Role.CASHIER)
    request = await asked(campus, one)
    assert (request["act"], request["state"], request["number"], request["reason"]) == (
        "CASH_TOP_UP", "OPEN", "S001", "sample",
    )  # fmt: skip
    two = await campus.staff_token("manager", Role.CARD_MANAGER)
    listed = await staff(campus, "fourEyesRequests { id amount { minorAmount } }", two)
    assert listed["fourEyesRequests"] == [{"id": request["id"], "amount": {"minorAmount": 60_000}}]
    given = {"requestId": request["id"], "contentHash": request["contentHash"]}
    own = await campus.do("fourEyesApprove", given, REQUEST, one)
    assert codes(own) == ["REQUESTER_CANNOT_APPROVE"]
    done = await campus.do("fourEyesApprove", given, REQUEST, two)
    assert done["request"]["state"] == "EXECUTED"
    seen = await staff(
        campus, 'cardholder(number: "S001") { name balance { total { minorAmount } } }', two
    )
    assert seen["cardholder"]["balance"] == {"total": {"minorAmount": 65_000}}
    before = await campus.dump(*BOOKS)
    assert codes(await campus.do("fourEyesApprove", given, REQUEST, two)) == ["REQUEST_DECIDED"]
    assert await campus.dump(*BOOKS) == before


LOOK_UPS = (
    "SELECT actor_kind, actor_id, subject, reason, facts FROM audit_event"
    " WHERE act = 'cardholder.look_up' ORDER BY reason"
)


async def test_looking_a_cardholder_up_leaves_an_audit_row(campus: Campus) -> None:
    clerk = await campus.staff_token("clerk", Role.CLERK)
    subject = f"cardholder:{await campus.id_of('S001')}"
    for argument in ("", ', reason: " "', ', reason: "lost card"', f', reason: "{"x" * 201}"'):
        seen = await staff(campus, f'cardholder(number: "S001"{argument}) {{ name }}', clerk)
        assert seen["cardholder"] == {"name": "示例甲"}
    rows = [tuple(row) for row in await campus.rows(LOOK_UPS)]
    actor = str(campus.staff["clerk"].member.id)
    reasons = ["look-up", "look-up", "lost card", "x" * 200]
    assert rows == [("STAFF", actor, subject, reason, "{}") for reason in reasons]


async def test_nobody_is_shown_without_the_audit_row(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditor = await campus.staff_token("auditor", Role.AUDITOR)
    clerk = await campus.staff_token("clerk", Role.CLERK)
    query = '{ viewer { staff { cardholder(number: "%s") { name } } } }'
    forbidden = await campus.query(query % "S001", auditor)
    assert forbidden["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await campus.query(query % "S999", clerk))["data"]["viewer"]["staff"] == {
        "cardholder": None
    }

    async def full(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("core.audit.store.insert", full)
    failed = await campus.query(query % "S001", clerk)
    assert failed["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert "示例甲" not in str(failed)
    assert await campus.rows(LOOK_UPS) == []


async def test_other_content_than_was_seen_is_not_approved(campus: Campus) -> None:
    request = await asked(campus, await campus.staff_token("cashier", Role.CASHIER))
    two = await campus.staff_token("manager", Role.CARD_MANAGER)
    before = await campus.dump(*BOOKS)
    given = {"requestId": request["id"], "contentHash": "A" * 43 + "="}
    payload = await campus.do("fourEyesApprove", given, REQUEST, two)
    assert codes(payload) == ["REQUEST_CONTENT_CHANGED"]
    unknown = await campus.do("fourEyesApprove", given | {"requestId": "x"}, REQUEST, two)
    assert codes(unknown) == ["REQUEST_UNKNOWN"]
    assert await campus.dump(*BOOKS) == before


async def test_refused_request_never_runs(campus: Campus) -> None:
    one = await campus.staff_token("cashier", Role.CASHIER)
    request = await asked(campus, one)
    given = {"requestId": request["id"], "reason": "mistyped"}
    done = await campus.do("fourEyesRefuse", given, REQUEST, one)
    assert done["request"]["state"] == "REFUSED"
    assert await campus.rows("SELECT 1 FROM cash_top_up") == []


class Nothing:
    """An act about nobody and no money."""

    requesters = approvers = frozenset({Role.CASHIER, Role.CARD_MANAGER})

    async def cardholder_number(self, unit: Unit, content: Content) -> str | None:
        return None

    async def run(self, unit: Unit, request: FourEyesRequest) -> Content:
        return {"done": True}


async def test_act_about_nobody_is_shown_without_a_number_and_runs(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await campus.staff_token("cashier", Role.CASHIER)
    two = await campus.staff_token("manager", Role.CARD_MANAGER)
    requests = campus.wired.services.four_eyes
    monkeypatch.setattr(requests, "_acts", {"NOTHING": Nothing()})
    session = await campus.wired.services.sessions.find_session(one)
    assert session is not None
    caller = StaffCaller(campus.staff["cashier"].member.id, session.step_up_at)
    content: Content = {"sample": 1}
    await campus.wired.database.unit(
        SCHOOL, lambda unit: requests.open(unit, caller, "NOTHING", content)
    )
    selection = "fourEyesRequests { id contentHash number amount { minorAmount } reason }"
    (shown,) = (await staff(campus, selection, two))["fourEyesRequests"]
    assert (shown["number"], shown["amount"], shown["reason"]) == (None, None, None)
    given = {"requestId": shown["id"], "contentHash": shown["contentHash"]}
    done = await campus.do("fourEyesApprove", given, REQUEST, two)
    assert done["request"]["state"] == "EXECUTED"


async def test_second_factor_is_given_again(campus: Campus) -> None:
    one = await campus.staff_token("cashier", Role.CASHIER)
    campus.clock.advance(minutes=16)
    stale = await campus.do("cashTopUp", cash(60_000), TOP_UP, one)
    assert codes(stale) == ["SECOND_FACTOR_STALE"]
    wrong = await campus.do("staffStepUp", {"totp": "000000"}, "steppedUpUntil", one)
    assert codes(wrong) == ["SECOND_FACTOR_WRONG"]
    given = {"totp": campus.totp("cashier")}
    fresh = await campus.do("staffStepUp", given, "steppedUpUntil", one)
    assert fresh["steppedUpUntil"] == "2026-09-01T04:31:30Z"
    assert (await asked(campus, one))["state"] == "OPEN"


async def test_trial_balance_is_zero_for_the_auditor(campus: Campus) -> None:
    till = await campus.till()
    await till.sell(f"CARD:{ALICE.card_uid}", 700)
    token = await campus.staff_token("auditor", Role.AUDITOR)
    books = await staff(
        campus,
        "trialBalance { total { minorAmount } purses { minorAmount } others { minorAmount }"
        " transfers }",
        token,
    )
    assert books["trialBalance"] == {
        "total": {"minorAmount": 0},
        "purses": {"minorAmount": 5_300},
        "others": {"minorAmount": -5_300},
        "transfers": 3,
    }


async def test_it_confirms_locks_and_unlocks_terminals(campus: Campus) -> None:
    token = await campus.staff_token("admin", Role.IT_ADMIN)
    number, code = await campus.activation()
    key = SigningKey(campus.entropy(32))
    enrolled = await campus.do(
        "terminalEnrol", campus.enrol_input(code, key), "enrolment { fingerprint }"
    )
    shown, state = enrolled["enrolment"]["fingerprint"], "terminal { terminalNo state }"
    wrong = {"terminalNo": number, "fingerprint": "00000000"}
    assert codes(await campus.do("terminalConfirm", wrong, state, token)) == [
        "FINGERPRINT_MISMATCH"
    ]
    right = {"terminalNo": number, "fingerprint": shown}
    confirmed = await campus.do("terminalConfirm", right, state, token)
    assert confirmed["terminal"] == {"terminalNo": number, "state": "ACTIVE"}
    given = {"terminalNo": number, "reason": "stolen"}
    locked = await campus.do("terminalLock", given, state, token)
    assert locked["terminal"]["state"] == "LOCKED"
    unlocked = await campus.do("terminalUnlock", given, state, token)
    assert unlocked["terminal"]["state"] == "ACTIVE"
    unknown = await campus.do("terminalLock", given | {"terminalNo": 99}, state, token)
    assert codes(unknown) == ["TERMINAL_UNKNOWN"]
