"""Which groups and meters can be: their numbers, hours, places and prices."""

from collections.abc import Sequence

from core.kit.money import is_amount
from core.utility.records import Meter, MeterGroup, MeterInvalid

GROUP_MAXIMUM = 2**31 - 1
"""What the contract's Int holds; codes have room for a bit more."""
METERS_MAXIMUM = 64
"""Meters of one terminal."""
PLACES_MAXIMUM = 32
SLOT_MINUTES = (15, 240)
DAYS_AHEAD_MAXIMUM = 14
_COUNT_MAXIMUM = 1_000_000
_SCENE = "METER"


def check_group(group: MeterGroup, before: MeterGroup | None) -> None:
    """Nothing, if there may be such a group; `before` is what it was.

    Raises: MeterInvalid.
    """
    tariff, (least, most) = group.tariff, SLOT_MINUTES
    refusals = (
        ("number", "NUMBER", not 1 <= group.number <= GROUP_MAXIMUM),
        ("places", "PLACES", not 1 <= group.places <= PLACES_MAXIMUM),
        ("slotMinutes", "SLOT", not least <= group.slot_minutes <= most),
        ("daysAhead", "DAYS", not 0 <= group.days_ahead <= DAYS_AHEAD_MAXIMUM),
        ("hours", "HOURS", group.opens_at >= group.closes_at),
        ("perUnits", "UNITS", not 1 <= tariff.per_units <= _COUNT_MAXIMUM),
        ("maximumUnits", "UNITS", not 1 <= tariff.maximum_units <= _COUNT_MAXIMUM),
        ("price", "PRICE", not is_amount(tariff.price_minor)),
    )
    for field, reason, is_wrong in refusals:
        if is_wrong:
            raise MeterInvalid(field, reason=reason)
    if not is_amount(tariff.maximum_minor):
        raise MeterInvalid("price", reason="PRICE")
    is_same = before is None or (before.kind, before.is_shared) == (group.kind, group.is_shared)
    if not is_same:  # codes that people hold were made for what it was
        raise MeterInvalid("kind", reason="KIND")


def check_meter(
    meter: Meter, group: MeterGroup, scenes: Sequence[str], others: Sequence[Meter]
) -> None:
    """Nothing, if a terminal that serves `scenes` may have it beside the group's `others`.

    Raises: MeterInvalid.
    """
    stalls = {0} if group.is_shared else set(range(1, group.places + 1))
    if not 1 <= meter.number <= METERS_MAXIMUM:
        raise MeterInvalid("meter", reason="NUMBER")
    if _SCENE not in scenes:
        raise MeterInvalid("terminal", reason="SCENE")
    if meter.stall not in stalls or any(each.stall == meter.stall > 0 for each in others):
        raise MeterInvalid("stall", reason="STALL")
    if group.is_shared and any(each.terminal_no != meter.terminal_no for each in others):
        # Two controllers without a network would each take the same code.
        raise MeterInvalid("terminal", reason="CONTROLLER")
