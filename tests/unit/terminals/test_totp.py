"""T1: the example, its windows, aliases and locks."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminals import totp
from terminals.codes import CodeRefusal, Use
from terminals.token import CodeDevice
from terminals.totp import AliasHolder, OfflineDigits, VerifiedDigits
from tests.unit.terminals import samples

KEY = b"\x66" * 32
NOW = 1_800_003_600
STEP = 60_000_120
TEXT = "90000123456741308885"
DEVICE = CodeDevice(
    UUID("00112233-4455-6677-8899-aabbccddeeff"), is_revoked=False, uses=frozenset({Use.PAY})
)
HOLDER = AliasHolder(DEVICE, KEY)


def verify(text: str = TEXT, holder: AliasHolder | None = HOLDER, **changes: Any) -> object:
    """The verdict in the example's context with changes."""
    context: dict[str, Any] = {"issuers": {0}, "now": NOW, "use": Use.PAY}
    return totp.verify(text, holder, **(context | changes))


def test_the_example_to_the_digit() -> None:
    assert totp.totp(KEY, STEP) == "41308885"
    assert totp.show(0, "1234567", KEY, NOW) == TEXT
    assert totp.read(TEXT) == OfflineDigits(0, "1234567", "41308885")
    assert verify() == VerifiedDigits(
        DEVICE.device_id, bytes.fromhex("0100112233445566778899aabbccddeeff03938778") + b"P"
    )


def test_the_vectors_of_rfc_6238_for_sha_256() -> None:
    key = b"12345678901234567890123456789012"
    times = [59, 1111111109, 1111111111, 1234567890, 2000000000, 20000000000]
    codes = ["46119246", "68084774", "67062674", "91819424", "90698825", "77737706"]
    assert [totp.totp(key, time // 30) for time in times] == codes


def test_the_key_of_a_device_is_derived_to_the_byte() -> None:
    derived = totp.derive_key(b"\x88" * 32, DEVICE.device_id, 1)
    assert derived.hex() == "45b72bce454ce46d32b4ed226cf09a99a8b5b27e67ca46102b3fb10e6bc7cbec"
    assert totp.derive_key(b"\x88" * 32, DEVICE.device_id, 2) != derived


@pytest.mark.parametrize(
    ("now", "accepted"),
    [(NOW - 31, False), (NOW - 30, True), (NOW + 59, True), (NOW + 60, False)],
)
def test_the_step_may_be_one_off_the_server_clock(now: int, accepted: bool) -> None:
    verdict = verify(now=now)
    assert verdict == (verify() if accepted else CodeRefusal.TOTP_WRONG)


@given(st.integers(0, 999), st.integers(0, 9_999_999), st.integers(60, 4_000_000_000))
def test_what_a_phone_shows_is_read_and_accepted(issuer: int, alias: int, now: int) -> None:
    text = totp.show(issuer, f"{alias:07d}", KEY, now)
    assert isinstance(verify(text, issuers={issuer}, now=now), VerifiedDigits)


@pytest.mark.parametrize(
    "text", [TEXT[:-1], TEXT + "0", TEXT + "\n", "91" + TEXT[2:], "90" + 18 * "１", ""]
)
def test_what_is_not_twenty_digits_is_refused(text: str) -> None:
    assert verify(text) is CodeRefusal.FORMAT


@pytest.mark.parametrize(
    ("holder", "changes", "expected"),
    [
        (None, {"issuers": {1}}, CodeRefusal.ISSUER_NOT_ACCEPTED),
        (None, {}, CodeRefusal.ALIAS_UNKNOWN),
        (replace(HOLDER, wrong_totps=5, key=bytes(32)), {}, CodeRefusal.ALIAS_LOCKED),
        (replace(HOLDER, wrong_totps=4, key=bytes(32)), {}, CodeRefusal.TOTP_WRONG),
        (
            replace(HOLDER, device=replace(DEVICE, is_revoked=True)),
            {"use": Use.ENTRY},
            CodeRefusal.REVOKED,
        ),
        (HOLDER, {"use": Use.ENTRY}, CodeRefusal.USE_NOT_ALLOWED),
    ],
)
def test_the_first_failing_check_answers(
    holder: AliasHolder | None, changes: dict[str, Any], expected: CodeRefusal
) -> None:
    assert verify(TEXT, holder, **changes) is expected


def test_four_wrong_totps_do_not_lock_an_alias() -> None:
    assert verify(holder=replace(HOLDER, wrong_totps=4)) == verify()


def test_an_alias_is_seven_digits() -> None:
    assert totp.draw_alias(samples.counted_ids()) == "0000001"


def test_aliases_are_given_for_three_school_days() -> None:
    evening = datetime(2027, 1, 15, 16, 30, tzinfo=UTC)  # half past midnight in Shanghai
    assert totp.days_given(evening, "Asia/Shanghai") == [date(2027, 1, day) for day in (16, 17, 18)]


@pytest.mark.parametrize(
    ("minute", "second", "days"),
    [(57, 59, {15}), (58, 0, {15, 16}), (1, 59, {15, 16}), (2, 0, {16})],
)
def test_an_alias_is_good_for_120_seconds_round_its_day(
    minute: int, second: int, days: set[int]
) -> None:
    hour = 15 if minute > 30 else 16  # midnight in Shanghai is 16:00 UTC
    now = datetime(2027, 1, 15, hour, minute, second, tzinfo=UTC)
    assert totp.days_accepted(now, "Asia/Shanghai") == {date(2027, 1, day) for day in days}
