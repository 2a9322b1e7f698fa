"""Terminal messages to the byte: keys, proofs, signed time, the PIN block, the content hash."""

import json
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from struct import Struct
from typing import NamedTuple

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox
from nacl.public import PublicKey as BoxKey

from core.kit.ids import Ids
from terminals.keys import is_registrable, verifies

NUMBER_MAXIMUM = 999_999
"""The largest batchNo and seqNo."""
PROOF_SECONDS = 120
"""How far the `createdAt` of a device's proof may lie from our clock."""
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ACTIVATION_CHARACTERS = 12

_KEY_ID = re.compile(r"(0|[1-9][0-9]{0,4})-([1-9][0-9]{0,9})-(0|[1-9][0-9]{0,2})", re.ASCII)
_READ_AS = str.maketrans("OIL", "011", "- ")
_PIN_BLOCK = Struct(">4s10sIB12sB")


class KeyId(NamedTuple):
    """Who signed a request: issuer u16, terminalNo u32 from 1, keyNo u8."""

    issuer: int
    terminal_no: int
    key_no: int

    @classmethod
    def find(cls, text: str) -> "KeyId | None":
        """The key id that `text` (`issuer-terminalNo-keyNo`, decimal) names, if it is one."""
        match = _KEY_ID.fullmatch(text)
        if match is None:
            return None
        key_id = cls(int(match[1]), int(match[2]), int(match[3]))
        fits = key_id.issuer < 1 << 16 and key_id.terminal_no < 1 << 32 and key_id.key_no < 1 << 8
        return key_id if fits else None

    def text(self) -> str:
        """The form in a request's `keyid`."""
        return f"{self.issuer}-{self.terminal_no}-{self.key_no}"


class RequestKey(NamedTuple):
    """The key of a request: made and stored by the terminal before it sends (terminals.md 1)."""

    terminal_no: int
    batch_no: int
    seq_no: int

    def packed(self) -> bytes:
        """terminalNo u32, batchNo u24, seqNo u24."""
        return (self.terminal_no << 48 | self.batch_no << 24 | self.seq_no).to_bytes(10)

    @classmethod
    def unpack(cls, packed: bytes) -> "RequestKey":
        """The key of 10 packed bytes."""
        number = int.from_bytes(packed)
        return cls(number >> 48, number >> 24 & 0xFFFFFF, number & 0xFFFFFF)

    def text(self) -> str:
        """The form in an Idempotency-Key, without its quotes."""
        return f"{self.terminal_no}.{self.batch_no}.{self.seq_no}"


class BusinessFields(NamedTuple):
    """What a money operation asks for; a repeat of a key must ask for the same.

    `presented` is the stripped text, or the continuation that stands for it; amounts are fen.
    """

    operation: str
    presented: str | None = None
    challenge: str | None = None
    minor_amount: int | None = None
    currency: str | None = None
    scene: str | None = None
    capture: str | None = None
    original: RequestKey | None = None

    def content_hash(self) -> bytes:
        """SHA-256 of the fields in the order of their declaration (as a compact JSON array).

        The bytes of the request and its PIN block do not enter it.
        """
        return hash_of(self)


class EntryFields(NamedTuple):
    """What a door asks for, online or as an event; `presented` and `challenge` are stripped."""

    operation: str
    presented: str
    challenge: str | None
    door_no: int
    direction: str

    def content_hash(self) -> bytes:
        """SHA-256 of the fields, made like that of money operations."""
        return hash_of(self)


def hash_of(fields: tuple[object, ...]) -> bytes:
    """SHA-256 of texts and numbers as a compact JSON array."""
    return sha256(json.dumps(fields, separators=(",", ":")).encode()).digest()


@dataclass(frozen=True, slots=True)
class EnteredPin:
    """A PIN out of its block; it has no printed form. `created_at` is in Unix seconds."""

    digits: str = field(repr=False)
    created_at: int


def seal_pin(digits: str, key: RequestKey, created_at: int, public_key: bytes) -> str:
    """A PIN of 1 to 12 digits sealed to the X25519 `public_key`, bound to `key`: base64 text."""
    raw = digits.encode("ascii")
    if not (raw.isdigit() and len(raw) <= 12):
        raise ValueError("a PIN is 1 to 12 digits")
    plain = _PIN_BLOCK.pack(b"ccp1", key.packed(), created_at, len(raw), raw, 0)
    return b64encode(SealedBox(BoxKey(public_key)).encrypt(plain)).decode()


def find_pin(block: str, key: RequestKey, private_key: bytes) -> EnteredPin | None:
    """The PIN of a block, or None if it is not a well-formed block of exactly this key."""
    try:
        plain = SealedBox(PrivateKey(private_key)).decrypt(b64decode(block, validate=True))
    except (ValueError, CryptoError):
        return None
    if len(plain) != _PIN_BLOCK.size:
        return None
    tag, packed, created_at, length, padded, last = _PIN_BLOCK.unpack(plain)
    raw = padded[:length]
    bound = (tag, packed, last) == (b"ccp1", key.packed(), 0)
    if not (bound and length <= 12 and raw.isdigit() and padded == raw.ljust(12, b"\0")):
        return None
    return EnteredPin(raw.decode(), created_at)


def draw_activation_code(ids: Ids) -> str:
    """A new activation code: 12 characters of Crockford base32, 60 random bits."""
    number = int.from_bytes(ids.bytes(8))
    return "".join(CROCKFORD[number >> 5 * place & 31] for place in range(ACTIVATION_CHARACTERS))


def find_activation_code(text: str) -> str | None:
    """The code that a person typed: case, hyphens and blanks aside, O read as 0, I and L as 1."""
    code = text.upper().translate(_READ_AS)
    is_code = len(code) == ACTIVATION_CHARACTERS and set(code) <= set(CROCKFORD)
    return code if is_code else None


def enrolment_message(code: str, public_key: bytes, serial_number: str) -> bytes:
    """What a new terminal key signs to prove itself and the activation code (terminals.md 8)."""
    hashes = sha256(code.encode()).digest(), sha256(serial_number.encode()).digest()
    return b"cce1" + hashes[0] + public_key + hashes[1]


def rotation_message(key_id: KeyId, new_public_key: bytes) -> bytes:
    """What the next terminal key signs to prove itself; `key_id.key_no` is the next one's."""
    numbers = key_id.issuer << 40 | key_id.terminal_no << 8 | key_id.key_no
    return b"cck1" + numbers.to_bytes(7) + new_public_key


def time_message(issuer: int, terminal_no: int, nonce: bytes, now: int) -> bytes:
    """What the ANSWER key signs to tell a terminal the time; `nonce` is its request's 16 bytes."""
    return b"cct1" + (issuer << 32 | terminal_no).to_bytes(6) + nonce + now.to_bytes(4)


def device_message(public_key: bytes, created_at: int) -> bytes:
    """What a phone's new key signs at `codeDeviceEnrol` (codes.md 10)."""
    return b"ccv1" + public_key + created_at.to_bytes(4)


def proves_device(public_key: bytes, created_at: int, proof: bytes, now: int) -> bool:
    """Whether a phone's key may be registered and its fresh proof is good."""
    return (
        is_registrable(public_key)
        and abs(now - created_at) <= PROOF_SECONDS
        and verifies(public_key, device_message(public_key, created_at), proof)
    )
