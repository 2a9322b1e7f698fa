"""Request signing: exactly one form of RFC 9421, checked in the order of terminals.md 2."""

import re
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from terminals.keys import Sign, verifies
from terminals.message import KeyId, RequestKey

BODY_MAXIMUM = 65_536
SKEW_SECONDS = 120
NONCES_MAXIMUM = 65_536

_PARAMETERS = re.compile(
    r'term=(\("@method" "@path" "content-digest" "idempotency-key"\)'
    r';created=(0|[1-9][0-9]{0,9});keyid="([0-9-]{1,20})"'
    r';nonce="([A-Za-z0-9_-]{21}[AQgw])";tag="cc-term")',
    re.ASCII,
)
_SIGNATURE = re.compile(r"term=:([A-Za-z0-9+/]{85}[AQgw]==):", re.ASCII)
_DIGEST = re.compile(r"sha-256=:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=:", re.ASCII)
_KEY = re.compile(r'"([1-9][0-9]{0,9})\.(0|[1-9][0-9]{0,5})\.([1-9][0-9]{0,5})"', re.ASCII)


class SignatureRefusal(StrEnum):
    """Why a request is not the terminal's, in the order of the checks.

    TERMINAL_LOCKED is FORBIDDEN, each other one UNAUTHENTICATED; CLOCK_SKEW is answered with
    signed time. KEY_MISMATCH is said after parsing, by comparing `SignedHeaders.key` with the body.
    """

    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    HEADER_INVALID = "HEADER_INVALID"
    KEY_UNKNOWN = "KEY_UNKNOWN"
    DIGEST_MISMATCH = "DIGEST_MISMATCH"
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    CLOCK_SKEW = "CLOCK_SKEW"
    NONCE_REUSED = "NONCE_REUSED"
    TERMINAL_LOCKED = "TERMINAL_LOCKED"
    KEY_MISMATCH = "KEY_MISMATCH"


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request as it came; header names in lower case, a repeated one joined by `, `."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class SignedHeaders(NamedTuple):
    """What the headers of a request say; `created_at` is in Unix seconds, `nonce` 16 bytes."""

    key_id: KeyId
    key: RequestKey
    created_at: int
    nonce: bytes
    digest: str
    parameters: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class TerminalKey:
    """An active key of a terminal."""

    public_key: bytes
    is_locked: bool = False


class Nonces:
    """The nonces this process saw last: a filter of noise, not what protects money."""

    def __init__(self, maximum: int = NONCES_MAXIMUM) -> None:
        self._seen: dict[tuple[KeyId, bytes], None] = {}
        self._maximum = maximum

    def take(self, key_id: KeyId, nonce: bytes) -> bool:
        """Whether the nonce is new for this key; from now on it is not."""
        entry = key_id, nonce
        if entry in self._seen:
            return False
        if len(self._seen) >= self._maximum:
            del self._seen[next(iter(self._seen))]
        self._seen[entry] = None
        return True


def content_digest(body: bytes) -> str:
    """The Content-Digest of a body."""
    return f"sha-256=:{b64encode(sha256(body).digest()).decode()}:"


def base(method: str, path: str, digest: str, key: RequestKey, parameters: str) -> bytes:
    """The signature base: five lines joined by LF, none at the end."""
    return (
        f'"@method": {method}\n"@path": {path}\n"content-digest": {digest}\n'
        f'"idempotency-key": "{key.text()}"\n"@signature-params": {parameters}'
    ).encode()


def sign_request(
    body: bytes,
    *,
    path: str,
    key_id: KeyId,
    key: RequestKey,
    created_at: int,
    nonce: bytes,
    sign: Sign,
) -> dict[str, str]:
    """The four headers that a terminal adds to a POST of `body`."""
    digest = content_digest(body)
    nonce_text = urlsafe_b64encode(nonce).decode().rstrip("=")
    parameters = (
        '("@method" "@path" "content-digest" "idempotency-key")'
        f';created={created_at};keyid="{key_id.text()}";nonce="{nonce_text}";tag="cc-term"'
    )
    signature = b64encode(sign(base("POST", path, digest, key, parameters))).decode()
    return {
        "content-digest": digest,
        "idempotency-key": f'"{key.text()}"',
        "signature-input": f"term={parameters}",
        "signature": f"term=:{signature}:",
    }


def read(request: Request, body_maximum: int = BODY_MAXIMUM) -> SignedHeaders | SignatureRefusal:
    """What the headers say, nothing of it verified: BODY_TOO_LARGE or HEADER_INVALID if not so."""
    if len(request.body) > body_maximum:
        return SignatureRefusal.BODY_TOO_LARGE
    headers = request.headers
    digest = headers.get("content-digest", "")
    parameters = _PARAMETERS.fullmatch(headers.get("signature-input", ""))
    signature = _SIGNATURE.fullmatch(headers.get("signature", ""))
    numbers = _KEY.fullmatch(headers.get("idempotency-key", ""))
    if not (parameters and signature and numbers and _DIGEST.fullmatch(digest)):
        return SignatureRefusal.HEADER_INVALID
    key_id = KeyId.find(parameters[3])
    key = RequestKey(int(numbers[1]), int(numbers[2]), int(numbers[3]))
    if key_id is None or key_id.terminal_no != key.terminal_no:
        return SignatureRefusal.HEADER_INVALID
    nonce = urlsafe_b64decode(parameters[4] + "==")
    raw = b64decode(signature[1])
    return SignedHeaders(key_id, key, int(parameters[2]), nonce, digest, parameters[1], raw)


def refusal(
    request: Request,
    signed: SignedHeaders,
    terminal: TerminalKey | None,
    nonces: Nonces,
    now: int | None,
) -> SignatureRefusal | None:
    """Why a request whose headers were read is refused; `terminal` is the key its key id names.

    `now` is in Unix seconds; None leaves `created` unchecked, as for the one document that a
    terminal with a lost clock may send.
    """
    if terminal is None:
        return SignatureRefusal.KEY_UNKNOWN
    if signed.digest != content_digest(request.body):
        return SignatureRefusal.DIGEST_MISMATCH
    text = base(request.method, request.path, signed.digest, signed.key, signed.parameters)
    if not verifies(terminal.public_key, text, signed.signature):
        return SignatureRefusal.SIGNATURE_INVALID
    if now is not None and abs(now - signed.created_at) > SKEW_SECONDS:
        return SignatureRefusal.CLOCK_SKEW
    if not nonces.take(signed.key_id, signed.nonce):
        return SignatureRefusal.NONCE_REUSED
    return SignatureRefusal.TERMINAL_LOCKED if terminal.is_locked else None


def verify(
    request: Request,
    find_key: Callable[[KeyId], TerminalKey | None],
    nonces: Nonces,
    now: int | None,
    body_maximum: int = BODY_MAXIMUM,
) -> SignedHeaders | SignatureRefusal:
    """`read` and `refusal` in one step, for callers that need not wait for the key."""
    signed = read(request, body_maximum)
    if isinstance(signed, SignatureRefusal):
        return signed
    return refusal(request, signed, find_key(signed.key_id), nonces, now) or signed
