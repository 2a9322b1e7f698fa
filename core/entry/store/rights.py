"""The rows of what gates know of physical cards while they have no network."""

from collections.abc import Sequence
from datetime import datetime

from core.db.unit import Unit
from core.entry.records import CardRight

_WANTED = """
WITH wanted AS MATERIALIZED (
  SELECT substr(sha256($2::bytea || decode(c.uid, 'hex')), 1, 8) AS name,
         coalesce(r.profile, 0) AS profile, coalesce(r.mask, 0) AS mask, count(*) OVER () AS total
    FROM card c
    JOIN cardholder h ON h.school_id = $1 AND h.id = c.cardholder_id
    LEFT JOIN entry_right r ON r.school_id = $1 AND r.cardholder_id = h.id AND r.mask <> 0
   WHERE c.school_id = $1 AND c.kind = 'PHYSICAL' AND c.state = 'ACTIVE'
     AND length(c.uid) % 2 = 0 AND h.status = 'ACTIVE' AND h.kind <> ALL ($3)
   ORDER BY r.mask IS NULL, c.id, r.profile
   LIMIT $4
), kept AS (
  INSERT INTO rights_entry (school_id, name, profile, mask, version)
  SELECT $1, w.name, w.profile, w.mask, $5 FROM wanted w
  ON CONFLICT (school_id, name, profile)
  DO UPDATE SET mask = excluded.mask, version = excluded.version
   WHERE rights_entry.mask IS DISTINCT FROM excluded.mask
  RETURNING 1
), gone AS (
  UPDATE rights_entry e SET mask = NULL, version = $5
   WHERE e.school_id = $1 AND e.mask IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM wanted w WHERE w.name = e.name AND w.profile = e.profile)
  RETURNING 1
)
SELECT (SELECT count(*) FROM kept) + (SELECT count(*) FROM gone) AS changed,
       coalesce((SELECT max(w.total) FROM wanted w), 0) AS total
"""


async def has_doors(unit: Unit) -> bool:
    """Whether the school has any door."""
    found = await unit.value(
        "SELECT EXISTS (SELECT 1 FROM door WHERE school_id = $1)", unit.school_id
    )
    return bool(found)


async def lock_list(unit: Unit, new_salt: bytes, now: datetime) -> tuple[int, bytes]:
    """The list's version and salt, made at the first time; nobody else changes it in this unit."""
    await unit.execute(
        "INSERT INTO rights_list (school_id, version, salt, changed_at) VALUES ($1, 0, $2, $3)"
        " ON CONFLICT DO NOTHING",
        unit.school_id, new_salt, now,
    )  # fmt: skip
    row = await unit.row(
        "SELECT version, salt FROM rights_list WHERE school_id = $1 FOR NO KEY UPDATE",
        unit.school_id,
    )
    assert row is not None
    return row["version"], row["salt"]


async def renew(
    unit: Unit, version: int, salt: bytes, without: Sequence[str], maximum: int
) -> tuple[int, int]:
    """Brings the list up to what cards, people and rights are; how many lines changed, how many
    there would be without the maximum. `without` are kinds of cardholder who open no door."""
    row = await unit.row(_WANTED, unit.school_id, salt, list(without), maximum, version)
    assert row is not None
    return row["changed"], row["total"]


async def set_version(unit: Unit, version: int, now: datetime) -> None:
    """The version of the change that this unit made."""
    await unit.execute(
        "UPDATE rights_list SET version = $2, changed_at = $3 WHERE school_id = $1",
        unit.school_id, version, now,
    )  # fmt: skip


async def find_list(unit: Unit) -> tuple[int, bytes] | None:
    """The list's version and salt."""
    row = await unit.row(
        "SELECT version, salt FROM rights_list WHERE school_id = $1", unit.school_id
    )
    return None if row is None else (row["version"], row["salt"])


async def list_lines(unit: Unit, above_version: int, version: int) -> list[CardRight]:
    """The lines that changed after a version, up to another; of the whole list only live ones."""
    rows = await unit.rows(
        "SELECT name, profile, mask FROM rights_entry WHERE school_id = $1 AND version > $2"
        " AND version <= $3 AND ($2 > 0 OR mask IS NOT NULL) ORDER BY profile, name",
        unit.school_id, above_version, version,
    )  # fmt: skip
    return [CardRight(*row) for row in rows]
