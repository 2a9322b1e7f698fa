"""Staff who look at a door: who may, what they see, and the trace that it leaves."""

from typing import Any

import pytest

from core.school.records import Role
from tests.api.campus import Campus
from tests.api.gates import enter, event, gate_at, told
from tests.api.sample import ALICE, BOB
from tests.api.test_staff import staff

TAP = f"CARD:{ALICE.card_uid}"


def asked(number: int, reason: str = "a lost bag", more: str = "") -> str:
    return (
        f'doorPassages(terminalNo: {number}, doorNo: 1, reason: "{reason}"{more})'
        " { passedAt direction offline flags number }"
    )


async def audits(campus: Campus) -> list[Any]:
    return await campus.rows(
        "SELECT subject, reason, facts FROM audit_event WHERE act = 'door.look_up'"
    )


@pytest.mark.parametrize("role", [Role.CARD_MANAGER, Role.AUDITOR])
async def test_staff_with_a_reason_see_numbers_and_leave_a_trace(
    campus: Campus, role: Role
) -> None:
    gate, other = await gate_at(campus), await gate_at(campus)
    await enter(gate, TAP)
    await enter(other, TAP)
    campus.clock.advance(seconds=5)
    assert await told(gate, event(gate, f"CARD:{BOB.card_uid}", direction="OUT")) == [
        ("ACCEPTED", None)
    ]
    campus.clock.advance(seconds=1)
    token = await campus.staff_token("member", role)
    shown = (await staff(campus, asked(gate.number), token))["doorPassages"]
    assert [(each["number"], each["direction"], each["offline"]) for each in shown] == [
        (BOB.number, "OUT", True), (ALICE.number, "IN", False),
    ]  # fmt: skip
    assert ALICE.name not in str(shown)
    (noted,) = await audits(campus)
    assert (noted[0], noted[1]) == (f"terminal:{gate.number}", "a lost bag")
    before = f', until: "{shown[0]["passedAt"]}"'
    earlier = (await staff(campus, asked(gate.number, more=before), token))["doorPassages"]
    assert earlier == shown[1:]


async def test_door_shows_the_last_day_and_no_more(campus: Campus) -> None:
    gate = await gate_at(campus)
    await enter(gate, TAP)
    for hours, shown in ((23, 1), (2, 0)):
        campus.clock.advance(hours=hours)
        token = await campus.staff_token(f"manager-{hours}", Role.CARD_MANAGER)
        listed = (await staff(campus, asked(gate.number), token))["doorPassages"]
        assert len(listed) == shown


async def test_nobody_else_and_nobody_without_a_reason_looks_at_a_door(campus: Campus) -> None:
    gate = await gate_at(campus)
    await enter(gate, TAP)
    query = f"{{ viewer {{ staff {{ {asked(gate.number)} }} }} }}"
    for role in (Role.CLERK, Role.CASHIER, Role.IT_ADMIN, Role.MERCHANT_REVIEWER):
        token = await campus.staff_token(role.lower().replace("_", "-"), role)
        answer = await campus.query(query, token)
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
    assert (await campus.query(query, await campus.bind()))["data"]["viewer"]["staff"] is None
    manager = await campus.staff_token("manager", Role.CARD_MANAGER)
    blank = f"{{ viewer {{ staff {{ {asked(gate.number, '  ')} }} }} }}"
    answer = await campus.query(blank, manager)
    assert [each["extensions"]["reason"] for each in answer["errors"]] == ["REASON_MISSING"]
    assert await audits(campus) == []
