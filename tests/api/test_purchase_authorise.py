"""A purchase through the real application: `purchaseAuthorise`."""

from datetime import datetime

import pytest

from core.db.connection import DatabaseUnavailable
from core.kit.clock import unix_seconds
from terminals import ccr
from terminals.message import RequestKey, seal_pin
from tests.api.campus import Campus
from tests.api.devices import SCHOOL
from tests.api.sample import ALICE, PIN

MONEY = ("terminal_answer", "authorisation", "transfer", "leg", "account", "code_use")


async def test_shown_code_pays(campus: Campus) -> None:
    phone, till = await campus.phone(), await campus.till()
    answer = await till.sell(phone.show(), 1_250)
    assert (answer["outcome"], answer["responseCode"]) == ("APPROVED", "00")
    assert answer["holder"] == {
        "maskedName": "示*", "name": None, "number": None, "holderClass": None
    }  # fmt: skip
    assert answer["balance"] == {"minorAmount": 3_750}
    assert answer["replayed"] is False
    assert datetime.fromisoformat(answer["answeredAt"]) == campus.clock.now()
    signed = ccr.read(answer["signedAnswer"])
    assert isinstance(signed, ccr.SignedAnswer)
    assert signed.answer.retrieval_reference == answer["retrievalReference"]
    payment = await campus.holder(
        "lastPayment { retrievalReference merchantName amount { minorAmount } outcome text }"
        " balance { total { minorAmount } }",
        phone.token,
    )
    assert payment["lastPayment"] == {
        "retrievalReference": answer["retrievalReference"],
        "merchantName": "Sample Canteen",
        "amount": {"minorAmount": 1_250},
        "outcome": "APPROVED",
        "text": "Approved",
    }
    assert payment["balance"] == {"total": {"minorAmount": 3_750}}


async def test_tapped_card_pays(campus: Campus) -> None:
    till = await campus.till()
    answer = await till.sell(f"CARD:{ALICE.card_uid}", 500)
    assert (answer["outcome"], answer["balance"]) == ("APPROVED", {"minorAmount": 4_500})


async def test_drawn_token_pays_once(campus: Campus) -> None:
    phone, till = await campus.phone(), await campus.till()
    drawn = await campus.do(
        "codeTokenIssue", {"deviceId": phone.device_id}, "token { text expiresAt }", phone.token
    )
    text = drawn["token"]["text"]
    assert (await till.sell(text))["outcome"] == "APPROVED"
    again = await till.sell(text)
    assert (again["outcome"], again["responseCode"]) == ("DECLINED", "C1")


async def test_repeat_gets_the_stored_answer(campus: Campus) -> None:
    phone, till = await campus.phone(), await campus.till()
    key, code = till.next_key(), phone.show()
    first = await till.sell(code, key=key)
    before = await campus.dump(*MONEY)
    campus.clock.advance(seconds=100)
    second = await till.sell(code, key=key)
    assert second["replayed"] is True
    assert second["signedAnswer"] == first["signedAnswer"]
    assert await campus.dump(*MONEY) == before


async def test_same_key_other_content_conflicts(campus: Campus) -> None:
    phone, till = await campus.phone(), await campus.till()
    key = till.next_key()
    await till.sell(phone.show(), 500, key=key)
    before = await campus.dump(*MONEY)
    given = {"key": key, "presented": phone.show(), "minorAmount": 501, "scene": "MEAL"}
    payload = await till.ask("purchaseAuthorise", given, "authorisation { outcome }")
    assert payload["authorisation"] is None
    assert [error["code"] for error in payload["userErrors"]] == ["IDEMPOTENCY_CONFLICT"]
    assert await campus.dump(*MONEY) == before


async def test_pin_above_the_limit_needs_no_second_scan(campus: Campus) -> None:
    phone, till = await campus.phone(), await campus.till()
    asked = await till.sell(phone.show(), 3_500)
    assert (asked["outcome"], asked["responseCode"], asked["reason"]) == (
        "PIN_REQUIRED", "70", "SINGLE",
    )  # fmt: skip
    assert asked["continuationExpiresAt"] is not None
    key = till.next_key()
    block = seal_pin(
        PIN,
        RequestKey(till.number, key["batchNo"], key["seqNo"]),
        unix_seconds(campus.clock.now()),
        campus.wired.services.terminal_keys.pin_public_key,
    )
    paid = await till.sell(None, 3_500, key=key, continuation=asked["continuation"], pinBlock=block)
    assert (paid["outcome"], paid["amount"]) == ("APPROVED", {"minorAmount": 3_500})


async def test_answer_that_its_process_did_not_live_to_sign_is_signed_for_the_repeat(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, till = await campus.phone(), await campus.till()
    asked = await till.sell(phone.show(), 3_500)
    await till.sell(f"CARD:{ALICE.card_uid}", 2_000)
    key = till.next_key()
    given = {
        "key": key,
        "minorAmount": 3_500,
        "scene": "MEAL",
        "continuation": asked["continuation"],
        "pinBlock": seal_pin(
            PIN,
            RequestKey(till.number, key["batchNo"], key["seqNo"]),
            unix_seconds(campus.clock.now()),
            campus.wired.services.terminal_keys.pin_public_key,
        ),
    }
    with monkeypatch.context() as dying:

        async def nothing(*_given: object) -> str:
            raise DatabaseUnavailable

        dying.setattr("core.authorisation.store.sign_answer", nothing)
        with pytest.raises(AssertionError, match="DATABASE_UNAVAILABLE"):
            await till.ask("purchaseAuthorise", given, "authorisation { signedAnswer }")
    payload = await till.ask(
        "purchaseAuthorise", given, "authorisation { responseCode replayed signedAnswer }"
    )
    answer = payload["authorisation"]
    assert (answer["responseCode"], answer["replayed"]) == ("51", True)
    assert ccr.read(answer["signedAnswer"])


async def test_wrong_pin_tells_the_tries_left(campus: Campus) -> None:
    phone, till = await campus.phone(), await campus.till()
    asked = await till.sell(phone.show(), 3_500)
    key = till.next_key()
    block = seal_pin(
        "000001",
        RequestKey(till.number, key["batchNo"], key["seqNo"]),
        unix_seconds(campus.clock.now()),
        campus.wired.services.terminal_keys.pin_public_key,
    )
    answer = await till.sell(
        None, 3_500, key=key, continuation=asked["continuation"], pinBlock=block
    )
    assert (answer["responseCode"], answer["triesLeft"]) == ("55", 4)
    assert answer["textEn"] == "Wrong PIN, 4 tries left"


@pytest.mark.parametrize(
    ("presented", "given", "code"),
    [
        ("CARD:00000000000099", {}, "14"),
        ("nonsense", {}, "C2"),
        (f"CARD:{ALICE.card_uid}", {"minorAmount": 6_000}, "51"),
        (f"CARD:{ALICE.card_uid}", {"scene": "SHOP"}, "58"),
        (None, {"continuation": "not an id"}, "25"),
        (None, {}, "30"),
    ],
)
async def test_decline_is_an_answer_and_moves_nothing(
    campus: Campus, presented: str | None, given: dict[str, object], code: str
) -> None:
    till = await campus.till()
    before = await campus.dump("transfer", "leg", "account")
    answer = await till.sell(presented, **{"minor": 500} | given)  # type: ignore[arg-type]  # any JSON
    assert (answer["outcome"], answer["responseCode"]) == ("DECLINED", code)
    assert ccr.read(answer["signedAnswer"])
    assert await campus.dump("transfer", "leg", "account") == before


async def test_code_of_another_school_is_no_code_here(campus: Campus) -> None:
    till = await campus.till()
    assert SCHOOL == 7
    answer = await till.sell("90" + "008" + "0000000" + "00000000")
    assert answer["responseCode"] == "15"
