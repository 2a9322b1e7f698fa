"""What the chip of a card says, and what a school's key scheme proves of it and makes for it.

A school that buys cards with keys of their own writes one class for `ChipScheme`; nothing else
knows how a chip's MAC is made.
"""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ChipReading:
    """What a chip said of itself: `counter` (u32) rises by one with each load, amounts are fen."""

    uid: str
    counter: int
    balance_minor: int
    mac: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChipDebit:
    """What a chip took off its own balance: `counter` (u32) rises by one with each debit."""

    uid: str
    counter: int
    amount_minor: int
    mac: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChipStanding:
    """What a refresh writes onto a chip: whether it may spend, and its limits in fen.

    `stamp` (Unix seconds) rises: an older refresh is not taken again.
    """

    is_usable: bool
    single_minor: int
    daily_minor: int
    stamp: int


class ProvenChip(Protocol):
    """A chip that has proven itself: commands for it, and for no other."""

    def load(self, counter: int, amount_minor: int) -> bytes:
        """Adds to the balance of a chip whose load counter is `counter`, which then rises."""
        ...

    def refresh(self, standing: ChipStanding) -> bytes:
        """Writes what the school decided."""
        ...


class ChipScheme(Protocol):
    """The keys of a school's chips. `bound_to` are the 10 bytes of the request's own key."""

    def prove(self, school_id: int, reading: ChipReading, bound_to: bytes) -> ProvenChip | None:
        """The chip that said this for this very request, None if its MAC is not good."""
        ...

    def proves_debit(self, school_id: int, debit: ChipDebit, bound_to: bytes) -> bool:
        """Whether a chip of the school took this amount for this very request."""
        ...
