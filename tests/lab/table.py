"""The table that `make sso-lab` ends with, for whoever runs a school's sign-on."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from tests.lab.person import Face
from tests.lab.school import CHANNELS
from tests.lab.tally import Row

SHAPED = "*"
"""Ends the package of a server whose dialect the lab puts on itself."""
_NOTE = (
    "* codes, tokens and PKCE are the package's; the shapes of an Apereo CAS server are put on by"
    " tests/lab,\n  because that server is in no registry of Python or Node."
)


@dataclass
class Table:
    """The rows of each part."""

    servers: list[Row] = field(default_factory=list)
    channels: list[Row] = field(default_factory=list)
    scenes: list[Row] = field(default_factory=list)

    def show(self, seen: Mapping[str, Mapping[str, str]], face: Face | None) -> int:
        """Prints the table, what differs, and the verdict; how much differs.

        `seen` is the card at the end of a login, by server and channel.
        """
        _part(("server", "package", "kit", "probes", "logins", "attacks", "seconds"), self.servers)
        if any(row.cells[0].endswith(SHAPED) for row in self.servers):
            print(_NOTE)
        _columns(_sightings(seen), texts=len(CHANNELS) + 1)
        _part(("channel", "the card is proven by", "same card", "seconds"), self.channels)
        if face is not None:
            print(f"the card: {face.number}, {face.name}, cardholder {face.cardholder_id}")
        _part(("besides", "as it should", "seconds"), self.scenes)
        rows = chain(self.servers, self.channels, self.scenes)
        failures = [each for row in rows for each in row.failures]
        sys.stdout.flush()
        for failure in failures:
            print(f"\n{failure}", file=sys.stderr, flush=True)
        print(f"\nsso-lab: {'all agree' if not failures else f'{len(failures)} differ'}")
        return len(failures)


def _part(heads: Sequence[str], rows: Iterable[Row]) -> None:
    """Heads and rows in columns; numbers stand to the right."""
    _columns([list(heads), *map(_cells, rows)], texts=len(heads) - _numbers(heads))


def _columns(lines: Sequence[Sequence[str]], texts: int) -> None:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    print()
    for line in lines:
        padded = [
            cell.ljust(width) if place < texts else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(padded).rstrip())


def _sightings(seen: Mapping[str, Mapping[str, str]]) -> list[list[str]]:
    """Which card was seen, server by channel; a login that was not reached is left open."""
    heads = ["the card seen after a login", *CHANNELS]
    return [
        heads,
        *([name, *(at.get(each, "-") for each in CHANNELS)] for name, at in seen.items()),
    ]


def _numbers(heads: Sequence[str]) -> int:
    return len(heads) - heads.index(next(h for h in heads if h in _COUNTED))


def _cells(row: Row) -> list[str]:
    return [row.name, *row.cells, *map(str, row.tallies), f"{row.seconds:.1f}"]


_COUNTED = {"kit", "same card", "as it should"}
