"""Paying a merchant's code that the payer scanned (M-051)."""

from typing import Annotated

import strawberry

from core.school.policy_words import Feature
from schema.context import RequestInfo
from schema.directives import OncePerOperation
from schema.errors import UserError
from schema.inputs import INPUT
from schema.merchant_code.errors import MERCHANT_CODE
from schema.merchant_code.types import MerchantCodePayment
from schema.payload import answer
from schema.permissions import cardholder, cardholder_only
from schema.scalars import MinorAmount
from schema.services import services
from terminals.merchant_codes import Payer, ScanMessage


@strawberry.input(description="A scanned code, and what its payer adds.")
class MerchantCodePayInput:
    """What to pay."""

    idempotency_key: strawberry.ID = strawberry.field(
        description="The payer's own key: a repeat hears the same, whatever became of the code."
    )
    text: str = strawberry.field(description="What was scanned, as read.")
    minor_amount: MinorAmount | None = strawberry.field(
        default=None,
        description="How much, in fen: where the code has no amount; else null, or just its own.",
    )
    pin: str | None = strawberry.field(
        default=None, description="The PIN that pays, above the limits: after PIN_REQUIRED."
    )


@strawberry.type(description="The answer to a payment.")
class MerchantCodePayPayload:
    """userErrors say that the code or the PIN was wrong; a decline is a payment's outcome."""

    payment: MerchantCodePayment | None = strawberry.field(
        default=None, description="What came of it."
    )
    user_errors: list[UserError] = MERCHANT_CODE.field()


@strawberry.type(description="Merchant codes.")
class MerchantCodeMutation:
    """What a payer does with a scanned code."""

    @strawberry.mutation(
        description="Pays a merchant's code from the payer's purses.",
        directives=[OncePerOperation()],
        extensions=[cardholder_only()],
    )
    async def merchant_code_pay(
        self, info: RequestInfo, input: Annotated[MerchantCodePayInput, INPUT]
    ) -> MerchantCodePayPayload | None:
        """Under the key of the terminal that shows it."""
        viewer = cardholder(info)
        message = ScanMessage(input.idempotency_key, input.text, input.minor_amount, input.pin)
        return await answer(
            info,
            MERCHANT_CODE,
            MerchantCodePayPayload,
            lambda paid: MerchantCodePayPayload(payment=MerchantCodePayment.of(paid)),
            services(info).merchant_codes.pay(
                Payer(viewer.school_id, viewer.cardholder_id), message
            ),
            Feature.MERCHANT_CODE,
        )
