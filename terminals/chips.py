"""The chip of a card: its texts and MACs to the byte, and whether a tap is what it says.

The reference scheme of `core.ports.chips`: HMAC-SHA256, cut to 8 bytes, under a key of each card
that is derived from the school's. A school whose cards have keys of a vendor's own puts another
class in its place; nothing else changes.
"""

import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from struct import Struct
from typing import NamedTuple

from core.ports.chips import ChipDebit, ChipReading, ChipScheme, ChipStanding, ProvenChip
from terminals.instruments import Declined, Found

MAC_BYTES = 8
CARD_KEY_BYTES = 16
STATE_BYTES = 16
U32 = (1 << 32) - 1

_UID = re.compile(r"(?:[0-9A-F]{2}){4,10}", re.ASCII)
_REPLAY = b"\x11"
"""What a chip's debits begin with among replay keys."""
_TWO = Struct(">II")
_STANDING = Struct(">BIII")


def is_uid(text: str) -> bool:
    """Whether it is the number of a chip: 4 to 10 bytes in upper-case hex."""
    return _UID.fullmatch(text) is not None


def card_key(school_key: bytes, uid: str) -> bytes:
    """The 16-byte key of one card."""
    return hmac.digest(school_key, b"ccx0" + bytes.fromhex(uid), sha256)[:CARD_KEY_BYTES]


def state_message(counter: int, balance_minor: int, bound_to: bytes) -> bytes:
    """What a chip's MAC is over when it says what it is; `bound_to` is the request's packed key."""
    return b"ccx1" + _TWO.pack(counter, balance_minor) + bound_to


def read_state(said: bytes) -> tuple[int, int, bytes]:
    """Load counter, balance in fen and MAC of the 16 bytes in which a chip says what it is."""
    return *_TWO.unpack_from(said), said[_TWO.size :]


def debit_message(counter: int, amount_minor: int, bound_to: bytes) -> bytes:
    """The same when it took an amount; `counter` is that of debits, after it."""
    return b"ccx2" + _TWO.pack(counter, amount_minor) + bound_to


def load_message(counter: int, amount_minor: int) -> bytes:
    """What the MAC of a load command is over."""
    return b"ccx3" + _TWO.pack(counter, amount_minor)


def refresh_message(standing: ChipStanding) -> bytes:
    """What the MAC of a refresh command is over, which is the command behind its four letters."""
    return b"ccx4" + _STANDING.pack(
        standing.is_usable, standing.single_minor, standing.daily_minor, standing.stamp
    )


def mac(key: bytes, message: bytes) -> bytes:
    """The first 8 bytes of HMAC-SHA256."""
    return hmac.digest(key, message, sha256)[:MAC_BYTES]


@dataclass(frozen=True, slots=True)
class HmacChip:
    """A chip under the reference scheme that has proven itself."""

    key: bytes = field(repr=False)

    def load(self, counter: int, amount_minor: int) -> bytes:
        """`counter` u32, `amount` u32 and the MAC: 16 bytes."""
        return self._command(load_message(counter, amount_minor))

    def refresh(self, standing: ChipStanding) -> bytes:
        """1 or 0, both limits and the stamp as u32, and the MAC: 21 bytes."""
        return self._command(refresh_message(standing))

    def _command(self, message: bytes) -> bytes:
        return message[4:] + mac(self.key, message)


class HmacChips:
    """Implements `core.ports.chips.ChipScheme`; `keys` are a school's, all that cards may have."""

    def __init__(self, keys: Callable[[int], Sequence[bytes]]) -> None:
        self._keys = keys

    def prove(self, school_id: int, reading: ChipReading, bound_to: bytes) -> ProvenChip | None:
        """The chip that said this for this very request, None if its MAC is not good."""
        message = state_message(reading.counter, reading.balance_minor, bound_to)
        key = self._find_key(school_id, reading.uid, message, reading.mac)
        return None if key is None else HmacChip(key)

    def proves_debit(self, school_id: int, debit: ChipDebit, bound_to: bytes) -> bool:
        """Whether a chip of the school took this amount for this very request."""
        message = debit_message(debit.counter, debit.amount_minor, bound_to)
        return self._find_key(school_id, debit.uid, message, debit.mac) is not None

    def _find_key(self, school_id: int, uid: str, message: bytes, given: bytes) -> bytes | None:
        for school_key in self._keys(school_id):
            key = card_key(school_key, uid)
            if hmac.compare_digest(mac(key, message), given):
                return key
        return None


class TapText(NamedTuple):
    """`CARD:<uid hex>[:<counter>[:<mac hex>]]`, read; the counter is that of debits."""

    uid: str
    counter: int | None
    mac: bytes | None


def read_tap(text: str) -> TapText:
    """The parts of a text that is classified as a physical card; a MAC that is none is empty."""
    _, uid, *rest = text.split(":")
    counter = int(rest[0]) if rest else None
    given = None if len(rest) < 2 else rest[1]
    if given is not None:
        is_mac = len(given) == 2 * MAC_BYTES and counter is not None and counter <= U32
        return TapText(uid.upper(), counter, bytes.fromhex(given) if is_mac else b"")
    return TapText(uid.upper(), counter, None)


def proven_debit(
    found: Found,
    text: str,
    amount_minor: int,
    bound_to: bytes,
    *,
    school_id: int,
    scheme: ChipScheme,
    is_on_card: bool,
) -> Found | Declined:
    """A tap that pays: where the chip holds the money it must have taken the amount itself.

    A MAC that is given is checked in every school. Each debit pays once: its counter is spent.
    """
    tap = read_tap(text)
    if tap.mac is None:
        return Declined("63", "CHIP_NOT_PROVEN", found) if is_on_card else found
    debit = ChipDebit(tap.uid, tap.counter or 0, amount_minor, tap.mac)
    if len(tap.mac) != MAC_BYTES or not scheme.proves_debit(school_id, debit, bound_to):
        return Declined("63", "CHIP_MAC", found)
    spent = sha256(bytes.fromhex(tap.uid) + debit.counter.to_bytes(4)).digest()
    return replace(found, replay_key=_REPLAY + spent[:20])
