"""Use case of staff: looking a cardholder up, which leaves its trace."""

from core.audit.records import Actor
from core.audit.service import Audit
from core.db.unit import Database, Unit
from core.identity.records import Cardholder
from core.identity.service.cardholders import Cardholders

REASON_MAXIMUM = 200
_PLAIN = "look-up"


class StaffLookUps:
    """Looks cardholders up for staff, with an audit row in the same unit (security.md 8)."""

    def __init__(self, database: Database, cardholders: Cardholders, audit: Audit) -> None:
        self._database = database
        self._cardholders = cardholders
        self._audit = audit

    async def find(
        self, school_id: int, number: str, by: Actor, reason: str | None = None
    ) -> Cardholder | None:
        """The cardholder with a number; nobody is shown without the row that says to whom.

        `reason` is cut to 200 characters; without one it reads "look-up".
        """

        async def work(unit: Unit) -> Cardholder | None:
            found = await self._cardholders.find_by_number(unit, number)
            if found is not None:
                why = (reason or "").strip()[:REASON_MAXIMUM] or _PLAIN
                subject = f"cardholder:{found.id}"
                await self._audit.append(unit, by, "cardholder.look_up", subject, {}, why)
            return found

        return await self._database.unit(school_id, work)
