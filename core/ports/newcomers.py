"""What contexts above and beside identity set up when the roster brings a cardholder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from core.db.unit import Unit


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A created or changed cardholder as far as others need to know it.

    `card_uid` is the physical card's, if the roster names one. `opening_minor` is an old balance in
    fen to be moved in now (M-074), 0 if there is none or it was moved before.
    """

    cardholder_id: UUID
    kind: str
    card_uid: str | None
    opening_minor: int


class NewcomerOpener(Protocol):
    """Sets up a context's rows for newcomers: purses with opening balance, limits, cards."""

    async def open_newcomers(self, unit: "Unit", newcomers: Sequence[Newcomer], day: date) -> None:
        """Adds what each newcomer lacks, inside the import's unit; what exists is left alone.

        The opening balance is not such a thing: each one handed over is posted, on business `day`.
        """
        ...


class CardDirectory(Protocol):
    """Whose a physical card is."""

    async def owners(self, unit: "Unit", uids: Sequence[str]) -> Mapping[str, UUID]:
        """The cardholder of each known card that is neither replaced nor closed, by UID."""
        ...


class DeviceRevoker(Protocol):
    """Ends the code devices of a binding."""

    async def revoke_of_binding(self, unit: "Unit", cardholder_id: UUID, binding_id: UUID) -> None:
        """Revokes the binding's devices and their passes, inside the caller's unit."""
        ...
