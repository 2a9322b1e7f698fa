"""T0: the online token, `91` and 18 random digits (codes.md 2)."""

import re
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from core.kit.ids import Ids
from terminals.codes import CodeRefusal, Use

LIFE_SECONDS = 60
LIVE_MAXIMUM = 2
"""Tokens that one device may have alive."""

_TEXT = re.compile(r"91[0-9]{18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class CodeDevice:
    """The phone behind a T0 or T1 code, and what its codes may be used for."""

    device_id: UUID
    is_revoked: bool
    uses: frozenset[Use]

    def refusal(self, use: Use) -> CodeRefusal | None:
        """REVOKED or USE_NOT_ALLOWED, in this order."""
        if self.is_revoked:
            return CodeRefusal.REVOKED
        return None if use in self.uses else CodeRefusal.USE_NOT_ALLOWED


def draw(ids: Ids) -> str:
    """A new token."""
    return "91" + ids.digits(18)


def digest(text: str) -> bytes:
    """SHA-256 of a token: the only form it is kept in."""
    return sha256(text.encode()).digest()


def replay_key(text: str, use: Use) -> bytes:
    """18 bytes that one use of the token spends (codes.md 8)."""
    return b"\x00" + digest(text)[:16] + use.encode()


def refusal(text: str, device: CodeDevice | None, use: Use) -> CodeRefusal | None:
    """Why a stripped text is refused; `device` is whose token it is, if it lives.

    CODE_USED comes last and is the database's to say.
    """
    if not _TEXT.fullmatch(text):
        return CodeRefusal.FORMAT
    return CodeRefusal.CODE_EXPIRED if device is None else device.refusal(use)
