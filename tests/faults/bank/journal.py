"""A client's journal: one JSON line per intent before it is sent, one per answer after it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Line = dict[str, Any]


class Journal:
    """Appends lines; each is handed to the kernel at once, so kill -9 loses at most a torn one."""

    def __init__(self, path: Path) -> None:
        if path.exists() and not path.read_bytes().endswith(b"\n"):
            with path.open("ab") as torn:
                torn.write(b"\n")
        self._file = path.open("ab", buffering=0)

    def write(self, line: Line) -> None:
        """Appends one line."""
        self._file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")


def read(path: Path) -> Iterator[Line]:
    """The whole lines of a journal; a torn one is left out."""
    if path.exists():
        yield from parse(path.read_bytes())


def parse(data: bytes) -> Iterator[Line]:
    """The whole lines of these bytes."""
    for text in data.splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict):
            yield line


class Tail:
    """Reads what was appended since the last time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def new_lines(self) -> list[Line]:
        """The lines that are whole now and were not before."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return list(parse(whole))
