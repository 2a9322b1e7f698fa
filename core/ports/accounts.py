"""What the school asks of the ledger above it."""

from typing import TYPE_CHECKING, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from core.db.unit import Unit


class AccountOpener(Protocol):
    """Opens the account of a new merchant."""

    async def open_merchant_account(self, unit: "Unit", merchant_id: UUID) -> UUID:
        """The new account's id, in the unit that creates the merchant."""
        ...
