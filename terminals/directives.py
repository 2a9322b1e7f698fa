"""What a heartbeat tells its terminal to do (terminals.md 3)."""

from collections.abc import Mapping
from enum import StrEnum

from core.school.records import DocumentKind


class Directive(StrEnum):
    """What a terminal is told to do."""

    SYNC = "SYNC"
    UPLOAD = "UPLOAD"
    CLOSE = "CLOSE"
    LOCK = "LOCK"
    FIRMWARE = "FIRMWARE"
    DISPLAY = "DISPLAY"


def directives(
    *,
    is_locked: bool,
    held: Mapping[DocumentKind, int | None],
    newest: Mapping[DocumentKind, int],
    queue: int = 0,
    is_close_due: bool = False,
) -> list[Directive]:
    """What to do for a terminal that holds these versions of the documents.

    None is a document that it does not fetch, 0 one that it has not yet. `queue` is how much it
    keeps; it uploads before it closes. A locked terminal may fetch nothing, so it hears of its
    lock alone.
    """
    if is_locked:
        return [Directive.LOCK]
    is_behind = any(
        version is not None and version < newest.get(kind, 0) for kind, version in held.items()
    )
    told = {
        Directive.SYNC: is_behind,
        Directive.UPLOAD: queue > 0,
        Directive.CLOSE: is_close_due,
    }
    return [directive for directive, is_told in told.items() if is_told]
