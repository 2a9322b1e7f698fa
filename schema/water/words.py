"""The words of water as the contract describes them."""

from core.utility.records import MeterKind, StopReason
from schema.enums import described

described(
    MeterKind,
    "What a group of meters is.",
    {
        MeterKind.SHOWER: "A bath house, whose slots are reserved.",
        MeterKind.DORMITORY_WATER: "Hot water by a scan, whenever it is open.",
    },
)
described(
    StopReason,
    "Why water ended.",
    {
        StopReason.CANCEL: "The holder pressed cancel.",
        StopReason.IDLE: "Nothing ran for five minutes.",
        StopReason.MAXIMUM: "The most of a slot has run.",
        StopReason.SLOT_END: "The slot is over.",
        StopReason.POWER_CUT: "The power went; what was written to the disk is told.",
    },
    name="MeterStopReason",
)
