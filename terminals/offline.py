"""Offline records: the 94 bytes, the chain they form, the item signature (terminals.md 6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from struct import Struct, error
from typing import NamedTuple

from terminals.codes import strip
from terminals.keys import Sign, verifies
from terminals.message import NUMBER_MAXIMUM, RequestKey

RECORD_BYTES = 94
HASH_BYTES = 32
ITEMS_MAXIMUM = 200
"""Records in one upload."""
VOID_PREFIX = "VOID:"

_RECORD = Struct(">H10sBIIIIB32s32s")
_FIRST = Struct(">4sHI3s")


class RecordKind(IntEnum):
    """What a terminal did alone."""

    PURCHASE = 1
    VOID = 2
    RECEIPT = 3


class ClockState(IntEnum):
    """Whether the terminal trusted its clock."""

    TRUSTED = 1
    LOST = 2


class Record(NamedTuple):
    """One record; `created_at` in Unix seconds, `minor_amount` in fen, the texts stripped.

    `presented` of a VOID is `VOID:<original seqNo>` (same batch), of a RECEIPT the CCR text;
    `challenge` is the CCQ text that a bound code answered, or empty.
    """

    issuer: int
    key: RequestKey
    kind: int
    created_at: int
    minor_amount: int
    parameters_version: int
    deny_version: int
    clock_state: int
    presented: str
    challenge: str = ""

    def packed(self) -> bytes:
        """The 94 bytes that are chained and signed.

        Raises ValueError for numbers that do not fit them.
        """
        head = self.issuer, self.key.packed(), self.kind, self.created_at, self.minor_amount
        held = self.parameters_version, self.deny_version, self.clock_state
        try:
            return _RECORD.pack(*head, *held, _digest(self.presented), _digest(self.challenge))
        except error as unfit:
            raise ValueError("no record has such numbers") from unfit

    @property
    def original_seq_no(self) -> int | None:
        """Which purchase of the batch a VOID undoes; None if it names none."""
        digits = self.presented.removeprefix(VOID_PREFIX)
        is_number = digits.isascii() and digits.isdigit() and not digits.startswith("0")
        if digits == self.presented or not is_number or len(digits) > 6:
            return None
        return int(digits)


def _digest(text: str) -> bytes:
    return sha256(strip(text).encode()).digest()


def first_link(issuer: int, terminal_no: int, batch_no: int) -> bytes:
    """h0 of a batch: what its first record follows."""
    return sha256(
        _FIRST.pack(b"cci0", issuer, terminal_no, batch_no.to_bytes(3)),
    ).digest()


def link(previous: bytes, record: bytes) -> bytes:
    """h of a packed record: it proves everything that was written before."""
    return sha256(b"cci1" + previous + record).digest()


def sign_link(hash_: bytes, sign: Sign) -> bytes:
    """The item signature by the terminal's key."""
    return sign(b"ccis" + hash_)


@dataclass(frozen=True, slots=True)
class Item:
    """A record as it is uploaded.

    `previous` is the hash it follows, None if that is the item before it in the upload.
    `after_timeout` tells that the purchase was asked online first and no answer came.
    """

    record: Record
    signature: bytes
    after_timeout: bool = False
    previous: bytes | None = None


@dataclass(frozen=True, slots=True)
class Linked:
    """An item with its packed record and its place in the chain."""

    item: Item
    packed: bytes
    previous: bytes
    hash: bytes

    def is_signed_by(self, public_keys: Mapping[int, bytes]) -> bool:
        """Whether one of the keys the terminal ever had signed it; old records stay verifiable."""
        message = b"ccis" + self.hash
        return any(verifies(key, message, self.item.signature) for key in public_keys.values())


def link_all(previous: bytes, items: Sequence[Item]) -> list[Linked]:
    """The items of an upload with their hashes, in seqNo order; `previous` precedes the first.

    One that says what it follows breaks the run: it may stand anywhere, and others be missing.
    """
    linked = []
    for item in items:
        follows = previous if item.previous is None else item.previous
        packed = item.record.packed()
        previous = link(follows, packed)
        linked.append(Linked(item, packed, follows, previous))
    return sorted(linked, key=lambda each: each.item.record.key.seq_no)


def is_well_formed(record: Record) -> bool:
    """Whether the record is one of a kind and under a key that a terminal makes."""
    numbers = record.key.batch_no, record.key.seq_no
    return (
        all(1 <= number <= NUMBER_MAXIMUM for number in numbers)
        and record.kind in tuple(RecordKind)
        and record.clock_state in tuple(ClockState)
    )
