"""Collections under a signature: campus easy-pay by v3, papay by V2."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.wechat.pay import easy_pay, papay
from adapters.wechat.pay.client import V3
from adapters.wechat.pay.easy_pay import Contract, DebtState, Presign
from adapters.wechat.pay.papay import Agreement, Mandate
from adapters.wechat.pay.v2 import V2
from adapters.wechat.pay.wire import Order, OrderState
from core.ports.providers import (
    Done,
    ProviderMisconfigured,
    RefusalReason,
    Refused,
    Unknown,
)
from tests.contract.tencent import Watch, act, real_time
from tests.contract.wechat_pay.shop import MINI_APP, NOTIFY, changing, number

SUB_MCHID = "1000000109"
STUDENT = "S20260001"


def _openid() -> str:
    return f"o-{number()}"


async def _signed(v3: V3, watch: Watch, openid: str, ours: str) -> str:
    presign = Presign(MINI_APP, openid, "plan-1", STUDENT, "school-1", ours)
    token = await easy_pay.presign(v3, presign)
    assert isinstance(token, Done), token
    signed = await act(watch.sandbox, "wechat_pay/sign", presign_token=token.fact)
    return str(signed["id"])


def _meal(contract_id: str, **changed: Any) -> easy_pay.Collection:
    facts: dict[str, Any] = {
        "app_id": MINI_APP,
        "sub_mchid": SUB_MCHID,
        "number": number(),
        "fen": 1_180,
        "description": "示例大学-一食堂-午餐",
        "notify_url": NOTIFY,
        "contract_id": contract_id,
        "account": STUDENT,
        "school": "school-1",
        "eaten_at": real_time().now(),
        "device_id": "till-1",
        "device_ip": "203.0.113.7",
    }
    return easy_pay.Collection(**{**facts, **changed})


async def test_a_meal_is_collected_under_a_contract(v3: V3, watch: Watch) -> None:
    openid, ours = _openid(), number()
    contract_id = await _signed(v3, watch, openid, ours)
    signed = await easy_pay.contract(v3, contract_id)
    assert signed == Done(Contract(contract_id, ours, True, openid))
    meal = _meal(contract_id)
    collected = await easy_pay.collect(v3, meal)
    assert isinstance(collected, Done)
    assert (collected.fact.state, collected.fact.total) == (OrderState.SUCCESS, 1_180)
    assert await easy_pay.find(v3, SUB_MCHID, meal.number) == collected
    assert await easy_pay.collect(v3, meal) == collected


async def test_what_is_only_accepted_is_unknown_until_asked_for(v3: V3, watch: Watch) -> None:
    contract_id = await _signed(v3, watch, _openid(), number())
    meal = _meal(contract_id)
    await watch.sandbox.fail("wechat_pay", "unsigned_answer", api="easy_collect", count=1)
    assert isinstance(await easy_pay.collect(v3, meal), Unknown)
    found = await easy_pay.find(v3, SUB_MCHID, meal.number)
    assert isinstance(found, Done)
    assert found.fact.state is OrderState.SUCCESS


async def test_an_ended_contract_collects_nothing(v3: V3, watch: Watch) -> None:
    contract_id = await _signed(v3, watch, _openid(), number())
    assert await easy_pay.terminate(v3, contract_id) == Done(None)
    ended = await easy_pay.contract(v3, contract_id)
    assert isinstance(ended, Done)
    assert not ended.fact.active
    meal = _meal(contract_id)
    assert await easy_pay.collect(v3, meal) == Unknown("CONTRACT_NOT_EXIST")
    found = await easy_pay.find(v3, SUB_MCHID, meal.number)
    assert found == Done(Order(meal.number, OrderState.NOTPAY))
    assert await easy_pay.contract(v3, "nothing") == Refused(RefusalReason.OTHER, "NOT_FOUND")


async def test_another_account_than_signed_is_our_fault(v3: V3, watch: Watch) -> None:
    meal = _meal(await _signed(v3, watch, _openid(), number()), account="S20260002")
    with pytest.raises(ProviderMisconfigured, match="INVALID_REQUEST"):
        await easy_pay.collect(v3, meal)


async def test_a_person_with_debts_is_not_collected_from(v3: V3, watch: Watch) -> None:
    openid = _openid()
    contract_id = await _signed(v3, watch, openid, number())
    assert await easy_pay.debt_state(v3, openid) == Done(DebtState(False, 0))
    await act(watch.sandbox, "wechat_pay/debt", openid=openid, count=2)
    assert await easy_pay.debt_state(v3, openid) == Done(DebtState(True, 2))
    refused = await easy_pay.collect(v3, _meal(contract_id))
    assert refused == Refused(RefusalReason.INSUFFICIENT, "NOT_ENOUGH")


@pytest.mark.parametrize(
    "changed",
    [
        {"trade_state": "ACCEPT"},
        {"trade_state": "NEW"},
        {"out_trade_no": "other"},
        {"sub_mchid": "other"},
        {"mchid": "other"},
        {"amount": {"total": 1, "currency": "CNY"}},
        {"amount": {"total": 1_180, "currency": "HKD"}},
        {"amount": {"total": 11.8, "currency": "CNY"}},
        {"amount": {"total": True, "currency": "CNY"}},
        {"amount": {"total": -1_180, "currency": "CNY"}},
        {"amount": {}},
        {"transaction_id": ""},
        {"success_time": "yesterday"},
        {"success_time": "2026-09-01T12:00:00"},
    ],
)
async def test_an_answer_that_does_not_say_paid_what_was_asked_is_unknown(
    v3: V3, watch: Watch, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
) -> None:
    meal = _meal(await _signed(v3, watch, _openid(), number()))
    changing(monkeypatch, changed)
    assert isinstance(await easy_pay.collect(v3, meal), Unknown)
    monkeypatch.undo()
    found = await easy_pay.find(v3, SUB_MCHID, meal.number)
    assert isinstance(found, Done)
    assert found.fact.total == 1_180


@pytest.mark.parametrize("changed", [{"debt_count": "0"}, {"openid": "o-other"}])
async def test_a_debt_state_of_nobody_is_unknown(
    v3: V3, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
) -> None:
    changing(monkeypatch, changed)
    assert isinstance(await easy_pay.debt_state(v3, _openid()), Unknown)


async def _mandated(v2: V2, watch: Watch) -> tuple[str, str]:
    ours = number()
    mandate = Mandate(MINI_APP, "plan-9", ours, 1, "示例甲", NOTIFY)
    url = papay.sign_url(v2, watch.sandbox.url, mandate)
    assert url.startswith(f"{watch.sandbox.url}/papay/entrustweb?appid={MINI_APP}&")
    return ours, str((await act(watch.sandbox, "wechat_pay/sign", url=url))["id"])


def _arrears(agreement_id: str) -> papay.Collection:
    return papay.Collection(MINI_APP, number(), 990, "欠费补扣", NOTIFY, agreement_id)


async def test_a_mandate_is_signed_on_a_page_whose_address_we_sign(v2: V2, watch: Watch) -> None:
    ours, agreement_id = await _mandated(v2, watch)
    found = await papay.find_agreement(v2, MINI_APP, "plan-9", ours)
    assert found == Done(Agreement(agreement_id, ours, True, "o-mandate"))
    mandate = Mandate(MINI_APP, "plan-9", number(), 1, "示例甲", NOTIFY)
    forged = papay.sign_url(v2, watch.sandbox.url, mandate).replace("plan-9", "plan-8")
    answer = await watch.sandbox.ask("POST", "/_wallet/wechat_pay/sign", json={"url": forged})
    assert answer.status_code == 400


async def test_a_collection_is_accepted_and_its_end_is_asked_for(v2: V2, watch: Watch) -> None:
    _, agreement_id = await _mandated(v2, watch)
    arrears = _arrears(agreement_id)
    assert await papay.collect(v2, arrears) == Unknown("ACCEPT")
    assert await papay.collect(v2, arrears) == Unknown("ACCEPT")
    found = await papay.find(v2, MINI_APP, arrears.number)
    assert isinstance(found, Done)
    assert (found.fact.state, found.fact.total) == (OrderState.SUCCESS, 990)
    assert found.fact.paid_at is not None
    with pytest.raises(ProviderMisconfigured):
        await papay.collect(v2, replace(arrears, fen=991))


async def test_a_collection_without_money_ends_unpaid(v2: V2, watch: Watch) -> None:
    _, agreement_id = await _mandated(v2, watch)
    await act(watch.sandbox, "wechat_pay/debt", openid="o-mandate", count=1)
    arrears = _arrears(agreement_id)
    assert await papay.collect(v2, arrears) == Unknown("ACCEPT")
    found = await papay.find(v2, MINI_APP, arrears.number)
    await act(watch.sandbox, "wechat_pay/debt", openid="o-mandate", count=0)
    assert found == Done(Order(arrears.number, OrderState.PAYERROR))


async def test_an_ended_mandate_collects_nothing(v2: V2, watch: Watch) -> None:
    ours, agreement_id = await _mandated(v2, watch)
    assert await papay.end_agreement(v2, MINI_APP, agreement_id, "毕业") == Done(None)
    found = await papay.find_agreement(v2, MINI_APP, "plan-9", ours)
    assert found == Done(Agreement(agreement_id, ours, False, "o-mandate"))
    arrears = _arrears(agreement_id)
    assert await papay.collect(v2, arrears) == Unknown("CONTRACTNOTEXIST")
    assert await papay.find(v2, MINI_APP, arrears.number) == Unknown("ORDERNOTEXIST")


async def test_an_agreement_nobody_knows_is_refused(v2: V2) -> None:
    found = await papay.find_agreement(v2, MINI_APP, "plan-9", number())
    assert found == Refused(RefusalReason.OTHER, "CONTRACTNOTEXIST")


@pytest.mark.parametrize(
    "fault", ["unsigned_answer", "wrong_signature", "html_502", "system_error"]
)
async def test_an_unproved_v2_answer_is_unknown(v2: V2, watch: Watch, fault: str) -> None:
    _, agreement_id = await _mandated(v2, watch)
    await watch.sandbox.fail("wechat_pay", fault, api="pappayapply", count=1)
    assert isinstance(await papay.collect(v2, _arrears(agreement_id)), Unknown)


async def test_a_message_signed_with_another_key_is_ours_to_mend(v2: V2) -> None:
    v2._key = "x" * 32
    with pytest.raises(ProviderMisconfigured, match="return_code FAIL"):
        await papay.find_agreement(v2, MINI_APP, "plan-9", number())
