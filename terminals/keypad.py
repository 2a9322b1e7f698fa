"""The keypad of a meter as a table of states: what each press, scan, answer and second does.

Confirm and eight digits start, or a scan; confirm pauses and goes on; cancel ends (terminals.md 9).
Nothing here opens a valve or sends a request: `step` says what is to be done.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from terminals.water import CODE_DIGITS

IDLE_SECONDS = 300
"""Nothing ran for so long: it ends."""
FLUSH_SECONDS = 10
"""How often what ran goes to the disk."""
TYPING_SECONDS = 30
"""How long a next digit is waited for."""


class Mode(StrEnum):
    """What the meter is at."""

    READY = "READY"
    TYPING = "TYPING"
    ASKING = "ASKING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"


class End(StrEnum):
    """Why water ends, in the words of `meterStop`."""

    CANCEL = "CANCEL"
    IDLE = "IDLE"
    MAXIMUM = "MAXIMUM"
    SLOT_END = "SLOT_END"


@dataclass(frozen=True, slots=True)
class Confirm:
    """The key that starts, pauses and goes on."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """The key that ends."""


@dataclass(frozen=True, slots=True)
class Digit:
    """A key with a number, 0 to 9."""

    value: int


@dataclass(frozen=True, slots=True)
class Scanned:
    """What the scanner read."""

    text: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """The server, or this meter alone, lets water run; `ends_at` in Unix seconds."""

    maximum_units: int
    ends_at: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing runs."""


@dataclass(frozen=True, slots=True)
class Counted:
    """So many units ran since the last time."""

    units: int


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed."""


Event = Confirm | Cancel | Digit | Scanned | Allowed | Refused | Counted | Tick


@dataclass(frozen=True, slots=True)
class Ask:
    """Send `meterStart` with the one that is there."""

    code8: str | None = None
    presented: str | None = None


@dataclass(frozen=True, slots=True)
class Valve:
    """Open or close the water."""

    is_open: bool


@dataclass(frozen=True, slots=True)
class Flush:
    """Write to the disk what ran so far; only then is it safe from a power cut."""

    units: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Send `meterStop`; the water is closed."""

    units: int
    reason: End


Effect = Ask | Valve | Flush | Stop


@dataclass(frozen=True, slots=True)
class Keypad:
    """The whole state. Times are Unix seconds; `used_at` is when a key or water last moved."""

    mode: Mode = Mode.READY
    digits: str = ""
    is_given_up: bool = False
    used_at: int = 0
    units: int = 0
    flushed_units: int = 0
    flushed_at: int = 0
    maximum_units: int = 0
    ends_at: int = 0


Step = tuple[Keypad, tuple[Effect, ...]]


def step(pad: Keypad, event: Event, now: int) -> Step:
    """The next state and what is to be done, in this order; an event that means nothing: nothing.

    `now` is in Unix seconds.
    """
    if pad.mode in (Mode.READY, Mode.TYPING):
        return _before(pad, event, now)
    return _asking(pad, event, now) if pad.mode is Mode.ASKING else _during(pad, event, now)


def _before(pad: Keypad, event: Event, now: int) -> Step:
    match event:
        case Confirm():
            return Keypad(Mode.TYPING, used_at=now), ()
        case Cancel():
            return Keypad(), ()
        case Scanned(text):
            return Keypad(Mode.ASKING), (Ask(presented=text),)
        case Digit(value) if pad.mode is Mode.TYPING:
            digits = f"{pad.digits}{value}"
            if len(digits) == CODE_DIGITS:
                return Keypad(Mode.ASKING), (Ask(code8=digits),)
            return replace(pad, digits=digits, used_at=now), ()
        case Tick() if pad.mode is Mode.TYPING and now - pad.used_at >= TYPING_SECONDS:
            return Keypad(), ()
    return pad, ()


def _asking(pad: Keypad, event: Event, now: int) -> Step:
    """While the answer is awaited nothing is certain: a cancel is remembered, not acted upon."""
    match event:
        case Cancel():
            return replace(pad, is_given_up=True), ()
        case Refused():
            return Keypad(), ()
        case Allowed() if pad.is_given_up:
            return Keypad(), (Stop(0, End.CANCEL),)
        case Allowed(maximum_units, ends_at):
            running = Keypad(
                Mode.RUNNING,
                used_at=now,
                flushed_at=now,
                maximum_units=maximum_units,
                ends_at=ends_at,
            )
            return running, (Flush(0), Valve(is_open=True))
    return pad, ()


def _during(pad: Keypad, event: Event, now: int) -> Step:
    match event:
        case Confirm():
            is_open = pad.mode is Mode.PAUSED
            mode = Mode.RUNNING if is_open else Mode.PAUSED
            turned, flush = _flushed(replace(pad, mode=mode, used_at=now), now)
            return turned, (Valve(is_open), *flush)
        case Cancel():
            return _ended(pad, End.CANCEL)
        case Counted(units) if units > 0:
            pad = replace(pad, units=pad.units + units, used_at=now)
    if pad.units >= pad.maximum_units:
        return _ended(pad, End.MAXIMUM)
    if now >= pad.ends_at:
        return _ended(pad, End.SLOT_END)
    if now - pad.used_at >= IDLE_SECONDS:
        return _ended(pad, End.IDLE)
    if now - pad.flushed_at >= FLUSH_SECONDS:
        return _flushed(pad, now)
    return pad, ()


def _flushed(pad: Keypad, now: int) -> Step:
    """The same with everything on the disk."""
    if pad.units == pad.flushed_units:
        return pad, ()
    return replace(pad, flushed_units=pad.units, flushed_at=now), (Flush(pad.units),)


def _ended(pad: Keypad, reason: End) -> Step:
    """The water is closed before anything is written or sent."""
    return Keypad(), (Valve(is_open=False), Stop(pad.units, reason))
