"""Use cases of the registry of meters, and of wrong codes typed at them."""

from dataclasses import replace
from datetime import timedelta

from core.audit.records import Actor, Facts
from core.audit.service import Audit
from core.db.unit import Database, Unit
from core.kit.clock import Clock
from core.school.records import TerminalUnknown
from core.school.service import Schools, Terminals
from core.utility.meter_facts import check_group, check_meter
from core.utility.records import Meter, MeterGroup, MeterGroupUnknown, MeterInvalid, PlacedMeter
from core.utility.store import invariants
from core.utility.store import meters as store
from core.utility.store import reservations as reservation_store

INVARIANTS = invariants.INVARIANTS
"""What `core.db.invariants` proves."""
_TRIES_KEPT = timedelta(days=1)


class Meters:
    """Groups of meters as the card centre sets them up (M-103 to M-105)."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        audit: Audit,
        terminals: Terminals,
        schools: Schools,
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._terminals = terminals
        self._schools = schools

    async def put_group(
        self, school_id: int, group: MeterGroup, by: Actor, *, new_key: bool = False
    ) -> MeterGroup:
        """Adds a group or changes it; `new_key` makes the codes of its meters anew.

        What reservations were made of (slots, places, key) stays while any is open; a price may
        change: they keep theirs.
        Raises: MeterInvalid.
        """
        campuses = await self._schools.campuses(school_id)
        if group.campus_code not in {each.code for each in campuses}:
            raise MeterInvalid("campus", reason="CAMPUS")

        async def work(unit: Unit) -> MeterGroup:
            before = await store.find_group(unit, group.number, lock=True)
            check_group(group, before)
            version = 1 if before is None else before.key_version + new_key
            put = replace(group, key_version=version)
            now = self._clock.now()
            is_changed = before is not None and _grid(before) != _grid(put)
            if is_changed and await reservation_store.has_open(unit, group.number, now):
                raise MeterInvalid("slots", reason="RESERVED")
            await store.put_group(unit, put, now)
            facts: Facts = {
                "group_no": put.number,
                "amount_minor": put.tariff.price_minor,
                "key_no": put.key_version,
            }
            await self._audit.append(unit, by, "meter.group", f"meter_group:{put.number}", facts)
            return put

        return await self._database.unit(school_id, work)

    async def list_groups(self, school_id: int) -> list[MeterGroup]:
        """The groups of a school, by number."""
        return await self._database.unit(school_id, store.list_groups)

    async def put(self, school_id: int, meter: Meter, by: Actor) -> PlacedMeter:
        """Adds a meter of a terminal, or moves it.

        Raises: TerminalUnknown, MeterGroupUnknown, MeterInvalid.
        """
        enrolled = await self._terminals.find_enrolled(school_id, meter.terminal_no)
        if enrolled is None:
            raise TerminalUnknown("terminalNo")
        scenes = enrolled.terminal.scenes

        async def work(unit: Unit) -> PlacedMeter:
            group = await store.find_group(unit, meter.group_no, lock=True)
            if group is None:
                raise MeterGroupUnknown("groupNo")
            listed = await store.list_meters(unit, group_no=group.number)
            own = meter.terminal_no, meter.number
            others = [
                each.meter for each in listed if (each.meter.terminal_no, each.meter.number) != own
            ]
            check_meter(meter, group, scenes, others)
            await store.put_meter(unit, meter, self._clock.now())
            facts: Facts = {"meter_no": meter.number, "group_no": group.number}
            await self._audit.append(unit, by, "meter.put", f"terminal:{meter.terminal_no}", facts)
            return PlacedMeter(meter, group)

        return await self._database.unit(school_id, work)

    async def list_all(self, school_id: int, terminal_no: int | None = None) -> list[PlacedMeter]:
        """The meters of a school, or of one terminal, with their groups."""
        return await self._database.unit(
            school_id, lambda unit: store.list_meters(unit, terminal_no)
        )

    async def find(self, school_id: int, terminal_no: int, number: int) -> PlacedMeter | None:
        """A meter of a terminal with its group."""
        listed = await self.list_all(school_id, terminal_no)
        return next((each for each in listed if each.meter.number == number), None)

    async def expire_tries(self, school_id: int) -> None:
        """Forgets wrong codes that lock nothing any more."""
        before = self._clock.now() - _TRIES_KEPT
        await self._database.unit(school_id, lambda unit: store.expire_tries(unit, before))


def _grid(group: MeterGroup) -> tuple[object, ...]:
    """What the codes that people hold were made of."""
    return group.slot_minutes, group.opens_at, group.closes_at, group.places, group.key_version
