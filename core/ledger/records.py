"""The frozen facts of the ledger, and its refusals."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from core.kit.errors import Refusal

PURSES = ("MAIN", "SUBSIDY", "RESERVE", "CLAIM", "CARD")
"""Accounts of a cardholder: they keep a balance, and its floor is 0. CARD is on the chip."""


class BalanceTooLow(Refusal):
    """The purse does not hold this amount."""


class TransferResolved(Refusal):
    """The pending transfer was already posted or voided."""


@dataclass(frozen=True, slots=True)
class Posting:
    """An intended movement: `amount_minor` fen leave the debit account and enter the credit one."""

    id: UUID
    kind: str
    debit_account_id: UUID
    credit_account_id: UUID
    amount_minor: int
    retrieval_reference: str | None = None


@dataclass(frozen=True, slots=True)
class Purse:
    """A cardholder's account of one kind; amounts in fen."""

    account_id: UUID
    kind: str
    balance_minor: int
    pending_minor: int

    @property
    def available_minor(self) -> int:
        """Posted minus pending."""
        return self.balance_minor - self.pending_minor


@dataclass(frozen=True, slots=True)
class Sources:
    """What pays an amount, account by account in fen; `owes`: the last one is a debt.

    `reserve_minor` is the part of it that RESERVE pays.
    """

    shares: tuple[tuple[UUID, int], ...]
    owes: bool
    reserve_minor: int = 0


@dataclass(frozen=True, slots=True)
class Balances:
    """All purses of a cardholder at one instant."""

    purses: tuple[Purse, ...]
    as_of: datetime

    @property
    def balance_minor(self) -> int:
        """The posted balance over all purses."""
        return sum(purse.balance_minor for purse in self.purses)

    @property
    def available_minor(self) -> int:
        """What can be spent online: the available balance of all purses but what is set aside."""
        return sum(each.available_minor for each in self.purses if each.kind != "RESERVE")

    @property
    def reserve_minor(self) -> int:
        """What is set aside for offline purchases."""
        return sum(each.available_minor for each in self.purses if each.kind == "RESERVE")

    def of(self, kind: str) -> Purse | None:
        """The purse of a kind, None where it was never opened."""
        return next((purse for purse in self.purses if purse.kind == kind), None)

    def available_in(self, kinds: Sequence[str]) -> int:
        """The available balance over the purses of some kinds."""
        return sum(purse.available_minor for purse in self.purses if purse.kind in kinds)


@dataclass(frozen=True, slots=True)
class Transfer:
    """A pending transfer and the sides it moves between."""

    id: UUID
    kind: str
    debit_account_id: UUID
    credit_account_id: UUID
    amount_minor: int


class StatementLine(NamedTuple):
    """One posted leg of a purse; debits are negative (mission.md M-072)."""

    transfer_id: UUID
    posted_at: datetime
    kind: str
    purse: str
    amount_minor: int
    balance_after_minor: int
    merchant_name_zh: str | None
    merchant_name_en: str | None


@dataclass(frozen=True, slots=True)
class MonthTotals:
    """What a month brought in and took out, in fen; `spent_minor` is zero or negative."""

    received_minor: int
    spent_minor: int


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """The sum over all accounts: always 0 (invariant I6)."""

    total_minor: int
    purses_minor: int
    others_minor: int
    transfers: int
    as_of: datetime
