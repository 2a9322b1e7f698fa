"""The questions of doors: decided, refused and signed by functions of the database, on lanes."""

from collections.abc import Sequence
from typing import Any

from core.db.lanes import Lane, Lanes
from core.db.micro_batch import Line
from core.entry.records import DoorScene, EntryAnswer, EntryKey, EntryOutcome, EntryRequest
from core.kit.errors import IdempotencyConflict

_DECIDE = "SELECT * FROM entry_decide($1, $2)"
_REFUSE = "SELECT * FROM entry_refuse($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
_SIGN = "SELECT entry_sign($1, $2, $3, $4, $5)"

Row = tuple[object, ...]
"""An `entry_request` of the database."""


def row_of(request: EntryRequest, passage_id: object, signed_grant: str, *, is_open: bool) -> Row:
    """A question as the database takes it, with what a grant will be."""
    door, passer = request.door, request.passer
    profile, mask = passer.groups or (None, None)
    return (
        *request.key, request.content_hash, passer.cardholder_id, passer.card_id, passer.device_id,
        passer.instrument, passer.serial, passer.replay_key, profile, mask, door.number, door.zone,
        door.scene, door.passback, door.common,
        [pair.profile << 4 | pair.bit for pair in door.pairs], is_open, request.direction,
        request.available_minor, request.answer_kid, request.answered_at, passage_id, signed_grant,
    )  # fmt: skip


async def decide(
    lane: Lane, line: Line, rows: Sequence[Row]
) -> list[EntryAnswer | IdempotencyConflict]:
    """Decides and keeps up to 64 entries in one transaction; answers in the same order."""
    return [_answer(row) for row in await lane.fetch(_DECIDE, line[0], list(rows))]


async def refuse(
    lanes: Lanes, school_id: int, content_hash: bytes, answer: EntryAnswer
) -> EntryAnswer | IdempotencyConflict:
    """Keeps a refusal that was decided before any row was read, or repeats what its key holds."""
    rows = await lanes.fetch(
        _REFUSE, school_id, *answer.key, content_hash, answer.response_code, answer.reason,
        answer.scene, answer.cardholder_id, answer.answer_kid, answer.answered_at,
        answer.signed_answer,
    )  # fmt: skip
    return _answer(rows[0])


async def sign(lanes: Lanes, school_id: int, key: EntryKey, signed: str) -> str:
    """Keeps the first signature a refusal is given; the one that is kept."""
    rows = await lanes.fetch(_SIGN, school_id, *key, signed)
    kept: str = rows[0][0]
    return kept


def _answer(row: Any) -> EntryAnswer | IdempotencyConflict:  # noqa: ANN401 - asyncpg ships no types
    terminal_no, batch_no, seq_no, verdict, outcome, code, reason, scene, *facts = row
    if verdict == "CONFLICT":
        return IdempotencyConflict("key")
    cardholder_id, available_minor, answer_kid, answered_at, signed_answer = facts
    return EntryAnswer(
        key=EntryKey(terminal_no, batch_no, seq_no),
        outcome=EntryOutcome(outcome),
        response_code=code,
        reason=reason,
        scene=scene and DoorScene(scene),
        cardholder_id=cardholder_id,
        available_minor=available_minor,
        answer_kid=answer_kid,
        answered_at=answered_at,
        signed_answer=signed_answer,
        is_repeat=verdict == "REPEATED",
    )
