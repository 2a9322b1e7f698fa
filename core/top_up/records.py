"""The frozen facts of money coming in, and its refusals."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.kit.errors import Refusal


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


class CashNotOffered(Refusal):
    """This school takes no cash (`top_up.channels`)."""


class AmountInvalid(Refusal):
    """An amount is 1 to 1,000,000,000 fen."""


class CardholderNotActive(Refusal):
    """The cardholder is frozen, leaving or gone, so no money is taken in for them."""
