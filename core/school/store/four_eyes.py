"""Rows of four-eyes requests."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from core.db.unit import Unit
from core.school.records import FourEyesRequest, RequestState

_REQUEST = (
    "id, act, content, content_hash, requester_id, approver_id, state, created_at, expires_at"
)


async def insert(unit: Unit, request: FourEyesRequest) -> None:
    """Adds an open request."""
    await unit.execute(
        f"INSERT INTO four_eyes_request (school_id, {_REQUEST})"  # noqa: S608 - constant columns
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        unit.school_id, request.id, request.act, json.dumps(request.content), request.content_hash,
        request.requester_id, request.approver_id, request.state, request.created_at,
        request.expires_at,
    )  # fmt: skip


async def lock(unit: Unit, id: UUID) -> FourEyesRequest | None:  # noqa: A002 - the row's own word
    """The request, held until the unit ends."""
    row = await unit.row(
        f"SELECT {_REQUEST} FROM four_eyes_request WHERE school_id = $1 AND id = $2"  # noqa: S608 - as above
        " FOR NO KEY UPDATE",
        unit.school_id, id,
    )  # fmt: skip
    return row and _request(row)


async def find(unit: Unit, id: UUID) -> FourEyesRequest | None:  # noqa: A002 - as above
    """The request."""
    row = await unit.row(
        f"SELECT {_REQUEST} FROM four_eyes_request WHERE school_id = $1 AND id = $2",  # noqa: S608 - as above
        unit.school_id, id,
    )  # fmt: skip
    return row and _request(row)


async def list_open(unit: Unit, now: datetime, limit: int) -> list[FourEyesRequest]:
    """Requests that may still be decided, the oldest first."""
    rows = await unit.rows(
        f"SELECT {_REQUEST} FROM four_eyes_request WHERE school_id = $1"  # noqa: S608 - as above
        " AND state = 'OPEN' AND expires_at > $2 ORDER BY created_at LIMIT $3",
        unit.school_id, now, limit,
    )  # fmt: skip
    return [_request(row) for row in rows]


def _request(row: Any) -> FourEyesRequest:  # noqa: ANN401 - asyncpg ships no types
    return FourEyesRequest(
        row["id"],
        row["act"],
        json.loads(row["content"]),
        row["content_hash"],
        row["requester_id"],
        row["approver_id"],
        RequestState(row["state"]),
        row["created_at"],
        row["expires_at"],
    )


async def decide(
    unit: Unit,
    id: UUID,  # noqa: A002 - as above
    state: RequestState,
    approver_id: UUID | None,
    now: datetime,
) -> None:
    """Ends a request; who withdraws their own is no approver."""
    await unit.execute(
        "UPDATE four_eyes_request SET state = $3, approver_id = $4, decided_at = $5"
        " WHERE school_id = $1 AND id = $2",
        unit.school_id, id, state, approver_id, now,
    )  # fmt: skip
