"""Session tokens and how long each thing about a session lives (security.md 3)."""

import base64
import hashlib
import re
from datetime import datetime, timedelta

from core.identity.records import SessionRecord, StepUpRequired

ACCESS_SECONDS = 15 * 60
CHANNEL_SECONDS = 2 * 3_600
"""A mini-program's session; it is renewed by signing in again, which nobody sees."""
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


def life_of(session: SessionRecord) -> timedelta:
    """How long a new access token lives."""
    if session.staff_id is not None:
        return timedelta(seconds=STAFF_SECONDS)
    return timedelta(seconds=ACCESS_SECONDS if renews(session) else CHANNEL_SECONDS)


def renews(session: SessionRecord) -> bool:
    """Whether it has a refresh token: only the native app cannot sign in again unseen."""
    return session.staff_id is None and session.channel == "NATIVE"


def is_live(session: SessionRecord, now: datetime) -> bool:
    """Whether an unrevoked session is still good; staff's also ends when idle."""
    if now >= session.expires_at:
        return False
    idle = (now - session.last_seen_at).total_seconds()
    return session.staff_id is None or idle < STAFF_IDLE_SECONDS


def is_fresh(step_up_at: datetime | None, now: datetime) -> bool:
    """Whether a session's second proof still counts."""
    longest = timedelta(seconds=STEP_UP_SECONDS)
    return step_up_at is not None and timedelta() <= now - step_up_at <= longest


def require_step_up(session: SessionRecord, now: datetime) -> None:
    """Lets a session pass that proved more than its token within 5 minutes.

    Raises: StepUpRequired.
    """
    if not is_fresh(session.step_up_at, now):
        raise StepUpRequired()


def stepped_up_until(session: SessionRecord) -> datetime | None:
    """Until when a holder's last fresh proof counts."""
    proven_at = session.step_up_at
    return proven_at and proven_at + timedelta(seconds=STEP_UP_SECONDS)
