"""Doors at a small invented school, and people who pass them, on a database of a test's own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from core.db.connection import POOL_MAXIMUM
from core.db.unit import Unit
from core.entry.records import (
    Direction,
    Door,
    DoorScene,
    EntryAnswer,
    EntryEvent,
    EntryKey,
    EntryOutcome,
    EntryRequest,
    EventAnswer,
    Groups,
    Passback,
    Passer,
)
from core.entry.service.passages import Passages
from core.entry.store import doors as door_store
from core.kit.clock import unix_seconds
from core.school.service.deny import DenyList
from tests.factories.canteen import SCHOOL, TILLS, Canteen, Holder, canteen_on
from tests.servers.fixtures import DatabaseDsn

NORTH, SOUTH = TILLS
TABLES = ("entry_answer", "passage", "zone_presence", "entry_event")
KEPT_DAYS = 10
CAMPUS_GATE = Door(NORTH, 1, "北门", "North gate", "campus", Passback.OFF, DoorScene.GATE, True)
SOUTH_GATE = replace(CAMPUS_GATE, terminal_no=SOUTH, name_zh="南门", name_en="South gate")


def sign(answer: EntryAnswer) -> str:
    """Stands for the CCR: pure, and different for every different answer."""
    return f"{answer.key} {answer.outcome} {answer.response_code} {answer.answered_at}"


@dataclass
class Gates:
    """The services under test, as two processes have them, and hands that play gates."""

    canteen: Canteen
    processes: tuple[Passages, Passages] = field(init=False)

    def __post_init__(self) -> None:
        made = self.canteen
        self.processes = (
            Passages(made.database, made.lanes[0], made.clock, made.ids),
            Passages(made.database, made.lanes[1], made.clock, made.ids),
        )
        self._seq = count(1)

    @property
    def passages(self) -> Passages:
        """The first process."""
        return self.processes[0]

    async def unit(self, work: Callable[[Unit], Awaitable[Any]]) -> Any:
        """A unit of the school."""
        return await self.canteen.database.unit(SCHOOL, work)

    async def put(self, *doors: Door) -> None:
        """Doors, as their registry would keep them."""

        async def work(unit: Unit) -> None:
            for door in doors:
                await door_store.put_zone(unit, door.zone, door.passback)
                await door_store.put_door(unit, door, self.canteen.clock.now())

        await self.unit(work)

    async def grant(self, holder: Holder, profile: int, mask: int) -> None:
        """Groups of a cardholder."""
        now = self.canteen.clock.now()
        await self.unit(
            lambda unit: door_store.put_groups(unit, holder.id, Groups(profile, mask), now)
        )

    def passer(self, holder: Holder, *, code: bytes | None = None, **changes: Any) -> Passer:
        """Somebody with a code of their own."""
        made = Passer(
            cardholder_id=holder.id,
            card_id=holder.virtual_id,
            device_id=holder.device_id,
            instrument="CC1",
            serial=None,
            replay_key=code or self.canteen.ids.bytes(13) + b"E",
        )
        return replace(made, **changes)

    def tapper(self, holder: Holder) -> Passer:
        """Somebody with a physical card."""
        return Passer(holder.id, holder.physical_id, None, "CARD", None, None)

    def asks(
        self, passer: Passer, door: Door = CAMPUS_GATE, way: Direction = Direction.IN,
        **changes: Any,
    ) -> EntryRequest:  # fmt: skip
        """A question under a key of its own."""
        made = EntryRequest(
            key=EntryKey(door.terminal_no, 1, next(self._seq)),
            content_hash=bytes([door.number]) * 32,
            door=door,
            direction=way,
            passer=passer,
            available_minor=None,
            local_time=time(12),
            answer_kid=1,
            answered_at=self.canteen.clock.now(),
        )
        return replace(made, **changes)

    def event(
        self, passer: Passer | None, door: Door | None = CAMPUS_GATE,
        way: Direction = Direction.IN, **changes: Any,
    ) -> EntryEvent:  # fmt: skip
        """Something that happened offline just now, under a key of its own."""
        key = EntryKey(NORTH if door is None else door.terminal_no, 1, next(self._seq))
        made = EntryEvent(
            key=key,
            content_hash=bytes([1]) * 32,
            record_hash=key.seq_no.to_bytes(32),
            door=door,
            direction=way,
            passer=passer,
            refusal=None,
            deny_version=0,
            is_clock_trusted=True,
            passed_at=self.canteen.clock.now(),
        )
        return replace(made, **changes)

    async def ask(self, request: EntryRequest, process: int = 0) -> EntryAnswer:
        """Asks one of the processes."""
        return await self.processes[process].decide(SCHOOL, request, sign)

    async def code(self, request: EntryRequest) -> str:
        """The response code of a question."""
        answer = await self.ask(request)
        assert (answer.outcome is EntryOutcome.GRANTED) == (answer.response_code == "00")
        return answer.response_code

    async def tell(self, event: EntryEvent, process: int = 0) -> EventAnswer:
        """Uploads one event to one of the processes."""
        return await self.processes[process].record(SCHOOL, event, KEPT_DAYS)

    async def dump(self, *tables: str) -> dict[str, list[str]]:
        """Tables as text, to be compared before and after."""
        return {
            table: sorted(map(str, await self.canteen.rows(f"SELECT * FROM {table}")))
            for table in tables or TABLES
        }

    async def count(self, table: str = "passage") -> int:
        """How many rows a table has."""
        found: int = (await self.canteen.rows(f"SELECT count(*) FROM {table}"))[0][0]
        return found

    async def is_inside(self, holder: Holder, zone: str = "campus") -> bool | None:
        """Where a cardholder is; None before they were seen."""
        rows = await self.canteen.rows(
            "SELECT inside FROM zone_presence WHERE cardholder_id = $1 AND zone = $2",
            holder.id, zone,
        )  # fmt: skip
        return rows[0][0] if rows else None

    async def end(self, what: str, holder: Holder, at: datetime | None = None) -> None:
        """FREEZE the person, LOSE the physical card, REVOKE the device."""
        now = at or self.canteen.clock.now()
        sql = {
            "FREEZE": "UPDATE cardholder SET status = 'FROZEN', changed_at = $2 WHERE id = $1",
            "CLOSE": "UPDATE cardholder SET status = 'CLOSED', changed_at = $2 WHERE id = $1",
            "LOSE": "UPDATE card SET state = 'LOST', lost_at = $2 WHERE cardholder_id = $1"
            " AND kind = 'PHYSICAL'",
            "SHUT": "UPDATE card SET state = 'NOT_OPENED', changed_at = $2 WHERE cardholder_id = $1"
            " AND kind = 'VIRTUAL'",
            "REVOKE": "UPDATE code_device SET revoked_at = $2 WHERE cardholder_id = $1",
        }[what]

        async def work(unit: Unit) -> None:
            assert await unit.execute(sql, holder.id, now) == 1

        await self.unit(work)

    async def deny(self, serial: bytes) -> None:
        """Puts a pass on the deny list, which makes its next version."""
        clock = self.canteen.clock
        denied = [(serial, unix_seconds(clock.now()) + 3_600)]
        deny_list = DenyList(self.canteen.database, clock)
        await self.unit(lambda unit: deny_list.add_serials(unit, denied))

    async def log(self, holder: Holder) -> list[UUID]:
        """The ids of a cardholder's passages, newest first."""
        return [each.id for each in (await self.passages.page(SCHOOL, holder.id)).items]


async def _linger(unit: Unit) -> None:
    await unit.value("SELECT 1 FROM pg_sleep(0.02)")


@pytest.fixture
async def gates(database_dsn: DatabaseDsn) -> AsyncIterator[Gates]:
    """Two gates of one campus, whose zone forgives everything."""
    async with canteen_on(database_dsn.app) as (canteen,):
        made = Gates(canteen)
        await made.put(CAMPUS_GATE, SOUTH_GATE)
        # Whoever waits for a first connection races nobody.
        await asyncio.gather(*(made.unit(_linger) for _ in range(POOL_MAXIMUM)))
        yield made
