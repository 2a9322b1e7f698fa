"""What is spent off chips and beside them: codes, debits, refunds, batches and statements."""

from typing import Any

from tests.api.alone import Alone
from tests.api.campus import Campus, b64
from tests.api.claims import Purse, broken, packed
from tests.api.sample import ALICE

TAP = f"CARD:{ALICE.card_uid}"


async def test_codes_spend_at_once_what_a_card_has_to_claim(campus: Campus, purse: Purse) -> None:
    phone, till = await campus.phone(), await campus.till()
    assert (await till.sell(phone.show(), 1_200))["outcome"] == "APPROVED"
    assert (await purse.purses())["CLAIM"] == (1_800, 0)
    load = await purse.claim(till)
    assert load["amount"] == {"minorAmount": 1_800}
    purse.write(load)
    await purse.confirm(till, load["loadId"])
    campus.clock.advance(minutes=1)
    assert (await till.sell(phone.show(), 3_000))["outcome"] == "APPROVED"
    campus.clock.advance(minutes=1)
    declined = await till.sell(phone.show(), 2_100)  # of the old card's 5,000 there are 2,000 left
    assert declined["responseCode"] == "51"
    assert (await purse.purses())["CARD"] == (1_800, 0)
    assert await broken(campus) == {}


async def test_card_pays_what_is_on_its_chip(campus: Campus, purse: Purse) -> None:
    till = await campus.till()
    load = await purse.claim(till)
    purse.write(load)
    await purse.confirm(till, load["loadId"])
    paid = await purse.spend(till, 1_000)
    assert (paid["outcome"], (await purse.purses())["CARD"]) == ("APPROVED", (2_000, 0))
    assert await broken(campus) == {}


async def test_debit_of_a_chip_pays_once_and_only_its_own_request(
    campus: Campus, purse: Purse
) -> None:
    till = await campus.till()
    load = await purse.claim(till)
    purse.write(load)
    await purse.confirm(till, load["loadId"])
    key = till.next_key()
    presented = purse.chip.debit(700, packed(till, key))
    assert (await till.sell(presented, 700, key=key))["outcome"] == "APPROVED"
    assert (await till.sell(presented, 700, key=key))["replayed"] is True
    assert (await till.sell(presented, 700))["reason"] == "CHIP_MAC"
    again = till.next_key()
    assert (await till.sell(presented, 800, key=again))["reason"] == "CHIP_MAC"
    for bare in (TAP, f"{TAP}:2"):
        refused = await till.sell(bare, 700)
        assert (refused["responseCode"], refused["reason"]) == ("63", "CHIP_NOT_PROVEN")
    assert (await till.sell(f"{TAP}:2:00", 700))["reason"] == "CHIP_MAC"
    assert (await purse.purses())["CARD"] == (2_300, 0)
    assert len(await campus.rows("SELECT 1 FROM code_use")) == 1  # whatever a scheme's MAC binds
    assert await broken(campus) == {}


async def test_refund_of_a_chips_purchase_waits_for_a_claim(campus: Campus, purse: Purse) -> None:
    till = await campus.till()
    load = await purse.claim(till)
    purse.write(load)
    await purse.confirm(till, load["loadId"])
    key = till.next_key()
    await purse.spend(till, 700, key=key)
    assert (await till.void(key))["outcome"] == "VOIDED"
    assert ((await purse.purses())["CLAIM"], (await purse.purses())["CARD"]) == (
        (700, 0), (2_300, 0)
    )  # fmt: skip
    assert purse.chip.memory.balance == 2_300
    assert await broken(campus) == {}


async def test_batch_with_claims_can_be_closed(campus: Campus, purse: Purse) -> None:
    till = await campus.till()
    load = await purse.claim(till)
    purse.write(load)
    await purse.confirm(till, load["loadId"])
    await purse.spend(till, 500)
    given: dict[str, Any] = {
        "key": till.next_key(0), "batchNo": 1, "lastSeq": till.seq, "unused": [till.seq],
        "totals": [
            {"kind": "PURCHASE", "instrument": "CARD", "count": 1, "minorAmount": 500}
        ],
        "headHash": b64(Alone(till).first),
    }  # fmt: skip
    payload = await till.ask("batchClose", given, "batch { balanced missing extra }")
    assert payload["batch"] == {"balanced": True, "missing": [], "extra": []}


async def test_month_counts_no_claim(campus: Campus, purse: Purse) -> None:
    token, till = await campus.bind(), await campus.till()
    load = await purse.claim(till)
    purse.write(load)
    await purse.confirm(till, load["loadId"])
    seen = await campus.holder(
        "balance { total { minorAmount } purses { kind } }"
        " statement { nodes { kind purse amount { minorAmount } } }",
        token,
    )
    assert seen["balance"]["total"] == {"minorAmount": 8_000}
    lines = [(each["kind"], each["purse"]) for each in seen["statement"]["nodes"]]
    assert {("LOAD", "CLAIM"), ("LOAD", "CARD")} <= set(lines)
