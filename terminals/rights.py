"""The RIGHTS document: which physical cards a gate lets pass alone, to the byte (terminals.md 8).

baseVersion u32 (0 = a whole list) | salt 16 | sections u16, then for each section: profile u8,
op u8 (1 add or change, 0 remove), count u16 and so many 10-byte entries: the first 8 bytes of
SHA-256(salt | UID), mask u16. A card without groups stands under profile 0 with mask 0: it opens
common doors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby
from struct import Struct

from core.entry.records import CardRight, Groups

SALT_BYTES = 16
NAME_BYTES = 8

_HEAD = Struct(f">I{SALT_BYTES}sH")
_SECTION = Struct(">BBH")
_ENTRY = Struct(f">{NAME_BYTES}sH")
_REMOVE, _ADD = 0, 1


class RightsInvalid(Exception):
    """The bytes are no rights, or none that follow those held; what is held stays."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a document says: lines that follow `base_version`; 0 is a whole list."""

    base_version: int
    salt: bytes
    lines: Sequence[CardRight]


def card_name(salt: bytes, uid: bytes) -> bytes:
    """What a card is called in the list of a salt."""
    return sha256(salt + uid).digest()[:NAME_BYTES]


def write(change: Change) -> bytes:
    """The content of a RIGHTS document."""

    def section(line: CardRight) -> tuple[int, int]:
        return line.profile, _REMOVE if line.mask is None else _ADD

    written = []
    for (profile, op), group in groupby(sorted(change.lines, key=section), key=section):
        entries = b"".join(_ENTRY.pack(line.name, line.mask or 0) for line in group)
        count = len(entries) // _ENTRY.size
        written.append(_SECTION.pack(profile, op, count) + entries)
    return _HEAD.pack(change.base_version, change.salt, len(written)) + b"".join(written)


def read(content: bytes) -> Change:
    """What a RIGHTS document says.

    Raises: RightsInvalid.
    """
    if len(content) < _HEAD.size:
        raise RightsInvalid("too short")
    base_version, salt, sections = _HEAD.unpack_from(content)
    at, lines = _HEAD.size, []
    for _ in range(sections):
        if len(content) < at + _SECTION.size:
            raise RightsInvalid("a section is missing")
        profile, op, count = _SECTION.unpack_from(content, at)
        at += _SECTION.size
        entries = content[at : at + count * _ENTRY.size]
        if len(entries) != count * _ENTRY.size or op not in (_REMOVE, _ADD):
            raise RightsInvalid("not as long as its count says, or of no kind")
        lines += [
            CardRight(name, profile, mask if op == _ADD else None)
            for name, mask in _ENTRY.iter_unpack(entries)
        ]
        at += len(entries)
    if at != len(content):
        raise RightsInvalid("longer than its counts say")
    return Change(base_version, salt, lines)


@dataclass(frozen=True, slots=True)
class Rights:
    """The list a gate holds: what each card opens, by its name and profile."""

    version: int = 0
    salt: bytes = bytes(SALT_BYTES)
    masks: Mapping[bytes, Mapping[int, int]] = field(default_factory=dict)

    def following(self, version: int, change: Change) -> "Rights":
        """The list after a document of this version.

        Raises: RightsInvalid for changes to another list than this one.
        """
        if change.base_version not in (0, self.version):
            raise RightsInvalid("changes to another version")
        if change.base_version and change.salt != self.salt:
            raise RightsInvalid("another salt")
        kept = {n: dict(m) for n, m in self.masks.items()} if change.base_version else {}
        for name, profile, mask in change.lines:
            groups = kept.setdefault(name, {})
            groups.pop(profile, None)
            if mask is not None:
                groups[profile] = mask
        return Rights(version, change.salt, {n: m for n, m in kept.items() if m})

    def of(self, uid: bytes) -> tuple[Groups, ...] | None:
        """What a card opens; None if it is not on the list, and opens nothing."""
        found = self.masks.get(card_name(self.salt, uid))
        return None if found is None else tuple(Groups(*each) for each in found.items())

    def whole(self) -> Change:
        """The list as one document would say it."""
        lines = [
            CardRight(name, profile, mask)
            for name, groups in self.masks.items()
            for profile, mask in groups.items()
        ]
        return Change(0, self.salt, lines)
