"""The test vectors that the pages for terminal makers print are those of the program."""

import re
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from clients.terminal.chip import Chip
from core.ports.chips import ChipDebit, ChipReading
from terminals import ccr
from terminals.ccr import Answer, Outcome, Outstanding
from terminals.chips import HmacChips, card_key, read_state
from terminals.keys import KeyRing, KeyUse, PublicKey, signer
from terminals.message import KeyId, RequestKey
from terminals.operators import offline_hash
from terminals.signature import sign_request
from tests.architecture.tree import ROOT

KEY = RequestKey(42, 12, 345)
pytestmark = pytest.mark.parametrize("page", ["terminals.md", "terminals.zh.md"])


def block(page: str, name: str) -> str:
    text = (ROOT / "docs" / page).read_text("utf-8")
    found = re.findall(rf"^```{name}\n(.*?)\n```$", text, re.DOTALL | re.MULTILINE)
    assert len(found) == 1
    return str(found[0])


def test_printed_headers_are_those_of_the_printed_body(page: str) -> None:
    headers = sign_request(
        block(page, "vector-body").encode(),
        path="/graphql",
        key_id=KeyId(0, 42, 1),
        key=KEY,
        created_at=1_800_003_602,
        nonce=bytes(range(16)),
        sign=signer(b"\x44" * 32),
    )
    printed = dict(line.split(": ", 1) for line in block(page, "vector-headers").splitlines())
    assert {name.lower(): value for name, value in printed.items()} == {
        name.lower(): value for name, value in headers.items()
    }


def test_printed_chip_is_that_of_the_program_and_of_its_verifier(page: str, tmp_path: Path) -> None:
    key, said, command, debit = block(page, "vector-chip").splitlines()
    school_key, uid, bound = b"\x66" * 32, "04A1B2C3", KEY.packed()
    assert card_key(school_key, uid).hex() == key
    chip, scheme = (
        Chip.make(tmp_path / "chip", uid, bytes.fromhex(key)),
        HmacChips(lambda _: [school_key]),
    )
    assert chip.say(bound).hex() == said
    reading = ChipReading(uid, *read_state(bytes.fromhex(said)))
    proven = scheme.prove(0, reading, bound)
    assert proven is not None
    assert proven.load(0, 3_000).hex() == command
    chip.write(bytes.fromhex(command))
    assert chip.debit(1_250, bound) == debit
    mac = bytes.fromhex(debit.rpartition(":")[2])
    assert scheme.proves_debit(0, ChipDebit(uid, 1, 1_250, mac), bound)
    assert not scheme.proves_debit(0, ChipDebit(uid, 1, 1_251, mac), bound)


def test_printed_answer_verifies_as_the_page_says(page: str) -> None:
    seed, month = b"\x22" * 32, 2_592_000
    now = 1_800_003_603
    public = bytes(SigningKey(seed).verify_key)
    answering = PublicKey(0, 2, KeyUse.ANSWER, public, now - month, now + month, now + month)
    waiting = Outstanding(0, KEY, 1250, created_at=0, life_seconds=0)
    answer = ccr.verify(block(page, "vector-ccr"), keys=KeyRing([answering]), outstanding=waiting)
    assert isinstance(answer, Answer)
    assert (answer.outcome, answer.response_code) == (Outcome.APPROVED, "00")
    assert (answer.retrieval_reference, answer.answered_at) == ("6A0000000001", now)


def test_printed_hash_of_an_operator_is_that_of_the_program(page: str) -> None:
    made = offline_hash("741963", bytes(range(16)), 10_000)
    assert made.hex() == block(page, "vector-operator")
