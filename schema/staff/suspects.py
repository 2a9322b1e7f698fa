"""Offline records that the school paid in doubt, as staff see them."""

from datetime import datetime
from typing import Self

import strawberry

from core.authorisation.reviews import Bearer
from core.authorisation.reviews import Suspect as SuspectRecord
from schema.context import RequestInfo
from schema.enums import described
from schema.money import Money
from schema.permissions import staff
from schema.school.types import by_language
from schema.services import services

SUSPECTS_MAXIMUM = 100

described(
    Bearer,
    "Who bears what the school paid in doubt.",
    {
        Bearer.SCHOOL: "The loss stays with the school.",
        Bearer.HOLDER: "The cardholder is charged: purses first, the rest is owed.",
        Bearer.MERCHANT: "The merchant gives it back; the settled batch is adjusted.",
    },
    name="OfflineLossBearer",
)


@strawberry.type(description="An offline record that the school paid in doubt.")
class OfflineSuspect:
    """A SUSPECT record."""

    record: strawberry.Private[SuspectRecord]
    terminal_no: int = strawberry.field(description="Which terminal wrote it.")
    batch_no: int = strawberry.field(description="In which batch.")
    seq_no: int = strawberry.field(description="Under which number.")
    amount: Money = strawberry.field(description="How much the merchant was paid.")
    reason: str = strawberry.field(description="The doubt, by the table of verdicts.")
    made_at: datetime = strawberry.field(description="When it was sold, by the terminal's clock.")
    received_at: datetime = strawberry.field(description="When the record came.")
    retrieval_reference: str = strawberry.field(description="Our reference of the purchase.")
    bearer: Bearer | None = strawberry.field(description="Who bears it; null: not decided yet.")

    @strawberry.field(description="Who sold, in the viewer's language.")
    def merchant_name(self, info: RequestInfo) -> str:
        """The merchant."""
        return by_language(info, self.record.merchant_name_zh, self.record.merchant_name_en)

    @strawberry.field(description="The number of whose code or card it names; null: of nobody.")
    async def number(self, info: RequestInfo) -> str | None:
        """The cardholder's number."""
        if self.record.cardholder_id is None:
            return None
        found = services(info).cardholders
        return (await found.get(staff(info).school_id, self.record.cardholder_id)).number

    @classmethod
    def of(cls, record: SuspectRecord) -> Self:
        """The client's view."""
        return cls(
            record=record,
            terminal_no=record.key.terminal_no,
            batch_no=record.key.batch_no,
            seq_no=record.key.seq_no,
            amount=Money.of(record.amount_minor),
            reason=record.reason,
            made_at=record.made_at,
            received_at=record.received_at,
            retrieval_reference=record.retrieval_reference,
            bearer=record.bearer,
        )
