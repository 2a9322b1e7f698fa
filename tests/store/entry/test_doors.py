"""The registry of doors: whole changes, a zone's one rule, rights, and an audit row of each."""

import asyncio
import json
from dataclasses import replace
from datetime import time

import pytest

from core.entry.records import Door, DoorInvalid, DoorScene, Groups, Pair, Passback
from core.entry.service.doors import Doors
from core.identity.records import CardholderUnknown
from core.identity.service.cardholders import Cardholders
from core.kit.sealed import Sealer
from core.school.records import DeviceClass, TerminalUnknown
from tests.factories.chance import counted_entropy
from tests.factories.registry import OPERATOR, SCHOOL, Registry

GATE = Door(1, 1, "北门", "North gate", "campus", Passback.OFF, DoorScene.GATE, True)


@pytest.fixture
async def doors(registry: Registry) -> Doors:
    merchant = await registry.add_merchant()
    await registry.terminals.register(
        SCHOOL, merchant.number, 0, DeviceClass.GATE, ["GATE", "LIBRARY"], OPERATOR
    )
    sealer = Sealer({1: bytes(range(32))}, bytes(32), counted_entropy("doors"))
    people = Cardholders(registry.database, sealer)
    return Doors(registry.database, registry.clock, registry.audit, registry.terminals, people)


async def audited(registry: Registry, act: str) -> list[tuple[str, dict[str, object]]]:
    rows = await registry.rows(
        f"SELECT subject, facts FROM audit_event WHERE act = '{act}' ORDER BY id"
    )
    return [(row["subject"], json.loads(row["facts"])) for row in rows]


async def test_put_door_is_found_whole_and_audited(registry: Registry, doors: Doors) -> None:
    door = replace(
        GATE, pairs=(Pair(7, 0), Pair(255, 15)), opens_at=time(6), closes_at=time(23, 30),
        opens_on_lost_clock=True, common=False, passback=Passback.HARD,
    )  # fmt: skip
    assert await doors.put(SCHOOL, door, OPERATOR, keep_passback=False) == door
    assert await doors.find(SCHOOL, 1, 1) == door
    assert await doors.find(SCHOOL, 1, 2) is None
    assert await doors.list_all(SCHOOL) == [door]
    facts = {"door_no": 1, "passback": "HARD", "scene": "GATE", "zone": "campus"}
    assert await audited(registry, "door.put") == [("terminal:1", facts)]


async def test_passback_is_the_zones_for_all_its_doors(doors: Doors) -> None:
    await doors.put(SCHOOL, GATE, OPERATOR, keep_passback=True)
    other = replace(GATE, number=2, passback=Passback.SOFT)
    assert (await doors.find(SCHOOL, 1, 1)) == GATE
    await doors.put(SCHOOL, other, OPERATOR, keep_passback=False)
    assert [door.passback for door in await doors.list_all(SCHOOL)] == [Passback.SOFT] * 2
    first = await doors.find(SCHOOL, 1, 1)
    assert first is not None
    assert first.passback is Passback.SOFT
    again = await doors.put(SCHOOL, replace(GATE, name_en="N"), OPERATOR, keep_passback=True)
    assert (again.passback, again.name_en) == (Passback.SOFT, "N")


async def test_change_reaches_another_process_within_30_s(registry: Registry, doors: Doors) -> None:
    await doors.put(SCHOOL, GATE, OPERATOR, keep_passback=True)
    elsewhere = Doors(
        registry.database, registry.clock, registry.audit, registry.terminals, doors._cardholders
    )
    assert await elsewhere.find(SCHOOL, 1, 1) == GATE
    changed = replace(GATE, common=False)
    await doors.put(SCHOOL, changed, OPERATOR, keep_passback=True)
    registry.clock.advance(seconds=29)
    assert await elsewhere.find(SCHOOL, 1, 1) == GATE
    registry.clock.advance(seconds=1)
    assert await elsewhere.find(SCHOOL, 1, 1) == changed


async def test_doors_of_many_schools_are_not_remembered_for_ever(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.entry.service.doors._CACHE_SCHOOLS", 1)
    await doors.put(SCHOOL, GATE, OPERATOR, keep_passback=True)
    for school_id in (SCHOOL, SCHOOL + 1):
        await doors.find(school_id, 1, 1)
    assert list(doors._cache) == [SCHOOL + 1]


async def test_who_comes_while_the_doors_are_read_again_goes_by_what_was_known(
    registry: Registry, doors: Doors
) -> None:
    await doors.put(SCHOOL, GATE, OPERATOR, keep_passback=True)
    await doors.find(SCHOOL, 1, 1)
    elsewhere = Doors(
        registry.database, registry.clock, registry.audit, registry.terminals, doors._cardholders
    )
    changed = replace(GATE, common=False)
    await elsewhere.put(SCHOOL, changed, OPERATOR, keep_passback=True)
    registry.clock.advance(seconds=30)
    first, second = await asyncio.gather(doors.find(SCHOOL, 1, 1), doors.find(SCHOOL, 1, 1))
    assert (first, second) == (changed, GATE)
    assert await doors.find(SCHOOL, 1, 1) == changed


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"scene": DoorScene.BUS}, "SCENE"), ({"number": 33}, "NUMBER"), ({"zone": "A"}, "ZONE")],
)
async def test_door_that_cannot_be_changes_nothing(
    registry: Registry, doors: Doors, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(DoorInvalid) as refused:
        await doors.put(SCHOOL, replace(GATE, **changes), OPERATOR, keep_passback=True)  # type: ignore[arg-type]  # any fact
    assert refused.value.details == {"reason": reason}
    with pytest.raises(TerminalUnknown):
        await doors.put(SCHOOL, replace(GATE, terminal_no=9), OPERATOR, keep_passback=True)
    assert (await doors.list_all(SCHOOL), await registry.count("entry_zone")) == ([], 0)


async def test_groups_are_set_and_audited(registry: Registry, doors: Doors) -> None:
    with pytest.raises(CardholderUnknown):
        await doors.put_groups(SCHOOL, "S009", Groups(7, 5), "moves in", OPERATOR)
    with pytest.raises(DoorInvalid):
        await doors.put_groups(SCHOOL, "S001", Groups(7, 65_536), "moves in", OPERATOR)
    assert await registry.count("entry_right") == 0
