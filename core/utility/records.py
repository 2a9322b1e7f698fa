"""The frozen facts of water, and its refusals."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from uuid import UUID

from core.authorisation.records import Key
from core.kit.clock import unix_seconds
from core.kit.errors import Refusal
from core.ports.water import WaterSlot

CODE_EARLY = timedelta(minutes=10)
"""How long before its slot a code is good (codes.md 14)."""
HOLD_AFTER = timedelta(hours=24)
"""How long after its slot a hold may be captured (terminals.md 12)."""
LATE = timedelta(hours=24)
"""How late the start of a meter without a network may be told (terminals.md 9)."""


class MeterGroupUnknown(Refusal):
    """This school has no such group of meters to reserve."""


class MeterInvalid(Refusal):
    """Such a group or meter cannot be; `reason` says what is wrong with it."""


class SlotUnknown(Refusal):
    """The group has no slot that begins then, or it is too late or too early to reserve it."""


class SlotFull(Refusal):
    """Every place of the slot is taken."""


class ReservationLimit(Refusal):
    """This slot is reserved already, or enough others are."""


class ReservationUnknown(Refusal):
    """The cardholder has no such reservation."""


class ReservationBegun(Refusal):
    """The code of the reservation works already; it cannot be cancelled any more."""


class MeterLocked(Refusal):
    """Too many wrong codes were typed at this meter; it takes none for ten minutes."""


class MeterBusy(Refusal):
    """The meter runs for somebody."""


class Code8Wrong(Refusal):
    """Nobody's code at this meter."""


class SlotClosed(Refusal):
    """A good code or holder, but not now."""


class MeterKind(StrEnum):
    """What a group is; the words are those of the features that switch it on per campus."""

    SHOWER = "SHOWER"
    """A bath house: slots are reserved."""
    DORMITORY_WATER = "DORMITORY_WATER"
    """Hot water by a scan, whenever it is open."""


class StopReason(StrEnum):
    """Why water ended."""

    CANCEL = "CANCEL"
    IDLE = "IDLE"
    MAXIMUM = "MAXIMUM"
    SLOT_END = "SLOT_END"
    POWER_CUT = "POWER_CUT"


@dataclass(frozen=True, slots=True)
class Tariff:
    """A price in fen for `per_units` units of what the head counts, and the most of a slot."""

    price_minor: int
    per_units: int
    maximum_units: int

    def amount_minor(self, units: int) -> int:
        """What so many units cost, in fen, rounded down; never more than the maximum does."""
        return min(units, self.maximum_units) * self.price_minor // self.per_units

    @property
    def maximum_minor(self) -> int:
        """What a start holds, in fen."""
        return self.amount_minor(self.maximum_units)


@dataclass(frozen=True, slots=True)
class MeterGroup:
    """Meters that are reserved together; hours are those of the school's own day.

    `is_shared`: one controller serves all heads, and a code any of them; else a place is a stall.
    """

    number: int
    campus_code: str
    kind: MeterKind
    name_zh: str
    name_en: str
    is_shared: bool
    places: int
    slot_minutes: int
    opens_at: time
    closes_at: time
    days_ahead: int
    tariff: Tariff
    key_version: int = 1


@dataclass(frozen=True, slots=True)
class Meter:
    """One keypad of a terminal; `stall` is 0 in a shared group."""

    terminal_no: int
    number: int
    group_no: int
    stall: int


@dataclass(frozen=True, slots=True)
class PlacedMeter:
    """A meter with its group."""

    meter: Meter
    group: MeterGroup


@dataclass(frozen=True, slots=True)
class Slot:
    """A time that can be reserved."""

    starts_at: datetime
    ends_at: datetime

    def is_open(self, at: datetime) -> bool:
        """Whether a meter takes the codes of this slot."""
        return self.starts_at - CODE_EARLY <= at < self.ends_at


@dataclass(frozen=True, slots=True)
class FreeSlot:
    """A slot and how many of its places nobody has."""

    slot: Slot
    free: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """A place in a slot; the price is that of the day it was made."""

    id: UUID
    group_no: int
    stall: int
    sequence: int
    slot: Slot
    cardholder_id: UUID
    tariff: Tariff
    key_version: int
    made_at: datetime
    cancelled_at: datetime | None = None

    @property
    def water_slot(self) -> WaterSlot:
        """What its digits are made of, beside the sequence number."""
        start, end = unix_seconds(self.slot.starts_at), unix_seconds(self.slot.ends_at)
        return WaterSlot(self.group_no, self.key_version, self.stall, start, end - start)


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reservation with the digits that are typed, and its group."""

    reservation: Reservation
    code8: str
    group: MeterGroup


@dataclass(frozen=True, slots=True)
class Run:
    """Water that was begun under the key of its hold; `ends_at` is the end of its slot.

    `is_late`: it was begun without a network and told afterwards.
    """

    key: Key
    meter_no: int
    group_no: int
    cardholder_id: UUID
    reservation_id: UUID | None
    tariff: Tariff
    started_at: datetime
    ends_at: datetime
    is_late: bool

    @property
    def hold_until(self) -> datetime:
        """When an unused hold ends."""
        return self.ends_at + HOLD_AFTER


@dataclass(frozen=True, slots=True)
class Reading:
    """What ran until the end, and what that costs in fen."""

    units: int
    amount_minor: int
    reason: StopReason
