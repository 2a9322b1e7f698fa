"""T1: twenty digits from an offline phone, an alias and an RFC 6238 TOTP (codes.md 3)."""

import hmac
import re
from collections.abc import Container
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.kit.clock import business_day
from core.kit.ids import Ids
from terminals.codes import CodeRefusal, Use
from terminals.token import CodeDevice

STEP_SECONDS = 30
ISSUER_MAXIMUM = 999
"""The largest issuer that three digits can name."""
ALIAS_DAYS = 3
"""An alias is given for today and the days after it, this many in all."""
ALIAS_GRACE = timedelta(seconds=120)
"""How long an alias is good before and after its day."""
WRONG_TOTPS_MAXIMUM = 5
"""Wrong TOTPs that lock an alias for its day."""

_TEXT = re.compile(r"90([0-9]{3})([0-9]{7})([0-9]{8})", re.ASCII)


class OfflineDigits(NamedTuple):
    """A decoded T1, nothing of it verified."""

    issuer: int
    alias: str
    totp: str


@dataclass(frozen=True, slots=True)
class AliasHolder:
    """Whose alias it is today: the device, its 32-byte key, the wrong TOTPs so far."""

    device: CodeDevice
    key: bytes
    wrong_totps: int = 0


@dataclass(frozen=True, slots=True)
class VerifiedDigits:
    """A T1 that passed; CODE_USED, which comes last, is the database's to say."""

    device_id: UUID
    replay_key: bytes


def derive_key(school_key: bytes, device_id: UUID, version: int) -> bytes:
    """The 32-byte key of a device under a version of its school's T1 key: no secret rows."""
    info = b"cct1k" + device_id.bytes + version.to_bytes(4)
    return HKDF(SHA256(), 32, salt=None, info=info).derive(school_key)


def totp(key: bytes, step: int) -> str:
    """The 8 digits of RFC 6238 with HMAC-SHA-256 for a 30-second step."""
    mac = hmac.digest(key, step.to_bytes(8), sha256)
    at = mac[-1] & 0x0F
    return str((int.from_bytes(mac[at : at + 4]) & 0x7FFFFFFF) % 10**8).zfill(8)


def draw_alias(ids: Ids) -> str:
    """Seven random digits; that no other device of the school has them that day is the store's."""
    return ids.digits(7)


def days_given(now: datetime, zone: str) -> list[date]:
    """The school days that aliases are given for at `now`."""
    today = business_day(now, zone)
    return [today + timedelta(days=after) for after in range(ALIAS_DAYS)]


def days_accepted(now: datetime, zone: str) -> set[date]:
    """The school days whose aliases are good at `now`: two around midnight."""
    return {business_day(now + offset, zone) for offset in (-ALIAS_GRACE, ALIAS_GRACE)}


def show(issuer: int, alias: str, key: bytes, now: int) -> str:
    """The text a phone shows at `now` (Unix seconds)."""
    return f"90{issuer:03d}{alias}{totp(key, now // STEP_SECONDS)}"


def read(text: str) -> OfflineDigits | CodeRefusal:
    """The parts of a stripped text, or FORMAT."""
    match = _TEXT.fullmatch(text)
    return OfflineDigits(int(match[1]), match[2], match[3]) if match else CodeRefusal.FORMAT


def verify(
    text: str, holder: AliasHolder | None, *, issuers: Container[int], now: int, use: Use
) -> VerifiedDigits | CodeRefusal:
    """The verdict on a stripped text; `holder` has its alias on a day accepted now, if any.

    After TOTP_WRONG the caller counts one more for the alias. `now` is in Unix seconds.
    """
    digits = read(text)
    if isinstance(digits, CodeRefusal):
        return digits
    if digits.issuer not in issuers:
        return CodeRefusal.ISSUER_NOT_ACCEPTED
    if holder is None:
        return CodeRefusal.ALIAS_UNKNOWN
    if holder.wrong_totps >= WRONG_TOTPS_MAXIMUM:
        return CodeRefusal.ALIAS_LOCKED
    step = _find_step(holder.key, digits.totp, now // STEP_SECONDS)
    if step is None:
        return CodeRefusal.TOTP_WRONG
    device_id = holder.device.device_id
    replay_key = b"\x01" + device_id.bytes + step.to_bytes(4) + use.encode()
    return holder.device.refusal(use) or VerifiedDigits(device_id, replay_key)


def _find_step(key: bytes, shown: str, current: int) -> int | None:
    steps = (current, current - 1, current + 1)
    return next((step for step in steps if hmac.compare_digest(totp(key, step), shown)), None)
