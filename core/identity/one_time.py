"""One-time codes: their life, their tries, and how they are kept (channels.md 8)."""

import hashlib
import hmac
from enum import StrEnum
from uuid import UUID

DIGITS = 6
LIFE_SECONDS = 300
RESEND_SECONDS = 60
TRIES = 5


class Purpose(StrEnum):
    """What a code proves. SIGN_IN and NEW_CONTACT: control of a typed address. CARD_PROOF: of the
    register's."""

    SIGN_IN = "SIGN_IN"
    CARD_PROOF = "CARD_PROOF"
    NEW_CONTACT = "NEW_CONTACT"


def code_hash(pepper: bytes, code_id: UUID, purpose: Purpose, bound_to: str, code: str) -> bytes:
    """What is kept of a code: 32 bytes, useless without the pepper and for any other row.

    `bound_to` is the session family a CARD_PROOF belongs to, empty for a SIGN_IN.
    """
    text = f"{code_id}|{purpose}|{bound_to}|{code}"
    return hmac.new(pepper, text.encode(), hashlib.sha256).digest()


def is_right(kept: bytes, computed: bytes) -> bool:
    """Whether an entered code is the kept one, compared in constant time."""
    return hmac.compare_digest(kept, computed)
