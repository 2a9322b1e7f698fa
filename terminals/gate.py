"""A gate that decides alone: codes by what they carry, cards by the rights it holds (codes.md 7).

Pure: the same for a gate and for the edge of a site. What opens is written down durably before the
door opens, by whoever asks here.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from core.entry.decision import comes_twice, has_pair, is_open
from core.entry.records import Direction, Door, Passback
from core.kit.clock import from_unix
from terminals import verification
from terminals.codes import CodeRefusal, Instrument, Use, classify
from terminals.keys import KeyRing
from terminals.parameters import Parameters
from terminals.rights import Rights
from terminals.verification import OfflineAuthority, VerificationContext


class Seen(NamedTuple):
    """Where a code or card was last seen to go at this gate."""

    inside: bool
    moved_at: datetime | None

    @classmethod
    def at(cls, moved_at: int, *, inside: bool) -> "Seen":
        """By a gate's own clock, in Unix seconds."""
        return cls(inside, from_unix(moved_at))


NEVER = Seen(inside=False, moved_at=None)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a gate goes by without a network.

    `denied` are the serials of its deny list, `used` the replay keys of codes it has seen opening
    something. `whereabouts` tells where a code or card was last seen in a zone of this gate.
    """

    issuer: int
    keys: KeyRing
    parameters: Parameters
    rights: Rights
    denied: Container[bytes]
    used: Container[bytes]
    whereabouts: Callable[[str, bytes], Seen]
    clock_is_trusted: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """Who may pass: `bearer` is a code's serial or a card's chip, as this gate knows them again.

    `replay_key` is what the passage spends; None for a card.
    """

    bearer: bytes
    replay_key: bytes | None
    is_noted_twice: bool = False


def decide(text: str, door: Door, direction: str, now: int, known: Knowledge) -> Opened | str:
    """Whether the door opens to a stripped text at `now` (Unix seconds), or the refusal's name.

    `direction` is IN, OUT or NONE. A door that opens on a lost clock does so at any hour, and no
    code is too old for it.
    """
    kind = classify(text)
    if isinstance(kind, CodeRefusal):
        return kind
    match kind:
        case Instrument.PRESENTATION:
            found = _code(text, door, now, known)
        case Instrument.PHYSICAL_CARD:
            found = _card(text, door, known)
        case _:
            return "OFFLINE_NOT_ALLOWED"
    if isinstance(found, str):
        return found
    at = from_unix(now)
    local = at.astimezone(ZoneInfo(known.parameters.zone)).time()
    if known.clock_is_trusted and not is_open(door, local):
        return "OUT_OF_HOURS"
    is_twice = comes_twice(Direction(direction), known.whereabouts(door.zone, found.bearer), at)
    if is_twice and door.passback is Passback.HARD:
        return CodeRefusal.PASSBACK
    is_noted = is_twice and door.passback is not Passback.OFF
    return Opened(found.bearer, found.replay_key, is_noted)


def _code(text: str, door: Door, now: int, known: Knowledge) -> Opened | str:
    """Rows 1 to 19 for a presentation; the reference gate shows no challenge, so none is bound."""
    verdict = verification.verify(
        text,
        VerificationContext(
            now=now,
            use=Use.ENTRY,
            issuers=(known.issuer,),
            keys=known.keys,
            skew_seconds=known.parameters.skew_seconds,
            life_seconds=known.parameters.life_seconds,
            denied=known.denied,
            seen=known.used,
            offline=OfflineAuthority(
                clock_is_trusted=known.clock_is_trusted,
                opens_on_lost_clock=door.opens_on_lost_clock,
                is_common_door=door.common,
                doors=tuple(door.pairs),
            ),
        ),
    )
    if isinstance(verdict, verification.Refused):
        return verdict.refusal
    return Opened(verdict.presentation.serial, verdict.replay_key)


def _card(text: str, door: Door, known: Knowledge) -> Opened | str:
    """A card by its chip alone: whoever is not on the list is unknown here, lost or frozen."""
    if not known.clock_is_trusted and not door.opens_on_lost_clock:
        return CodeRefusal.CLOCK_UNTRUSTED
    digits = text.split(":")[1]
    if len(digits) % 2:
        return CodeRefusal.FORMAT
    uid = bytes.fromhex(digits)
    groups = known.rights.of(uid)
    if groups is None:
        return "CARD_UNKNOWN"
    if not door.common and not has_pair(door, groups):
        return CodeRefusal.DOOR_NOT_ALLOWED
    return Opened(uid, None)
