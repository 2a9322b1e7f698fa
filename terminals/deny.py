"""The DENY document: serials and cards that a terminal refuses, to the byte (terminals.md 8)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from core.school.records import DeniedKind

ENTRIES_MAXIMUM = 65_535
ID_BYTES = 10

_HEAD = Struct(">IH")
_ENTRY = Struct(">BB10sI")
ENTRY_BYTES = _ENTRY.size


class Op(IntEnum):
    """What an entry does to the list."""

    REMOVE = 0
    ADD = 1


class Entry(NamedTuple):
    """One line: `id` without its padding, `until` in Unix seconds, when it is forgotten."""

    kind: DeniedKind
    op: Op
    id: bytes
    until: int


@dataclass(frozen=True, slots=True)
class Change:
    """What a document says: entries that follow `base_version`; 0 is a whole list."""

    base_version: int
    entries: Sequence[Entry]


class DenyInvalid(Exception):
    """The bytes are no deny list, or none that follows the one held; that one stays."""


def write(change: Change) -> bytes:
    """The content of a DENY document.

    Raises ValueError for more entries than its count can say.
    """
    if len(change.entries) > ENTRIES_MAXIMUM:
        raise ValueError("too many entries for one document")
    lines = (
        _ENTRY.pack(e.kind, e.op, e.id.ljust(ID_BYTES, b"\0"), e.until) for e in change.entries
    )
    return _HEAD.pack(change.base_version, len(change.entries)) + b"".join(lines)


def read(content: bytes) -> Change:
    """What a DENY document says.

    Raises: DenyInvalid.
    """
    if len(content) < _HEAD.size:
        raise DenyInvalid("too short")
    base_version, count = _HEAD.unpack_from(content)
    if len(content) != _HEAD.size + count * ENTRY_BYTES:
        raise DenyInvalid("not as long as its count says")
    try:
        entries = [
            Entry(DeniedKind(kind), Op(op), _without_padding(DeniedKind(kind), id_), until)
            for kind, op, id_, until in _ENTRY.iter_unpack(content[_HEAD.size :])
        ]
    except ValueError as unknown:
        raise DenyInvalid("an entry of no kind") from unknown
    return Change(base_version, entries)


def _without_padding(kind: DeniedKind, padded: bytes) -> bytes:
    return padded[:6] if kind is DeniedKind.SERIAL else padded.rstrip(b"\0")


@dataclass(frozen=True, slots=True)
class DenyList:
    """The list a terminal holds: version, and until when each serial or card stands on it."""

    version: int = 0
    until: Mapping[tuple[DeniedKind, bytes], int] = field(default_factory=dict)

    def following(self, version: int, change: Change, now: int) -> "DenyList":
        """The list after a document of this version; what ended before `now` is forgotten.

        Raises: DenyInvalid for changes to another list than this one.
        """
        if change.base_version not in (0, self.version):
            raise DenyInvalid("changes to another version")
        kept = dict(self.until) if change.base_version else {}
        for entry in change.entries:
            kept.pop((entry.kind, entry.id), None)
            if entry.op is Op.ADD:
                kept[entry.kind, entry.id] = entry.until
        return DenyList(version, {line: until for line, until in kept.items() if until >= now})

    def serials(self) -> frozenset[bytes]:
        """The serials of passes on it."""
        return frozenset(id_ for kind, id_ in self.until if kind is DeniedKind.SERIAL)

    def has_card(self, uid: bytes) -> bool:
        """Whether a chip is on it; a line does not tell zeros at a number's end from padding."""
        return (DeniedKind.UID, uid.rstrip(b"\0")) in self.until


def added(lines: Iterable[tuple[DeniedKind, bytes, int]]) -> list[Entry]:
    """Entries that add (kind, id, until)."""
    return [Entry(kind, Op.ADD, id_, until) for kind, id_, until in lines]
