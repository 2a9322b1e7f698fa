"""The review of a record that the school paid in doubt: what is known, and who bears it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from core.authorisation.records import Authorisation, Key, ReviewImpossible


class Bearer(StrEnum):
    """Who bears the amount of a SUSPECT record in the end."""

    SCHOOL = "SCHOOL"
    HOLDER = "HOLDER"
    MERCHANT = "MERCHANT"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A SUSPECT record; amounts in fen. `bearer` is None until it was reviewed.

    `cardholder_id` is whose code or card it names, None where nobody is known by it.
    """

    key: Key
    merchant_name_zh: str
    merchant_name_en: str
    amount_minor: int
    reason: str
    cardholder_id: UUID | None
    made_at: datetime
    received_at: datetime
    retrieval_reference: str
    bearer: Bearer | None


@dataclass(frozen=True, slots=True)
class Review:
    """A decision that stands, with the transfers that carried it out."""

    key: Key
    bearer: Bearer
    cardholder_id: UUID | None
    amount_minor: int
    transfer_ids: tuple[UUID, ...]
    staff_id: UUID
    four_eyes_id: UUID | None
    audit_id: UUID
    decided_at: datetime


def check_possible(
    bearer: Bearer, suspect: Suspect, paid: Authorisation, *, is_settled: bool
) -> int:
    """The fen that are to be borne: what the merchant still has of it.

    A charge-back waits for the close of the batch, whose totals its terminal counted with it.
    Raises: ReviewImpossible.
    """
    left = paid.captured_minor - paid.refunded_minor
    if paid.state not in ("CAPTURED", "REFUNDED_PART"):
        raise ReviewImpossible("bearer", reason="GIVEN_BACK")
    if bearer is Bearer.HOLDER and suspect.cardholder_id is None:
        raise ReviewImpossible("bearer", reason="HOLDER_UNKNOWN")
    if bearer is Bearer.MERCHANT and paid.state != "CAPTURED":
        raise ReviewImpossible("bearer", reason="GIVEN_BACK")
    if bearer is Bearer.MERCHANT and not is_settled:
        raise ReviewImpossible("bearer", reason="BATCH_OPEN")
    return left
