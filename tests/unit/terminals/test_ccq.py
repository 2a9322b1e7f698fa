"""CCQ to the byte, and the server's order of refusals."""

from base64 import urlsafe_b64encode
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminals import base45, ccq
from terminals.ccq import Challenge, Purpose, SignedChallenge
from terminals.codes import CodeRefusal, Use
from terminals.keys import KeyRing
from terminals.message import RequestKey
from tests.unit.terminals import samples

CREATED = 1_800_003_590
KEY = RequestKey(42, 12, 345)
PAY = Challenge(Purpose.PAY, 0, 1, KEY, CREATED, 120, 1250)
ENTRY = PAY._replace(purpose=Purpose.ENTRY, minor_amount=0)
PRINTED = Challenge(Purpose.PRINTED, 0, 2, RequestKey(42, 0, 7), CREATED, 0, 0)
TERMINALS = {(0, 42): {1: samples.public(samples.TERMINAL_SEED)}}


def text_of(challenge: Challenge) -> str:
    """The challenge as its holder of keys shows it."""
    is_printed = challenge.purpose == Purpose.PRINTED
    return ccq.make(challenge, samples.sign_answer if is_printed else samples.sign_terminal).text


def url_of(text: str) -> str:
    """The same bytes at the end of a URL."""
    raw = base45.decode(text[4:])
    return "https://card.example/q/" + urlsafe_b64encode(raw).decode()


def verdict(text: str, **changes: Any) -> str:
    """The refusal of a text in the vectors' context with changes, or ACCEPTED."""
    context: dict[str, Any] = {
        "use": Use.PAY,
        "now": CREATED,
        "issuers": {0},
        "terminals": TERMINALS,
        "keys": samples.KEYS,
    }
    result = ccq.verify(text, **(context | changes))
    return "ACCEPTED" if isinstance(result, SignedChallenge) else result.value


def test_vector_2_is_made_and_read_to_the_byte() -> None:
    made = ccq.make(PAY, samples.sign_terminal)
    assert made.text == samples.VECTOR_2
    assert ccq.read(samples.VECTOR_2) == made
    assert made.digest.hex() == "8a363b1962b181dfdb23f0ac72da4b182b39f789fbb8c5980c1e09fe7ccdbba7"
    assert verdict(samples.VECTOR_2) == "ACCEPTED"


@given(
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFF),
    st.builds(
        RequestKey, st.integers(0, 0xFFFFFFFF), st.integers(1, 999_999), st.integers(1, 999_999)
    ),
    st.integers(0, 0xFFFFFFFF),
    st.integers(1, 255),
    st.integers(1, 0xFFFFFFFF),
)
def test_every_challenge_reads_as_it_was_made(
    issuer: int, key_no: int, key: RequestKey, created_at: int, life: int, amount: int
) -> None:
    made = Challenge(Purpose.PAY, issuer, key_no, key, created_at, life, amount)
    signed = ccq.read(text_of(made))
    assert isinstance(signed, SignedChallenge)
    assert signed.challenge == made


@pytest.mark.parametrize(
    "text",
    [
        samples.VECTOR_2 + "\n",
        samples.VECTOR_2[:-1],
        "CCR:" + samples.VECTOR_2[4:],
        samples.VECTOR_2.lower(),
        "CCQ:" + ":::" + samples.VECTOR_2[7:],
        url_of(samples.VECTOR_2),  # only a printed code may be a URL
        url_of(text_of(PRINTED)) + "A",
        url_of(text_of(PRINTED))[:-1] + "=",
        url_of(text_of(PRINTED)).replace("/q/", "/q "),
        url_of(text_of(PRINTED)).replace("/q/", "/q\n"),
        "",
    ],
)
def test_what_is_no_challenge_is_refused(text: str) -> None:
    assert verdict(text, issuers=()) == "FORMAT"


@pytest.mark.parametrize("version", [0, 2])
def test_another_version_is_refused(version: int) -> None:
    raw = base45.decode(samples.VECTOR_2[4:])
    text = "CCQ:" + base45.encode(bytes([version << 4 | 1]) + raw[1:])
    assert ccq.read(text) is CodeRefusal.VERSION


@pytest.mark.parametrize(
    "challenge",
    [
        PAY._replace(purpose=0),
        PAY._replace(purpose=4),
        PAY._replace(minor_amount=0),
        PAY._replace(life_seconds=0),
        PAY._replace(key=KEY._replace(seq_no=0)),
        PAY._replace(key=KEY._replace(seq_no=1_000_000)),
        PAY._replace(key=KEY._replace(batch_no=0)),
        PAY._replace(key=KEY._replace(batch_no=1_000_000)),
        ENTRY._replace(minor_amount=1),
        ENTRY._replace(life_seconds=0),
        PRINTED._replace(life_seconds=1),
        PRINTED._replace(key=KEY),
    ],
)
def test_facts_that_do_not_fit_together_are_malformed(challenge: Challenge) -> None:
    raw = challenge.body() + bytes(64)
    assert ccq.read("CCQ:" + base45.encode(raw)) is CodeRefusal.MALFORMED
    with pytest.raises(ValueError, match="no verifier"):
        ccq.make(challenge, samples.sign_terminal)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"issuers": {1}}, "ISSUER_NOT_ACCEPTED"),
        ({"terminals": {}}, "TERMINAL_UNKNOWN"),
        ({"terminals": {(0, 42): {2: b""}}}, "KEY_UNKNOWN"),
        ({"terminals": {(0, 42): {1: samples.public(samples.DEVICE_SEED)}}}, "SIGNATURE"),
        ({"now": CREATED - 16}, "CHALLENGE_EXPIRED"),
        ({"now": CREATED - 15}, "ACCEPTED"),
        ({"now": CREATED + 135}, "ACCEPTED"),
        ({"now": CREATED + 136}, "CHALLENGE_EXPIRED"),
        ({"now": CREATED + 136, "skew_seconds": 16}, "ACCEPTED"),
        ({"use": Use.ENTRY}, "CHALLENGE_EXPIRED"),
    ],
)
def test_the_first_failing_check_answers(changes: dict[str, Any], expected: str) -> None:
    assert verdict(samples.VECTOR_2, **changes) == expected


def test_an_entry_challenge_is_for_doors_only() -> None:
    assert verdict(text_of(ENTRY), use=Use.ENTRY) == "ACCEPTED"
    assert verdict(text_of(ENTRY)) == "CHALLENGE_EXPIRED"


@pytest.mark.parametrize("form", [str, url_of])
def test_a_printed_code_has_no_end_of_its_own(form: Any) -> None:
    text = form(text_of(PRINTED))
    assert verdict(text, now=CREATED + 400_000_000) == "ACCEPTED"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sign_from": CREATED}, "ACCEPTED"),
        ({"sign_from": CREATED + 1}, "KEY_UNKNOWN"),
        ({"sign_until": CREATED}, "ACCEPTED"),
        ({"sign_until": CREATED - 1}, "KEY_UNKNOWN"),
        ({"drop_after": 0}, "ACCEPTED"),
        ({"kid": 3}, "KEY_UNKNOWN"),
        ({"use": samples.PASS_KEY.use}, "KEY_UNKNOWN"),
        ({"public_key": samples.PASS_KEY.public_key}, "SIGNATURE"),
    ],
)
def test_a_printed_code_is_signed_by_the_answer_key_of_its_day(
    changes: dict[str, Any], expected: str
) -> None:
    keys = KeyRing([replace(samples.ANSWER_KEY, **changes)])
    assert verdict(text_of(PRINTED), keys=keys) == expected


def test_nothing_is_outstanding_but_the_challenge_of_this_request() -> None:
    asked = ccq.make(PAY, samples.sign_terminal)
    assert ccq.find_for_request(asked, 0, KEY, 1250) is asked
    assert ccq.find_for_request(asked, 1, KEY, 1250) is None
    assert ccq.find_for_request(asked, 0, KEY, 1251) is None
    for other in (RequestKey(43, 12, 345), RequestKey(42, 13, 345), RequestKey(42, 12, 346)):
        assert ccq.find_for_request(asked, 0, other, 1250) is None
    assert ccq.find_for_request(CodeRefusal.SIGNATURE, 0, KEY, 1250) is None
    assert not PRINTED.is_outstanding(Use.PAY, CREATED)
