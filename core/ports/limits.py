"""What identity asks of the limits above it."""

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
