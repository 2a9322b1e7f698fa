"""What the contexts below the limits ask of them."""

from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from core.db.unit import Unit


class RaisePauser(Protocol):
    """Keeps a cardholder's limits from being raised for a while."""

    async def pause_raises(self, unit: "Unit", cardholder_id: UUID, until: datetime) -> None:
        """Lets nobody raise a limit in the app until then, inside the caller's unit."""
        ...


class MoneyLock(Protocol):
    """The lock that every movement of a cardholder's money takes first."""

    async def lock(self, unit: "Unit", cardholder_id: UUID) -> object:
        """Takes it for the rest of the unit.

        Raises: core.identity.records.CardholderUnknown.
        """
        ...
