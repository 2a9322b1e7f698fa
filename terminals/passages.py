"""What the messages of doors carry, and what they ask of the core."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from core.entry.records import (
    Direction,
    Door,
    EntryAnswer,
    EntryEvent,
    EntryKey,
    EntryRequest,
    EventAnswer,
    Groups,
    Passer,
)
from terminals.codes import strip
from terminals.instruments import Found
from terminals.message import EntryFields
from terminals.scenes import Holder, HolderView, Scene

EVENTS_MAXIMUM = 500
"""Events of one upload (terminals.md 3)."""
OPERATION = "ENTRY"


@dataclass(frozen=True, slots=True)
class EntryMessage:
    """The parsed input of `entryAuthorise`; texts are as scanned and shown."""

    batch_no: int
    seq_no: int
    presented: str
    door_no: int
    direction: Direction
    challenge: str | None = None

    def content_hash(self) -> bytes:
        """What a repeat of the key must ask for again, online or as an event."""
        challenge = None if self.challenge is None else strip(self.challenge)
        fields = (strip(self.presented), challenge, self.door_no, self.direction.value)
        return EntryFields(OPERATION, *fields).content_hash()

    def key(self, terminal_no: int) -> EntryKey:
        """The key, with the terminal that signed it."""
        return EntryKey(terminal_no, self.batch_no, self.seq_no)


@dataclass(frozen=True, slots=True)
class EventMessage:
    """An event a gate took offline: the same question, and what the gate knew when it opened.

    `passed_at` is its own clock's; `deny_version` that of the deny list it held, 0 for none.
    """

    asked: EntryMessage
    passed_at: datetime
    is_clock_trusted: bool
    deny_version: int


@dataclass(frozen=True, slots=True)
class Entered:
    """An answer, and what the door's scene may see of whoever passes it.

    `has_photo` is None where the scene shows no photo.
    """

    answer: EntryAnswer
    scene: Scene | None = None
    holder: HolderView | None = None
    has_photo: bool | None = None


class Doors(Protocol):
    """The registry of doors."""

    async def find(self, school_id: int, terminal_no: int, number: int) -> Door | None:
        """A terminal's door."""
        ...


class Holders(Protocol):
    """Who a cardholder is."""

    async def holder(self, school_id: int, cardholder_id: UUID) -> Holder:
        """Name, number and class."""
        ...


class Passages(Protocol):
    """The core's passages, as `core.entry` answers them."""

    async def decide(
        self, school_id: int, request: EntryRequest, sign: Callable[[EntryAnswer], str]
    ) -> EntryAnswer:
        """Lets somebody pass or not."""
        ...

    async def refuse(
        self,
        school_id: int,
        content_hash: bytes,
        answer: EntryAnswer,
        sign: Callable[[EntryAnswer], str],
    ) -> EntryAnswer:
        """Stores a refusal, or repeats the stored answer."""
        ...

    async def record(self, school_id: int, event: EntryEvent, kept_days: int) -> EventAnswer:
        """Judges an event that was taken offline."""
        ...


def passer_of(found: Found) -> Passer:
    """What a passage keeps of a read code or card."""
    return Passer(
        cardholder_id=found.owner.cardholder_id,
        card_id=found.owner.card_id,
        device_id=found.owner.device_id,
        instrument=found.instrument,
        serial=found.serial,
        replay_key=found.replay_key,
        groups=None if found.groups is None else Groups(*found.groups),
    )
