"""CC1 to the byte: reading, issuing, showing."""

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminals import cc1, ccq
from terminals.cc1 import Flags, Intent, Kind
from terminals.codes import CodeRefusal, Use
from tests.unit.terminals import samples
from tests.unit.terminals.verdicts import issued


def read(text: str) -> cc1.Presentation:
    """A text that must be well formed."""
    code = cc1.read(text)
    assert isinstance(code, cc1.Presentation)
    return code


def test_vector_1_is_issued_and_shown_to_the_byte() -> None:
    text = cc1.show(issued(), 3600, Intent.ANY, samples.sign_device)
    assert text == samples.VECTOR_1
    assert sha256(text.encode()).hexdigest() == (
        "0d90caa4f24d290527d8995dadd924ee9545b4fdd4d9dab5c83b10748c0c9e1a"
    )


def test_vector_3_is_bound_to_the_challenge_of_vector_2() -> None:
    asked = ccq.read(samples.VECTOR_2)
    assert isinstance(asked, ccq.SignedChallenge)
    text = cc1.show(issued(), 3602, Intent.PAY, samples.sign_device, asked.digest)
    assert text == samples.VECTOR_3
    assert read(text).scene == 0x81
    assert read(text).is_bound


def test_vector_5_is_an_entry_pass() -> None:
    entry = {"kind": Kind.ENTRY, "cap_tag": 0xA1B2C3D5, "ttl": 168, "cap_class": 7, "mask": 5}
    signed_pass = issued(**entry, flags=Flags.ENTRY)
    assert cc1.show(signed_pass, 3600, Intent.ENTRY, samples.sign_device) == samples.VECTOR_5
    assert read(samples.VECTOR_5).ends_at == samples.NOT_BEFORE + 168 * 3600


def test_vector_1_reads_as_its_facts() -> None:
    code = read(samples.VECTOR_1)
    assert (code.version, code.issuer, code.kid, code.kind) == (1, 0, 1, 1)
    assert code.serial.hex() == "a1b2c3d40001"
    assert (code.cap_tag, code.pass_no) == (0xA1B2C3D4, 1)
    assert (code.not_before, code.ttl) == (1_800_000_000, 96)
    assert code.ends_at == 1_800_086_400
    assert (code.cap_class, code.flags, code.mask, code.holder_class) == (1, 3, 3, 0)
    assert (code.t, code.scene, code.intent, code.is_bound) == (3600, 0, 0, False)
    assert code.shown_at == samples.SHOWN


def test_the_replay_key_is_the_showing_and_its_use() -> None:
    code = read(samples.VECTOR_1)
    assert code.replay_key(Use.PAY).hex() == "020000a1b2c3d4000100" + "0e1000" + "50"
    assert code.replay_key(Use.ENTRY).hex() == "020000a1b2c3d4000100" + "0e1000" + "45"


@given(
    st.fixed_dictionaries(
        {
            "issuer": st.integers(0, 0xFFFF),
            "kid": st.integers(0, 0xFF),
            "kind": st.sampled_from([Kind.VIRTUAL_CARD, Kind.CAMPUS_CODE, Kind.DELEGATE]),
            "cap_tag": st.integers(0, 0xFFFFFFFF),
            "pass_no": st.integers(0, 0xFFFF),
            "not_before": st.integers(0, 0xFFFFFFFF),
            "ttl": st.integers(1, 255),
            "cap_class": st.integers(0, 255),
            "flags": st.integers(0, 0x3F),
            "mask": st.integers(0, 0xFFFF),
        }
    ),
    st.integers(0, 0xFFFFFF),
    st.sampled_from(Intent),
)
def test_every_issued_pass_reads_as_it_was_issued(
    facts: dict[str, int], t: int, intent: Intent
) -> None:
    code = read(cc1.show(issued(**facts), t, intent, samples.sign_device))
    assert {name: getattr(code, name) for name in facts} == facts
    assert (code.t, code.intent, code.holder_class) == (t, intent, facts["flags"] >> 3 & 3)


@pytest.mark.parametrize(
    "changes",
    [
        {"ttl": 0},
        {"flags": 0x40},
        {"flags": 0x80},
        {"kind": 0},
        {"kind": 5},
        {"kind": Kind.ENTRY},  # with PAY
        {"device_key": bytes(31)},
    ],
)
def test_a_pass_that_no_verifier_accepts_is_not_issued(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no verifier"):
        issued(**changes)


@pytest.mark.parametrize(
    "text",
    [
        samples.VECTOR_1 + "\n",
        samples.VECTOR_1[:-1],
        "CC2:" + samples.VECTOR_1[4:],
        samples.VECTOR_1.lower(),
        samples.VECTOR_1[:-3] + "::0",
        "CC1:" + ":::" + samples.VECTOR_1[7:],
        samples.VECTOR_1[:100] + "\n" + samples.VECTOR_1[101:],
        "",
    ],
)
def test_what_is_not_279_characters_of_strict_base45_is_no_code(text: str) -> None:
    assert cc1.read(text) is CodeRefusal.FORMAT


@pytest.mark.parametrize(
    ("intent", "pays", "enters"),
    [(Intent.ANY, True, True), (Intent.PAY, True, False), (Intent.ENTRY, False, True)],
)
def test_the_intent_narrows_the_uses(intent: Intent, pays: bool, enters: bool) -> None:
    code = read(cc1.show(issued(), 0, intent, samples.sign_device))
    assert (code.allows(Use.PAY), code.allows(Use.ENTRY)) == (pays, enters)
