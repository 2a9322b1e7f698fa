"""Which physical cards terminals refuse alone: the lost, and those of whoever may not pay."""

from datetime import datetime, timedelta
from uuid import UUID

from core.card.store import cards as store
from core.db.unit import Unit
from core.kit.clock import Clock, unix_seconds
from core.school.service import DenyList

LOOKED_EVERY = timedelta(minutes=5)
"""How often the whole register is compared with the list: who is frozen or leaves is on it then."""
GONE_FOR = timedelta(days=4 * 365)
"""How long the card of an account that was closed stays on the list."""
_NEVER = (1 << 32) - 1


class CardDenials:
    """The deny list's lines of cards (terminals.md 8, type 2), kept equal to the register."""

    def __init__(self, clock: Clock, deny: DenyList) -> None:
        self._clock = clock
        self._deny = deny
        self._looked_at: dict[int, datetime] = {}

    async def refresh(self, unit: Unit, card_id: UUID | None = None) -> int:
        """Adds and removes what differs, of one card or of all, within a unit; how many lines.

        A chip is denied unless it is an active card of an active cardholder.
        """
        gone = unix_seconds(self._clock.now() + GONE_FOR)
        changes = {
            chip.uid: (gone if chip.is_gone else _NEVER) if chip.is_denied else None
            for chip in await store.list_deniable(unit, card_id)
        }
        await self._deny.change_cards(unit, changes)
        return len(changes)

    async def refresh_if_due(self, unit: Unit) -> int:
        """The same of all cards, every `LOOKED_EVERY`."""
        now = self._clock.now()
        looked_at = self._looked_at.get(unit.school_id)
        if looked_at is not None and now - looked_at < LOOKED_EVERY:
            return 0
        self._looked_at[unit.school_id] = now
        return await self.refresh(unit)
