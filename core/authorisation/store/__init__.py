"""The rows of terminal answers, authorisations and spent codes, and the payment functions."""

from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from core.authorisation.records import (
    Answer,
    Authorisation,
    Continuation,
    FollowUp,
    Key,
    LastPayment,
    PurchaseRequest,
)
from core.db.lanes import Lane, Lanes
from core.db.micro_batch import Line
from core.db.unit import Raced, Unit

_AUTHORISE = "SELECT * FROM purchase_decide($1, $2, $3)"
_STORE = (
    "SELECT * FROM answer_store($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,"
    " $16)"
)
_SIGN = "SELECT answer_sign($1, $2, $3, $4, $5)"
_ANSWER_COLUMNS = (
    "terminal_no, batch_no, seq_no, 'REPEATED', outcome, response_code, reason, amount_minor,"
    " cardholder_id, available_minor, spent_minor, tries_left, continuation_id,"
    " retrieval_reference, answer_kid, answered_at, signed_answer"
)
_AUTHORISATION_COLUMNS = (
    "terminal_no, batch_no, seq_no, state, cardholder_id, merchant_account_id, held_minor,"
    " captured_minor, refunded_minor, transfer_ids, retrieval_reference, business_on"
)


_row = attrgetter(*PurchaseRequest.__slots__)


async def authorise(lane: Lane, line: Line, requests: Sequence[PurchaseRequest]) -> list[Answer]:
    """Decides and posts up to 64 purchases in one transaction; answers in the same order.

    `line` is the school and the order of its purses.
    """
    school_id, purses = line
    rows = await lane.fetch(
        _AUTHORISE, school_id, list(purses), [_row(request) for request in requests]
    )
    return [Answer(*row) for row in rows]


async def authorise_in(unit: Unit, purses: Sequence[str], request: PurchaseRequest) -> Answer:
    """Decides and posts one purchase within a unit, which may still undo it."""
    row = await unit.row(_AUTHORISE, unit.school_id, list(purses), [_row(request)])
    assert row is not None  # one answer for each request
    return Answer(*row)


async def store_answer(
    lanes: Lanes, school_id: int, operation: str, hash_: bytes, a: Answer
) -> Answer:
    """Stores an answer that moves no money, or repeats what its key holds."""
    rows = await lanes.fetch(
        _STORE, school_id, operation, a.terminal_no, a.batch_no, a.seq_no, hash_, a.outcome,
        a.response_code, a.reason, a.amount_minor, a.cardholder_id, a.tries_left,
        a.retrieval_reference, a.answer_kid, a.answered_at, a.signed_answer,
    )  # fmt: skip
    return Answer(*rows[0])


async def sign_answer(lanes: Lanes, school_id: int, key: Key, signed: str) -> str:
    """Keeps the first signature an answer is given; the one that is kept."""
    rows = await lanes.fetch(_SIGN, school_id, *astuple(key), signed)
    kept: str = rows[0][0]
    return kept


async def sign_answer_in(unit: Unit, key: Key, signed: str) -> str:
    """The same within the unit that made the answer."""
    kept = await unit.value(_SIGN, unit.school_id, *astuple(key), signed)
    return str(kept)


async def find_answer(unit: Unit, key: Key, content_hash: bytes) -> Answer | None:
    """The stored answer of a key, marked REPEATED or CONFLICT by its content."""
    row = await unit.row(
        "SELECT * FROM stored_answer($1, $2, $3, $4, $5)", unit.school_id, *astuple(key),
        content_hash,
    )  # fmt: skip
    return None if row is None or row[0] is None else Answer(*row)


async def read_answer(unit: Unit, key: Key) -> Answer | None:
    """The stored answer of a key, whatever its content was."""
    row = await unit.row(
        f"SELECT {_ANSWER_COLUMNS} FROM terminal_answer WHERE school_id = $1"  # noqa: S608 - constant columns
        " AND terminal_no = $2 AND batch_no = $3 AND seq_no = $4",
        unit.school_id, *astuple(key),
    )  # fmt: skip
    return None if row is None else Answer(*row)


async def insert_answer(unit: Unit, follow: FollowUp, answer: Answer) -> None:
    """Stores the answer of a follow-up. Raises Raced: the key was taken meanwhile."""
    made = await unit.execute(
        "INSERT INTO terminal_answer (school_id, terminal_no, batch_no, seq_no, operation,"
        " content_hash, outcome, response_code, reason, amount_minor, cardholder_id,"
        " available_minor, retrieval_reference, original_batch_no, original_seq_no, answer_kid,"
        " answered_at, signed_answer) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"
        " $13, $14, $15, $16, $17, $18) ON CONFLICT DO NOTHING",
        unit.school_id, *astuple(follow.key), follow.operation, follow.content_hash,
        answer.outcome, answer.response_code, answer.reason, answer.amount_minor,
        answer.cardholder_id, answer.available_minor, answer.retrieval_reference,
        follow.original.batch_no, follow.original.seq_no, answer.answer_kid, answer.answered_at,
        answer.signed_answer,
    )  # fmt: skip
    if made == 0:
        raise Raced


def _authorisation(row: Any) -> Authorisation:  # noqa: ANN401 - a driver's row
    return Authorisation(
        key=Key(row["terminal_no"], row["batch_no"], row["seq_no"]),
        state=row["state"],
        cardholder_id=row["cardholder_id"],
        merchant_account_id=row["merchant_account_id"],
        held_minor=row["held_minor"],
        captured_minor=row["captured_minor"],
        refunded_minor=row["refunded_minor"],
        transfer_ids=tuple(row["transfer_ids"]),
        retrieval_reference=row["retrieval_reference"],
        business_on=row["business_on"],
    )


async def find(unit: Unit, key: Key, *, lock: bool = False) -> Authorisation | None:
    """The purchase under a key; with `lock`, held until the unit ends."""
    row = await unit.row(
        f"SELECT {_AUTHORISATION_COLUMNS} FROM authorisation WHERE school_id = $1"  # noqa: S608 - constant columns
        " AND terminal_no = $2 AND batch_no = $3 AND seq_no = $4"
        + (" FOR NO KEY UPDATE" if lock else ""),
        unit.school_id, *astuple(key),
    )  # fmt: skip
    return None if row is None else _authorisation(row)


async def find_key(unit: Unit, retrieval_reference: str) -> Key | None:
    """The key of the purchase with this reference."""
    row = await unit.row(
        "SELECT terminal_no, batch_no, seq_no FROM authorisation"
        " WHERE school_id = $1 AND retrieval_reference = $2",
        unit.school_id, retrieval_reference,
    )  # fmt: skip
    return None if row is None else Key(*row)


async def change(
    unit: Unit, key: Key, state: str, captured_minor: int, refunded_minor: int
) -> None:
    """Moves a locked purchase to its next state."""
    await unit.execute(
        "UPDATE authorisation SET state = $5, captured_minor = $6, refunded_minor = $7"
        " WHERE school_id = $1 AND terminal_no = $2 AND batch_no = $3 AND seq_no = $4",
        unit.school_id, *astuple(key), state, captured_minor, refunded_minor,
    )  # fmt: skip


async def insert_tombstone(unit: Unit, key: Key, now: datetime) -> bool:
    """Marks a key as voided before its purchase came; False if the purchase is there after all."""
    made = await unit.execute(
        "INSERT INTO authorisation (school_id, terminal_no, batch_no, seq_no, state, held_minor,"
        " captured_minor, refunded_minor, pin_proven, transfer_ids, made_at)"
        " VALUES ($1, $2, $3, $4, 'TOMBSTONE', 0, 0, 0, false, '{}', $5) ON CONFLICT DO NOTHING",
        unit.school_id, *astuple(key), now,
    )  # fmt: skip
    return made == 1


async def close_terminal(unit: Unit, terminal_no: int) -> None:
    """Waits until no answer of a terminal is being written, and lets none begin in this unit.

    Whoever holds this waits for nothing else, so it may be taken after any other lock.
    """
    await unit.execute(
        "SELECT 1 FROM terminal WHERE school_id = $1 AND terminal_no = $2 FOR UPDATE",
        unit.school_id, terminal_no,
    )  # fmt: skip


async def is_voided(unit: Unit, key: Key) -> bool:
    """Whether a void of this capture or refund came first; from now on none can."""
    await unit.execute(
        "SELECT 1 FROM terminal WHERE school_id = $1 AND terminal_no = $2 FOR KEY SHARE",
        unit.school_id, key.terminal_no,
    )  # fmt: skip
    return await find(unit, key) is not None


async def is_follow_up(unit: Unit, key: Key) -> bool:
    """Whether a key was used for a capture, void or refund: it can never be a purchase's."""
    found = await unit.value(
        "SELECT 1 FROM terminal_answer WHERE school_id = $1 AND terminal_no = $2"
        " AND batch_no = $3 AND seq_no = $4 AND operation <> 'AUTHORISE'",
        unit.school_id, *astuple(key),
    )  # fmt: skip
    return found is not None


async def expired(unit: Unit, now: datetime, limit: int) -> list[Key]:
    """Holds whose time is over."""
    rows = await unit.rows(
        "SELECT terminal_no, batch_no, seq_no FROM authorisation"
        " WHERE school_id = $1 AND state = 'PENDING' AND expires_at < $2"
        " ORDER BY expires_at LIMIT $3",
        unit.school_id, now, limit,
    )  # fmt: skip
    return [Key(*row) for row in rows]


async def last_payment(unit: Unit, cardholder_id: UUID) -> LastPayment | None:
    """The newest purchase that was answered for a cardholder; a voided one counts as VOIDED."""
    row = await unit.row(
        "SELECT t.retrieval_reference, m.name_zh, m.name_en, t.amount_minor,"
        " CASE WHEN a.state = 'VOIDED' THEN 'VOIDED' ELSE t.outcome END, t.response_code,"
        " t.tries_left, t.answered_at"
        " FROM terminal_answer t"
        " JOIN terminal d ON d.school_id = $1 AND d.terminal_no = t.terminal_no"
        " JOIN merchant m ON m.school_id = $1 AND m.id = d.merchant_id"
        " LEFT JOIN authorisation a ON a.school_id = $1 AND a.terminal_no = t.terminal_no"
        "  AND a.batch_no = t.batch_no AND a.seq_no = t.seq_no"
        " WHERE t.school_id = $1 AND t.cardholder_id = $2 AND t.operation = 'AUTHORISE'"
        " ORDER BY t.answered_at DESC LIMIT 1",
        unit.school_id, cardholder_id,
    )  # fmt: skip
    return None if row is None else LastPayment(*row)


async def is_spent(unit: Unit, replay_key: bytes) -> bool:
    """Whether a replay key is taken."""
    found = await unit.value(
        "SELECT 1 FROM code_use WHERE school_id = $1 AND replay_key = $2",
        unit.school_id, replay_key,
    )  # fmt: skip
    return found is not None


async def find_continuation(unit: Unit, id_: UUID) -> Continuation | None:
    """The scan that waits for its PIN under this id."""
    row = await unit.row(
        "SELECT id, terminal_no, cardholder_id, card_id, serial, device_id, instrument, replay_key,"
        " amount_minor, expires_at FROM continuation WHERE school_id = $1 AND id = $2",
        unit.school_id, id_,
    )  # fmt: skip
    return None if row is None else Continuation(*row)
