"""The shared vectors: complete, made by their tables alone, and judged by ours and by Python's."""

from collections import Counter
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clients.verifiers.python import verify
from core.kit.clock import from_unix
from terminals import totp
from tests.vectors import published
from tests.vectors.digit_cases import MIDNIGHT
from tests.vectors.files import FOLDER, cases, written
from tests.vectors.judge import judge

PATHS = sorted(FOLDER.glob("*.json"))
CASES = list(cases())
TYPES = {"CC1", "CCQ", "CCR", "T1", "WATER", "KEY", "REQUEST", "HKDF", "SIGNATURE", "RECORD"}
ROWS = [
    "FORMAT", "VERSION", "MALFORMED", "ISSUER_NOT_ACCEPTED", "KEY_UNKNOWN", "ISSUER_SIGNATURE",
    "CHALLENGE_UNEXPECTED", "DEVICE_SIGNATURE", "CLOCK_UNTRUSTED", "PASS_NOT_YET_VALID",
    "PASS_EXPIRED", "CODE_FROM_FUTURE", "CODE_EXPIRED", "REVOKED", "KIND_NOT_ACCEPTED",
    "USE_NOT_ALLOWED", "CODE_USED", "OFFLINE_OFF", "SITE_NOT_ALLOWED", "DOOR_NOT_ALLOWED",
    "CHALLENGE_REQUIRED", "CAP_AMOUNT", "CAP_COUNT", "CAP_TOTAL", "PASSBACK",
]  # fmt: skip
ANSWERS: dict[str, list[str]] = {
    "CCQ": ["FORMAT", "VERSION", "MALFORMED", "ISSUER_NOT_ACCEPTED", "TERMINAL_UNKNOWN",
            "KEY_UNKNOWN", "SIGNATURE", "CHALLENGE_EXPIRED", "ACCEPTED"],
    "CCR": ["FORMAT", "VERSION", "MALFORMED", "KEY_UNKNOWN", "SIGNATURE", "NOT_MINE",
            "NOT_OUTSTANDING", "AMOUNT_MISMATCH", "RECEIPT_EXPIRED", "APPROVED", "DECLINED",
            "VOIDED", "PIN_REQUIRED", "IN_PROGRESS"],
    "T1": ["FORMAT", "ISSUER_NOT_ACCEPTED", "ALIAS_UNKNOWN", "ALIAS_LOCKED", "TOTP_WRONG",
           "ACCEPTED"],
    "WATER": ["CODE8_WRONG", "ACCEPTED"],
    "KEY": ["DEVICE_KEY_INVALID", "ACCEPTED"],
    "REQUEST": ["BODY_TOO_LARGE", "HEADER_INVALID", "KEY_UNKNOWN", "DIGEST_MISMATCH",
                "SIGNATURE_INVALID", "CLOCK_SKEW", "NONCE_REUSED", "TERMINAL_LOCKED",
                "KEY_MISMATCH", "ACCEPTED"],
    "HKDF": ["T1_KEY_WRONG", "ACCEPTED"],
    "SIGNATURE": ["SIGNATURE", "ACCEPTED"],
    "RECORD": ["RECORD_SIGNATURE", "ACCEPTED"],
}  # fmt: skip


@pytest.mark.parametrize(
    "files", [["python/verify.py"], ["js/verify.mjs"], ["c/codes.c", "c/codes.h"]], ids="/".join
)
def test_reader_can_be_read_in_an_hour(files: list[str]) -> None:
    texts = [(FOLDER.parent / file).read_text("utf-8") for file in files]
    assert sum(text.count("\n") for text in texts) <= 300


def test_writing_again_gives_the_committed_bytes() -> None:
    again = {path: text.encode() for path, text in written()}
    assert sorted(again) == PATHS
    assert [path.name for path in PATHS if path.read_bytes() != again[path]] == []


def test_our_own_implementation_gives_every_expected_verdict() -> None:
    assert differences(judge) == []


def test_the_python_reader_gives_every_expected_verdict() -> None:
    assert differences(verify.judge) == []


def differences(reader: Any) -> list[tuple[str, str, str]]:
    """Of each case that is judged otherwise: its id, what is expected, what was said."""
    said = ((case["id"], case["expected"], reader(case)) for case in CASES)
    return [each for each in said if each[1] != each[2]]


def test_every_case_has_the_one_form() -> None:
    needed, allowed = (
        {"id", "type", "text", "now", "use", "context", "expected"},
        {"amount", "fields"},
    )
    assert {case["type"] for case in CASES} == TYPES
    assert {case["use"] for case in CASES} == {"P", "E"}
    assert [case["id"] for case in CASES if not needed <= set(case) <= needed | allowed] == []
    assert [id_ for id_, times in Counter(case["id"] for case in CASES).items() if times > 1] == []


def test_every_row_of_cc1_refuses_at_least_twice() -> None:
    """Bit flips are not counted."""
    verdicts = Counter(
        case["expected"]
        for case in CASES
        if case["type"] == "CC1" and not case["id"].startswith("cc1-flip-")
    )
    assert set(verdicts) == {*ROWS, "ACCEPTED"}
    assert [row for row in ROWS if verdicts[row] < 2] == []


@pytest.mark.parametrize("type_", ANSWERS)
def test_every_answer_of_the_other_types_occurs_twice(type_: str) -> None:
    verdicts = Counter(case["expected"] for case in CASES if case["type"] == type_)
    assert set(verdicts) == set(ANSWERS[type_])
    assert [answer for answer, times in verdicts.items() if times < 2] == []


def test_all_bit_flips_of_vector_1_are_refused_as_the_page_counts_them() -> None:
    flips = [case for case in CASES if case["id"].startswith("cc1-flip-")]
    assert len({case["text"] for case in flips} - {published.VECTOR_1}) == 1464
    assert Counter(case["expected"] for case in flips) == {
        "MALFORMED": 11,
        "VERSION": 4,
        "ISSUER_NOT_ACCEPTED": 16,
        "KEY_UNKNOWN": 18,
        "ISSUER_SIGNATURE": 876,
        "CHALLENGE_UNEXPECTED": 1,
        "DEVICE_SIGNATURE": 538,
    }


@pytest.mark.parametrize(
    ("id_", "expected", "printed"),
    [
        ("cc1-vector-1", "ACCEPTED", [published.VECTOR_1]),
        ("ccq-vector-2", "ACCEPTED", [published.VECTOR_2]),
        ("cc1-vector-3", "ACCEPTED", [published.VECTOR_3, published.VECTOR_2]),
        ("ccr-vector-4", "APPROVED", [published.VECTOR_4]),
        ("cc1-vector-5", "ACCEPTED", [published.VECTOR_5]),
        ("t1-vector", "ACCEPTED", [published.T1, published.T1_KEY]),
        ("hkdf-vector", "ACCEPTED", [published.HKDF_KEY, published.HKDF_SCHOOL_KEY]),
        ("water-vector", "ACCEPTED", [published.WATER, published.WATER_KEY]),
        ("signature-identity-r", "SIGNATURE", [published.IDENTITY_R]),
        ("record-first", "ACCEPTED", [published.RECORD, published.ITEM_SIGNATURE]),
        ("record-first-with-its-start-given", "ACCEPTED", [published.CHAIN_START]),
        ("record-second-a-void", "ACCEPTED", [published.RECORD_HASH]),
        ("request-vector", "ACCEPTED", [published.BODY, *published.HEADERS.values()]),
    ],
)
def test_what_the_pages_print_is_among_the_cases(
    id_: str, expected: str, printed: list[str]
) -> None:
    (case,) = (case for case in CASES if case["id"] == id_)
    assert case["expected"] == expected
    texts = set(strings(case))
    assert [each for each in printed if each not in texts] == []


def strings(value: Any) -> list[str]:
    """Every string somewhere in a value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [each for member in value for each in strings(member)]
    return [value] if isinstance(value, str) else []


def test_the_printed_hashes_are_those_of_the_printed_strings() -> None:
    assert sha256(published.VECTOR_1.encode()).hexdigest() == published.VECTOR_1_SHA256
    raw = verify.read_ccq(published.VECTOR_2, {})[0]
    assert sha256(raw).hexdigest() == published.VECTOR_2_SHA256


@pytest.mark.parametrize(("offset", "days"), [(-121, 1), (-120, 2), (0, 2), (119, 2), (120, 1)])
def test_aliases_change_with_the_school_day_as_the_cases_say(offset: int, days: int) -> None:
    start = from_unix(MIDNIGHT).astimezone(ZoneInfo("Asia/Shanghai"))
    assert (start.hour, start.minute, start.second) == (0, 0, 0)
    now: datetime = start + timedelta(seconds=offset)
    assert len(totp.days_accepted(now, "Asia/Shanghai")) == days


@pytest.mark.parametrize("folder", ["python", "js", "c"])
def test_a_reader_is_read_in_one_sitting(folder: str) -> None:
    sources = {".py", ".mjs", ".c", ".h"}
    files = [path for path in (FOLDER.parent / folder).iterdir() if path.suffix in sources]
    assert files
    assert [path.name for path in files if lines_of(path) > 300] == []


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_the_page_names_every_answer(page: str) -> None:
    text = (FOLDER.parent / page).read_text("utf-8")
    assert sorted({case["expected"] for case in CASES if case["expected"] not in text}) == []


def lines_of(path: Path) -> int:
    """How many lines a file has."""
    return len(path.read_text("utf-8").splitlines())
