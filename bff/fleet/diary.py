"""What people and devices remember, one JSON line each: the only thing the model believes.

A cashier writes what went over the counter, when it went. The server has no part in it.
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

Line = dict[str, Any]


class Key(NamedTuple):
    """The key of a purchase: terminal, batch and sequence number."""

    till: int
    batch: int
    seq: int


def key_of(line: Line) -> Key:
    """The key that a line is about."""
    return Key(line["till"], line["batch"], line["seq"])


def digest(code: str) -> str:
    """A code as it stands in the diary: two scans of one screen are the same."""
    return sha256(code.encode()).hexdigest()[:32]


class Diary:
    """One file; what is written is there at once."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def note(self, what: str, **facts: object) -> None:
        """Writes one line."""
        self._file.write(json.dumps({"t": what, **facts}, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Nothing more is remembered."""
        self._file.close()


def read(path: Path) -> Iterator[Line]:
    """The lines, oldest first."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
