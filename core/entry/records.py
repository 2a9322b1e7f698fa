"""The frozen facts of the entry context, and its refusals."""

from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from core.kit.errors import Refusal


class Passback(StrEnum):
    """What a zone does about a card that comes in twice (terminals.md 9)."""

    OFF = "OFF"
    SOFT = "SOFT"
    HARD = "HARD"


class Direction(StrEnum):
    """Which way somebody passes; NONE where a door tells no ways apart."""

    IN = "IN"
    OUT = "OUT"
    NONE = "NONE"


class DoorScene(StrEnum):
    """What a door stands before; it decides what its terminal learns."""

    GATE = "GATE"
    LIBRARY = "LIBRARY"
    BUS = "BUS"
    DORMITORY = "DORMITORY"
    CLASSROOM = "CLASSROOM"
    ATTENDANCE = "ATTENDANCE"


class EntryOutcome(StrEnum):
    """What a door is answered."""

    GRANTED = "GRANTED"
    DENIED = "DENIED"


class EventVerdict(StrEnum):
    """What is made of an event that a gate took offline (terminals.md 6)."""

    ACCEPTED = "ACCEPTED"
    DUPLICATE = "DUPLICATE"
    SUSPECT = "SUSPECT"
    REJECTED = "REJECTED"


class EventFlag(StrEnum):
    """What is worth knowing of an accepted passage."""

    LATE = "LATE"
    AFTER_REPORT = "AFTER_REPORT"
    PASSBACK = "PASSBACK"
    OVERRODE_DECLINE = "OVERRODE_DECLINE"


class Groups(NamedTuple):
    """Door groups that may be opened: a bit mask (u16) under an entry profile (u8)."""

    profile: int
    mask: int


class Pair(NamedTuple):
    """An entry profile and the group bit (0 to 15) under which a door opens for it."""

    profile: int
    bit: int


class EntryKey(NamedTuple):
    """The key of one terminal message: made and stored by the terminal before it sends."""

    terminal_no: int
    batch_no: int
    seq_no: int


@dataclass(frozen=True, slots=True)
class Door:
    """One door of a terminal. `opens_at` and `closes_at` are the school's own clock; or neither."""

    terminal_no: int
    number: int
    name_zh: str
    name_en: str
    zone: str
    passback: Passback
    scene: DoorScene
    common: bool
    pairs: tuple[Pair, ...] = ()
    opens_at: time | None = None
    closes_at: time | None = None
    opens_on_lost_clock: bool = False


@dataclass(frozen=True, slots=True)
class Passer:
    """Who presented what: everything of a read code or card that a passage keeps.

    `groups` are those of an entry pass (kind 3), which opens nothing beyond them.
    """

    cardholder_id: UUID
    card_id: UUID
    device_id: UUID | None
    instrument: str
    serial: bytes | None
    replay_key: bytes | None
    groups: Groups | None = None


@dataclass(frozen=True, slots=True)
class EntryRequest:
    """A question of a door whose code, signature and use are decided.

    `local_time` is the school's clock at `answered_at`; `available_minor` is what the scene shows.
    """

    key: EntryKey
    content_hash: bytes
    door: Door
    direction: Direction
    passer: Passer
    available_minor: int | None
    local_time: time
    answer_kid: int
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class EntryAnswer:
    """What a key was answered. `is_repeat` says that it was stored before.

    `signed_answer` is None only before the answer is signed.
    """

    key: EntryKey
    outcome: EntryOutcome
    response_code: str
    reason: str | None
    scene: DoorScene | None
    cardholder_id: UUID | None
    available_minor: int | None
    answer_kid: int
    answered_at: datetime
    signed_answer: str | None = None
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class EntryEvent:
    """What a gate did offline. `content_hash` is that of the same question asked online.

    `record_hash` covers everything the gate wrote. `passer` is None where the code told nobody;
    then `refusal` says why. `deny_version` is that of the deny list the gate held, 0 for none.
    """

    key: EntryKey
    content_hash: bytes
    record_hash: bytes
    door: Door | None
    direction: Direction
    passer: Passer | None
    refusal: str | None
    deny_version: int
    is_clock_trusted: bool
    passed_at: datetime


@dataclass(frozen=True, slots=True)
class EventAnswer:
    """The verdict on one event; `reason` is None for what was accepted."""

    verdict: EventVerdict
    reason: str | None = None
    flags: tuple[EventFlag, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rows say of a passer at a door: the state of card and code, rights, whereabouts.

    `revoked_at` is the earliest of the pass's, the device's and the card's end. `used_by` is the
    terminal that spent the code. `is_known_to_gate` says that the deny list named it.
    """

    status: str
    card_state: str
    revoked_at: datetime | None
    used_by: int | None
    rights: tuple[Groups, ...]
    inside: bool
    moved_at: datetime | None
    is_known_to_gate: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """One line of a cardholder's own log."""

    id: UUID
    passed_at: datetime
    direction: Direction
    scene: DoorScene
    is_offline: bool
    door_name_zh: str
    door_name_en: str


@dataclass(frozen=True, slots=True)
class DoorPassage:
    """One passing as staff see it who look at a door: by number, never by name."""

    passed_at: datetime
    direction: Direction
    is_offline: bool
    flags: tuple[EventFlag, ...]
    cardholder_number: str


class CardRight(NamedTuple):
    """A physical card that may pass by itself: the hash of its chip, a profile and a mask.

    `mask` is None of one that left the list; 0 opens common doors only.
    """

    name: bytes
    profile: int
    mask: int | None


@dataclass(frozen=True, slots=True)
class RightsChange:
    """The newest rights of physical cards: what changed after `base_version`, 0 for all of them."""

    version: int
    base_version: int
    salt: bytes
    lines: tuple[CardRight, ...]


class DoorInvalid(Refusal):
    """The facts of a door do not fit together; `reason` says which."""
