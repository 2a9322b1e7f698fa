"""What the core asks of water codes (codes.md 14)."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WaterSlot:
    """A reserved time at a group; `starts_at` is in Unix seconds, `stall` 0 where heads are shared.

    `key_version` names the group's key.
    """

    group_no: int
    key_version: int
    stall: int
    starts_at: int
    length_seconds: int


class WaterCodes(Protocol):
    """The eight digits, with the groups' keys behind them."""

    def code(self, school_id: int, slot: WaterSlot, sequence: int) -> str:
        """The digits of a sequence number of a slot."""
        ...

    def find_free(
        self, school_id: int, slot: WaterSlot, live: Container[str], sequence: int
    ) -> tuple[int, str] | None:
        """The first number from `sequence` on whose digits nobody has now, with the digits."""
        ...
