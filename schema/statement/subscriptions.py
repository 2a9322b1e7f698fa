"""What is pushed to a phone; each has its twin among the cardholder's fields."""

from collections.abc import AsyncGenerator

import strawberry

from schema.context import RequestInfo
from schema.feed import News
from schema.permissions import cardholder, cardholder_only
from schema.statement.reads import hear, read_balance, read_payment
from schema.statement.types import Balance, Payment


@strawberry.type(description="What is pushed to a cardholder.")
class StatementSubscription:
    """The news is a name only: what is pushed is read from the database."""

    @strawberry.subscription(
        description="What became of each purchase; its twin is `viewer.cardholder.lastPayment`."
        " It ends when news cannot come: poll then, and subscribe again.",
        extensions=[cardholder_only()],
    )
    async def payment_result(self, info: RequestInfo) -> AsyncGenerator[Payment, None]:
        """Payments as they are decided."""
        viewer = cardholder(info)
        async for _ in hear(info, News.PAYMENT):
            payment = await read_payment(info, viewer.school_id, viewer.cardholder_id)
            if payment is not None:
                yield payment

    @strawberry.subscription(
        description="The balance after each movement; its twin is `viewer.cardholder.balance`."
        " It ends when news cannot come: poll then, and subscribe again.",
        extensions=[cardholder_only()],
    )
    async def balance_changed(self, info: RequestInfo) -> AsyncGenerator[Balance, None]:
        """Balances as they change."""
        viewer = cardholder(info)
        async for _ in hear(info, News.BALANCE):
            yield await read_balance(info, viewer.school_id, viewer.cardholder_id)
