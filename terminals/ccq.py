"""CCQ: a terminal's challenge, which is also what a phone scans to pay (codes.md 5)."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Container, Mapping
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from struct import Struct
from typing import NamedTuple

from terminals import base45
from terminals.codes import SKEW_SECONDS, CodeRefusal, Use
from terminals.keys import KeyRing, KeyUse, Sign, verifies
from terminals.message import NUMBER_MAXIMUM, RequestKey

PREFIX = "CCQ:"
TEXT_CHARACTERS = 135

_BODY = Struct(">BHB10sIBI")
_URL = re.compile(r"https://[!-~]*(?![\w-])[!-~]([\w-]{116})", re.ASCII)


class Purpose(IntEnum):
    """What a challenge is shown for."""

    PAY = 1
    ENTRY = 2
    PRINTED = 3


class Challenge(NamedTuple):
    """A decoded CCQ. `created_at` is in Unix seconds, `minor_amount` in fen.

    `key_no` is the terminal key's; of a PRINTED code it is the kid of the ANSWER key, and
    `key.terminal_no` the merchant's virtual terminal.
    """

    purpose: int
    issuer: int
    key_no: int
    key: RequestKey
    created_at: int
    life_seconds: int
    minor_amount: int

    def body(self) -> bytes:
        """The 23 bytes before the signature."""
        head = 1 << 4 | self.purpose, self.issuer, self.key_no, self.key.packed()
        return _BODY.pack(*head, self.created_at, self.life_seconds, self.minor_amount)

    def is_outstanding(self, use: Use, now: int, skew_seconds: int = SKEW_SECONDS) -> bool:
        """Whether a presentation bound to it is good now, for this use; to a print none is."""
        last = self.created_at + self.life_seconds + skew_seconds
        own = Purpose.PAY if use is Use.PAY else Purpose.ENTRY
        return self.purpose == own and self.created_at - skew_seconds <= now <= last

    def is_well_formed(self) -> bool:
        """Whether its facts fit together (MALFORMED otherwise)."""
        if not 1 <= self.purpose <= 3 or not 1 <= self.key.seq_no <= NUMBER_MAXIMUM:
            return False
        if self.purpose == Purpose.PRINTED:
            return self.key.batch_no == 0 and self.life_seconds == 0
        if not 1 <= self.key.batch_no <= NUMBER_MAXIMUM or self.life_seconds == 0:
            return False
        return (self.minor_amount > 0) == (self.purpose == Purpose.PAY)


@dataclass(frozen=True, slots=True)
class SignedChallenge:
    """A well-formed challenge with its signature, which is not verified yet."""

    challenge: Challenge
    signature: bytes

    @property
    def digest(self) -> bytes:
        """The 32 bytes that a bound presentation signs."""
        return sha256(self.challenge.body() + self.signature).digest()

    @property
    def text(self) -> str:
        """The text of the QR code."""
        return PREFIX + base45.encode(self.challenge.body() + self.signature)


TerminalKeys = Mapping[tuple[int, int], Mapping[int, bytes]]
"""Public keys by (issuer, terminalNo), then keyNo; a virtual terminal has none of its own."""


def _find_bytes(text: str) -> bytes | None:
    if len(text) != TEXT_CHARACTERS or not text.startswith(PREFIX):
        return None
    try:
        return base45.decode(text[len(PREFIX) :])
    except base45.Base45Invalid:
        return None


def read(text: str) -> SignedChallenge | CodeRefusal:
    """The challenge in a stripped text, or FORMAT, VERSION or MALFORMED.

    A printed one may also be a URL that ends in base64url of its 87 bytes.
    """
    url = _URL.fullmatch(text)
    raw = urlsafe_b64decode(url[1]) if url else _find_bytes(text)
    if raw is None:
        return CodeRefusal.FORMAT
    version_and_purpose, issuer, key_no, packed, *rest = _BODY.unpack_from(raw)
    if version_and_purpose >> 4 != 1:
        return CodeRefusal.VERSION
    key = RequestKey.unpack(packed)
    challenge = Challenge(version_and_purpose & 0x0F, issuer, key_no, key, *rest)
    if url and challenge.purpose != Purpose.PRINTED:
        return CodeRefusal.FORMAT
    if not challenge.is_well_formed():
        return CodeRefusal.MALFORMED
    return SignedChallenge(challenge, raw[_BODY.size :])


def make(challenge: Challenge, sign: Sign) -> SignedChallenge:
    """`challenge` signed by the terminal's key (PRINTED: the ANSWER key).

    Raises ValueError for facts no verifier accepts.
    """
    if not challenge.is_well_formed():
        raise ValueError("no verifier would accept this challenge")
    return SignedChallenge(challenge, sign(b"ccq1" + challenge.body()))


def verify(
    text: str,
    *,
    use: Use,
    now: int,
    issuers: Container[int],
    terminals: TerminalKeys,
    keys: KeyRing,
    skew_seconds: int = SKEW_SECONDS,
) -> SignedChallenge | CodeRefusal:
    """The challenge in a stripped text, verified in the server's order.

    The caller still answers for what only rows know: a printed code revoked in the registry is
    CHALLENGE_EXPIRED, a challenge that somebody else has paid CODE_USED.
    """
    signed = read(text)
    if isinstance(signed, CodeRefusal):
        return signed
    challenge = signed.challenge
    if challenge.issuer not in issuers:
        return CodeRefusal.ISSUER_NOT_ACCEPTED
    registered = terminals.get((challenge.issuer, challenge.key.terminal_no))
    if registered is None:
        return CodeRefusal.TERMINAL_UNKNOWN
    public_key = _find_key(challenge, registered, keys)
    if public_key is None:
        return CodeRefusal.KEY_UNKNOWN
    if not verifies(public_key, b"ccq1" + challenge.body(), signed.signature):
        return CodeRefusal.SIGNATURE
    is_printed = challenge.purpose == Purpose.PRINTED
    if not is_printed and not challenge.is_outstanding(use, now, skew_seconds):
        return CodeRefusal.CHALLENGE_EXPIRED
    return signed


def _find_key(challenge: Challenge, registered: Mapping[int, bytes], keys: KeyRing) -> bytes | None:
    if challenge.purpose != Purpose.PRINTED:
        return registered.get(challenge.key_no)
    key = keys.find(challenge.issuer, challenge.key_no, KeyUse.ANSWER)
    return key.public_key if key and key.signs_at(challenge.created_at) else None


def find_for_request(
    verified: SignedChallenge | CodeRefusal, issuer: int, key: RequestKey, minor_amount: int
) -> SignedChallenge | None:
    """The challenge a terminal sent with a bound code, if it is this very request's.

    None means that none is outstanding, whatever the reason (codes.md 5).
    """
    if isinstance(verified, CodeRefusal):
        return None
    challenge = verified.challenge
    named = challenge.issuer, challenge.key, challenge.minor_amount
    return verified if named == (issuer, key, minor_amount) else None
