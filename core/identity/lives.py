"""Session tokens and how long each thing about a session lives (security.md 3)."""

import base64
import hashlib
import re
from datetime import datetime, timedelta

from core.identity.records import SessionRecord, StepUpRequired

ACCESS_SECONDS = 15 * 60
REFRESH_SECONDS = 30 * 86_400
GRACE_SECONDS = 10
"""A device that lost the answer to its refresh may ask once more within this time."""
STEP_UP_SECONDS = 5 * 60
STAFF_IDLE_SECONDS = 30 * 60
STAFF_SECONDS = 8 * 3_600
SEEN_SECONDS = 60
"""`last_seen_at` is written at most this often."""

_TOKEN = re.compile(r"cc_([0-9]{1,5})_[A-Za-z0-9_-]{43}")


def token_text(school_id: int, secret: bytes) -> str:
    """A token around 32 random bytes: `cc_<school>_<43 characters>`."""
    return f"cc_{school_id}_{base64.urlsafe_b64encode(secret).decode().rstrip('=')}"


def token_school(token: str) -> int | None:
    """The school a token names, or None if the text is no token."""
    found = _TOKEN.fullmatch(token)
    school_id = int(found.group(1)) if found else None
    return school_id if school_id is not None and school_id <= 0xFFFF else None


def token_hash(token: str) -> bytes:
    """The only thing that is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


def is_live(session: SessionRecord, now: datetime) -> bool:
    """Whether an unrevoked session is still good; staff's also ends when idle."""
    if now >= session.expires_at:
        return False
    idle = (now - session.last_seen_at).total_seconds()
    return session.staff_id is None or idle < STAFF_IDLE_SECONDS


def require_step_up(session: SessionRecord, now: datetime) -> None:
    """Lets a session pass that proved more than its token within 5 minutes.

    Raises: StepUpRequired.
    """
    proven_at = session.step_up_at
    if proven_at is None or now - proven_at > timedelta(seconds=STEP_UP_SECONDS):
        raise StepUpRequired()


def stepped_up_until(session: SessionRecord) -> datetime | None:
    """Until when a holder's last fresh proof counts."""
    proven_at = session.step_up_at
    return proven_at and proven_at + timedelta(seconds=STEP_UP_SECONDS)
