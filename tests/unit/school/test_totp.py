"""The second factor of staff, against the examples of RFC 6238."""

import pytest

from core.school.totp import address, code_at, find_step, secret_bytes, secret_text

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(("seconds", "code"), [
    (59, "287082"), (1_111_111_109, "081804"), (1_111_111_111, "050471"),
    (1_234_567_890, "005924"), (2_000_000_000, "279037"), (20_000_000_000, "353130"),
])  # fmt: skip
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    assert code_at(SECRET, seconds // 30) == code


@pytest.mark.parametrize(
    ("drift", "found"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_one_step_either_side_of_now_is_accepted(drift: int, found: bool) -> None:
    code = code_at(SECRET, 1_000 + drift)
    assert find_step(SECRET, code, 30_000, 0) == (1_000 + drift if found else None)


def test_used_step_and_all_before_it_are_none() -> None:
    assert find_step(SECRET, code_at(SECRET, 1_000), 30_000, 1_000) is None
    assert find_step(SECRET, code_at(SECRET, 999), 30_000, 999) is None
    assert find_step(SECRET, code_at(SECRET, 1_001), 30_000, 1_000) == 1_001


@pytest.mark.parametrize("code", ["", "28708", "2870820", "２８７０８２", "abcdef"])
def test_what_is_no_code_is_none(code: str) -> None:
    assert find_step(SECRET, code, 59, 0) is None


def test_authenticators_read_the_secret_and_the_address() -> None:
    text = secret_text(SECRET)
    assert text == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert secret_bytes(text) == SECRET
    assert secret_bytes(secret_text(b"odd")) == b"odd"
    assert address("green-bamboo", "wang", text) == (
        f"otpauth://totp/green-bamboo:wang?secret={text}&issuer=green-bamboo"
    )
