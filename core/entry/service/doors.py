"""Use cases of the registry of doors, and of the rights at them."""

from collections import OrderedDict
from datetime import datetime, timedelta

from core.audit.records import Actor, Facts
from core.audit.service import Audit
from core.db.unit import Database, Unit
from core.entry.door_facts import check_door, check_groups
from core.entry.records import Door, Groups
from core.entry.store import doors as store
from core.identity.records import CardholderUnknown
from core.identity.service.cardholders import Cardholders
from core.kit.clock import Clock
from core.school.records import TerminalUnknown
from core.school.service import Terminals

_CACHE = timedelta(seconds=30)
_CACHE_ENTRIES = 10_000


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
        self._cache: OrderedDict[tuple[int, int], tuple[datetime, dict[int, Door]]] = OrderedDict()

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
        self._cache.clear()  # the passback of a zone is in the doors of other terminals, too
        return put

    async def list_all(self, school_id: int) -> list[Door]:
        """The doors of a school, by terminal and number."""
        return await self._database.unit(school_id, store.list_doors)

    async def find(self, school_id: int, terminal_no: int, number: int) -> Door | None:
        """A door as it was at most 30 s ago."""
        now, key = self._clock.now(), (school_id, terminal_no)
        cached = self._cache.get(key)
        if cached is None or now - cached[0] >= _CACHE:
            listed = await self._database.unit(
                school_id, lambda unit: store.list_doors(unit, terminal_no)
            )
            cached = now, {door.number: door for door in listed}
            self._cache[key] = cached
            self._cache.move_to_end(key)
            if len(self._cache) > _CACHE_ENTRIES:
                self._cache.popitem(last=False)
        return cached[1].get(number)

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
