"""The frozen facts of the settlement context, and its refusals."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from core.kit.errors import Refusal

LISTED_MAXIMUM = 100
"""Numbers named in one answer; after these were put right the next close names the rest."""


class VoidTooLate(Refusal):
    """The purchase's batch is closed; give the money back by a refund."""


class BatchUnknown(Refusal):
    """Nothing ever came in this batch, and the terminal says that it sold in it."""


class TotalKind(StrEnum):
    """What a total counts; a purchase that was voided in its batch is none."""

    PURCHASE = "PURCHASE"
    REFUND = "REFUND"


@dataclass(frozen=True, slots=True)
class Total:
    """How many of a kind by one instrument, and for how many fen; refunds have no instrument."""

    kind: TotalKind
    instrument: str
    count: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Closing:
    """What a terminal says of a batch when it closes it.

    `unused` are numbers it took and never sent. `head_hash` is the hash of its last offline record,
    that of the empty chain if it wrote none.
    """

    terminal_no: int
    batch_no: int
    merchant_account_id: UUID
    last_seq: int
    unused: frozenset[int]
    totals: tuple[Total, ...]
    head_hash: bytes
    first_hash: bytes


@dataclass(frozen=True, slots=True)
class Difference:
    """A total on which terminal and server do not agree; None: that side has none."""

    kind: TotalKind
    instrument: str
    claimed: Total | None
    counted: Total | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a closed batch came to, in fen; purchases that were voided count nowhere."""

    terminal_no: int
    batch_no: int
    purchases_minor: int
    refunds_minor: int
    settled_at: datetime

    @property
    def net_minor(self) -> int:
        """What the merchant is owed by it."""
        return self.purchases_minor - self.refunds_minor


@dataclass(frozen=True, slots=True)
class Silence:
    """A batch that nobody closed: when it was last heard of, and what never came of it.

    `missing` are the first numbers of `missing_count`.
    """

    silent_since: datetime
    last_seq: int
    missing_count: int
    missing: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Closed:
    """The answer to a close: the settlement, or everything that stands in its way."""

    settlement: Settlement | None
    missing: tuple[int, ...] = ()
    unexpected: tuple[int, ...] = ()
    different: tuple[Difference, ...] = ()
    head_is_known: bool = True


@dataclass(frozen=True, slots=True)
class Numbers:
    """Which numbers of a batch we know: used ones, and those that only a tombstone holds."""

    used: frozenset[int]
    buried: frozenset[int]
