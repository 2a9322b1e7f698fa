"""Whether a door opens, and the order in which it says no."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from core.entry.decision import comes_twice, entry_code, is_open, opens_to
from core.entry.door_facts import check_door, check_groups
from core.entry.records import (
    Direction,
    Door,
    DoorInvalid,
    DoorScene,
    Groups,
    Pair,
    Passback,
    Passer,
    Standing,
)

NOW = datetime(2026, 9, 1, 4, tzinfo=UTC)
DOOR = Door(1, 1, "门", "Door", "campus", Passback.HARD, DoorScene.GATE, True,
            opens_at=time(6), closes_at=time(23))  # fmt: skip
PASSER = Passer(UUID(int=1), UUID(int=2), UUID(int=3), "CC1", b"serial", b"\x02" * 14)
STANDING = Standing("ACTIVE", "ACTIVE", None, None, (), inside=False, moved_at=None)

FAILURES: list[tuple[str, dict[str, Any], dict[str, Any], time]] = [
    ("62", {"status": "FROZEN"}, {}, time(12)),
    ("46", {"status": "CLOSED"}, {}, time(12)),
    ("41", {"card_state": "LOST"}, {}, time(12)),
    ("54", {"card_state": "NOT_OPENED"}, {}, time(12)),
    ("C3", {"revoked_at": NOW}, {}, time(12)),
    ("C1", {"used_by": 9}, {}, time(12)),
    ("E0", {}, {"common": False}, time(12)),
    ("E2", {}, {}, time(5)),
    ("E1", {"inside": True, "moved_at": NOW}, {}, time(12)),
]


def code(standing: dict[str, Any], door: dict[str, Any], local: time) -> str:
    return entry_code(
        replace(DOOR, **door), Direction.IN, PASSER, replace(STANDING, **standing), local, NOW
    )


def test_whoever_may_passes() -> None:
    assert code({}, {}, time(12)) == "00"


@pytest.mark.parametrize(("expected", "standing", "door", "local"), FAILURES)
def test_each_check_has_its_code(
    expected: str, standing: dict[str, Any], door: dict[str, Any], local: time
) -> None:
    assert code(standing, door, local) == expected


@pytest.mark.parametrize(("first", "second"), list(pairwise(FAILURES)))
def test_first_failing_check_answers(first: Any, second: Any) -> None:
    local = time(5) if time(5) in (first[3], second[3]) else time(12)
    assert code(second[1] | first[1], second[2] | first[2], local) == first[0]


@pytest.mark.parametrize(
    ("opens", "closes", "local", "expected"),
    [
        (time(6), time(23), time(5, 59, 59), False),
        (time(6), time(23), time(6), True),
        (time(6), time(23), time(22, 59, 59), True),
        (time(6), time(23), time(23), False),
        (time(22), time(2), time(21, 59), False),
        (time(22), time(2), time(22), True),
        (time(22), time(2), time(1, 59), True),
        (time(22), time(2), time(2), False),
        (None, None, time(3), True),
    ],
)
def test_hours_span_from_until_before(
    opens: time | None, closes: time | None, local: time, expected: bool
) -> None:
    assert is_open(replace(DOOR, opens_at=opens, closes_at=closes), local) is expected


@pytest.mark.parametrize(
    ("common", "own", "rights", "expected"),
    [
        (True, None, (), True),
        (False, None, (), False),
        (False, None, (Groups(7, 0b100),), True),
        (False, None, (Groups(7, 0b011),), False),
        (False, None, (Groups(8, 0b100),), False),
        (True, Groups(7, 0b100), (), True),
        (True, Groups(7, 0b001), (Groups(7, 0b100),), False),
        (False, Groups(8, 0b100), (), False),
    ],
)
def test_entry_pass_opens_its_own_doors_and_no_more(
    common: bool, own: Groups | None, rights: tuple[Groups, ...], expected: bool
) -> None:
    door = replace(DOOR, common=common, pairs=(Pair(7, 2), Pair(9, 0)))
    assert opens_to(door, replace(PASSER, groups=own), rights) is expected


@pytest.mark.parametrize(
    ("direction", "inside", "ago", "expected"),
    [
        (Direction.IN, True, timedelta(0), True),
        (Direction.IN, True, timedelta(hours=24, microseconds=-1), True),
        (Direction.IN, True, timedelta(hours=24), False),
        (Direction.IN, True, timedelta(seconds=-1), False),
        (Direction.IN, False, timedelta(0), False),
        (Direction.OUT, True, timedelta(0), False),
        (Direction.NONE, True, timedelta(0), False),
    ],
)
def test_second_coming_in(
    direction: Direction, inside: bool, ago: timedelta, expected: bool
) -> None:
    standing = replace(STANDING, inside=inside, moved_at=NOW - ago)
    assert comes_twice(direction, standing, NOW) is expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"number": 0}, "NUMBER"),
        ({"number": 33}, "NUMBER"),
        ({"zone": ""}, "ZONE"),
        ({"zone": "Campus"}, "ZONE"),
        ({"zone": "campus\n"}, "ZONE"),
        ({"scene": DoorScene.BUS}, "SCENE"),
        ({"pairs": (Pair(256, 0),)}, "PAIRS"),
        ({"pairs": (Pair(0, 16),)}, "PAIRS"),
        ({"pairs": (Pair(0, 0),) * 65}, "PAIRS"),
        ({"opens_at": None}, "HOURS"),
        ({"closes_at": time(6)}, "HOURS"),
    ],
)
def test_door_that_cannot_be_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(DoorInvalid) as refused:
        check_door(replace(DOOR, **changes), ["GATE"])
    assert refused.value.details == {"reason": reason}


def test_doors_and_groups_at_their_bounds_can_be() -> None:
    pairs = (Pair(0, 0), Pair(255, 15)) * 32
    check_door(replace(DOOR, number=32, pairs=pairs), ["GATE"])
    check_door(replace(DOOR, number=1, opens_at=None, closes_at=None), ["GATE"])
    check_groups(Groups(0, 0))
    check_groups(Groups(255, 65_535))
    for groups in (Groups(256, 0), Groups(0, 65_536), Groups(-1, 0), Groups(0, -1)):
        with pytest.raises(DoorInvalid):
            check_groups(groups)
