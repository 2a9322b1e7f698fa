"""Use cases of passes that end before their time: the next ones are issued anew (codes.md 12)."""

from uuid import UUID

from core.card.store import codes
from core.db.unit import Unit
from core.kit.clock import Clock, unix_seconds
from core.school.service import DenyList


class Passes:
    """The passes a cardholder's devices show."""

    def __init__(self, clock: Clock, deny: DenyList) -> None:
        self._clock = clock
        self._deny = deny

    async def revoke(self, unit: Unit, cardholder_id: UUID) -> None:
        """Ends the live passes and tells the terminals, within the unit that cuts a right.

        The devices stay: a phone that asks gets new passes.
        """
        now = self._clock.now()
        ended = await codes.revoke_passes(unit, cardholder_id, now, unix_seconds(now))
        await self._deny.add_serials(unit, ended)

    async def withdraw(self, unit: Unit, cardholder_id: UUID) -> None:
        """Takes the live money passes off the terminals, within the unit that made a debt.

        Nothing is revoked: online they pay on, and what a terminal that has not heard of it takes
        is still the holder's debt. A phone that asks gets new ones, of a class that suits.
        """
        now = self._clock.now()
        ended = await codes.withdraw_passes(unit, cardholder_id, now, unix_seconds(now))
        await self._deny.add_serials(unit, ended)
