"""Water codes: eight digits for a slot at a meter, checked without a network (codes.md 14)."""

import hmac
from collections.abc import Callable, Container
from struct import Struct
from typing import NamedTuple

from nacl.exceptions import CryptoError
from nacl.public import SealedBox
from nacl.signing import SigningKey, VerifyKey

from core.ports.water import WaterSlot

SEQUENCES = 64
"""Codes that a slot can have; a meter tries each of them."""
EARLY_SECONDS = 600
"""How long before its slot a code is good."""
KEY_BYTES = 32
CODE_DIGITS = 8
WATER = "WATER"
"""The instrument of a purchase that was begun by typed digits."""

_MESSAGE = Struct(">4sIBIB")


class Slot(NamedTuple):
    """A reserved time at a meter; `starts_at` is in Unix seconds.

    `unit` is the stall's number, or 0 for any meter of a group whose heads share a controller.
    """

    group: int
    unit: int
    starts_at: int
    length_seconds: int

    def is_open(self, now: int) -> bool:
        """Whether a meter takes the codes of this slot at `now`."""
        return self.starts_at - EARLY_SECONDS <= now < self.starts_at + self.length_seconds


def code(group_key: bytes, slot: Slot, sequence: int) -> str:
    """The eight digits of a slot's `sequence`, which counts from 0."""
    message = _MESSAGE.pack(b"ccw1", slot.group, slot.unit, slot.starts_at, sequence)
    mac = hmac.digest(group_key, message, "sha256")
    return str(int.from_bytes(mac[:8]) % 10**8).zfill(8)


def find_free(
    group_key: bytes, slot: Slot, live: Container[str], sequence: int = 0
) -> tuple[int, str] | None:
    """The first sequence number from `sequence` on whose code is nobody's, with that code.

    `live` are the codes of this and the neighbouring slots; None means that the slot has no more.
    """
    for number in range(sequence, SEQUENCES):
        digits = code(group_key, slot, number)
        if digits not in live:
            return number, digits
    return None


def find_sequence(group_key: bytes, slot: Slot, digits: str, now: int) -> int | None:
    """The sequence number of typed digits, if the slot is open; None is CODE8_WRONG.

    That the number was not used before, and that five wrong ones in ten minutes lock the meter for
    ten, is the caller's to remember.
    """
    if not slot.is_open(now):
        return None
    tried = (number for number in range(SEQUENCES) if code(group_key, slot, number) == digits)
    return next(tried, None)


class WaterCodeMaker:
    """Implements `core.ports.water.WaterCodes`.

    `keys_of` gives the 32-byte key of a group: school, group, version of its key.
    """

    def __init__(self, keys_of: Callable[[int, int, int], bytes]) -> None:
        self._keys_of = keys_of

    def code(self, school_id: int, slot: WaterSlot, sequence: int) -> str:
        """The digits of a sequence number of a slot."""
        return code(self._key(school_id, slot), _slot(slot), sequence)

    def find_free(
        self, school_id: int, slot: WaterSlot, live: Container[str], sequence: int
    ) -> tuple[int, str] | None:
        """The first number from `sequence` on whose digits nobody has now, with the digits."""
        return find_free(self._key(school_id, slot), _slot(slot), live, sequence)

    def _key(self, school_id: int, slot: WaterSlot) -> bytes:
        return self._keys_of(school_id, slot.group_no, slot.key_version)


def _slot(slot: WaterSlot) -> Slot:
    return Slot(slot.group_no, slot.stall, slot.starts_at, slot.length_seconds)


def seal_key(group_key: bytes, terminal_key: bytes) -> bytes:
    """A group's key for one terminal only: sealed to its Ed25519 key, 80 bytes."""
    return SealedBox(VerifyKey(terminal_key).to_curve25519_public_key()).encrypt(group_key)


def open_key(sealed: bytes, seed: bytes) -> bytes | None:
    """The group's key that was sealed to the terminal with this seed; None for anything else."""
    try:
        opened = SealedBox(SigningKey(seed).to_curve25519_private_key()).decrypt(sealed)
    except (ValueError, CryptoError):
        return None
    return opened if len(opened) == KEY_BYTES else None
