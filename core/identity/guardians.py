"""What a guardian may do, and when an offer may still be taken (mission.md 3.7)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

OFFER_LIFE = timedelta(days=1)
GRANTS_MAXIMUM = 5
LABEL_MAXIMUM = 20


class GuardianRight(StrEnum):
    """What a cardholder may let a guardian do; codes, PIN and limits are never among it."""

    TOP_UP = "TOP_UP"
    VIEW_STATEMENT = "VIEW_STATEMENT"
    REPORT_LOSS = "REPORT_LOSS"


@dataclass(frozen=True, slots=True)
class GuardianGrant:
    """One grant, from the offer on; `accepted_at` is None while nobody took it."""

    id: UUID
    cardholder_id: UUID
    label: str
    rights: frozenset[GuardianRight]
    offered_at: datetime
    expires_at: datetime
    accepted_at: datetime | None


def may_be_taken(grant: GuardianGrant, now: datetime) -> bool:
    """Whether an offer is still open."""
    return grant.accepted_at is None and now < grant.expires_at
