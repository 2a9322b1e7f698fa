"""A merchant's code as the payer sees it, and what came of paying it."""

from datetime import datetime
from typing import Self

import strawberry

from core.authorisation.records import Answer
from core.school.records import Merchant
from schema.context import RequestInfo
from schema.errors import UserError
from schema.merchant_code.errors import MERCHANT_CODE
from schema.money import Money
from schema.school.types import by_language
from schema.terminal.words import Outcome, PurchaseState
from terminals.merchant_codes import ScannedCode, ScanPayment
from terminals.response import find_response


@strawberry.type(description="A merchant's code that can be paid now.")
class MerchantCode:
    """Whom it pays, how much, until when, and nothing else."""

    merchant: strawberry.Private[Merchant]
    amount: Money | None = strawberry.field(
        description="What it asks for; null: the payer types it."
    )
    expires_at: datetime | None = strawberry.field(
        description="The last instant it can be paid; null: until the school revokes it."
    )

    @strawberry.field(description="Whom it pays, in the viewer's language.")
    def merchant_name(self, info: RequestInfo) -> str:
        """The merchant's name."""
        return by_language(info, self.merchant.name_zh, self.merchant.name_en)

    @classmethod
    def of(cls, code: ScannedCode) -> Self:
        """The client's view."""
        return cls(
            merchant=code.merchant,
            amount=None if code.amount_minor is None else Money.of(code.amount_minor),
            expires_at=code.expires_at,
        )


@strawberry.type(description="What was scanned, or why it cannot be paid.")
class MerchantCodeReading:
    """A code or its refusal."""

    code: MerchantCode | None = strawberry.field(default=None, description="The code.")
    user_errors: list[UserError] = MERCHANT_CODE.field()


@strawberry.type(description="What came of paying a merchant's code; a decline is an answer too.")
class MerchantCodePayment:
    """A decision about money."""

    answer: strawberry.Private[Answer]
    merchant: strawberry.Private[Merchant]
    state: PurchaseState | None = strawberry.field(
        description="Where the purchase stands now: the terminal may have voided what it approved."
        " Null where nothing was kept: DECLINED."
    )

    @strawberry.field(
        description="APPROVED: paid. VOIDED: the terminal ended it before, nothing was paid."
        " DECLINED: nothing was paid, and the code may be paid again."
    )
    def outcome(self) -> Outcome:
        """The outcome."""
        return Outcome(self.answer.outcome)

    @strawberry.field(description="ISO 8583 field 39, two characters.")
    def response_code(self) -> str:
        """The code."""
        return self.answer.response_code

    @strawberry.field(description="The response code's name.")
    def response_name(self) -> str:
        """The name."""
        return find_response(self.answer.response_code).name

    @strawberry.field(description="For the display, in the viewer's language.")
    def text(self, info: RequestInfo) -> str:
        """The text."""
        response = find_response(self.answer.response_code)
        return by_language(info, response.zh, response.en)

    @strawberry.field(description="The amount asked for.")
    def amount(self) -> Money:
        """The amount."""
        return Money.of(self.answer.amount_minor)

    @strawberry.field(description="Whom it pays, in the viewer's language.")
    def merchant_name(self, info: RequestInfo) -> str:
        """The merchant's name."""
        return by_language(info, self.merchant.name_zh, self.merchant.name_en)

    @strawberry.field(
        description="Our reference, 12 characters; null where nothing was kept: DECLINED."
    )
    def retrieval_reference(self) -> str | None:
        """The reference."""
        return self.answer.retrieval_reference if self.answer.signed_answer else None

    @strawberry.field(description="When it was decided.")
    def answered_at(self) -> datetime:
        """The instant."""
        return self.answer.answered_at

    @strawberry.field(description="Whether this payer was answered for it before.")
    def replayed(self) -> bool:
        """Whether it is a repeat."""
        return self.answer.verdict == "REPEATED"

    @strawberry.field(
        description="`CCR:` text to show to the terminal where it has no network; null where"
        " nothing was kept: DECLINED."
    )
    def receipt(self) -> str | None:
        """The signed answer."""
        return self.answer.signed_answer

    @classmethod
    def of(cls, payment: ScanPayment) -> Self:
        """The client's view."""
        return cls(
            answer=payment.answer,
            merchant=payment.merchant,
            state=None if payment.state is None else PurchaseState(payment.state),
        )
