"""What counts as an answer: cut out as it was sent, signed, and about what was asked."""

import json

import pytest

from adapters.alipay.payments import Payments, Trade, TradeStatus
from adapters.alipay.wire import AnswerMalformed, cut
from adapters.http import AnswerMissing
from core.ports.providers import (
    Done,
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUnavailable,
    RefusalReason,
    Refused,
    Unknown,
)
from tests.contract.alipay.keyring import private_text, rsa_key
from tests.contract.alipay.odd_gateway import answering
from tests.contract.alipay.stand import Stand, done, order_number
from tests.contract.doors import by_app

METHOD = "alipay.trade.query"
QUERY = "alipay_trade_query_response"


async def _waiting(stand: Stand, subject: str = "充值") -> str:
    number, buyer = order_number(), await stand.open_id(await stand.person())
    done(await stand.open().payments.create(number, 1, subject, buyer, stand.in_an_hour()))
    return number


async def test_braces_in_subject_do_not_break_verification(stand: Stand) -> None:
    number = await _waiting(stand, 'a } in "sign":"text" { too')
    await stand.fail("brace_in_text")
    assert done(await stand.open().payments.query(number)).status is TradeStatus.WAITING


async def test_escaped_slash_in_answer_verifies(stand: Stand) -> None:
    number = await _waiting(stand)
    await stand.fail("escaped_slash")
    assert done(await stand.open().payments.query(number)).status is TradeStatus.WAITING


async def test_unsigned_success_is_unknown(stand: Stand, caplog: pytest.LogCaptureFixture) -> None:
    number = await _waiting(stand)
    await stand.fail("unsigned_answer")
    alipay = stand.open()
    assert await alipay.payments.query(number) == Unknown("unsigned")
    with pytest.raises(ProviderUnavailable, match="unsigned"):
        await by_app(alipay.door).sign_in(await stand.code(await stand.person()))
    assert "alipay.trade.query: unsigned" in caplog.text


async def test_a_wrong_signature_is_unknown(stand: Stand, caplog: pytest.LogCaptureFixture) -> None:
    number = await _waiting(stand)
    await stand.fail("wrong_signature")
    alipay = stand.open()
    assert await alipay.payments.query(number) == Unknown("wrong signature")
    with pytest.raises(ProviderUnavailable, match="wrong signature"):
        await by_app(alipay.door).sign_in(await stand.code(await stand.person()))
    assert "alipay.trade.query: wrong signature" in caplog.text


async def test_error_response_is_verified(stand: Stand) -> None:
    door = stand.open().door
    await stand.fail("wrong_signature")
    with pytest.raises(AnswerMissing, match="wrong signature"):
        await by_app(door).sign_in("invented")
    await stand.sandbox.mend()
    with pytest.raises(ProviderRefused):
        await by_app(door).sign_in("invented")


async def test_unsigned_business_error_is_refused(stand: Stand) -> None:
    """Where no money moves, an unsigned "no" is a no; where it might, we ask again (Unknown)."""
    await stand.fail("unsigned_answer")
    alipay = stand.open()
    with pytest.raises(ProviderRefused) as refusal:
        await by_app(alipay.door).sign_in("invented")
    assert refusal.value.reason is RefusalReason.CODE_EXPIRED
    code = await stand.pay_code(await stand.person(), "ACQ.BUYER_BALANCE_NOT_ENOUGH")
    outcome = await alipay.payments.pay(order_number(), 1, "午餐", code)
    assert outcome == Unknown("unsigned")
    assert await alipay.payments.close(order_number()) == Unknown("unsigned")


async def test_business_error_40004_is_never_done(stand: Stand) -> None:
    number = order_number()
    code = await stand.pay_code(await stand.person(), "ACQ.BUYER_BALANCE_NOT_ENOUGH")
    outcome = await stand.open().payments.pay(number, 1, "午餐", code)
    assert outcome == Refused(RefusalReason.INSUFFICIENT, "ACQ.BUYER_BALANCE_NOT_ENOUGH")
    assert await stand.trade(number) is None


async def test_an_app_the_gateway_does_not_know_is_misconfigured_though_unsigned(
    stand: Stand,
) -> None:
    with pytest.raises(ProviderMisconfigured, match=r"isv\.invalid-app-id"):
        await by_app(stand.open(app_id="2099000000000002").door).sign_in("invented")


async def test_a_key_the_gateway_does_not_know_is_misconfigured(stand: Stand) -> None:
    other = stand.open(app_private_key=private_text(rsa_key("alipay")))
    with pytest.raises(ProviderMisconfigured, match=r"isv\.invalid-signature"):
        await by_app(other.door).sign_in("invented")


async def test_a_certificate_we_do_not_know_signs_nothing(stand: Stand) -> None:
    number = await _waiting(stand)
    await stand.fail("unknown_serial")
    outcome = await stand.open().payments.query(number)
    if stand.mode == "certificate":
        assert outcome == Unknown("wrong signature")
    else:
        assert isinstance(outcome, Done)


async def test_a_rotated_key_counts_once_it_is_in_the_settings(stand: Stand) -> None:
    number = await _waiting(stand)
    await stand.fail("key_rotated")
    assert await stand.open().payments.query(number) == Unknown("wrong signature")
    credentials = stand.credentials
    if stand.mode == "certificate":
        both = credentials["alipay_certificate"] + credentials["later_certificate"]
        alipay = stand.open(alipay_certificate=both)
    else:
        keys = (credentials["alipay_public_key"], credentials["later_public_key"])
        head, foot = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
        both = "\n".join(f"{head}\n{key}\n{foot}" for key in keys)
        alipay = stand.open(alipay_public_key=both)
    assert isinstance(await alipay.payments.query(number), Done)
    await stand.sandbox.mend()
    assert isinstance(await alipay.payments.query(number), Done)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{",
        b'{"alipay_trade_query_response"}',
        b'{"alipay_trade_query_response":{"code":"10000"} "sign":"x"}',
        b'{"alipay_trade_query_response":{"code":"10000"}} x',
        b'{"alipay_trade_query_response":"10000"}',
        b'{"alipay_trade_pay_response":{"code":"10000"}}',
        b'{"alipay_trade_query_response":{"code":"10000"},"error_response":{"code":"20000"}}',
        b'{"alipay_trade_query_response":{"code":"1"},"alipay_trade_query_response":{"code":"2"}}',
        b'{"alipay_trade_query_response":{"code":"10000","x":"\xff"}}',
        b'{"alipay_trade_query_response":' + b"[" * 100_000,
    ],
)
def test_what_is_no_single_answer_is_malformed(body: bytes) -> None:
    with pytest.raises(AnswerMalformed):
        cut(body, METHOD)


async def test_a_malformed_answer_is_unknown(stand: Stand) -> None:
    async with answering(stand, {METHOD: b"[]"}) as (client, _):
        outcome = await Payments(client, stand.app_id).query("N")
    assert outcome == Unknown("no answer of the gateway")


def test_the_signed_text_is_cut_out_as_it_was_sent() -> None:
    content = '{ "code" : "10000", "b":"\\u4e2d}\\/{", "c":{"d":[1.10,"\\"sign\\":"]} }'
    answer = cut(f' {{ "{QUERY}" : {content} , "sign" : "c2ln" }} '.encode(), METHOD)
    assert (answer.content, answer.signature, answer.serial) == (content.encode(), "c2ln", None)
    assert answer.facts["b"] == "中}/{"


@pytest.mark.parametrize("sign", ['""', "null", "7", '["x"]'])
def test_a_signature_that_is_no_text_is_none(sign: str) -> None:
    answer = cut(f'{{"{QUERY}":{{"code":"10000"}},"sign":{sign}}}'.encode(), METHOD)
    assert answer.signature is None


def test_codes_that_have_no_form_of_a_code_are_not_repeated() -> None:
    facts = {"code": "1" * 65, "sub_code": "x y", "msg": "m"}
    answer = cut(f'{{"error_response":{json.dumps(facts)}}}'.encode(), METHOD)
    assert (answer.code, answer.sub_code) == ("?", "?")
    assert cut(b'{"error_response":{}}', METHOD).code == "?"


async def test_an_answer_may_say_more_than_we_read(stand: Stand) -> None:
    facts = {
        "code": "10000", "out_trade_no": "N", "trade_no": "T", "trade_status": "TRADE_FINISHED",
        "total_amount": "88.8", "new": {"field": 1},
    }  # fmt: skip
    async with answering(stand, {METHOD: facts}) as (client, _):
        outcome = await Payments(client, stand.app_id).query("N")
    assert outcome == Done(Trade("T", TradeStatus.FINISHED, 8880))


async def test_a_status_we_do_not_know_is_unknown(stand: Stand) -> None:
    facts = {
        "code": "10000", "out_trade_no": "N", "trade_no": "T", "trade_status": "TRADE_NEW",
        "total_amount": "1.00",
    }  # fmt: skip
    async with answering(stand, {METHOD: facts}) as (client, _):
        outcome = await Payments(client, stand.app_id).query("N")
    assert outcome == Unknown("another answer")
