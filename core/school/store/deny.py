"""The rows of the deny list and of what terminals have acknowledged."""

from collections.abc import Sequence
from datetime import datetime

from core.db.unit import Unit
from core.school.records import Denied, DeniedKind, DocumentKind


async def next_version(unit: Unit, now: datetime) -> int:
    """The version of the change that this unit makes; no other begins before it ends."""
    version: int | None = await unit.value(
        "INSERT INTO deny_list (school_id, version, changed_at) VALUES ($1, 1, $2)"
        " ON CONFLICT (school_id) DO UPDATE"
        " SET version = deny_list.version + 1, changed_at = excluded.changed_at RETURNING version",
        unit.school_id, now,
    )  # fmt: skip
    assert version is not None
    return version


async def list_known(unit: Unit, kind: DeniedKind, ids: Sequence[bytes]) -> set[bytes]:
    """Which of these are on the list already."""
    rows = await unit.rows(
        "SELECT id FROM deny_entry WHERE school_id = $1 AND kind = $2 AND id = ANY ($3)",
        unit.school_id, kind, list(ids),
    )  # fmt: skip
    return {row["id"] for row in rows}


async def insert(unit: Unit, denied: Denied, now: datetime) -> None:
    """Adds a line; one that is there stays as it is."""
    await unit.execute(
        "INSERT INTO deny_entry (school_id, kind, id, version, until, op, added_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        unit.school_id, denied.kind, denied.id, denied.version, denied.until,
        0 if denied.is_removed else 1, now,
    )  # fmt: skip


async def newest_version(unit: Unit) -> int:
    """The version of the list, 0 while it is empty."""
    version: int | None = await unit.value(
        "SELECT version FROM deny_list WHERE school_id = $1", unit.school_id
    )
    return version or 0


async def list_live(unit: Unit, above_version: int, now: int) -> list[Denied]:
    """What changed in later versions and has not ended, in the order of the versions.

    The last word on each serial or chip; that one was taken off is told to those who hold a list.
    """
    rows = await unit.rows(
        "SELECT x.kind, x.id, x.version, x.until, x.op = 0 AS is_removed FROM ("
        " SELECT DISTINCT ON (e.kind, e.id) e.* FROM deny_entry e"
        "  WHERE e.school_id = $1 AND e.version > $2 ORDER BY e.kind, e.id, e.version DESC) x"
        " WHERE x.op = 0 AND $2 > 0 OR x.op = 1 AND x.until >= $3"
        " ORDER BY x.version, x.kind, x.id",
        unit.school_id, above_version, now,
    )  # fmt: skip
    return [Denied(DeniedKind(row["kind"]), *row[1:]) for row in rows]


async def insert_acknowledgement(
    unit: Unit, terminal_no: int, kind: DocumentKind, version: int, now: datetime
) -> None:
    """Notes since when a terminal goes by a document; the first time counts."""
    await unit.execute(
        "INSERT INTO document_acknowledgement (school_id, terminal_no, kind, version,"
        " acknowledged_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        unit.school_id, terminal_no, kind, version, now,
    )  # fmt: skip


async def acknowledged(unit: Unit) -> dict[int, dict[int, int]]:
    """The newest version of each kind that each terminal acknowledged."""
    rows = await unit.rows(
        "SELECT terminal_no, kind, max(version) FROM document_acknowledgement"
        " WHERE school_id = $1 GROUP BY terminal_no, kind",
        unit.school_id,
    )
    found: dict[int, dict[int, int]] = {}
    for terminal_no, kind, version in rows:
        found.setdefault(terminal_no, {})[kind] = version
    return found


async def forget(unit: Unit, before: datetime, ended_before: int) -> int:
    """Deletes serials that ended, and acknowledgements that were followed by another, before then.

    Of each terminal and document the newest of that time stays: it still says what was known.
    """
    ended = await unit.execute(
        "DELETE FROM deny_entry WHERE school_id = $1 AND kind = $2 AND until < $3",
        unit.school_id, DeniedKind.SERIAL, ended_before,
    )  # fmt: skip
    followed = await unit.execute(
        "DELETE FROM document_acknowledgement a WHERE a.school_id = $1 AND a.acknowledged_at < $2"
        " AND EXISTS (SELECT 1 FROM document_acknowledgement n WHERE n.school_id = $1"
        "  AND n.terminal_no = a.terminal_no AND n.kind = a.kind AND n.version > a.version"
        "  AND n.acknowledged_at < $2)",
        unit.school_id, before,
    )  # fmt: skip
    return ended + followed
