"""What the core asks of the code formats, of the index of online tokens and of the purses."""

from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from core.kit.errors import Refusal

if TYPE_CHECKING:
    from core.db.unit import Unit


class PassKind(IntEnum):
    """What a code stands for (codes.md 4)."""

    VIRTUAL_CARD = 1
    CAMPUS_CODE = 2
    ENTRY = 3
    DELEGATE = 4


@dataclass(frozen=True, slots=True)
class PassFacts:
    """What a pass says; times are Unix seconds, bit i of `site_mask` is offline site i."""

    kind: PassKind
    cap_tag: int
    pass_no: int
    not_before: int
    ends_at: int
    cap_class: int
    holder_class: int
    may_pay: bool
    may_enter: bool
    site_mask: int
    device_key: bytes


class CodeMaker(Protocol):
    """The formats of codes.md with the school's keys behind them."""

    def proves_device(self, public_key: bytes, created_at: int, proof: bytes, now: int) -> bool:
        """Whether a phone's key may be registered and its fresh proof is good (codes.md 10)."""
        ...

    def make_pass(self, school_id: int, facts: PassFacts) -> bytes:
        """The 115 signed bytes of a pass: the same facts under the same key, the same bytes."""
        ...

    def totp_key(self, school_id: int, device_id: UUID, version: int) -> bytes:
        """The 32-byte T1 key of a device (codes.md 3)."""
        ...

    def draw_token(self) -> str:
        """A new T0 token (codes.md 2)."""
        ...


class TokenIndexUnavailable(Refusal):
    """The index of online codes did not answer; draw again."""

    retryable = True


@dataclass(frozen=True, slots=True)
class TokenEntry:
    """Whose T0 token it is."""

    device_id: UUID
    kind: PassKind


class TokenIndex(Protocol):
    """Finds a live T0 token's device; it may lose everything, then phones draw again."""

    async def put(self, school_id: int, digest: bytes, entry: TokenEntry) -> None:
        """Keeps a token (by its SHA-256) for 60 s; of one device only the newest two live.

        Raises: TokenIndexUnavailable.
        """
        ...

    async def find(self, school_id: int, digest: bytes) -> TokenEntry | None:
        """The entry of a live token; None when unknown, expired or lost."""
        ...

    async def drop(self, school_id: int, digest: bytes) -> None:
        """Forgets a token once its use is committed; silent when there is none."""
        ...


class Funds(Protocol):
    """What a cardholder could spend."""

    async def available_minor(self, school_id: int, cardholder_id: UUID) -> int:
        """The available balance of the card purses in fen, the reserve's too; 0 with arrears."""
        ...

    async def lock(self, unit: "Unit", cardholder_id: UUID) -> None:
        """Takes the money lock, first of all locks of a unit that sets aside."""
        ...

    async def set_aside(
        self, unit: "Unit", cardholder_id: UUID, cap_tag: int, amount_minor: int, day: date
    ) -> bool:
        """Sets a slot's reserve (fen) aside, once; whether the slot has one."""
        ...
