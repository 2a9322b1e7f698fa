"""Use cases of the registry of doors, and of the rights at them."""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta

from core.audit.records import Actor, Facts
from core.audit.service import Audit
from core.db.unit import Database, Unit
from core.entry.door_facts import check_door, check_groups
from core.entry.records import Door, DoorPassage, Groups
from core.entry.store import doors as store
from core.entry.store import passages
from core.identity.records import CardholderUnknown
from core.identity.service.cardholders import Cardholders
from core.kit.clock import Clock
from core.school.records import TerminalUnknown
from core.school.service import Terminals

_CACHE = timedelta(seconds=30)
_CACHE_SCHOOLS = 1_000
_WINDOW = timedelta(hours=24)
PASSAGES_MAXIMUM = 100
REASON_MAXIMUM = 200

Place = tuple[int, int]
"""A terminal and the number of a door of it."""


class Doors:
    """The doors of a school's terminals. A change is known to every process within 30 s."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        audit: Audit,
        terminals: Terminals,
        cardholders: Cardholders,
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._terminals = terminals
        self._cardholders = cardholders
        self._cache: OrderedDict[int, tuple[datetime, Mapping[Place, Door]]] = OrderedDict()

    async def put(self, school_id: int, door: Door, by: Actor, *, keep_passback: bool) -> Door:
        """Adds a door or changes it whole; the passback is its zone's, for every door of that.

        `keep_passback` leaves the zone as it is; a new zone has OFF then.
        Raises: TerminalUnknown, DoorInvalid.
        """
        enrolled = await self._terminals.find_enrolled(school_id, door.terminal_no)
        if enrolled is None:
            raise TerminalUnknown("terminalNo")
        check_door(door, enrolled.terminal.scenes)

        async def work(unit: Unit) -> Door:
            await store.put_zone(unit, door.zone, None if keep_passback else door.passback)
            await store.put_door(unit, door, self._clock.now())
            listed = await store.list_doors(unit, door.terminal_no)
            put = next(each for each in listed if each.number == door.number)
            facts: Facts = {
                "door_no": door.number,
                "zone": door.zone,
                "scene": door.scene,
                "passback": put.passback,
            }
            subject = f"terminal:{door.terminal_no}"
            await self._audit.append(unit, by, "door.put", subject, facts)
            return put

        put = await self._database.unit(school_id, work)
        self._cache.pop(school_id, None)
        return put

    async def list_all(self, school_id: int) -> list[Door]:
        """The doors of a school, by terminal and number."""
        return await self._database.unit(school_id, store.list_doors)

    async def find(self, school_id: int, terminal_no: int, number: int) -> Door | None:
        """A door as it was at most 30 s ago."""
        return (await self._doors(school_id)).get((terminal_no, number))

    async def _doors(self, school_id: int) -> Mapping[Place, Door]:
        """All doors of a school: one read for hundreds of gates."""
        now, cached = self._clock.now(), self._cache.get(school_id)
        if cached is not None:
            if now - cached[0] < _CACHE:
                return cached[1]
            # Whoever comes while we read goes by what was known: one read for all of them.
            self._cache[school_id] = now, cached[1]
        listed = await self.list_all(school_id)
        doors = {(door.terminal_no, door.number): door for door in listed}
        self._cache[school_id] = now, doors
        self._cache.move_to_end(school_id)
        if len(self._cache) > _CACHE_SCHOOLS:
            self._cache.popitem(last=False)
        return doors

    async def list_passages(
        self, school_id: int, place: Place, until: datetime, by: Actor, reason: str
    ) -> list[DoorPassage]:
        """Who passed a door in the 24 h before `until`, newest first, at most 100.

        An audit row of the same unit keeps to whom it was shown and why (security.md 8).
        `reason` is cut to 200 characters. Raises: DatabaseUnavailable.
        """
        terminal_no, door_no = place

        async def work(unit: Unit) -> list[DoorPassage]:
            shown = await passages.list_at_door(
                unit, terminal_no, door_no, until - _WINDOW, until, PASSAGES_MAXIMUM
            )
            facts: Facts = {"door_no": door_no}
            why, subject = reason.strip()[:REASON_MAXIMUM], f"terminal:{terminal_no}"
            await self._audit.append(unit, by, "door.look_up", subject, facts, why)
            return shown

        return await self._database.unit(school_id, work)

    async def put_groups(
        self, school_id: int, cardholder_number: str, groups: Groups, reason: str, by: Actor
    ) -> None:
        """Sets which door groups of a profile a cardholder may open; mask 0 takes them all.

        Raises: CardholderUnknown, DoorInvalid.
        """
        check_groups(groups)

        async def work(unit: Unit) -> None:
            person = await self._cardholders.find_by_number(unit, cardholder_number)
            if person is None:
                raise CardholderUnknown("number")
            await store.put_groups(unit, person.id, groups, self._clock.now())
            facts: Facts = {"entry_profile": groups.profile, "entry_mask": groups.mask}
            subject = f"cardholder:{person.id}"
            await self._audit.append(unit, by, "door.grant", subject, facts, reason)

        await self._database.unit(school_id, work)
