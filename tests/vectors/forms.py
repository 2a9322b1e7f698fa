"""The strings of codes.md built field by field, whether a verifier would accept them or not."""

import hmac
from dataclasses import dataclass, replace
from hashlib import sha256
from struct import pack
from typing import Any

from nacl.signing import SigningKey

from tests.vectors import curve

PASS_SEED, ANSWER_SEED, DEVICE_SEED, TERMINAL_SEED, EDGE_SEED, OTHER_SEED = (
    bytes([number]) * 32 for number in (0x11, 0x22, 0x33, 0x44, 0x55, 0x99)
)
NOT_BEFORE = 1_800_000_000
SHOWN = NOT_BEFORE + 3600
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def base45(raw: bytes) -> str:
    """RFC 9285: three characters for two bytes, two for an odd last one."""
    text = ""
    for at in range(0, len(raw), 2):
        number = int.from_bytes(raw[at : at + 2])
        for _ in range(len(raw[at : at + 2]) + 1):
            number, digit = divmod(number, 45)
            text += _ALPHABET[digit]
    return text


def sign(seed: bytes, message: bytes) -> bytes:
    """The honest signature."""
    return SigningKey(seed).sign(message).signature


def public(seed: bytes) -> bytes:
    """The public key of a seed."""
    return bytes(SigningKey(seed).verify_key)


def key(seed: bytes, kid: int, use: str, **changes: Any) -> dict[str, Any]:
    """One line of a key document, with the times of vector 1's context."""
    return {
        "issuer": 0,
        "kid": kid,
        "use": use,
        "publicKey": public(seed).hex(),
        "signFrom": NOT_BEFORE - 2_592_000,
        "signUntil": 1_805_184_000,
        "dropAfter": 1_805_875_200,
        **changes,
    }


@dataclass(frozen=True)
class Show:
    """A CC1 (section 4); vector 1 unless told otherwise.

    `how_pass` and `how_show` are passed to `curve.sign` instead of an honest signature.
    """

    version: int = 1
    kind: int = 1
    issuer: int = 0
    kid: int = 1
    cap_tag: int = 0xA1B2C3D4
    pass_no: int = 1
    not_before: int = NOT_BEFORE
    ttl: int = 96
    cap_class: int = 1
    flags: int = 3
    mask: int = 3
    t: int = 3600
    scene: int = 0
    challenge: bytes = b""
    pass_seed: bytes = PASS_SEED
    device_seed: bytes = DEVICE_SEED
    device_key: bytes | None = None
    how_pass: dict[str, Any] | None = None
    how_show: dict[str, Any] | None = None

    def serial(self) -> bytes:
        """What a deny list names."""
        return pack(">IH", self.cap_tag, self.pass_no)

    def replay_key(self, use: str) -> str:
        """Section 8, in hex."""
        t_and_scene = pack(">I", self.t << 8 | self.scene)
        return (b"\x02" + pack(">H", self.issuer) + self.serial() + t_and_scene).hex() + (
            use.encode().hex()
        )

    def raw(self) -> bytes:
        """The 183 bytes."""
        facts = self.not_before, self.ttl, self.cap_class, self.flags, self.mask
        body = pack(">BHB", self.version << 4 | self.kind, self.issuer, self.kid) + self.serial()
        body += pack(">IBBBH", *facts) + (self.device_key or public(self.device_seed))
        message = b"cc1p" + body
        how = self.how_pass
        body += (
            sign(self.pass_seed, message)
            if how is None
            else curve_sign(self.pass_seed, message, how)
        )
        body += pack(">I", self.t << 8 | self.scene)
        message, how = b"cc1d" + body + self.challenge, self.how_show
        return body + (
            sign(self.device_seed, message)
            if how is None
            else curve_sign(self.device_seed, message, how)
        )

    def text(self) -> str:
        """The 279 characters."""
        return "CC1:" + base45(self.raw())

    def but(self, **changes: Any) -> "Show":
        """The same with changes."""
        return replace(self, **changes)


def curve_sign(seed: bytes, message: bytes, how: dict[str, Any]) -> bytes:
    """A signature of the kind that `how` tells: its bytes, the identity as R, or `curve.sign`'s."""
    if "bytes" in how:
        return bytes(how["bytes"])
    if how.get("identity"):
        return curve.sign_with_identity(seed, message)
    return curve.sign(seed, message, **how)


@dataclass(frozen=True)
class Challenge:
    """A CCQ (section 5); vector 2 unless told otherwise."""

    version: int = 1
    purpose: int = 1
    issuer: int = 0
    key_no: int = 1
    terminal_no: int = 42
    batch_no: int = 12
    seq_no: int = 345
    created_at: int = 1_800_003_590
    life: int = 120
    amount: int = 1250
    seed: bytes = TERMINAL_SEED
    how: dict[str, Any] | None = None

    def raw(self) -> bytes:
        """The 87 bytes."""
        body = pack(
            ">BHBI", self.version << 4 | self.purpose, self.issuer, self.key_no, self.terminal_no
        )
        body += self.batch_no.to_bytes(3) + self.seq_no.to_bytes(3)
        body += pack(">IBI", self.created_at, self.life, self.amount)
        message = b"ccq1" + body
        return body + (
            sign(self.seed, message)
            if self.how is None
            else curve_sign(self.seed, message, self.how)
        )

    def text(self) -> str:
        """The 135 characters."""
        return "CCQ:" + base45(self.raw())

    def digest(self) -> bytes:
        """What a bound presentation signs."""
        return sha256(self.raw()).digest()

    def but(self, **changes: Any) -> "Challenge":
        """The same with changes."""
        return replace(self, **changes)


@dataclass(frozen=True)
class Answer:
    """A CCR (section 6); vector 4 unless told otherwise."""

    version: int = 1
    outcome: int = 1
    issuer: int = 0
    kid: int = 2
    terminal_no: int = 42
    batch_no: int = 12
    seq_no: int = 345
    amount: int = 1250
    answered_at: int = 1_800_003_603
    code: bytes = b"00"
    reference: bytes = b"6A0000000001"
    seed: bytes = ANSWER_SEED
    how: dict[str, Any] | None = None

    def raw(self) -> bytes:
        """The 100 bytes."""
        body = pack(
            ">BHBI", self.version << 4 | self.outcome, self.issuer, self.kid, self.terminal_no
        )
        body += self.batch_no.to_bytes(3) + self.seq_no.to_bytes(3)
        body += pack(">II", self.amount, self.answered_at) + self.code + self.reference
        message = b"ccr1" + body
        return body + (
            sign(self.seed, message)
            if self.how is None
            else curve_sign(self.seed, message, self.how)
        )

    def text(self) -> str:
        """The 154 characters."""
        return "CCR:" + base45(self.raw())

    def but(self, **changes: Any) -> "Answer":
        """The same with changes."""
        return replace(self, **changes)


def totp(secret: bytes, step: int) -> str:
    """RFC 6238 with HMAC-SHA-256 and 8 digits."""
    mac = hmac.digest(secret, step.to_bytes(8), "sha256")
    at = mac[31] & 15
    return f"{(int.from_bytes(mac[at : at + 4]) & 0x7FFFFFFF) % 10**8:08d}"


def derived(school_key: bytes, device_id: bytes, version: int) -> bytes:
    """HKDF-SHA-256 with an empty salt, one block: a device's T1 key."""
    extracted = hmac.digest(bytes(32), school_key, "sha256")
    return hmac.digest(extracted, b"cct1k" + device_id + pack(">I", version) + b"\x01", "sha256")


def water(secret: bytes, group: int, unit: int, slot_start: int, seq: int) -> str:
    """The 8 digits of section 14."""
    mac = hmac.digest(secret, b"ccw1" + pack(">IBIB", group, unit, slot_start, seq), "sha256")
    return f"{int.from_bytes(mac[:8]) % 10**8:08d}"
