"""Use cases of the loss bound: what a school may lose offline now, and whether it accepted that."""

from core.db.unit import Database, Unit
from core.school.loss import (
    EdgeNeeded,
    Exposure,
    LossNotAccepted,
    WhatIf,
    exposure,
    places_of,
)
from core.school.policy import Policy
from core.school.policy_file import parse_school_file
from core.school.records import SchoolUnknown
from core.school.store import schools as store
from core.school.store import terminals as terminal_store


class Losses:
    """Figures by the rows of the registry as they are at this instant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def exposure(self, school_id: int, what_if: WhatIf | None = None) -> Exposure:
        """A school's figure, or as it would be.

        Raises: SchoolUnknown.
        """

        async def work(unit: Unit) -> Exposure:
            return await self._exposure(unit, await self._in_force(unit), what_if)

        return await self._database.unit(school_id, work)

    async def check(self, unit: Unit, policy: Policy) -> None:
        """Nothing, if the school accepts what `policy` may cost it, or sells nothing offline.

        The unit holds the school's lock. Raises: LossNotAccepted.
        """
        found = await self._exposure(unit, policy)
        if found.is_on and not found.is_accepted:
            raise LossNotAccepted(lossMinor=found.loss_minor, acceptedMinor=found.accepted_minor)

    async def check_in_force(self, unit: Unit) -> None:
        """The same of the policy in force, after something was added to the registry.

        Raises: LossNotAccepted, SchoolUnknown.
        """
        await self.check(unit, await self._in_force(unit))

    async def in_force(self, unit: Unit) -> Exposure:
        """The figure as this unit sees it.

        Raises: SchoolUnknown.
        """
        return await self._exposure(unit, await self._in_force(unit))

    async def check_without_edge(self, unit: Unit, before_minor: int = 0) -> None:
        """Nothing, if an edge may go: the figure is accepted, or is not above what it was (fen).

        Raises: EdgeNeeded, SchoolUnknown.
        """
        found = await self.in_force(unit)
        if found.is_on and not found.is_accepted and found.loss_minor > before_minor:
            raise EdgeNeeded(lossMinor=found.loss_minor, acceptedMinor=found.accepted_minor)

    async def check_unlisted(self, school_id: int) -> None:
        """The same, before a key document without an edge is published.

        Raises: EdgeNeeded, SchoolUnknown.
        """
        await self._database.unit(school_id, self.check_without_edge)

    async def _in_force(self, unit: Unit) -> Policy:
        found = await store.find_policy(unit)
        if found is None:
            raise SchoolUnknown("schoolId")
        return parse_school_file(found.source).policy

    async def _exposure(
        self, unit: Unit, policy: Policy, what_if: WhatIf | None = None
    ) -> Exposure:
        places = places_of(await store.list_sites(unit), await terminal_store.list_all(unit))
        return exposure(policy, places, what_if)
