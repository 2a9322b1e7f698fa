"""Whether a batch is whole: the numbers 1 to last must be known, and the totals agree."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice

from core.settlement.records import (
    LISTED_MAXIMUM,
    Closing,
    Difference,
    Numbers,
    Silence,
    Total,
    TotalKind,
)


def missing(closing: Closing, numbers: Numbers) -> tuple[int, ...]:
    """Numbers of the batch of which nothing came, and which are not said to be unused."""
    known = numbers.used | numbers.buried | closing.unused
    return _first(n for n in range(1, closing.last_seq + 1) if n not in known)


def silence(numbers: Numbers, silent_since: datetime) -> Silence:
    """What a batch lacks up to the highest number that came, without its terminal's word on it."""
    known = numbers.used | numbers.buried
    last = max(known, default=0)
    lacking = [number for number in range(1, last + 1) if number not in known]
    return Silence(silent_since, last, len(lacking), _first(lacking))


def unexpected(closing: Closing, numbers: Numbers) -> tuple[int, ...]:
    """Numbers that we know and the terminal does not: beyond its last, or said to be unused."""
    beyond = {n for n in numbers.used | closing.unused if not 1 <= n <= closing.last_seq}
    return _first(sorted(beyond | numbers.used & closing.unused))


def different(claimed: Sequence[Total], counted: Sequence[Total]) -> tuple[Difference, ...]:
    """The totals that differ, by kind and instrument; a total of nothing is no total."""
    theirs, ours = _by_name(claimed), _by_name(counted)
    return tuple(
        Difference(TotalKind(name[0]), name[1], theirs.get(name), ours.get(name))
        for name in sorted(theirs.keys() | ours.keys())
        if theirs.get(name) != ours.get(name)
    )


def _by_name(totals: Sequence[Total]) -> dict[tuple[str, str], Total]:
    return {(t.kind, t.instrument): t for t in totals if t.count or t.amount_minor}


def _first(numbers: Iterable[int]) -> tuple[int, ...]:
    return tuple(islice(numbers, LISTED_MAXIMUM))
