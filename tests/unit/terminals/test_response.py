"""Response codes: the table, and what answers each refusal."""

import re

import pytest

from terminals.codes import CodeRefusal, Use
from terminals.response import RESPONSES, Action, find_response, response_to


def test_codes_and_names_are_said_once() -> None:
    assert len(RESPONSES) == 57
    assert len({response.code for response in RESPONSES}) == 57
    assert len({response.name for response in RESPONSES}) == 57
    assert all(re.fullmatch(r"[0-9A-Z]{2}", response.code) for response in RESPONSES)


def test_texts_fit_a_terminal_display() -> None:
    for response in RESPONSES:
        assert 0 < len(response.zh.format(tries=9)) <= 20
        assert 0 < len(response.en) <= 40
        assert not response.zh.isascii()
        assert response.en.isascii()


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (CodeRefusal.FORMAT, "C2"),
        (CodeRefusal.VERSION, "C2"),
        (CodeRefusal.MALFORMED, "C2"),
        (CodeRefusal.ISSUER_NOT_ACCEPTED, "15"),
        (CodeRefusal.TERMINAL_UNKNOWN, "97"),
        (CodeRefusal.KEY_UNKNOWN, "63"),
        (CodeRefusal.SIGNATURE, "63"),
        (CodeRefusal.ISSUER_SIGNATURE, "63"),
        (CodeRefusal.CHALLENGE_UNEXPECTED, "C5"),
        (CodeRefusal.DEVICE_SIGNATURE, "63"),
        (CodeRefusal.CLOCK_UNTRUSTED, "C9"),
        (CodeRefusal.PASS_NOT_YET_VALID, "C6"),
        (CodeRefusal.PASS_EXPIRED, "C0"),
        (CodeRefusal.CODE_FROM_FUTURE, "C6"),
        (CodeRefusal.CODE_EXPIRED, "C0"),
        (CodeRefusal.REVOKED, "C3"),
        (CodeRefusal.KIND_NOT_ACCEPTED, "C4"),
        (CodeRefusal.USE_NOT_ALLOWED, "57"),
        (CodeRefusal.CODE_USED, "C1"),
        (CodeRefusal.OFFLINE_OFF, "C8"),
        (CodeRefusal.SITE_NOT_ALLOWED, "C8"),
        (CodeRefusal.DOOR_NOT_ALLOWED, "E0"),
        (CodeRefusal.CHALLENGE_REQUIRED, "C5"),
        (CodeRefusal.CAP_AMOUNT, "C7"),
        (CodeRefusal.CAP_COUNT, "C7"),
        (CodeRefusal.CAP_TOTAL, "C7"),
        (CodeRefusal.PASSBACK, "E1"),
        (CodeRefusal.ALIAS_UNKNOWN, "C0"),
        (CodeRefusal.ALIAS_LOCKED, "C0"),
        (CodeRefusal.TOTP_WRONG, "C0"),
        (CodeRefusal.CHALLENGE_EXPIRED, "C0"),
        (CodeRefusal.RECEIPT_EXPIRED, "C0"),
        (CodeRefusal.NOT_MINE, "25"),
        (CodeRefusal.NOT_OUTSTANDING, "25"),
        (CodeRefusal.AMOUNT_MISMATCH, "64"),
    ],
)
def test_each_refusal_has_its_code(refusal: CodeRefusal, code: str) -> None:
    assert response_to(refusal).code == code


def test_no_code_refusal_is_left_to_the_default() -> None:
    assert "05" not in {response_to(refusal).code for refusal in CodeRefusal}


def test_a_use_that_a_door_does_not_allow_is_an_entry_denied() -> None:
    assert response_to(CodeRefusal.USE_NOT_ALLOWED, Use.ENTRY).name == "ENTRY_DENIED"
    assert response_to(CodeRefusal.CODE_USED, Use.ENTRY).code == "C1"


def test_refusals_of_the_core_answer_by_their_name() -> None:
    assert response_to("CARD_LOST").zh == "此卡已挂失"
    assert response_to("PIN_REQUIRED").action is Action.PIN
    assert response_to("SOMETHING_ELSE").code == "05"


def test_a_code_out_of_the_table_acts_as_refused() -> None:
    assert find_response("51").name == "BALANCE_TOO_LOW"
    assert find_response("Z9").name == "REFUSED"
