"""Withhold agreements, and what is collected under them."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest

from adapters.alipay.agreements import Agreement, Agreements, Collection
from adapters.alipay.door import WITHHOLD, open_door
from adapters.alipay.payments import TradeStatus
from core.ports.providers import Done, ProviderMisconfigured, RefusalReason, Refused, Unknown
from tests.contract.alipay.odd_gateway import answering
from tests.contract.alipay.stand import NOTIFY_URL, SIGN_SCENE, Stand, done, order_number

# What is said here does not hang on how answers are signed.
pytestmark = pytest.mark.parametrize("stand", ["certificate"], indirect=True)

MEAL = 1250
SUB_MERCHANT = {
    "id": "2088000000000002", "name": "示例食堂", "service_name": "示例服务",
    "service_description": "示例说明",
}  # fmt: skip


def _agreements(stand: Stand, **changes: Any) -> Agreements:
    agreements = stand.open(**changes).agreements
    assert agreements is not None
    return agreements


async def _signed(stand: Stand) -> tuple[dict[str, Any], str, Agreement]:
    """A person, our number, and the agreement they signed."""
    person, number, agreements = await stand.person(), order_number(), _agreements(stand)
    signer = await stand.open_id(person)
    await stand.wallet("sign", person, text=agreements.sign_text(number, signer))
    return person, number, done(await agreements.query(number, signer))


async def test_a_signed_agreement_may_be_used(stand: Stand) -> None:
    _, _, agreement = await _signed(stand)
    assert agreement == Agreement(
        agreement.agreement_no, "NORMAL", datetime(2115, 1, 31, 16, tzinfo=UTC), 10_000
    )
    assert agreement.is_usable


async def test_the_text_to_sign_names_the_signer_and_is_notified(stand: Stand) -> None:
    text = _agreements(stand, sub_merchant=SUB_MERCHANT).sign_text("N1", "open-id")
    fields = {name: value for name, [value] in parse_qs(text).items()}
    assert fields["notify_url"] == NOTIFY_URL
    assert json.loads(fields["biz_content"]) == {
        "product_code": "GENERAL_WITHHOLDING",
        "personal_product_code": "GENERAL_WITHHOLDING_P",
        "sign_scene": SIGN_SCENE,
        "external_agreement_no": "N1",
        "access_params": {"channel": "ALIPAYAPP"},
        "identity_params": {"sign_open_id": "open-id"},
        "sub_merchant": {
            "sub_merchant_id": "2088000000000002",
            "sub_merchant_name": "示例食堂",
            "sub_merchant_service_name": "示例服务",
            "sub_merchant_service_description": "示例说明",
        },
    }


async def test_nobody_signs_the_text_of_another(stand: Stand) -> None:
    person, number, agreements = await stand.person(), order_number(), _agreements(stand)
    signer = await stand.open_id(await stand.person())
    text = agreements.sign_text(number, signer)
    asked = {"person": person["id"], "app_id": stand.app_id, "text": text}
    answer = await stand.sandbox.ask("POST", "/_wallet/alipay/sign", json=asked)
    assert answer.status_code == 404
    ended = Refused(RefusalReason.AGREEMENT_ENDED, "USER_AGREEMENT_NOT_EXIST")
    assert await agreements.query(number, signer) == ended


@pytest.mark.parametrize("status", ["STOP", "TEMP"])
async def test_any_status_but_normal_is_unusable(stand: Stand, status: str) -> None:
    person, number, _ = await _signed(stand)
    await stand.wallet("agreement", external_agreement_no=number, status=status)
    agreement = done(await _agreements(stand).query(number, await stand.open_id(person)))
    assert (agreement.status, agreement.is_usable) == (status, False)


async def test_we_end_an_agreement(stand: Stand) -> None:
    person, number, _ = await _signed(stand)
    agreements, signer = _agreements(stand), await stand.open_id(person)
    assert await agreements.unsign(number, signer) == Done(None)
    ended = Refused(RefusalReason.AGREEMENT_ENDED, "USER_AGREEMENT_NOT_EXIST")
    assert await agreements.query(number, signer) == ended


async def test_withhold_needs_no_scene(stand: Stand) -> None:
    person, _, agreement = await _signed(stand)
    number, payments = order_number(), stand.open().payments
    outcome = await _agreements(stand).collect(number, MEAL, "午餐", agreement.agreement_no)
    trade = await stand.trade(number)
    assert trade is not None
    assert outcome == Done(Collection(trade["trade_no"], None))
    sent = json.loads((await stand.sent("alipay.trade.pay"))[-1]["biz_content"])
    assert {"scene", "auth_code"} & set(sent) == set()
    assert (sent["agreement_params"], sent["is_async_pay"]) == (
        {"agreement_no": agreement.agreement_no}, True,
    )  # fmt: skip
    await stand.wallet("pay", person, out_trade_no=number)
    assert done(await payments.query(number)).status is TradeStatus.PAID


async def test_a_permission_to_debit_is_passed_on(stand: Stand) -> None:
    _, _, agreement = await _signed(stand)
    agreements, number = _agreements(stand), order_number()
    done(await agreements.collect(number, MEAL, "午餐", agreement.agreement_no, "permission"))
    sent = json.loads((await stand.sent("alipay.trade.pay"))[-1]["biz_content"])
    assert sent["agreement_params"]["deduct_permission"] == "permission"


@pytest.mark.parametrize(
    ("status", "code"),
    [("STOP", "ACQ.AGREEMENT_STATUS_NOT_NORMAL"), ("ENDED", "ACQ.AGREEMENT_NOT_EXIST")],
)
async def test_nothing_is_collected_when_the_agreement_has_ended(
    stand: Stand, status: str, code: str
) -> None:
    _, agreement_number, agreement = await _signed(stand)
    await stand.wallet("agreement", external_agreement_no=agreement_number, status=status)
    number = order_number()
    outcome = await _agreements(stand).collect(number, MEAL, "午餐", agreement.agreement_no)
    assert outcome == Refused(RefusalReason.AGREEMENT_ENDED, code)
    assert await stand.trade(number) is None


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("NORMAL", Unknown("ACQ.AGREEMENT_INVALID")),
        ("STOP", Refused(RefusalReason.AGREEMENT_ENDED, "ACQ.AGREEMENT_INVALID")),
    ],
)
async def test_the_agreement_itself_is_asked_before_a_collection_is_refused(
    stand: Stand, status: str, outcome: object
) -> None:
    answers = {
        "alipay.trade.pay": {"code": "40004", "sub_code": "ACQ.AGREEMENT_INVALID"},
        "alipay.user.agreement.query": {"code": "10000", "agreement_no": "A", "status": status},
    }
    async with answering(stand, answers) as (client, odd):
        agreements = Agreements(client, SIGN_SCENE, None)
        assert await agreements.collect(order_number(), MEAL, "午餐", "A") == outcome
    assert [form["method"] for form in odd.forms] == list(answers)


async def test_a_debit_paid_at_once_says_when(stand: Stand) -> None:
    number = order_number()
    facts = {
        "code": "10000", "out_trade_no": number, "trade_no": "T", "total_amount": "12.50",
        "gmt_payment": "2026-09-01 12:00:00",
    }  # fmt: skip
    async with answering(stand, {"alipay.trade.pay": facts}) as (client, _):
        agreements = Agreements(client, SIGN_SCENE, None)
        collected = Collection("T", datetime(2026, 9, 1, 4, tzinfo=UTC))
        assert await agreements.collect(number, MEAL, "午餐", "A") == Done(collected)


@pytest.mark.parametrize(
    "facts",
    [
        {"async_pay_apply_status": "F"},
        {"async_pay_apply_status": None},
        {"async_pay_apply_status": "S", "total_amount": "12.51"},
        {"async_pay_apply_status": "S", "out_trade_no": "another"},
    ],
)
async def test_a_debit_that_was_not_clearly_accepted_is_unknown(
    stand: Stand, facts: dict[str, str | None]
) -> None:
    number = order_number()
    whole = {"code": "10000", "out_trade_no": number, "total_amount": "12.50"}
    async with answering(stand, {"alipay.trade.pay": whole | facts}) as (client, _):
        outcome = await Agreements(client, SIGN_SCENE, None).collect(number, MEAL, "午餐", "A")
    assert outcome == Unknown("another answer")


async def test_withholding_without_a_scene_stops_the_start(stand: Stand) -> None:
    with pytest.raises(ProviderMisconfigured, match="sign_scene"):
        open_door(
            stand.settings(sign_scene=None), frozenset({WITHHOLD}), stand.clock, stand.memory.once
        )
