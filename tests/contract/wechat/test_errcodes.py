"""Each row of the table of errcodes (channels.md 4)."""

from datetime import UTC, datetime

import pytest

from adapters.wechat.wire import judge, seconds_to_midnight
from core.ports.providers import (
    ProviderMisconfigured,
    ProviderRefused,
    ProviderThrottled,
    RefusalReason,
)
from tests.factories.chance import NOON


@pytest.mark.parametrize(
    ("errcode", "reason"),
    [
        (40029, RefusalReason.CODE_EXPIRED),
        (40163, RefusalReason.CODE_EXPIRED),
        (40226, RefusalReason.RISK),
        (43101, RefusalReason.NOT_AUTHORISED),
        (43004, RefusalReason.TARGET),
        (43019, RefusalReason.TARGET),
        (48002, RefusalReason.TARGET),
    ],
)
def test_a_final_no_has_its_reason(errcode: int, reason: RefusalReason) -> None:
    refusal = judge("/path", errcode, NOON)
    assert isinstance(refusal, ProviderRefused)
    assert refusal.reason is reason
    assert str(refusal) == f"/path: {errcode}"


@pytest.mark.parametrize(("errcode", "seconds"), [(45011, 60), (45009, 12 * 3_600 + 1)])
def test_a_spent_quota_comes_back(errcode: int, seconds: int) -> None:
    refusal = judge("/path", errcode, NOON)
    assert isinstance(refusal, ProviderThrottled)
    assert refusal.seconds == seconds


@pytest.mark.parametrize(
    "errcode",
    [40003, 40013, 40037, 41030, 47003, 48001, 40001, 40014, 42001, 40125, 40164, 99999],
)
def test_the_rest_is_for_people_to_look_at(errcode: int) -> None:
    assert isinstance(judge("/path", errcode, NOON), ProviderMisconfigured)


@pytest.mark.parametrize(
    ("utc_hour", "seconds"), [((15, 59, 59), 2), ((16, 0, 0), 86_401), ((15, 0, 0), 3_601)]
)
def test_the_quota_day_ends_in_shanghai(utc_hour: tuple[int, int, int], seconds: int) -> None:
    assert seconds_to_midnight(datetime(2026, 9, 1, *utc_hour, tzinfo=UTC)) == seconds
