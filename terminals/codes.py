"""What is common to all codes: the scan field, its kinds, uses, and the refusals of codes.md."""

import re
from collections.abc import Container
from enum import StrEnum

SKEW_SECONDS = 15
LIFE_SECONDS = 45


class Use(StrEnum):
    """What a code is shown for; the last byte of every replay key."""

    PAY = "P"
    ENTRY = "E"


class CodeRefusal(StrEnum):
    """Why a code, a challenge or a signed answer is refused (codes.md 2, 3, 5, 6 and 7)."""

    FORMAT = "FORMAT"
    VERSION = "VERSION"
    MALFORMED = "MALFORMED"
    ISSUER_NOT_ACCEPTED = "ISSUER_NOT_ACCEPTED"
    TERMINAL_UNKNOWN = "TERMINAL_UNKNOWN"
    KEY_UNKNOWN = "KEY_UNKNOWN"
    SIGNATURE = "SIGNATURE"
    ISSUER_SIGNATURE = "ISSUER_SIGNATURE"
    CHALLENGE_UNEXPECTED = "CHALLENGE_UNEXPECTED"
    DEVICE_SIGNATURE = "DEVICE_SIGNATURE"
    CLOCK_UNTRUSTED = "CLOCK_UNTRUSTED"
    PASS_NOT_YET_VALID = "PASS_NOT_YET_VALID"  # noqa: S105 - the name of a refusal
    PASS_EXPIRED = "PASS_EXPIRED"  # noqa: S105 - the name of a refusal
    CODE_FROM_FUTURE = "CODE_FROM_FUTURE"
    CODE_EXPIRED = "CODE_EXPIRED"
    REVOKED = "REVOKED"
    KIND_NOT_ACCEPTED = "KIND_NOT_ACCEPTED"
    USE_NOT_ALLOWED = "USE_NOT_ALLOWED"
    CODE_USED = "CODE_USED"
    OFFLINE_OFF = "OFFLINE_OFF"
    SITE_NOT_ALLOWED = "SITE_NOT_ALLOWED"
    DOOR_NOT_ALLOWED = "DOOR_NOT_ALLOWED"
    CHALLENGE_REQUIRED = "CHALLENGE_REQUIRED"
    CAP_AMOUNT = "CAP_AMOUNT"
    CAP_COUNT = "CAP_COUNT"
    CAP_TOTAL = "CAP_TOTAL"
    PASSBACK = "PASSBACK"
    ALIAS_UNKNOWN = "ALIAS_UNKNOWN"
    ALIAS_LOCKED = "ALIAS_LOCKED"
    TOTP_WRONG = "TOTP_WRONG"
    CHALLENGE_EXPIRED = "CHALLENGE_EXPIRED"
    RECEIPT_EXPIRED = "RECEIPT_EXPIRED"
    NOT_MINE = "NOT_MINE"
    NOT_OUTSTANDING = "NOT_OUTSTANDING"
    AMOUNT_MISMATCH = "AMOUNT_MISMATCH"


class Instrument(StrEnum):
    """Whose string was read in the scan field (codes.md 15, terminals.md 1)."""

    PRESENTATION = "CC1"
    SIGNED_ANSWER = "CCR"
    CHALLENGE = "CCQ"
    ONLINE_TOKEN = "T0"  # noqa: S105 - the name of an instrument
    OFFLINE_DIGITS = "T1"
    PHYSICAL_CARD = "CARD"
    TRANSIT_CARD = "NFC"
    FACE = "FACE"
    WECHAT_WALLET = "WECHAT"
    ALIPAY_WALLET = "ALIPAY"
    UNIONPAY_WALLET = "UNIONPAY"
    REGISTERED_URL = "URL"
    SYNJONES = "SYNJONES"


_PATTERNS = [
    (re.compile(pattern, re.ASCII), instrument)
    for pattern, instrument in [
        (r"CC1:.*", Instrument.PRESENTATION),
        (r"CCR:.*", Instrument.SIGNED_ANSWER),
        (r"CCQ:.*", Instrument.CHALLENGE),
        (r"91[0-9]{18}", Instrument.ONLINE_TOKEN),
        (r"90[0-9]{18}", Instrument.OFFLINE_DIGITS),
        (r"1[0-5][0-9]{16}", Instrument.WECHAT_WALLET),
        (r"(?:2[5-9]|30)[0-9]{14,22}", Instrument.ALIPAY_WALLET),
        (r"62[0-9]{17}", Instrument.UNIONPAY_WALLET),
        (r"[0-9]{20}S[OP]", Instrument.SYNJONES),
        (r"CARD:[0-9A-Fa-f]+(?::[0-9]+(?::[0-9A-Fa-f]+)?)?", Instrument.PHYSICAL_CARD),
        (r"NFC:[0-9]+", Instrument.TRANSIT_CARD),
        (r"FACE:[!-~]+", Instrument.FACE),
    ]
]
_URL = re.compile(r"https://([a-z0-9.-]+)(?::[0-9]{1,5})?(?:[/?#][!-~]*)?", re.ASCII)


def strip(text: str) -> str:
    """`text` without exactly one trailing CR LF, CR, LF or TAB; nothing else is trimmed."""
    if text.endswith("\r\n"):
        return text[:-2]
    return text[:-1] if text.endswith(("\r", "\n", "\t")) else text


def classify(text: str, hosts: Container[str] = frozenset()) -> Instrument | CodeRefusal:
    """The instrument a stripped text belongs to, or FORMAT.

    `hosts` are the registered hosts whose URLs are instruments (lower case).
    """
    for pattern, instrument in _PATTERNS:
        if pattern.fullmatch(text):
            return instrument
    url = _URL.fullmatch(text)
    return Instrument.REGISTERED_URL if url and url[1] in hosts else CodeRefusal.FORMAT
