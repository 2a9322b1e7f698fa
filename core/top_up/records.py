"""The frozen facts of money coming in, and its refusals."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from core.kit.errors import Refusal
from core.ports.chips import ChipReading, ProvenChip


@dataclass(frozen=True, slots=True)
class CashTopUp:
    """Cash taken at a window; it names its transfer, its audit row and the second eyes, if any."""

    id: UUID
    cardholder_id: UUID
    staff_id: UUID
    four_eyes_id: UUID | None
    amount_minor: int
    transfer_id: UUID
    audit_id: UUID
    made_at: datetime


@dataclass(frozen=True, slots=True)
class CashAnswer:
    """Either the top-up that was posted, or the request that waits for a second person.

    `content_hash` is what that person approves.
    """

    top_up_id: UUID | None
    request_id: UUID | None
    content_hash: bytes | None


LISTED_MAXIMUM = 20
"""Loads, and credits, that a kiosk lists."""


@dataclass(frozen=True, slots=True)
class Credit:
    """What entered the pending-claim purse, and how: the kind of its transfer; fen."""

    kind: str
    amount_minor: int
    at: datetime


@dataclass(frozen=True, slots=True)
class FrozenChip:
    """A chip out of step: what it said, and what our books held; amounts in fen.

    `load_counter` is where we had it. `load_minor` is held by a load that it may have taken.
    """

    card_id: UUID
    number: str
    frozen_at: datetime
    seen_counter: int
    load_counter: int
    seen_minor: int
    expected_minor: int
    load_minor: int | None


class LoadState(StrEnum):
    """Where a load stands. OPEN and REVIEW hold the amount."""

    OPEN = "OPEN"
    POSTED = "POSTED"
    RETURNED = "RETURNED"
    REVIEW = "REVIEW"


@dataclass(frozen=True, slots=True)
class Load:
    """A load: `counter` and `chip_minor` are the chip's before it; amounts in fen."""

    id: UUID
    card_id: UUID
    cardholder_id: UUID
    terminal_no: int
    counter: int
    chip_minor: int
    amount_minor: int
    transfer_id: UUID
    retrieval_reference: str
    state: LoadState
    made_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Tap:
    """A card on a reader that proved what it said; without a chip of its own it said nothing."""

    card_id: UUID
    cardholder_id: UUID
    reading: ChipReading | None
    chip: ProvenChip | None


@dataclass(frozen=True, slots=True)
class Overview:
    """What a kiosk lists: what waits, how it came, what is held by a load, and the last loads."""

    waiting_minor: int
    held_minor: int
    credits: list[Credit]
    loads: list[Load]


class ReviewUnknown(Refusal):
    """No chip of this card waits for staff."""


class CashNotOffered(Refusal):
    """This school takes no cash (`top_up.channels`)."""


class AmountInvalid(Refusal):
    """An amount is 1 to 1,000,000,000 fen."""


class CardholderNotActive(Refusal):
    """The cardholder is frozen, leaving or gone, so no money is taken in for them."""
