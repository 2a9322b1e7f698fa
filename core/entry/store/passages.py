"""The rows of passages, offline events, and of who is inside."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from core.db.reading import Reader, Reads
from core.db.unit import Raced, Unit
from core.entry.records import (
    Direction,
    Door,
    DoorPassage,
    DoorScene,
    EntryEvent,
    EntryKey,
    EntryOutcome,
    EventAnswer,
    EventFlag,
    EventVerdict,
    Groups,
    Passage,
    Passer,
    Standing,
)
from core.kit.page import Cursor

_LINES = Reader("passage_lines", "passage_line", ("uuid", "timestamptz", "uuid", "int"))
_AGES = (
    ("passage", "passed_at"),
    ("entry_answer", "answered_at"),
    ("entry_event", "judged_at"),
    ("zone_presence", "moved_at"),
)
EXPIRED_AT_ONCE = 1_000
_SERIAL = 1
"""What names a pass among the lines of the deny list."""


async def lock_person(unit: Unit, cardholder_id: UUID) -> None:
    """Lets one passage of a cardholder be decided at a time, to the end of the unit."""
    await unit.execute(
        "SELECT 1 FROM cardholder WHERE school_id = $1 AND id = $2 FOR NO KEY UPDATE",
        unit.school_id, cardholder_id,
    )  # fmt: skip


_STANDING = (
    "SELECT h.status, c.state, least(p.revoked_at, d.revoked_at, c.lost_at) AS revoked_at,"
    " (SELECT u.terminal_no FROM passage u WHERE u.school_id = $1 AND u.replay_key = $6)"
    "   AS used_by,"
    " ARRAY(SELECT r.profile << 16 | r.mask FROM entry_right r"
    "   WHERE r.school_id = $1 AND r.cardholder_id = $2) AS rights,"
    " coalesce(x.inside, false) AS inside, x.moved_at,"
    " EXISTS (SELECT 1 FROM deny_entry e WHERE e.school_id = $1 AND e.kind = $8"
    "   AND e.id = $4 AND e.version <= $9) AS is_known_to_gate"
    " FROM cardholder h"
    " JOIN card c ON c.school_id = $1 AND c.id = $3"
    " LEFT JOIN code_pass p ON p.school_id = $1 AND p.serial = $4"
    " LEFT JOIN code_device d ON d.school_id = $1 AND d.id = $5"
    " LEFT JOIN zone_presence x ON x.school_id = $1 AND x.cardholder_id = $2 AND x.zone = $7"
    " WHERE h.school_id = $1 AND h.id = $2"
)


async def standing(unit: Unit, passer: Passer, zone: str, deny_version: int) -> Standing:
    """How the rows of the passer of an event stand; the person is locked."""
    row = await unit.row(
        _STANDING, unit.school_id, passer.cardholder_id, passer.card_id, passer.serial,
        passer.device_id, passer.replay_key, zone, _SERIAL, deny_version,
    )  # fmt: skip
    assert row is not None  # neither cardholders nor cards are ever removed
    return Standing(
        row["status"],
        row["state"],
        row["revoked_at"],
        row["used_by"],
        tuple(Groups(*divmod(right, 1 << 16)) for right in row["rights"]),
        row["inside"],
        row["moved_at"],
        row["is_known_to_gate"],
    )


class AskedBefore(NamedTuple):
    """What was asked online under a key, and what came of it."""

    content_hash: bytes
    outcome: EntryOutcome


async def find_asked(unit: Unit, key: EntryKey) -> AskedBefore | None:
    """The question of a key."""
    row = await unit.row(
        "SELECT content_hash, outcome FROM entry_answer"
        " WHERE school_id = $1 AND terminal_no = $2 AND batch_no = $3 AND seq_no = $4",
        unit.school_id, *key,
    )  # fmt: skip
    return None if row is None else AskedBefore(row["content_hash"], EntryOutcome(row["outcome"]))


async def is_moneys_key(unit: Unit, key: EntryKey) -> bool:
    """Whether a key was used for money."""
    found = await unit.value("SELECT is_moneys_key($1, $2, $3, $4)", unit.school_id, *key)
    return bool(found)


_PASSAGE = (
    "INSERT INTO passage (school_id, id, terminal_no, batch_no, seq_no, door_no, zone, scene,"
    " direction, cardholder_id, card_id, serial, instrument, replay_key, offline, flags,"
    " passed_at, recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,"
    " $14, $15, $16, $17, $18) ON CONFLICT DO NOTHING RETURNING 1"
)
_PRESENCE = (
    # What happened later and came earlier stands.
    "INSERT INTO zone_presence (school_id, zone, cardholder_id, inside, moved_at)"
    " SELECT $1, $7, $10, $9 = 'IN', $17 WHERE $9 <> 'NONE'"
    " ON CONFLICT (school_id, cardholder_id, zone)"
    " DO UPDATE SET inside = excluded.inside, moved_at = excluded.moved_at"
    " WHERE zone_presence.moved_at <= excluded.moved_at"
)
_PASS = f"WITH moved AS ({_PRESENCE}) {_PASSAGE}"


async def insert_passage(
    unit: Unit,
    passage_id: UUID,
    key: EntryKey,
    door: Door,
    direction: Direction,
    passer: Passer,
    flags: Sequence[EventFlag],
    passed_at: datetime,
    recorded_at: datetime,
    *,
    is_offline: bool,
) -> None:
    """Keeps a passage and where its cardholder is. Raises Raced: code or key was just used."""
    made = await unit.value(
        _PASS,
        unit.school_id, passage_id, *key, door.number, door.zone, door.scene, direction,
        passer.cardholder_id, passer.card_id, passer.serial, passer.instrument, passer.replay_key,
        is_offline, list(flags), passed_at, recorded_at,
    )  # fmt: skip
    if made is None:
        raise Raced


async def find_event(unit: Unit, key: EntryKey) -> tuple[bytes, EventAnswer] | None:
    """What was said of the event of a key, after the hash of its record."""
    row = await unit.row(
        "SELECT record_hash, verdict, reason, flags FROM entry_event"
        " WHERE school_id = $1 AND terminal_no = $2 AND batch_no = $3 AND seq_no = $4",
        unit.school_id, *key,
    )  # fmt: skip
    if row is None:
        return None
    flags = tuple(map(EventFlag, row["flags"]))
    said = EventAnswer(EventVerdict(row["verdict"]), row["reason"], flags)
    return row["record_hash"], said


async def insert_event(unit: Unit, event: EntryEvent, answer: EventAnswer, now: datetime) -> None:
    """Keeps a verdict. Raises Raced: the same event is judged at this moment."""
    made = await unit.execute(
        "INSERT INTO entry_event (school_id, terminal_no, batch_no, seq_no, content_hash,"
        " record_hash, verdict, reason, flags, cardholder_id, judged_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
        unit.school_id, *event.key, event.content_hash, event.record_hash, answer.verdict,
        answer.reason, list(answer.flags), event.passer and event.passer.cardholder_id, now,
    )  # fmt: skip
    if made == 0:
        raise Raced


async def lines(reads: Reads, cardholder_id: UUID, before: Cursor, limit: int) -> list[Passage]:
    """The passages of a cardholder before a place, newest first."""
    rows = await reads.call(_LINES, cardholder_id, before.posted_at, before.id, limit)
    return [
        Passage(
            row["id"], row["passed_at"], Direction(row["direction"]), DoorScene(row["scene"]),
            row["offline"], row["name_zh"], row["name_en"],
        )
        for row in rows
    ]  # fmt: skip


async def list_at_door(
    unit: Unit, terminal_no: int, door_no: int, since: datetime, until: datetime, limit: int
) -> list[DoorPassage]:
    """Who passed a door from `since` on and before `until`, newest first."""
    rows = await unit.rows(
        "SELECT p.passed_at, p.direction, p.offline, p.flags, h.number FROM passage p"
        " JOIN cardholder h ON h.school_id = $1 AND h.id = p.cardholder_id"
        " WHERE p.school_id = $1 AND p.terminal_no = $2 AND p.door_no = $3"
        " AND p.passed_at >= $4 AND p.passed_at < $5 ORDER BY p.passed_at DESC, p.id DESC LIMIT $6",
        unit.school_id, terminal_no, door_no, since, until, limit,
    )  # fmt: skip
    return [
        DoorPassage(
            row["passed_at"], Direction(row["direction"]), row["offline"],
            tuple(map(EventFlag, row["flags"])), row["number"],
        )
        for row in rows
    ]  # fmt: skip


async def expire(unit: Unit, before: datetime, moved_before: datetime) -> int:
    """Removes what is older, up to 1,000 rows of each kind; how many."""
    gone = 0
    for table, column in _AGES:
        gone += await unit.execute(
            f"DELETE FROM {table} WHERE school_id = $1 AND ctid = ANY (ARRAY("  # noqa: S608 - ours
            f"SELECT o.ctid FROM {table} o WHERE o.school_id = $1 AND o.{column} < $2"
            f" ORDER BY o.{column} LIMIT $3))",
            unit.school_id, moved_before if table == "zone_presence" else before, EXPIRED_AT_ONCE,
        )  # fmt: skip
    return gone


async def count_inside(unit: Unit, zone: str, since: datetime) -> int:
    """How many came into a zone since an instant and were not seen to leave."""
    found: int | None = await unit.value(
        "SELECT count(*) FROM zone_presence WHERE school_id = $1 AND zone = $2 AND inside"
        " AND moved_at > $3",
        unit.school_id, zone, since,
    )  # fmt: skip
    return found or 0
