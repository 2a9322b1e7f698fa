"""The loss a school accepts: shown before it counts, and refused where it was not accepted."""

from typing import Any

import pytest

from core.school.loss import LossNotAccepted
from core.school.records import DeviceClass, Role, Site
from tests.api.alone import open_offline
from tests.api.campus import Campus
from tests.api.devices import SCHOOL
from tests.api.sample import OPERATOR

ON = "[policy.offline]\nmoney = true\n"
LOSS = """loss { minorAmount } phoneLoss { minorAmount } accepted { minorAmount }
    isAccepted isOn authorities
    card { authorities days atOne { minorAmount } loss { minorAmount } }
    reserve { minorAmount } sites { siteNumber terminals hasEdge isNamed }
    classes { capClass atOne { minorAmount } loss { minorAmount } isIssued }"""
TABLES = ("policy_version", "school", "terminal", "audit_event")


async def shown(campus: Campus, token: str, **supposed: Any) -> Any:
    """The figure as staff see it."""
    field = f"offlineLoss(whatIf: $w) {{ {LOSS} }}"
    query = f"query($w: OfflineLossWhatIf) {{ viewer {{ staff {{ {field} }} }} }}"
    answer = await campus.query(query, token, w=supposed or None)
    assert "errors" not in answer, answer
    return answer["data"]["viewer"]["staff"]["offlineLoss"]


async def add_terminal(campus: Campus, site: int) -> None:
    """One more till at a site."""
    services = campus.wired.services
    await services.terminals.register(SCHOOL, 1, site, DeviceClass.TILL, ["MEAL"], OPERATOR)


async def test_offline_money_waits_until_its_loss_is_accepted(campus: Campus) -> None:
    await campus.till()
    before = await campus.dump(*TABLES)
    with pytest.raises(LossNotAccepted) as refused:
        await open_offline(campus, ON)
    assert refused.value.details == {"lossMinor": 4_000, "acceptedMinor": 0}
    assert await campus.dump(*before) == before
    with pytest.raises(LossNotAccepted):
        await open_offline(campus, f"{ON}accepted_loss_minor = 3999\n")
    await open_offline(campus, f"{ON}accepted_loss_minor = 4000\n")
    with pytest.raises(LossNotAccepted):  # class 1 may cost more
        await open_offline(campus, f"{ON}accepted_loss_minor = 4000\ncap_class = 1\n")
    reserve = "accepted_loss_minor = 4000\ncap_class = 1\nreserve_minor = 3000\n"
    await open_offline(campus, ON + reserve)
    with pytest.raises(LossNotAccepted):  # a list of another day lets a lost card pay again
        await open_offline(campus, f"{ON}accepted_loss_minor = 4000\ndeny_age_hours = 25\n")
    codes = 'accepted_loss_minor = 2000\ninstruments = ["VIRTUAL"]\n'
    await open_offline(campus, ON + codes)


async def test_no_terminal_is_added_beyond_what_is_accepted(campus: Campus) -> None:
    await campus.till()
    schools = campus.wired.services.schools
    for site in (1, 2):
        await schools.site_put(SCHOOL, Site(site, "示例楼", "Sample Hall"), OPERATOR)
    codes = 'instruments = ["VIRTUAL"]\naccepted_loss_minor = 4000\n'
    await open_offline(campus, ON + codes)
    await add_terminal(campus, 1)
    before = await campus.dump(*TABLES)
    with pytest.raises(LossNotAccepted):
        await add_terminal(campus, 1)
    assert await campus.dump(*before) == before
    await add_terminal(campus, 2)  # where no pass pays


async def test_staff_see_the_figure_live_and_what_if(campus: Campus) -> None:
    await campus.till()
    token = await campus.staff_token("it", Role.IT_ADMIN)
    await open_offline(campus, f"{ON}accepted_loss_minor = 4000\n")
    token = await campus.staff_sign_in("it")
    now = await shown(campus, token)
    assert now["loss"] == now["accepted"] == {"minorAmount": 4_000}
    assert now["phoneLoss"] == {"minorAmount": 2_000}
    assert now["card"] == {
        "authorities": 1, "days": 1, "atOne": {"minorAmount": 2_000},
        "loss": {"minorAmount": 2_000},
    }  # fmt: skip
    assert (now["isAccepted"], now["isOn"], now["authorities"]) == (True, True, 1)
    assert now["sites"] == [{"siteNumber": 0, "terminals": 1, "hasEdge": False, "isNamed": True}]
    assert [each["isIssued"] for each in now["classes"]] == [False, True, False]
    supposed = await shown(campus, token, sites=16, siteCount=8, terminals=25, capClass=1)
    assert supposed["loss"] == {"minorAmount": 25 * 8 * (5_000 + 2_000)}
    assert supposed["isAccepted"] is False
    edges = await shown(campus, token, siteCount=8, terminals=25, edges=True, reserveMinor=1_000)
    assert edges["loss"] == {"minorAmount": 2 * 2_000 - 1_000}
    assert edges["card"]["authorities"] == 0
    codes = await shown(campus, token, cards=False)
    assert (codes["loss"], codes["isAccepted"]) == ({"minorAmount": 2_000}, True)
    assert await shown(campus, token) == now


@pytest.mark.parametrize("supposed", [
    {"sites": 17}, {"sites": -1}, {"capClass": 3}, {"reserveMinor": 100_001}, {"siteCount": 0},
    {"terminals": 10_001},
])  # fmt: skip
async def test_what_cannot_be_supposed_is_refused(campus: Campus, supposed: dict[str, int]) -> None:
    token = await campus.staff_token("it", Role.IT_ADMIN)
    query = "query($w: OfflineLossWhatIf) { viewer { staff { offlineLoss(whatIf: $w) { isOn } } } }"
    answer = await campus.query(query, token, w=supposed)
    assert answer["errors"][0]["extensions"]["reason"] == "WHAT_IF_OUT_OF_RANGE"
