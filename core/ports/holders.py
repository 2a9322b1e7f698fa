"""What the core's money contexts ask about a cardholder, whom identity owns."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from core.db.unit import Unit


@dataclass(frozen=True, slots=True)
class HolderStanding:
    """A cardholder's number and status (ACTIVE, FROZEN, CLOSING, CLOSED), and nothing personal."""

    cardholder_id: UUID
    number: str
    status: str


class HolderDirectory(Protocol):
    """Finds a cardholder of a school."""

    async def find_standing(self, unit: "Unit", cardholder_id: UUID) -> HolderStanding | None:
        """How the cardholder stands, inside the caller's unit."""
        ...
