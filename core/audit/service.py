"""Use cases of the audit: append within the act's own unit, verify afterwards."""

from collections.abc import Mapping
from uuid import UUID

from core.audit import store
from core.audit.records import Actor, AuditEvent, AuditReport, Facts, SealedEvent
from core.audit.sealing import check_facts, is_sound, seal
from core.db.unit import Database, Unit
from core.kit.clock import Clock
from core.kit.ids import Ids

_PAGE = 1_000


class Audit:
    """Who did what to whose card.

    `keys` maps key ids (1 ...) to 32 bytes; the newest writes, old ones only verify.
    """

    def __init__(
        self, database: Database, clock: Clock, ids: Ids, keys: Mapping[int, bytes]
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._keys = dict(keys)

    async def append(
        self, unit: Unit, actor: Actor, act: str, subject: str, facts: Facts, reason: str = ""
    ) -> UUID:
        """Adds a row in the unit of the act itself: both stand or neither.

        Raises: FactNotAllowed.
        """
        check_facts(facts)
        event = AuditEvent(self._ids.new(), self._clock.now(), actor, act, subject, reason, facts)
        key_id = max(self._keys)
        await store.insert(unit, seal(unit.school_id, event, key_id, self._keys[key_id]))
        return event.id

    async def verify(self, school_id: int) -> AuditReport:
        """Reads every row of a school and names the first that is not as it was written.

        A row that was removed leaves no trace here; numbering rows in a chain is what finds it.
        """
        sound, last = 0, UUID(int=0)
        while page := await self._page(school_id, last):
            for sealed in page:
                if not is_sound(school_id, sealed, self._keys):
                    return AuditReport(sound, sealed.event.id)
                sound += 1
            last = page[-1].event.id
        return AuditReport(sound, None)

    async def _page(self, school_id: int, last: UUID) -> list[SealedEvent]:
        return await self._database.unit(
            school_id, lambda unit: store.list_after(unit, last, _PAGE)
        )
