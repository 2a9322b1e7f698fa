"""Balances, statement lines and payments of a cardholder."""

from datetime import datetime
from typing import Self, TypeAlias
from uuid import UUID

import strawberry
from strawberry.dataloader import DataLoader

from core.authorisation.records import LastPayment
from core.kit.page import FIRST_MAXIMUM, Cursor
from core.ledger.records import Balances
from core.ledger.records import MonthTotals as TotalsRecord
from core.ledger.records import Purse as PurseRecord
from core.ledger.records import StatementLine as LineRecord
from schema.connection import Connection
from schema.context import Language, RequestInfo
from schema.directives import Bounded
from schema.money import Money
from schema.node import node_id
from schema.school.types import by_language
from schema.statement.words import PurseKind, StatementLineKind
from schema.terminal.words import Outcome
from terminals.response import find_response


@strawberry.type(description="One purse.")
class Purse:
    """An account of the cardholder."""

    kind: PurseKind = strawberry.field(description="Which purse.")
    balance: Money = strawberry.field(description="What is posted.")
    available: Money = strawberry.field(description="What is posted minus what is held.")

    @classmethod
    def of(cls, purse: PurseRecord) -> Self:
        """The client's view."""
        return cls(
            kind=PurseKind(purse.kind),
            balance=Money.of(purse.balance_minor),
            available=Money.of(purse.available_minor),
        )


_ARREARS = {
    "zh": "您有欠款，将从下次充值中先行扣还；还清前不能脱机消费。",
    "en": "You owe money. The next top-up pays it first; until then no sale without a network.",
}


@strawberry.type(description="What a cardholder owes for what was sold without a network.")
class Arrears:
    """A debt, recovered from the next top-up."""

    amount: Money = strawberry.field(description="How much is owed.")
    notice: str = strawberry.field(description="What to tell the cardholder about it.")

    @classmethod
    def of(cls, owed_minor: int, language: Language) -> Self:
        """The client's view."""
        return cls(amount=Money.of(owed_minor), notice=_ARREARS[language])


@strawberry.type(description="What a cardholder has (M-060).")
class Balance:
    """All purses at one instant."""

    total: Money = strawberry.field(description="What is posted, over all purses.")
    available: Money = strawberry.field(description="What may be spent: posted minus held.")
    purses: list[Purse] = strawberry.field(
        description="The purses, at most 5.", directives=[Bounded(maximum=5)]
    )
    as_of: datetime = strawberry.field(description="When it was read.")

    @classmethod
    def of(cls, balances: Balances) -> Self:
        """The client's view."""
        return cls(
            total=Money.of(balances.balance_minor),
            available=Money.of(balances.available_minor),
            purses=[Purse.of(purse) for purse in balances.purses],
            as_of=balances.as_of,
        )


References: TypeAlias = DataLoader[UUID, str | None]
"""Our references of a page's transfers, read together by the first line that is asked for one."""


@strawberry.type(description="One posted movement of a purse (M-072).")
class StatementLine:
    """A line; what leaves the cardholder is negative."""

    line: strawberry.Private[LineRecord]
    school_id: strawberry.Private[int]
    language: strawberry.Private[Language]
    references: strawberry.Private[References]

    @strawberry.field(description="The movement's id, opaque.")
    def id(self) -> strawberry.ID:
        """The id."""
        return node_id("StatementLine", self.school_id, self.line.transfer_id)

    @strawberry.field(description="When it was posted.")
    def posted_at(self) -> datetime:
        """The instant."""
        return self.line.posted_at

    @strawberry.field(description="What it is about.")
    def kind(self) -> StatementLineKind:
        """The kind."""
        return StatementLineKind(self.line.kind)

    @strawberry.field(description="The purse it moved.")
    def purse(self) -> PurseKind:
        """The purse."""
        return PurseKind(self.line.purse)

    @strawberry.field(description="How much, signed.")
    def amount(self) -> Money:
        """The amount."""
        return Money.of(self.line.amount_minor)

    @strawberry.field(description="The purse's posted balance afterwards.")
    def balance_after(self) -> Money:
        """The balance."""
        return Money.of(self.line.balance_after_minor)

    @strawberry.field(description="Our reference, 12 characters, as on the slip.")
    async def retrieval_reference(self) -> str | None:
        """The reference, read with those of the page's other lines."""
        return await self.references.load(self.line.transfer_id)

    @strawberry.field(description="Who sold, in the viewer's language.")
    def merchant_name(self) -> str | None:
        """The merchant."""
        line = self.line
        return line.merchant_name_zh if self.language == "zh" else line.merchant_name_en


def place_of(line: LineRecord) -> Cursor:
    """The place of a line in its statement."""
    return Cursor(line.posted_at, line.transfer_id)


@strawberry.type(description="One page of a statement, newest first.")
class StatementLineConnection(Connection[StatementLine]):
    """A page with the instant it was read."""

    as_of: datetime = strawberry.field(description="When it was read.")

    @strawberry.field(
        description=f"The lines of this page, at most `first`, never more than {FIRST_MAXIMUM}."
    )
    def nodes(self) -> list[StatementLine]:
        """The lines without their places."""
        return list(map(self.present, self.page.items))


@strawberry.type(description="What a month brought in and took out.")
class MonthTotals:
    """Two sums."""

    month: str = strawberry.field(description="The month, YYYY-MM.")
    received: Money = strawberry.field(description="What came in.")
    spent: Money = strawberry.field(description="What went out; zero or negative.")

    @classmethod
    def of(cls, month: str, totals: TotalsRecord) -> Self:
        """The client's view."""
        return cls(
            month=month,
            received=Money.of(totals.received_minor),
            spent=Money.of(totals.spent_minor),
        )


@strawberry.type(description="What became of a purchase.")
class Payment:
    """A cardholder's newest purchase, declined ones too."""

    payment: strawberry.Private[LastPayment]
    retrieval_reference: str = strawberry.field(description="Our reference, 12 characters.")
    amount: Money = strawberry.field(description="How much was asked for.")
    outcome: Outcome = strawberry.field(description="What became of it.")
    response_code: str = strawberry.field(description="ISO 8583 field 39, as the terminal got it.")
    at: datetime = strawberry.field(description="When it was decided.")

    @strawberry.field(description="Who sold, in the viewer's language.")
    def merchant_name(self, info: RequestInfo) -> str:
        """The merchant."""
        return by_language(info, self.payment.merchant_name_zh, self.payment.merchant_name_en)

    @strawberry.field(description="The response in words, in the viewer's language.")
    def text(self, info: RequestInfo) -> str:
        """The words."""
        response = find_response(self.payment.response_code)
        text = by_language(info, response.zh, response.en)
        return text.format(tries=self.payment.tries_left)

    @classmethod
    def of(cls, payment: LastPayment) -> Self:
        """The client's view."""
        return cls(
            payment=payment,
            retrieval_reference=payment.retrieval_reference,
            amount=Money.of(payment.amount_minor),
            outcome=Outcome(payment.outcome),
            response_code=payment.response_code,
            at=payment.answered_at,
        )
