"""Each row of the table of codes (channels.md 6.6), in both spellings."""

from datetime import timedelta

import pytest

from adapters.wechat.pay.codes import verdict
from core.ports.providers import (
    Pending,
    ProviderMisconfigured,
    ProviderThrottled,
    RefusalReason,
    Refused,
    Unknown,
)
from tests.factories.chance import NOON

REFUSED = {
    "ORDER_CLOSED": RefusalReason.ORDER_CLOSED,
    "ORDER_REVERSED": RefusalReason.ORDER_CLOSED,
    "NOT_ENOUGH": RefusalReason.INSUFFICIENT,
    "TRADE_ERROR": RefusalReason.PAYER,
    "AUTH_CODE_INVALID": RefusalReason.PAYER,
    "AUTH_CODE_EXPIRE": RefusalReason.PAYER,
    "NOT_SUPORT_CARD": RefusalReason.PAYER,
}
MISCONFIGURED = [
    "PARAM_ERROR", "INVALID_REQUEST", "SIGN_ERROR", "NO_AUTH", "APPID_MCHID_NOT_MATCH",
    "OPENID_MISMATCH",
]  # fmt: skip
THROTTLED = ["RULE_LIMIT", "FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED"]
ASK = [
    "OUT_TRADE_NO_USED", "ORDER_PAID", "ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS", "SYSTEM_ERROR",
    "BANK_ERROR", "STATEMENT_CREATING",
]  # fmt: skip


def _spelt(code: str) -> list[str]:
    return [code, code.replace("_", ""), code.lower()]


@pytest.mark.parametrize("code", [each for code in REFUSED for each in _spelt(code)])
@pytest.mark.parametrize("moves", [True, False])
def test_codes_equal_without_underscore(code: str, moves: bool) -> None:
    reason = {name.replace("_", ""): why for name, why in REFUSED.items()}
    refused = Refused(reason[code.upper().replace("_", "")], code)
    assert verdict(code, signed=True, moves=moves, now=NOON) == refused
    assert verdict(code, signed=False, moves=moves, now=NOON) == Unknown(code)


@pytest.mark.parametrize("code", [each for code in MISCONFIGURED for each in _spelt(code)])
@pytest.mark.parametrize("signed", [True, False])
def test_what_is_wrong_with_us_is_for_people_to_look_at(code: str, signed: bool) -> None:
    with pytest.raises(ProviderMisconfigured, match=code):
        verdict(code, signed=signed, moves=True, now=NOON)


@pytest.mark.parametrize("code", [each for code in THROTTLED for each in _spelt(code)])
def test_a_limit_is_throttled_for_a_minute(code: str) -> None:
    with pytest.raises(ProviderThrottled) as refusal:
        verdict(code, signed=True, moves=True, now=NOON)
    assert refusal.value.seconds == 60


@pytest.mark.parametrize("code", [each for code in ASK for each in _spelt(code)])
@pytest.mark.parametrize("moves", [True, False])
def test_what_only_a_query_can_tell_is_unknown(code: str, moves: bool) -> None:
    assert verdict(code, signed=True, moves=moves, now=NOON) == Unknown(code)


@pytest.mark.parametrize("code", ["USERPAYING", "USER_PAYING"])
def test_a_payer_who_types_is_asked_about_for_45_seconds(code: str) -> None:
    pending = Pending(5, NOON + timedelta(seconds=45))
    assert verdict(code, signed=True, moves=True, now=NOON) == pending
    assert verdict(code, signed=False, moves=True, now=NOON) == Unknown(code)


def test_a_code_nobody_knows_is_a_no_only_where_no_money_moved() -> None:
    assert verdict("NEW", signed=True, moves=True, now=NOON) == Unknown("NEW")
    refused = Refused(RefusalReason.OTHER, "NEW")
    assert verdict("NEW", signed=True, moves=False, now=NOON) == refused
    assert verdict("NEW", signed=False, moves=False, now=NOON) == Unknown("NEW")
