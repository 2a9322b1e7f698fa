"""CCR: the signed answer to a money request, shown on a phone as a receipt (codes.md 6)."""

import re
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from terminals import base45
from terminals.codes import SKEW_SECONDS, CodeRefusal
from terminals.keys import KeyRing, KeyUse, PublicKey, Sign, verifies
from terminals.message import RequestKey

PREFIX = "CCR:"
TEXT_CHARACTERS = 154
NO_REFERENCE = "000000000000"
"""The retrieval reference number of an answer that has none."""

_BODY = Struct(">BHB10sII2s12s")
_WORDS = re.compile(r"[0-9A-Z]{14}", re.ASCII)


class Outcome(IntEnum):
    """How a request ended."""

    APPROVED = 1
    DECLINED = 2
    VOIDED = 3
    PIN_REQUIRED = 4
    IN_PROGRESS = 5


class Answer(NamedTuple):
    """What a money answer says. `answered_at` is in Unix seconds, `minor_amount` in fen.

    `key` is the request's; of a void, the original's; of a capture, the capture's own.
    """

    outcome: Outcome
    issuer: int
    kid: int
    key: RequestKey
    minor_amount: int
    answered_at: int
    response_code: str
    retrieval_reference: str = NO_REFERENCE

    def body(self) -> bytes:
        """The 36 bytes before the signature."""
        head = 1 << 4 | self.outcome, self.issuer, self.kid, self.key.packed()
        words = self.response_code.encode("ascii"), self.retrieval_reference.encode("ascii")
        return _BODY.pack(*head, self.minor_amount, self.answered_at, *words)


@dataclass(frozen=True, slots=True)
class SignedAnswer:
    """A well-formed answer with its signature, which is not verified yet."""

    answer: Answer
    signature: bytes


@dataclass(frozen=True, slots=True)
class Outstanding:
    """What a terminal waits for: its request, or the challenge it shows (fen, Unix seconds)."""

    issuer: int
    key: RequestKey
    minor_amount: int
    created_at: int
    life_seconds: int

    def spans(self, instant: int, skew_seconds: int) -> bool:
        """Whether `instant` lies in the life of the challenge."""
        last = self.created_at + self.life_seconds + skew_seconds
        return self.created_at - skew_seconds <= instant <= last


def make(answer: Answer, sign: Sign) -> str:
    """The text of `answer` signed by the ANSWER key of its issuer and kid, or an EDGE key.

    Raises ValueError for a response code or reference no verifier accepts.
    """
    if not _WORDS.fullmatch(answer.response_code + answer.retrieval_reference):
        raise ValueError("no verifier would accept this answer")
    body = answer.body()
    return PREFIX + base45.encode(body + sign(b"ccr1" + body))


def read(text: str) -> SignedAnswer | CodeRefusal:
    """The answer in a stripped text, or FORMAT, VERSION or MALFORMED."""
    if len(text) != TEXT_CHARACTERS or not text.startswith(PREFIX):
        return CodeRefusal.FORMAT
    try:
        raw = base45.decode(text[len(PREFIX) :])
    except base45.Base45Invalid:
        return CodeRefusal.FORMAT
    version_and_outcome, issuer, kid, packed, minor_amount, at, *_ = _BODY.unpack_from(raw)
    if version_and_outcome >> 4 != 1:
        return CodeRefusal.VERSION
    words = raw[22:36].decode("latin-1")
    if not 1 <= version_and_outcome & 0x0F <= 5 or not _WORDS.fullmatch(words):
        return CodeRefusal.MALFORMED
    outcome, key = Outcome(version_and_outcome & 0x0F), RequestKey.unpack(packed)
    answer = Answer(outcome, issuer, kid, key, minor_amount, at, words[:2], words[2:])
    return SignedAnswer(answer, raw[_BODY.size :])


def verify(
    text: str,
    *,
    keys: KeyRing,
    outstanding: Outstanding,
    site_no: int = 0,
    is_scanned: bool = False,
    skew_seconds: int = SKEW_SECONDS,
) -> Answer | CodeRefusal:
    """The answer in a stripped text, verified in the terminal's order.

    `site_no` is the terminal's own. Anything but an Answer is an unknown outcome, never a decline.
    """
    signed = read(text)
    if isinstance(signed, CodeRefusal):
        return signed
    answer = signed.answer
    key = _find_key(answer, keys, site_no)
    if key is None or not key.signs_at(answer.answered_at):
        return CodeRefusal.KEY_UNKNOWN
    if not verifies(key.public_key, b"ccr1" + answer.body(), signed.signature):
        return CodeRefusal.SIGNATURE
    return _refusal_of(answer, outstanding, skew_seconds if is_scanned else None) or answer


def _find_key(answer: Answer, keys: KeyRing, site_no: int) -> PublicKey | None:
    edge = keys.find(answer.issuer, answer.kid, KeyUse.EDGE)
    if edge is not None and edge.site_no == site_no:
        return edge
    return keys.find(answer.issuer, answer.kid, KeyUse.ANSWER)


def _refusal_of(
    answer: Answer, outstanding: Outstanding, receipt_skew_seconds: int | None
) -> CodeRefusal | None:
    mine = outstanding.issuer, outstanding.key.terminal_no
    if (answer.issuer, answer.key.terminal_no) != mine:
        return CodeRefusal.NOT_MINE
    if answer.key != outstanding.key:
        return CodeRefusal.NOT_OUTSTANDING
    if answer.outcome is Outcome.APPROVED and answer.minor_amount != outstanding.minor_amount:
        return CodeRefusal.AMOUNT_MISMATCH
    if receipt_skew_seconds is not None and not outstanding.spans(
        answer.answered_at, receipt_skew_seconds
    ):
        return CodeRefusal.RECEIPT_EXPIRED
    return None
