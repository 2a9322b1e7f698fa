"""Who may pay a scanned code: accounts, cards and the features of a school."""

from dataclasses import replace

from tests.api.campus import Campus
from tests.api.devices import SCHOOL
from tests.api.sample import ALICE, OPERATOR, PIN, school_file
from tests.api.scanning import MONEY, balance, codes, paid, pay, reading


async def test_frozen_account_pays_nothing(campus: Campus) -> None:
    token, till = await campus.bind(), await campus.till()
    await campus.rows("UPDATE cardholder SET status = 'FROZEN' WHERE number = 'S001'")
    before = await campus.dump(*MONEY)
    assert (await paid(campus, token, till.ask_for()[1]))["responseCode"] == "62"
    assert await campus.dump(*MONEY) == before


async def test_lost_card_pays_nothing_before_a_virtual_one_is_open(campus: Campus) -> None:
    token, till = await campus.with_pin(), await campus.till()
    await campus.rows("UPDATE card SET state = 'LOST' WHERE kind = 'PHYSICAL'")
    assert (await paid(campus, token, till.ask_for()[1]))["responseCode"] == "41"
    await campus.do("virtualCardOpen", {"pin": PIN}, "card { state }", token)
    assert (await paid(campus, token, till.ask_for()[1]))["responseCode"] == "00"
    assert await balance(campus, "S001") == 4_500


async def test_whoever_has_no_card_opens_one_first(campus: Campus) -> None:
    token, till = await campus.bind(), await campus.till()
    await campus.rows("UPDATE card SET state = 'CLOSED' WHERE kind = 'PHYSICAL'")
    assert codes(await pay(campus, token, till.ask_for()[1])) == ["VIRTUAL_CARD_NOT_OPENED"]
    assert await balance(campus, "S001") == 5_000


async def test_feature_that_is_off_reads_and_pays_nothing(campus: Campus) -> None:
    token, till = await campus.bind(), await campus.till()
    await campus.enrol(replace(ALICE, campus="NORTH"))
    _, text = till.ask_for()
    for policy in (
        "MERCHANT_CODE = []",
        'MERCHANT_CODE = ["ALIPAY_MINI"]',
        "[policy.campus.features]\nMERCHANT_CODE = []",
    ):
        await campus.wired.services.schools.policy_activate(
            SCHOOL, school_file(SCHOOL, policy), OPERATOR
        )
        before = await campus.dump(*MONEY)
        assert codes(await reading(campus, token, text)) == ["FEATURE_OFF"]
        assert codes(await pay(campus, token, text)) == ["FEATURE_OFF"]
        assert await campus.dump(*MONEY) == before
