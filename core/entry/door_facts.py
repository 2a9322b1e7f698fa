"""Which doors can be: their numbers, hours, pairs and scene."""

import re
from collections.abc import Collection

from core.entry.records import Door, DoorInvalid, Groups

DOORS_MAXIMUM = 32
"""Doors of one terminal."""
PAIRS_MAXIMUM = 64
PROFILE_MAXIMUM = 255
BIT_MAXIMUM = 15
_ZONE = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)


def check_door(door: Door, scenes: Collection[str]) -> None:
    """Nothing, if a terminal that serves `scenes` may have this door.

    Raises: DoorInvalid.
    """
    if not 1 <= door.number <= DOORS_MAXIMUM:
        raise DoorInvalid("door", reason="NUMBER")
    if not _ZONE.fullmatch(door.zone):
        raise DoorInvalid("zone", reason="ZONE")
    if door.scene not in scenes:
        raise DoorInvalid("scene", reason="SCENE")
    known = all(0 <= p.profile <= PROFILE_MAXIMUM and 0 <= p.bit <= BIT_MAXIMUM for p in door.pairs)
    if len(door.pairs) > PAIRS_MAXIMUM or not known:
        raise DoorInvalid("pairs", reason="PAIRS")
    has_both = (door.opens_at is None) == (door.closes_at is None)
    if not has_both or (door.opens_at is not None and door.opens_at == door.closes_at):
        raise DoorInvalid("hours", reason="HOURS")


def check_groups(groups: Groups) -> None:
    """Nothing, if a cardholder may be given these.

    Raises: DoorInvalid.
    """
    if not (0 <= groups.profile <= PROFILE_MAXIMUM and 0 <= groups.mask < 1 << BIT_MAXIMUM + 1):
        raise DoorInvalid("groups", reason="PAIRS")
