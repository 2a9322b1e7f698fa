"""The rows of answers to doors, passages, offline events, and of who is inside."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from core.db.reading import Reader, Reads
from core.db.unit import Raced, Unit
from core.entry.records import (
    Direction,
    Door,
    DoorScene,
    EntryAnswer,
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
    " coalesce(x.inside, false) AS inside, x.moved_at{more}"
    " FROM cardholder h"
    " JOIN card c ON c.school_id = $1 AND c.id = $3"
    " LEFT JOIN code_pass p ON p.school_id = $1 AND p.serial = $4"
    " LEFT JOIN code_device d ON d.school_id = $1 AND d.id = $5"
    " LEFT JOIN zone_presence x ON x.school_id = $1 AND x.cardholder_id = $2 AND x.zone = $7"
    "{joins} WHERE h.school_id = $1 AND h.id = $2"
)
_TOLD = _STANDING.format(
    more=", EXISTS (SELECT 1 FROM deny_entry e WHERE e.school_id = $1 AND e.kind = $8"
    " AND e.id = $4 AND e.version <= $9) AS is_known_to_gate",
    joins="",
)
_ASKED = _STANDING.format(
    more=", a.content_hash, a.outcome, a.response_code, a.reason, a.scene, a.cardholder_id,"
    " a.available_minor, a.answer_kid, a.answered_at, a.signed_answer,"
    " e.content_hash AS told_hash, e.verdict",
    joins=" LEFT JOIN entry_answer a ON a.school_id = $1 AND a.terminal_no = $8"
    " AND a.batch_no = $9 AND a.seq_no = $10"
    " LEFT JOIN entry_event e ON e.school_id = $1 AND e.terminal_no = $8"
    " AND e.batch_no = $9 AND e.seq_no = $10",
)


class Seen(NamedTuple):
    """What a question meets, read at once: how its passer stands, and what its key holds already.

    `stored` is the answer of the key with the hash of its question; `told` the verdict on an event
    of the key with the hash of the question that the event stands for.
    """

    standing: Standing
    stored: tuple[bytes, EntryAnswer] | None
    told: tuple[bytes, EventVerdict] | None


async def see(unit: Unit, key: EntryKey, passer: Passer, zone: str) -> Seen:
    """How everything stands for a question; the person is locked."""
    row = await unit.row(_ASKED, unit.school_id, *_of(passer), zone, *key)
    assert row is not None  # neither cardholders nor cards are ever removed
    return Seen(
        _standing(row),
        None if row["content_hash"] is None else (row["content_hash"], _answer(key, row)),
        None if row["told_hash"] is None else (row["told_hash"], EventVerdict(row["verdict"])),
    )


async def standing(unit: Unit, passer: Passer, zone: str, deny_version: int) -> Standing:
    """How the rows of the passer of an event stand; the person is locked."""
    row = await unit.row(_TOLD, unit.school_id, *_of(passer), zone, _SERIAL, deny_version)
    assert row is not None  # as above
    return replace(_standing(row), is_known_to_gate=row["is_known_to_gate"])


def _of(passer: Passer) -> tuple[object, ...]:
    return (
        passer.cardholder_id, passer.card_id, passer.serial, passer.device_id, passer.replay_key
    )  # fmt: skip


def _standing(row: Any) -> Standing:  # noqa: ANN401 - asyncpg ships no types
    return Standing(
        row["status"],
        row["state"],
        row["revoked_at"],
        row["used_by"],
        tuple(Groups(*divmod(right, 1 << 16)) for right in row["rights"]),
        row["inside"],
        row["moved_at"],
    )


async def find_answer(unit: Unit, key: EntryKey) -> tuple[bytes, EntryAnswer] | None:
    """The stored answer of a key, and the hash of what was asked."""
    row = await unit.row(
        "SELECT content_hash, outcome, response_code, reason, scene, cardholder_id,"
        " available_minor, answer_kid, answered_at, signed_answer FROM entry_answer"
        " WHERE school_id = $1 AND terminal_no = $2 AND batch_no = $3 AND seq_no = $4",
        unit.school_id, *key,
    )  # fmt: skip
    if row is None:
        return None
    return row["content_hash"], _answer(key, row)


def _answer(key: EntryKey, row: Any) -> EntryAnswer:  # noqa: ANN401 - asyncpg ships no types
    return EntryAnswer(
        key=key,
        outcome=EntryOutcome(row["outcome"]),
        response_code=row["response_code"],
        reason=row["reason"],
        scene=row["scene"] and DoorScene(row["scene"]),
        cardholder_id=row["cardholder_id"],
        available_minor=row["available_minor"],
        answer_kid=row["answer_kid"],
        answered_at=row["answered_at"],
        signed_answer=row["signed_answer"],
        is_repeat=True,
    )


async def insert_answer(unit: Unit, content_hash: bytes, answer: EntryAnswer) -> None:
    """Keeps an answer. Raises Raced: the key was taken meanwhile."""
    made = await unit.execute(
        "INSERT INTO entry_answer (school_id, terminal_no, batch_no, seq_no, content_hash,"
        " outcome, response_code, reason, scene, cardholder_id, available_minor, answer_kid,"
        " answered_at, signed_answer) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"
        " $13, $14) ON CONFLICT DO NOTHING",
        unit.school_id, *answer.key, content_hash, answer.outcome, answer.response_code,
        answer.reason, answer.scene, answer.cardholder_id, answer.available_minor,
        answer.answer_kid, answer.answered_at, answer.signed_answer,
    )  # fmt: skip
    if made == 0:
        raise Raced


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
