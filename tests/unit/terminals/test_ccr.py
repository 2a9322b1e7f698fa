"""CCR to the byte, and the terminal's order of refusals."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminals import base45, ccr
from terminals.ccr import Answer, Outcome, Outstanding, SignedAnswer
from terminals.codes import CodeRefusal
from terminals.keys import KeyRing, KeyUse
from terminals.message import RequestKey
from tests.unit.terminals import samples

KEY = RequestKey(42, 12, 345)
ANSWERED = 1_800_003_603
APPROVED = Answer(Outcome.APPROVED, 0, 2, KEY, 1250, ANSWERED, "00", "6A0000000001")
ASKED = Outstanding(0, KEY, 1250, 1_800_003_590, 120)


def verdict(text: str, **changes: Any) -> str:
    """The refusal of a text in the vectors' context with changes, or its outcome."""
    context: dict[str, Any] = {"keys": samples.KEYS, "outstanding": ASKED}
    result = ccr.verify(text, **(context | changes))
    return result.outcome.name if isinstance(result, Answer) else result.value


def made(**changes: Any) -> str:
    """Vector 4's answer with changes."""
    return ccr.make(APPROVED._replace(**changes), samples.sign_answer)


def test_vector_4_is_made_and_verified_to_the_byte() -> None:
    assert made() == samples.VECTOR_4
    assert ccr.verify(samples.VECTOR_4, keys=samples.KEYS, outstanding=ASKED) == APPROVED


@given(
    st.builds(
        Answer,
        st.sampled_from(Outcome),
        st.integers(0, 0xFFFF),
        st.integers(0, 0xFF),
        st.builds(
            RequestKey,
            st.integers(0, 0xFFFFFFFF),
            st.integers(0, 0xFFFFFF),
            st.integers(0, 0xFFFFFF),
        ),
        st.integers(0, 0xFFFFFFFF),
        st.integers(0, 0xFFFFFFFF),
        st.from_regex(r"[0-9A-Z]{2}", fullmatch=True),
        st.from_regex(r"[0-9A-Z]{12}", fullmatch=True),
    )
)
def test_every_answer_reads_as_it_was_made(answer: Answer) -> None:
    signed = ccr.read(ccr.make(answer, samples.sign_answer))
    assert isinstance(signed, SignedAnswer)
    assert signed.answer == answer


@pytest.mark.parametrize(
    "changes",
    [
        {"response_code": "c0"},
        {"response_code": "0"},
        {"response_code": "０0"},
        {"retrieval_reference": "6A000000000 "},
        {"retrieval_reference": ""},
    ],
)
def test_words_outside_digits_and_capitals_are_not_signed(changes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="no verifier"):
        made(**changes)


@pytest.mark.parametrize(
    "text",
    [
        samples.VECTOR_4 + "\r",
        samples.VECTOR_4[:-1],
        "CCQ:" + samples.VECTOR_4[4:],
        samples.VECTOR_4.lower(),
        "CCR:" + ":::" + samples.VECTOR_4[7:],
        "",
    ],
)
def test_what_is_no_answer_is_refused(text: str) -> None:
    assert verdict(text) == "FORMAT"


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        (0, 0x01, "VERSION"),
        (0, 0x21, "VERSION"),
        (0, 0x10, "MALFORMED"),
        (0, 0x16, "MALFORMED"),
        (22, ord("c"), "MALFORMED"),
        (23, 0xB2, "MALFORMED"),
        (33, ord("\n"), "MALFORMED"),
        (35, 0, "MALFORMED"),
        (35, ord("2"), "SIGNATURE"),
        (0, 0x12, "SIGNATURE"),
    ],
)
def test_altered_bytes_are_refused(place: int, value: int, expected: str) -> None:
    raw = bytearray(base45.decode(samples.VECTOR_4[4:]))
    raw[place] = value
    assert verdict("CCR:" + base45.encode(bytes(raw))) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"kid": 3}, "KEY_UNKNOWN"),
        ({"use": KeyUse.PASS}, "KEY_UNKNOWN"),
        ({"use": KeyUse.DOCUMENT}, "KEY_UNKNOWN"),
        ({"sign_from": ANSWERED}, "APPROVED"),
        ({"sign_from": ANSWERED + 1}, "KEY_UNKNOWN"),
        ({"sign_until": ANSWERED}, "APPROVED"),
        ({"sign_until": ANSWERED - 1}, "KEY_UNKNOWN"),
        ({"drop_after": 0}, "APPROVED"),
        ({"use": KeyUse.EDGE, "site_no": 5}, "APPROVED"),
        ({"use": KeyUse.EDGE, "site_no": 6}, "KEY_UNKNOWN"),
        ({"public_key": samples.PASS_KEY.public_key}, "SIGNATURE"),
    ],
)
def test_the_key_must_be_of_answers_or_of_the_own_edge(
    changes: dict[str, Any], expected: str
) -> None:
    keys = KeyRing([replace(samples.ANSWER_KEY, **changes)])
    assert verdict(samples.VECTOR_4, keys=keys, site_no=5) == expected


@pytest.mark.parametrize(
    ("outstanding", "expected"),
    [
        (replace(ASKED, issuer=1), "NOT_MINE"),
        (replace(ASKED, key=RequestKey(43, 12, 345)), "NOT_MINE"),
        (replace(ASKED, key=RequestKey(42, 13, 345)), "NOT_OUTSTANDING"),
        (replace(ASKED, key=RequestKey(42, 12, 346)), "NOT_OUTSTANDING"),
        (replace(ASKED, minor_amount=1251), "AMOUNT_MISMATCH"),
    ],
)
def test_an_answer_to_something_else_is_not_an_outcome(
    outstanding: Outstanding, expected: str
) -> None:
    assert verdict(samples.VECTOR_4, outstanding=outstanding) == expected


@pytest.mark.parametrize("outcome", list(Outcome))
def test_each_outcome_is_said_and_only_approval_names_the_amount(outcome: Outcome) -> None:
    assert verdict(made(outcome=outcome)) == outcome.name
    other = "AMOUNT_MISMATCH" if outcome is Outcome.APPROVED else outcome.name
    assert verdict(made(outcome=outcome, minor_amount=0)) == other


@pytest.mark.parametrize(
    ("answered_at", "expected"),
    [
        (ASKED.created_at - 16, "RECEIPT_EXPIRED"),
        (ASKED.created_at - 15, "APPROVED"),
        (ASKED.created_at + 135, "APPROVED"),
        (ASKED.created_at + 136, "RECEIPT_EXPIRED"),
    ],
)
def test_a_scanned_receipt_belongs_to_the_life_of_its_challenge(
    answered_at: int, expected: str
) -> None:
    text = made(answered_at=answered_at)
    assert verdict(text, is_scanned=True) == expected
    assert verdict(text) == "APPROVED"


def test_forged_answer_is_no_answer() -> None:
    forged = ccr.make(APPROVED, samples.sign_device)
    result = ccr.verify(forged, keys=samples.KEYS, outstanding=ASKED)
    assert result is CodeRefusal.SIGNATURE
