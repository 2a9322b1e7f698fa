"""The people, codes and tills of a benchmark: the same in every run, known to every process."""

import struct
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from uuid import UUID

from nacl.signing import SigningKey

from terminals import cc1
from terminals.cc1 import Flags, Kind
from terminals.keys import Sign, signer

SCHOOL_ID = 1
HOLDERS = 2_000
TILLS = 500
"""So many that none of them asks more often than its rate limit allows."""
MERCHANTS = 50
LINES = 25
"""Statement lines that each cardholder has before a run."""
OPENING_MINOR = 500_000_000
PURSES = ("SUBSIDY", "MAIN")
PASS_SECONDS = 24 * 3_600


def drawn(what: str, number: int) -> bytes:
    """32 bytes that look random and are the same in every run."""
    return sha256(f"bench|{what}|{number}".encode()).digest()


def named(what: str, number: int) -> UUID:
    """An id that is the same in every run, in the form of a UUIDv7."""
    value = int.from_bytes(drawn(what, number)[:16])
    return UUID(int=value & ~(0xF << 76) & ~(0x3 << 62) | 7 << 76 | 2 << 62)


@dataclass(frozen=True)
class Holder:
    """A cardholder with a virtual card, an enrolled phone and one pass."""

    number: int

    @property
    def id(self) -> UUID:
        """The cardholder's id."""
        return named("holder", self.number)

    @property
    def card_id(self) -> UUID:
        """The virtual card."""
        return named("card", self.number)

    @property
    def device_id(self) -> UUID:
        """The enrolled phone."""
        return named("device", self.number)

    @property
    def token(self) -> str:
        """The access token of the cardholder's session."""
        return f"cc_{SCHOOL_ID}_{drawn('token', self.number).hex()[:43]}"

    @cached_property
    def device(self) -> SigningKey:
        """The phone's key."""
        return SigningKey(drawn("phone", self.number))

    def purse_id(self, kind: str) -> UUID:
        """The account of one kind."""
        return named(kind, self.number)

    @property
    def serial(self) -> bytes:
        """capTag u32, passNo u16."""
        return struct.pack(">IH", self.number + 1, 1)

    def signed_pass(self, kid: int, sign: Sign, not_before: int) -> bytes:
        """The 115 bytes of the pass."""
        return cc1.issue_pass(
            issuer=SCHOOL_ID, kid=kid, kind=Kind.VIRTUAL_CARD, cap_tag=self.number + 1, pass_no=1,
            not_before=not_before, ttl=PASS_SECONDS // 900, cap_class=1, mask=1,
            flags=Flags.PAY | Flags.ENTRY, device_key=bytes(self.device.verify_key), sign=sign,
        )  # fmt: skip


@dataclass(frozen=True)
class Till:
    """A till: the first `TILLS` share all merchants, the others all have merchant 1."""

    number: int

    @property
    def merchant(self) -> int:
        """The merchant's number, 1 and up."""
        return (self.number - 1) % MERCHANTS + 1 if self.number <= TILLS else 1

    @property
    def public_key(self) -> bytes:
        """The till's key."""
        return bytes(SigningKey(drawn("till", self.number)).verify_key)

    @property
    def sign(self) -> Sign:
        """Signs as the till."""
        return signer(drawn("till", self.number))


def merchant_id(number: int) -> UUID:
    """A merchant's id."""
    return named("merchant", number)


def merchant_account(number: int) -> UUID:
    """A merchant's account."""
    return named("merchant account", number)


def tills(*, hot: bool) -> list[Till]:
    """Tills of many merchants, or as many of one."""
    first = TILLS + 1 if hot else 1
    return [Till(number) for number in range(first, first + TILLS)]
