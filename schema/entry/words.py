"""The words of doors as the contract describes them."""

from core.entry.records import (
    Direction,
    DoorScene,
    EntryOutcome,
    EventFlag,
    EventVerdict,
)
from schema.enums import described

PASS = {"zh": "请通行", "en": "Please pass"}
"""Of an open door; the table's words for 00 are about money."""

described(
    Direction,
    "Which way somebody passes a door.",
    {
        Direction.IN: "In.",
        Direction.OUT: "Out; whoever wants out is let out.",
        Direction.NONE: "The door tells no ways apart.",
    },
    name="EntryDirection",
)
described(
    DoorScene,
    "What a door stands before.",
    {
        DoorScene.GATE: "A gate.",
        DoorScene.LIBRARY: "A library.",
        DoorScene.BUS: "A bus.",
        DoorScene.DORMITORY: "A dormitory.",
        DoorScene.CLASSROOM: "A classroom.",
        DoorScene.ATTENDANCE: "Attendance of a meeting.",
    },
)
described(
    EntryOutcome,
    "Whether a door opens.",
    {
        EntryOutcome.GRANTED: "It opens, once a verified `signedAnswer` says so.",
        EntryOutcome.DENIED: "It stays closed; `responseCode` says why.",
    },
)
described(
    EventVerdict,
    "What is made of an event that was taken offline; after any of them it may be deleted.",
    {
        EventVerdict.ACCEPTED: "The passage is kept.",
        EventVerdict.DUPLICATE: "It is known: SAME_RECORD by this event, SAME_CODE by another.",
        EventVerdict.SUSPECT: "No passage is kept; the school looks at it.",
        EventVerdict.REJECTED: "The gate had to refuse it; no passage is kept.",
    },
    name="EntryEventVerdict",
)
described(
    EventFlag,
    "What is worth knowing of an accepted event.",
    {
        EventFlag.LATE: "More than 24 h old.",
        EventFlag.AFTER_REPORT: "The card or code had ended, and the gate could not know.",
        EventFlag.PASSBACK: "Whoever came in was inside.",
        EventFlag.OVERRODE_DECLINE: "Refused online, and the gate did not hear of it.",
    },
    name="EntryEventFlag",
)
