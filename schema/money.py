"""Money as clients see it."""

from typing import Self

import strawberry

from core.kit.money import CURRENCY, decimal_text
from schema.scalars import CurrencyCode, MinorAmount


@strawberry.type(description="An amount of money. Calculate with `minorAmount`, show `amount`.")
class Money:
    """An amount with its currency, signed: what leaves the cardholder is negative."""

    minor_amount: MinorAmount = strawberry.field(description="The amount in fen, signed.")

    @strawberry.field(description="The currency, ISO 4217.")
    def currency_code(self) -> CurrencyCode:
        """The one currency there is."""
        return CurrencyCode(CURRENCY)

    @strawberry.field(description="The amount in yuan with two decimals, for people: `-12.50`.")
    def amount(self) -> str:
        """The amount for people."""
        return decimal_text(self.minor_amount)

    @classmethod
    def of(cls, minor: int) -> Self:
        """The client's view of an amount of fen."""
        return cls(minor_amount=MinorAmount(minor))
