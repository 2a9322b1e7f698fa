"""Guardians: `guardianOffer`, `guardianAccept`, `guardianEnd`, `wardCardReportLost`."""

from typing import Any

import pytest

from core.school.records import Role
from tests.api.campus import Campus
from tests.api.devices import SCHOOL
from tests.api.doors import codes, mini
from tests.api.sample import ALICE, OPERATOR, school_file

GUARDIANS = "[policy.guardian]\nenabled = true\n"
WARDS = """{ viewer {
    wards { id maskedName rights balance { total { minorAmount } } statement { nodes { kind } } }
    guardianGrants { id label rights isAccepted } } }"""


@pytest.fixture
async def school(campus: Campus) -> Campus:
    """A school that knows guardians."""
    text = school_file(SCHOOL) + GUARDIANS
    await campus.wired.services.schools.policy_activate(SCHOOL, text, OPERATOR)
    return campus


async def granted(campus: Campus, *rights: str) -> tuple[str, str, Any]:
    """A holder, a parent with a grant, and the parent's view of it."""
    holder, parent = await campus.bind(ALICE), await mini(campus, "parent")
    given = {"label": "妈妈", "rights": list(rights)}
    offered = await campus.do("guardianOffer", given, "code grant { isAccepted label }", holder)
    assert offered["grant"] == {"isAccepted": False, "label": "妈妈"}
    taken = await campus.do(
        "guardianAccept", {"code": offered["code"]}, "ward { id maskedName rights }", parent
    )
    assert taken["userErrors"] == []
    return holder, parent, taken["ward"]


async def wards(campus: Campus, token: str) -> Any:
    return (await campus.query(WARDS, token))["data"]["viewer"]


async def test_guardian_sees_what_was_granted(school: Campus) -> None:
    holder, parent, ward = await granted(school, "VIEW_STATEMENT")
    seen = await wards(school, parent)
    assert seen["wards"] == [
        {
            "id": ward["id"],
            "maskedName": "示*",
            "rights": ["VIEW_STATEMENT"],
            "balance": {"total": {"minorAmount": 5_000}},
            "statement": {"nodes": [{"kind": "OPENING_BALANCE"}]},
        }
    ]
    own = await wards(school, holder)
    assert (own["wards"], own["guardianGrants"]) == (
        [], [{"id": ward["id"], "label": "妈妈", "rights": ["VIEW_STATEMENT"], "isAccepted": True}],
    )  # fmt: skip
    stranger = await wards(school, await mini(school, "stranger"))
    assert stranger == {"wards": [], "guardianGrants": []}
    clerk = await wards(school, await school.staff_token("clerk", Role.CLERK))
    assert clerk == {"wards": [], "guardianGrants": []}
    blocked = await school.do("wardCardReportLost", {"grantId": ward["id"]}, "isBlocked", parent)
    assert (blocked["isBlocked"], codes(blocked)) == (None, ["GUARDIAN_UNKNOWN"])


async def test_guardian_reports_a_loss_and_sees_no_money(school: Campus) -> None:
    holder, parent, ward = await granted(school, "REPORT_LOSS")
    seen = (await wards(school, parent))["wards"]
    assert [(each["balance"], each["statement"]) for each in seen] == [(None, None)]
    given = {"grantId": ward["id"]}
    done = await school.do("wardCardReportLost", given, "isBlocked", parent)
    assert done == {"isBlocked": True, "userErrors": []}
    card = (await school.holder("physicalCard { state }", holder))["physicalCard"]
    assert card == {"state": "LOST"}
    ended = await school.do("guardianEnd", given, "endedGrantId", parent)
    assert ended == {"endedGrantId": ward["id"], "userErrors": []}
    again = await school.do("wardCardReportLost", given, "isBlocked", parent)
    assert codes(again) == ["GUARDIAN_UNKNOWN"]


async def test_school_without_guardians_says_so(campus: Campus) -> None:
    holder = await campus.bind(ALICE)
    given = {"label": "x", "rights": ["VIEW_STATEMENT"]}
    refused = await campus.do("guardianOffer", given, "code", holder)
    assert (refused["code"], codes(refused)) == (None, ["GUARDIAN_NOT_OFFERED"])
    wrong = await campus.do("guardianEnd", {"grantId": "x"}, "endedGrantId", holder)
    assert codes(wrong) == ["GUARDIAN_UNKNOWN"]
    taken = await campus.do("guardianAccept", {"code": "0" * 12}, "ward { id }", holder)
    assert codes(taken) == ["GUARDIAN_NOT_OFFERED"]
    assert await campus.rows("SELECT 1 FROM guardian_grant") == []


async def test_offer_names_one_to_three_rights(school: Campus) -> None:
    holder = await school.bind(ALICE)
    query = "mutation($input: GuardianOfferInput!) { guardianOffer(input: $input) { code } }"
    answer = await school.query(query, holder, input={"label": "x", "rights": []})
    assert answer["errors"][0]["extensions"]["reason"] == "RIGHTS"
