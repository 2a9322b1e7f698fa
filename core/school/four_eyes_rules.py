"""When a four-eyes request may still be decided, by whom, and on exactly what content."""

from datetime import datetime, timedelta
from uuid import UUID

from core.db.idempotency import content_hash
from core.school.records import (
    Content,
    FourEyesRequest,
    RequestContentChanged,
    RequestDecided,
    RequesterCannotApprove,
    RequestExpired,
    RequestState,
)

LIFE = timedelta(hours=24)


def act_hash(act: str, content: Content) -> bytes:
    """SHA-256 of an act with all it will do."""
    return content_hash({**content, "act": act})


def check_open(request: FourEyesRequest, now: datetime) -> None:
    """Refuses a request that was decided or has died.

    Raises: RequestDecided, RequestExpired.
    """
    if request.state is not RequestState.OPEN:
        raise RequestDecided("requestId")
    if now >= request.expires_at:
        raise RequestExpired("requestId")


def check_approval(request: FourEyesRequest, approver_id: UUID, seen_hash: bytes) -> None:
    """Refuses approval by the requester, or of anything but what the approver saw.

    Raises: RequesterCannotApprove, RequestContentChanged.
    """
    if approver_id == request.requester_id:
        raise RequesterCannotApprove
    if act_hash(request.act, request.content) != seen_hash:
        raise RequestContentChanged("contentHash")
