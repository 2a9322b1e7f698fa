"""Time-based one-time passwords of staff: RFC 6238, SHA-1, 6 digits, 30 s."""

import base64
import hashlib
import hmac
from urllib.parse import quote

STEP_SECONDS = 30
DIGITS = 6
_DRIFT = (0, -1, 1)


def code_at(secret: bytes, step: int) -> str:
    """The code of one step (RFC 4226 truncation)."""
    digest = hmac.new(secret, step.to_bytes(8), hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4]) & 0x7FFF_FFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def find_step(secret: bytes, code: str, seconds: int, used_step: int) -> int | None:
    """The step that `code` belongs to, one either side of now; a used or older step is none."""
    now = seconds // STEP_SECONDS
    for step in (now + drift for drift in _DRIFT):
        if step > used_step and hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            return step
    return None


def secret_text(secret: bytes) -> str:
    """The base32 form that authenticators take."""
    return base64.b32encode(secret).decode().rstrip("=")


def secret_bytes(text: str) -> bytes:
    """The secret of its base32 form."""
    return base64.b32decode(text + "=" * (-len(text) % 8))


def address(school_code: str, login: str, text: str) -> str:
    """The otpauth address that authenticators read from a QR code."""
    label = quote(f"{school_code}:{login}", safe=":")
    return f"otpauth://totp/{label}?secret={text}&issuer={quote(school_code)}"
