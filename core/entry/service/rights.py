"""Use cases of the rights that gates go by while they have no network: physical cards only."""

import logging
from datetime import datetime, timedelta

from core.card.slots import rights
from core.db.unit import Database, Unit
from core.entry.records import RightsChange
from core.entry.store import rights as store
from core.identity.records import CardholderKind
from core.kit.clock import Clock
from core.kit.ids import Ids
from core.school.policy import PolicyOf
from core.school.policy_words import PersonRight

ENTRIES_MAXIMUM = 20_000
"""Lines of a list (terminals.md 9): who was granted most comes first, the rest by age of card."""
SALT_BYTES = 16
_CACHE = timedelta(seconds=5)

_alarm = logging.getLogger("core.entry.alarm")


class CardRights:
    """The school's list of physical cards and what they open. Its version rises with each change.

    A code carries its own rights; a chip has none, so a gate must know them beforehand.
    """

    def __init__(self, database: Database, clock: Clock, ids: Ids, policy_of: PolicyOf) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._policy_of = policy_of
        self._versions: dict[int, tuple[datetime, int]] = {}

    async def refresh(self, school_id: int) -> int | None:
        """Brings the list up to date; its new version, None if nothing has changed.

        The worker calls it. A school without doors has no list.
        Raises: SchoolUnknown, DatabaseUnavailable.
        """
        temporary = (await self._policy_of(school_id)).person.temporary
        without = [k for k in CardholderKind if PersonRight.ENTRY not in rights(k, temporary)]
        now = self._clock.now()

        async def work(unit: Unit) -> tuple[int | None, int]:
            if not await store.has_doors(unit):
                return None, 0
            version, salt = await store.lock_list(unit, self._ids.bytes(SALT_BYTES), now)
            changed, total = await store.renew(unit, version + 1, salt, without, ENTRIES_MAXIMUM)
            if changed == 0:
                return None, total
            await store.set_version(unit, version + 1, now)
            return version + 1, total

        version, total = await self._database.unit(school_id, work)
        if total > ENTRIES_MAXIMUM:
            _alarm.warning("school=%d cards_left_out=%d", school_id, total - ENTRIES_MAXIMUM)
        if version is not None:
            self._versions[school_id] = now, version
        return version

    async def newest_version(self, school_id: int) -> int:
        """The list's version as it was at most 5 s ago, 0 while there is none."""
        now, cached = self._clock.now(), self._versions.get(school_id)
        if cached is not None and now - cached[0] < _CACHE:
            return cached[1]
        found = await self._database.unit(school_id, store.find_list)
        version = 0 if found is None else found[0]
        self._versions[school_id] = now, version
        return version

    async def changes(self, school_id: int, held_version: int) -> RightsChange | None:
        """What came after the version held; None if nothing did.

        Whoever holds a version that never was gets all of it.
        """

        async def work(unit: Unit) -> RightsChange | None:
            found = await store.find_list(unit)
            if found is None or found[0] in (0, held_version):
                return None
            version, salt = found
            base = held_version if held_version < version else 0
            lines = await store.list_lines(unit, base, version)
            if base and len(lines) > ENTRIES_MAXIMUM:  # more than all there is
                base, lines = 0, await store.list_lines(unit, 0, version)
            return RightsChange(version, base, salt, tuple(lines))

        return await self._database.unit(school_id, work)
