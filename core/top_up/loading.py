"""What a chip's own word does to a load: posts it, returns it, or stops for staff to look.

Pure (terminals.md 9 and 11). The chip's load counter rises by one with each load, so after a lost
message the next tap says what happened. Its balance may lie below our books, which hear of offline
debits later, and never above.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from core.ports.chips import ChipReading
from core.school.policy import Policy
from core.school.policy_words import PurseModel
from core.top_up.records import Load

WRITING = timedelta(seconds=60)
"""So long another terminal may still be at the chip: nobody else ends its load."""


@dataclass(frozen=True, slots=True)
class Chip:
    """What a chip was last seen to be; a frozen one waits for staff."""

    card_id: UUID
    cardholder_id: UUID
    load_counter: int
    is_frozen: bool


class Step(StrEnum):
    """What a tap does first."""

    GO_ON = "GO_ON"
    POST = "POST"
    RETURN = "RETURN"
    WAIT = "WAIT"
    FREEZE = "FREEZE"


def next_step(
    chip: Chip | None,
    load: Load | None,
    reading: ChipReading,
    purse_minor: int,
    terminal_no: int,
    now: datetime,
) -> Step:
    """What a reading does to the card's load that holds, if there is one.

    `purse_minor` is what our books hold on the chip, before that load.
    """
    if chip is not None and chip.is_frozen:
        return Step.FREEZE
    if load is None:
        is_known = chip is None or chip.load_counter == reading.counter
        return Step.GO_ON if is_known and reading.balance_minor <= purse_minor else Step.FREEZE
    if is_written(load, reading, purse_minor):
        return Step.POST
    if reading.counter != load.counter or reading.balance_minor > purse_minor:
        return Step.FREEZE
    is_elsewhere = load.terminal_no != terminal_no and now - load.made_at < WRITING
    return Step.WAIT if is_elsewhere else Step.RETURN


def is_written(load: Load, reading: ChipReading, purse_minor: int) -> bool:
    """Whether the chip took the load and no other."""
    most = purse_minor + load.amount_minor
    return reading.counter == load.counter + 1 and reading.balance_minor <= most


def receiving_purse(policy: Policy) -> str:
    """Which purse money enters: where the chip holds its own, it waits to be claimed (M-068)."""
    return "CLAIM" if policy.purse.model is PurseModel.ON_CARD else "MAIN"


_STATUS_CODES = {"FROZEN": "62", "CLOSED": "46"}
_STATE_CODES = {"ACTIVE": "00", "LOST": "41"}


def standing_code(status: str, card_state: str) -> str:
    """The response code of how a cardholder and a card stand; 00 where both may act."""
    code = _STATUS_CODES.get(status)
    return _STATE_CODES.get(card_state, "54") if code is None else code
