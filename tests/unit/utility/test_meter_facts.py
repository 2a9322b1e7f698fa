"""Which groups of meters and which meters can be."""

from dataclasses import replace
from datetime import time
from typing import Any

import pytest

from core.utility.meter_facts import check_group, check_meter
from core.utility.records import Meter, MeterGroup, MeterInvalid, MeterKind, Tariff

BATH = MeterGroup(
    9, "NORTH", MeterKind.SHOWER, "示例", "Sample", False, 2, 30, time(6), time(23), 2,
    Tariff(30, 10, 200),
)  # fmt: skip
STALL = Meter(1, 1, 9, 1)


def test_group_that_can_be_is_taken() -> None:
    check_group(BATH, None)
    check_group(replace(BATH, name_en="Other", places=3), BATH)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"number": 0}, "NUMBER"),
        ({"number": 2**31}, "NUMBER"),
        ({"places": 0}, "PLACES"),
        ({"places": 33}, "PLACES"),
        ({"slot_minutes": 14}, "SLOT"),
        ({"slot_minutes": 241}, "SLOT"),
        ({"days_ahead": 15}, "DAYS"),
        ({"closes_at": time(6)}, "HOURS"),
        ({"tariff": Tariff(30, 0, 200)}, "UNITS"),
        ({"tariff": Tariff(30, 10, 0)}, "UNITS"),
        ({"tariff": Tariff(0, 10, 200)}, "PRICE"),
        ({"tariff": Tariff(1, 1_000, 999)}, "PRICE"),
        ({"tariff": Tariff(1_000_000_000, 1, 2)}, "PRICE"),
    ],
)
def test_group_that_cannot_be_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(MeterInvalid) as refused:
        check_group(replace(BATH, **changes), None)
    assert refused.value.details == {"reason": reason}


@pytest.mark.parametrize("changes", [{"kind": MeterKind.DORMITORY_WATER}, {"is_shared": True}])
def test_what_a_group_is_stays(changes: dict[str, Any]) -> None:
    with pytest.raises(MeterInvalid) as refused:
        check_group(replace(BATH, **changes), BATH)
    assert refused.value.details == {"reason": "KIND"}


def test_meters_of_stalls_and_of_one_controller_are_taken() -> None:
    check_meter(STALL, BATH, ["METER"], [replace(STALL, terminal_no=2, stall=2)])
    shared = replace(BATH, is_shared=True)
    check_meter(replace(STALL, stall=0), shared, ["METER"], [Meter(1, 2, 9, 0)])


@pytest.mark.parametrize(
    ("meter", "group", "scenes", "others", "reason"),
    [
        (replace(STALL, number=0), BATH, ["METER"], [], "NUMBER"),
        (replace(STALL, number=65), BATH, ["METER"], [], "NUMBER"),
        (STALL, BATH, ["MEAL"], [], "SCENE"),
        (replace(STALL, stall=3), BATH, ["METER"], [], "STALL"),
        (replace(STALL, stall=0), BATH, ["METER"], [], "STALL"),
        (STALL, BATH, ["METER"], [Meter(2, 1, 9, 1)], "STALL"),
        (STALL, replace(BATH, is_shared=True), ["METER"], [], "STALL"),
        (replace(STALL, stall=0), replace(BATH, is_shared=True), ["METER"], [Meter(2, 1, 9, 0)],
         "CONTROLLER"),
    ],
)  # fmt: skip
def test_meter_that_cannot_be_is_refused(
    meter: Meter, group: MeterGroup, scenes: list[str], others: list[Meter], reason: str
) -> None:
    with pytest.raises(MeterInvalid) as refused:
        check_meter(meter, group, scenes, others)
    assert refused.value.details == {"reason": reason}
