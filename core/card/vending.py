"""What a report does to a kiosk's job: the card comes out, the fee goes back, or staff decide."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

SILENCE = timedelta(minutes=10)
"""So long a job may be silent; then its fee is given back (terminals.md 9)."""


class VendState(StrEnum):
    """How far a job has come. SILENT and FAILED have given the fee back."""

    STARTED = "STARTED"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    SILENT = "SILENT"
    OWED = "OWED"
    """The card came out after its fee was given back. If it works its fee is a debt; a second
    card beside one that the holder has had meanwhile does not, and staff decide."""


class VendResult(StrEnum):
    """What a kiosk says of a job."""

    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class VendJob:
    """A card that a kiosk hands out; the fee in fen, `fee_ids` are its transfers."""

    id: UUID
    cardholder_id: UUID
    terminal_no: int
    old_card_id: UUID
    new_uid: str
    fee_minor: int
    fee_ids: tuple[UUID, ...]
    retrieval_reference: str
    state: VendState
    made_at: datetime


_OUT = {VendState.DELIVERED, VendState.OWED}
_BACK = {VendState.FAILED, VendState.SILENT}


def next_state(job: VendJob, result: VendResult) -> VendState | None:
    """Where a report leads (a repeated one leaves the state), None where it cannot be true."""
    if job.state in _OUT:
        return job.state if result is VendResult.DELIVERED else None
    if result is VendResult.DELIVERED:
        is_owed = job.state in _BACK and job.fee_minor > 0
        return VendState.OWED if is_owed else VendState.DELIVERED
    if job.state in _BACK or result is VendResult.UNKNOWN:
        return job.state
    return VendState.FAILED


def split_fee(fee_minor: int, purses_minor: tuple[int, ...]) -> tuple[int, ...] | None:
    """What each purse pays of a fee, first purse first; None when all hold too little."""
    rest, shares = fee_minor, []
    for free in purses_minor:
        shares.append(min(rest, free))
        rest -= shares[-1]
    return None if rest else tuple(shares)
