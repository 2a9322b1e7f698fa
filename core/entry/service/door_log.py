"""Use case of staff: who passed a door, which leaves its trace (security.md 8)."""

from datetime import datetime, timedelta

from core.audit.records import Actor, Facts
from core.audit.service import Audit
from core.db.unit import Database, Unit
from core.entry.records import DoorPassage
from core.entry.store import passages as store

PASSAGES_MAXIMUM = 100
REASON_MAXIMUM = 200
WINDOW = timedelta(hours=24)


class DoorLog:
    """Where people were, shown to staff with an audit row in the same unit: to whom, and why."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    async def list_passages(
        self,
        school_id: int,
        terminal_no: int,
        door_no: int,
        until: datetime,
        by: Actor,
        reason: str,
    ) -> list[DoorPassage]:
        """The passages of the 24 h before `until`, newest first, at most 100.

        `reason` is cut to 200 characters. Raises: DatabaseUnavailable.
        """

        async def work(unit: Unit) -> list[DoorPassage]:
            shown = await store.list_at_door(
                unit, terminal_no, door_no, until - WINDOW, until, PASSAGES_MAXIMUM
            )
            facts: Facts = {"door_no": door_no}
            subject = f"terminal:{terminal_no}"
            why = reason.strip()[:REASON_MAXIMUM]
            await self._audit.append(unit, by, "door.look_up", subject, facts, why)
            return shown

        return await self._database.unit(school_id, work)
