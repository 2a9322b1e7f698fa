"""What a reservation of water may be refused for."""

from core.kit.errors import IdempotencyConflict
from core.ledger.records import BalanceTooLow
from core.school.records import FeatureOff
from core.utility.records import (
    MeterGroupUnknown,
    ReservationBegun,
    ReservationLimit,
    ReservationUnknown,
    SlotFull,
    SlotUnknown,
)
from schema.errors import AreaErrors

WATER = AreaErrors(
    "Water",
    BalanceTooLow,
    FeatureOff,
    IdempotencyConflict,
    MeterGroupUnknown,
    ReservationBegun,
    ReservationLimit,
    ReservationUnknown,
    SlotFull,
    SlotUnknown,
)
