"""The model of doors: from what opened to what the log must say, and where it does not."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from bff.fleet.diary import Key, Line, key_of
from bff.fleet.evidence import Evidence
from bff.fleet.porter import SAFE_DOOR
from bff.fleet.violation import Violation

SAME = ("DUPLICATE", "SAME_RECORD")
"""What an accepted event hears when it is told again, or was granted online before."""
_ACCEPTED, _SUSPECT = "ACCEPTED", "SUSPECT"


@dataclass(frozen=True, slots=True)
class Opened:
    """A door that opened for somebody; `ahead`: by a gate an hour fast.

    `is_safe`: the door is one that a gate opens though it lost the time.
    """

    key: Key
    holder: str
    code: str
    offline: bool
    is_safe: bool
    clock_lost: bool
    ahead: bool


@dataclass
class Doors:
    """The diary of the porters, read once."""

    opened: dict[Key, Opened] = field(default_factory=dict)
    heard: dict[Key, set[tuple[str, str | None]]] = field(default_factory=lambda: defaultdict(set))
    shown: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    """The gates that were ever shown a code, whatever came of it."""
    stood: Counter[tuple[int, str]] = field(default_factory=Counter)
    """How often who stood before which gate that stayed shut: an answer may have been lost."""

    @classmethod
    def of(cls, lines: Iterable[Line]) -> "Doors":
        """What the lines say."""
        doors = cls()
        for line in lines:
            match line["t"]:
                case "shown":
                    doors.shown[line["code"]].add(line["till"])
                case "opened":
                    made = Opened(
                        key_of(line), line["holder"], line["code"], line["offline"],
                        line["door"] == SAFE_DOOR, line["clockLost"], line["ahead"],
                    )  # fmt: skip
                    doors.opened[made.key] = made
                case "shut":
                    doors.stood[line["till"], line["holder"]] += 1
                case "told":
                    doors.heard[key_of(line)].add((line["verdict"], line["reason"]))
        return doors

    @property
    def alone(self) -> dict[Key, Opened]:
        """What opened without a line."""
        return {key: made for key, made in self.opened.items() if made.offline}


def judge_doors(doors: Doors, books: Evidence) -> tuple[Violation, ...]:
    """Everything that the doors and the log do not agree on."""
    rules = (_told_once(doors, books), _logged(doors, books), _codes(doors), _clocks(doors))
    return tuple(chain(*rules))


def _told_once(doors: Doors, books: Evidence) -> Iterator[Violation]:
    for key, made in doors.alone.items():
        event = books.events.get(key)
        if event is None and key in books.passages and doors.heard[key] == {SAME}:
            continue
        if event is None:
            yield Violation("every passage taken alone is judged", (made, doors.heard[key]))
            continue
        first = (event.verdict, event.reason)
        again = {SAME} if event.verdict == _ACCEPTED else set()
        if not doors.heard[key] or doors.heard[key] - {first} - again:
            yield Violation("a gate hears one verdict", (event, doors.heard[key]))
        elsewhere = event.reason == "CODE_USED_ELSEWHERE" and len(doors.shown[made.code]) > 1
        is_early = event.reason == "CLOCK" and made.ahead
        is_doubtful = event.verdict == _SUSPECT and (elsewhere or is_early)
        if not (event.verdict == _ACCEPTED or is_doubtful) or (made.ahead and not is_early):
            yield Violation("an honest gate's passage is believed", (made, event))


def _logged(doors: Doors, books: Evidence) -> Iterator[Violation]:
    for key, made in doors.opened.items():
        event, passage = books.events.get(key), books.passages.get(key)
        is_doubted = made.offline and event is not None and event.verdict != _ACCEPTED
        if passage != (None if is_doubted else made.holder):
            yield Violation("who passed stands in the log", (made, event, passage))
    # A door may stay shut though somebody was let pass: the answer, or the power, was lost.
    without = Counter(
        (key.till, holder) for key, holder in books.passages.items() if key not in doors.opened
    )
    for who in without - doors.stood:
        yield Violation("nobody stands in the log who never stood there", who)


def _clocks(doors: Doors) -> Iterator[Violation]:
    for made in doors.alone.values():
        if made.clock_lost and not made.is_safe:
            yield Violation("who lost the time opens only what leads out of a fire", made)


def _codes(doors: Doors) -> Iterator[Violation]:
    by_code = Counter((made.code, made.key.till) for made in doors.opened.values())
    for who, count in by_code.items():
        if count > 1:
            yield Violation("a gate takes a code once", who)
