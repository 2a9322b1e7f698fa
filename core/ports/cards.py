"""What the cards ask of the money on their chips, which a context above them owns."""

from datetime import date
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from core.db.unit import Unit


class ChipMoney(Protocol):
    """The money on the chip of a card."""

    async def is_in_doubt(self, unit: "Unit", card_id: UUID) -> bool:
        """Whether staff have to look at the chip before anything is done with its money."""
        ...

    async def take_back(self, unit: "Unit", cardholder_id: UUID, card_id: UUID, day: date) -> None:
        """Lets all money of a card that ends wait for the next one; under the money lock."""
        ...
