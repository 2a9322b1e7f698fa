"""The TERMINALS document: by which keys and doors an edge knows its terminals (terminals.md 10).

No personal data: numbers, public keys, scenes and doors.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import time
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from core.entry.records import Door, DoorScene, Pair, Passback
from core.kit.clock import unix_seconds
from core.school.records import DeviceClass, EnrolledTerminal
from terminals.message import KeyId
from terminals.signature import TerminalKey

_U32 = (1 << 32) - 1

Number = Annotated[int, Field(ge=0, le=_U32)]


class RollInvalid(Exception):
    """The bytes are no roll; what is held stays."""


class _Part(BaseModel):
    """Strict camel-case JSON; unknown members are left to newer edges."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        strict=True,
        frozen=True,
        ser_json_bytes="hex",
        val_json_bytes="hex",
    )


class KeyLine(_Part):
    """A key of a terminal; `valid_until` in Unix seconds, None while it is the newest."""

    key_no: Annotated[int, Field(ge=1, le=255)]
    public_key: bytes
    valid_from: Number
    valid_until: Number | None


class DoorLine(_Part):
    """A door as an edge needs it; `pairs` are (profile, bit), hours `HH:MM` by the school."""

    door_no: Number
    scene: str
    common: bool
    pairs: Sequence[tuple[int, int]]
    passback: str
    zone: str
    opens_at: str | None
    closes_at: str | None
    opens_on_lost_clock: bool


class TerminalLine(_Part):
    """A working terminal; `sells` is false while its merchant is not active."""

    terminal_no: Number
    site_no: Annotated[int, Field(ge=0, le=15)]
    sells: bool
    scenes: Sequence[str]
    keys: Sequence[KeyLine]
    doors: Sequence[DoorLine]

    def find_door(self, number: int) -> Door | None:
        """The door of a number; None also for one in words of a newer server."""
        for line in self.doors:
            if line.door_no == number:
                return _read_door(self, line)
        return None


class Roll(_Part):
    """The working terminals at the sites that have a working edge."""

    terminals: Sequence[TerminalLine]

    def write(self) -> bytes:
        """The content of a TERMINALS document: the same facts, the same bytes."""
        return self.model_dump_json(by_alias=True).encode()

    def at(self, site_no: int) -> Mapping[int, TerminalLine]:
        """Those of one site, by number."""
        return {each.terminal_no: each for each in self.terminals if each.site_no == site_no}


def read(content: bytes) -> Roll:
    """The roll of a document.

    Raises: RollInvalid.
    """
    try:
        return Roll.model_validate_json(content)
    except ValidationError:
        raise RollInvalid from None


def roll_of(working: Sequence[EnrolledTerminal], doors: Iterable[Door]) -> Roll:
    """What a school's registry says to its edges."""
    edges = [each for each in working if each.terminal.device_class is DeviceClass.EDGE]
    sites = {each.terminal.site_number for each in edges}
    by_terminal: dict[int, list[Door]] = {}
    for door in doors:
        by_terminal.setdefault(door.terminal_no, []).append(door)
    return Roll(
        terminals=[
            _terminal(each, by_terminal.get(each.terminal.number, []))
            for each in working
            if each.terminal.site_number in sites
            and each.terminal.device_class not in (DeviceClass.EDGE, DeviceClass.VIRTUAL)
        ]
    )


def find_key(line: TerminalLine | None, key_id: KeyId, now: int) -> TerminalKey | None:
    """The key that a request names, if it is one of the terminal and valid now."""
    keys = () if line is None else line.keys
    for key in keys:
        is_over = key.valid_until is not None and now >= key.valid_until
        if key.key_no == key_id.key_no and key.valid_from <= now and not is_over:
            return TerminalKey(key.public_key)
    return None


def _terminal(enrolled: EnrolledTerminal, doors: Sequence[Door]) -> TerminalLine:
    terminal = enrolled.terminal
    return TerminalLine(
        terminal_no=terminal.number,
        site_no=terminal.site_number,
        sells=enrolled.merchant.active,
        scenes=list(terminal.scenes),
        keys=[
            KeyLine(
                key_no=key.number,
                public_key=key.public_key,
                valid_from=unix_seconds(key.valid_from),
                valid_until=None if key.valid_until is None else unix_seconds(key.valid_until),
            )
            for key in enrolled.keys
        ],
        doors=[_door(door) for door in doors],
    )


def _door(door: Door) -> DoorLine:
    return DoorLine(
        door_no=door.number,
        scene=door.scene,
        common=door.common,
        pairs=[(pair.profile, pair.bit) for pair in door.pairs],
        passback=door.passback,
        zone=door.zone,
        opens_at=_clock(door.opens_at),
        closes_at=_clock(door.closes_at),
        opens_on_lost_clock=door.opens_on_lost_clock,
    )


def _read_door(terminal: TerminalLine, line: DoorLine) -> Door | None:
    try:
        passback, scene = Passback(line.passback), DoorScene(line.scene)
    except ValueError:
        return None
    return Door(
        terminal_no=terminal.terminal_no,
        number=line.door_no,
        name_zh="",
        name_en="",
        zone=line.zone,
        passback=passback,
        scene=scene,
        common=line.common,
        pairs=tuple(Pair(*pair) for pair in line.pairs),
        opens_at=None if line.opens_at is None else time.fromisoformat(line.opens_at),
        closes_at=None if line.closes_at is None else time.fromisoformat(line.closes_at),
        opens_on_lost_clock=line.opens_on_lost_clock,
    )


def _clock(at: time | None) -> str | None:
    return None if at is None else at.strftime("%H:%M")
