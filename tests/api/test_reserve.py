"""The reserve: set aside with a slot's passes, first to pay offline records, given back."""

from base64 import b64decode

from bff.proof import PROOF
from core.db.invariants import judge
from tests.api.alone import OFFLINE, Alone, open_offline
from tests.api.campus import Campus
from tests.api.devices import SCHOOL, Phone
from tests.api.sample import ALICE, BOB

CARD = f"CARD:{ALICE.card_uid}"
DAY, DUE = 86_400, 86_400
_CAP_CLASS = 15
"""Where a pass has it (codes.md 4)."""


async def alone(campus: Campus, reserve_minor: int = 2_000) -> Alone:
    """A till without a network, in a school that sets a reserve aside."""
    till = await campus.till()
    await open_offline(campus, f"{OFFLINE}reserve_minor = {reserve_minor}\n")
    return Alone(till)


async def purses(campus: Campus, number: str = "S001") -> dict[str, int]:
    """What each purse holds."""
    ledger, holder = campus.wired.services.ledger, await campus.id_of(number)
    found = (await ledger.balances(SCHOOL, holder)).purses
    return {purse.kind: purse.balance_minor for purse in found if purse.kind != "SUBSIDY"}


async def issue(campus: Campus, phone: Phone) -> list[int]:
    """The cap classes of the passes that the phone gets now."""
    issued = await campus.do(
        "codePassIssue",
        {"deviceId": phone.device_id, "kinds": ["VIRTUAL_CARD"]},
        "issue { passes { content notBefore } }",
        phone.token,
    )
    passes = [b64decode(each["content"]) for each in issued["issue"]["passes"]]
    return [content[_CAP_CLASS] for content in passes]


async def check(campus: Campus) -> None:
    """The books are sound, once what waited for the worker is sent."""
    await campus.deliver()
    found = await judge(campus.wired.database, SCHOOL, PROOF, campus.clock.now())
    assert [each.invariant.id for each in found if each.count] == []


async def test_reserve_is_set_aside_once_and_cannot_be_spent_online(campus: Campus) -> None:
    lane = await alone(campus)
    phone = await campus.phone()
    assert await purses(campus) == {"MAIN": 3_000, "RESERVE": 2_000}
    assert await issue(campus, phone) == [1]
    assert await purses(campus) == {"MAIN": 3_000, "RESERVE": 2_000}
    ledger, holder = campus.wired.services.ledger, await campus.id_of("S001")
    assert (await ledger.balances(SCHOOL, holder)).available_minor == 3_000
    declined = await lane.till.sell(CARD, 3_001)
    assert (declined["responseCode"], declined["balance"]["minorAmount"]) == ("51", 3_000)
    paid = await lane.till.sell(CARD, 1_000)
    assert paid["balance"]["minorAmount"] == 2_000
    shown = await campus.holder(
        "statement(first: 9) { edges { node { kind purse amount { minorAmount } } } }", phone.token
    )
    lines = [edge["node"] for edge in shown["statement"]["edges"]]
    aside = [(n["purse"], n["amount"]["minorAmount"]) for n in lines if "RESERVE" in n["kind"]]
    assert sorted(aside) == [("MAIN", -2_000), ("RESERVE", 2_000)]
    await check(campus)


async def test_reserve_pays_first_and_only_for_its_own_slot(campus: Campus) -> None:
    lane = await alone(campus)
    phone = await campus.phone()
    assert (await lane.till.sell(CARD, 3_000))["outcome"] == "APPROVED"
    for minor in (1_900, 300):
        campus.clock.advance(seconds=30)
        lane.write(phone.show(), minor)
    verdicts = await lane.upload()
    assert [each["judgement"]["flags"] for each in verdicts] == [[], ["ARREARS"]]
    assert await purses(campus) == {"MAIN": 0, "RESERVE": 0}
    owed = await campus.wired.services.ledger.arrears_minor(SCHOOL, await campus.id_of("S001"))
    assert owed == 200
    await check(campus)


async def test_without_the_reserve_a_pass_pays_nothing_offline(campus: Campus) -> None:
    await alone(campus, 1_001)
    phone = await campus.phone(BOB)  # who has 10 yuan
    assert await issue(campus, phone) == [0]
    assert await purses(campus, "S002") == {"MAIN": 1_000}
    await check(campus)


async def test_balance_that_covers_the_class_but_not_the_reserve_is_class_0(
    campus: Campus,
) -> None:
    await alone(campus, 5_001)
    phone = await campus.phone()
    assert await issue(campus, phone) == [0]
    assert await purses(campus) == {"MAIN": 5_000, "RESERVE": 0}


async def test_what_is_left_comes_back_when_the_slots_records_are_due(campus: Campus) -> None:
    lane = await alone(campus)
    phone = await campus.phone()
    reserves, began = campus.wired.reserves, campus.clock.now()
    campus.clock.advance(seconds=60)
    lane.write(phone.show(), 500)
    await lane.upload()
    assert await purses(campus) == {"MAIN": 3_000, "RESERVE": 1_500}
    campus.clock.advance(seconds=DAY + DUE - (campus.clock.now() - began).total_seconds() - 90)
    assert await reserves.give_back(SCHOOL) == 0
    campus.clock.advance(seconds=91)
    assert await reserves.give_back(SCHOOL) == 1
    assert await purses(campus) == {"MAIN": 4_500, "RESERVE": 0}
    before = await campus.dump("transfer", "leg", "account", "cap_slot")
    assert await reserves.give_back(SCHOOL) == 0
    assert await campus.dump(*before) == before
    await check(campus)


async def test_late_record_of_a_returned_reserve_is_paid_by_the_purses(campus: Campus) -> None:
    lane = await alone(campus)
    phone = await campus.phone()
    campus.clock.advance(seconds=60)
    lane.write(phone.show(), 500)
    campus.clock.advance(seconds=DAY + DUE)
    await campus.wired.reserves.give_back(SCHOOL)
    (late,) = await lane.upload()
    assert late["judgement"]["flags"] == ["LATE"]
    assert await purses(campus) == {"MAIN": 4_500, "RESERVE": 0}
    await check(campus)


async def test_late_in_a_slot_the_next_one_sets_its_own_aside(campus: Campus) -> None:
    lane = await alone(campus, 2_500)
    phone = await campus.phone()
    campus.clock.advance(hours=13)
    phone.token = (await campus.sign_in(str(ALICE.email)))["accessToken"]
    assert await issue(campus, phone) == [1, 1]
    assert await purses(campus) == {"MAIN": 0, "RESERVE": 5_000}
    for minor in (1_900, 1_900):
        campus.clock.advance(seconds=30)
        lane.write(phone.show(), minor)
    verdicts = await lane.upload()
    assert [each["judgement"]["flags"] for each in verdicts] == [[], ["ARREARS"]]
    assert await purses(campus) == {"MAIN": 0, "RESERVE": 2_500}
    campus.clock.advance(days=3)
    assert await campus.wired.reserves.give_back(SCHOOL) == 1
    assert await purses(campus) == {"MAIN": 2_500, "RESERVE": 0}
    await check(campus)


async def test_refund_of_what_the_reserve_paid_ends_in_the_purse(campus: Campus) -> None:
    lane = await alone(campus)
    phone = await campus.phone()
    campus.clock.advance(seconds=60)
    item = lane.write(phone.show(), 500)
    await lane.upload()
    given = {"key": lane.till.next_key(), "original": {"batchNo": 1, "seqNo": item["seqNo"]},
             "minorAmount": 200, "reason": "cold soup"}  # fmt: skip
    payload = await lane.till.ask("purchaseRefund", given, "authorisation { outcome }")
    assert payload["authorisation"]["outcome"] == "APPROVED"
    assert await campus.wired.reserves.give_back(SCHOOL) == 1
    assert await purses(campus) == {"MAIN": 3_200, "RESERVE": 1_500}
    await check(campus)
