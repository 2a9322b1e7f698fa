"""Money as clients see it."""

from typing import Self

import strawberry

from core.kit.money import Money as CoreMoney
from core.kit.money import decimal_text
from schema.scalars import CurrencyCode, MinorAmount


@strawberry.type(description="An amount of money. Calculate with `minorAmount`, show `amount`.")
class Money:
    """An amount with its currency, signed: what leaves the cardholder is negative."""

    minor_amount: MinorAmount = strawberry.field(description="The amount in fen, signed.")
    currency_code: CurrencyCode = strawberry.field(description="The currency, ISO 4217.")
    amount: str = strawberry.field(
        description="The amount in yuan with two decimals, for people: `-12.50`."
    )

    @classmethod
    def of(cls, money: CoreMoney) -> Self:
        """The client's view of an amount of the core."""
        return cls(
            minor_amount=MinorAmount(money.minor),
            currency_code=CurrencyCode(money.currency),
            amount=decimal_text(money.minor),
        )
