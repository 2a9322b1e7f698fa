"""Balances, statement lines and payments of a cardholder."""

from datetime import datetime
from typing import Self

import strawberry

from core.authorisation.records import LastPayment
from core.kit.money import Money as CoreMoney
from core.kit.page import FIRST_MAXIMUM, Cursor
from core.ledger.records import Balances
from core.ledger.records import MonthTotals as TotalsRecord
from core.ledger.records import Purse as PurseRecord
from core.ledger.records import StatementLine as LineRecord
from schema.connection import Connection
from schema.context import RequestInfo
from schema.directives import Bounded
from schema.money import Money
from schema.node import node_id
from schema.school.types import by_language
from schema.statement.words import PurseKind, StatementLineKind
from schema.terminal.words import Outcome
from terminals.response import find_response


def money(minor: int) -> Money:
    """An amount of fen as clients see it."""
    return Money.of(CoreMoney(minor))


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
            balance=money(purse.balance_minor),
            available=money(purse.available_minor),
        )


@strawberry.type(description="What a cardholder has (M-060).")
class Balance:
    """All purses at one instant."""

    total: Money = strawberry.field(description="What is posted, over all purses.")
    available: Money = strawberry.field(description="What may be spent: posted minus held.")
    purses: list[Purse] = strawberry.field(
        description="The purses, at most 4.", directives=[Bounded(maximum=4)]
    )
    as_of: datetime = strawberry.field(description="When it was read.")

    @classmethod
    def of(cls, balances: Balances) -> Self:
        """The client's view."""
        return cls(
            total=money(balances.balance_minor),
            available=money(balances.available_minor),
            purses=[Purse.of(purse) for purse in balances.purses],
            as_of=balances.as_of,
        )


@strawberry.type(description="One posted movement of a purse (M-072).")
class StatementLine:
    """A line; what leaves the cardholder is negative."""

    line: strawberry.Private[LineRecord]
    id: strawberry.ID = strawberry.field(description="The movement's id, opaque.")
    posted_at: datetime = strawberry.field(description="When it was posted.")
    kind: StatementLineKind = strawberry.field(description="What it is about.")
    purse: PurseKind = strawberry.field(description="The purse it moved.")
    amount: Money = strawberry.field(description="How much, signed.")
    balance_after: Money = strawberry.field(description="The purse's posted balance afterwards.")
    retrieval_reference: str | None = strawberry.field(
        description="Our reference, 12 characters, as on the slip."
    )

    @strawberry.field(description="Who sold, in the viewer's language.")
    def merchant_name(self, info: RequestInfo) -> str | None:
        """The merchant."""
        zh, en = self.line.merchant_name_zh, self.line.merchant_name_en
        return None if zh is None or en is None else by_language(info, zh, en)

    @classmethod
    def of(cls, school_id: int, line: LineRecord) -> Self:
        """The client's view."""
        return cls(
            line=line,
            id=node_id("StatementLine", school_id, line.transfer_id),
            posted_at=line.posted_at,
            kind=StatementLineKind(line.kind),
            purse=PurseKind(line.purse),
            amount=money(line.amount_minor),
            balance_after=money(line.balance_after_minor),
            retrieval_reference=line.retrieval_reference,
        )


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
        """The edges' nodes."""
        return [edge.node for edge in self.edges]


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
            month=month, received=money(totals.received_minor), spent=money(totals.spent_minor)
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
            amount=money(payment.amount_minor),
            outcome=Outcome(payment.outcome),
            response_code=payment.response_code,
            at=payment.answered_at,
        )
