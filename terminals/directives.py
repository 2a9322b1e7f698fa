"""What a heartbeat tells its terminal to do (terminals.md 3)."""

from enum import StrEnum


class Directive(StrEnum):
    """What a terminal is told to do."""

    SYNC = "SYNC"
    UPLOAD = "UPLOAD"
    CLOSE = "CLOSE"
    LOCK = "LOCK"
    FIRMWARE = "FIRMWARE"
    DISPLAY = "DISPLAY"


def directives(
    *, is_locked: bool, held_version: int | None, newest_version: int
) -> list[Directive]:
    """What to do for a terminal that holds this version of the key document.

    None is a terminal that fetches no documents, 0 one that has none yet. A locked terminal may
    fetch nothing, so it hears of its lock alone.
    """
    if is_locked:
        return [Directive.LOCK]
    is_behind = held_version is not None and held_version < newest_version
    return [Directive.SYNC] if is_behind else []
