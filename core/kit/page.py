"""Keyset pages: a place in an ordering that survives rows added around it."""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar
from uuid import UUID

from core.kit.errors import Refusal

FIRST_DEFAULT = 20
FIRST_MAXIMUM = 100

Item = TypeVar("Item")


class CursorInvalid(Refusal):
    """The cursor was not made by this connection; start again without it."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list ordered by (posted_at, id)."""

    posted_at: datetime
    id: UUID

    def text(self) -> str:
        """The opaque form that clients hold."""
        delta = self.posted_at - datetime(1970, 1, 1, tzinfo=UTC)
        micros = (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
        return base64.urlsafe_b64encode(micros.to_bytes(8) + self.id.bytes).decode()

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """The place a client's text names.

        Raises: CursorInvalid.
        """
        try:
            raw = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error):
            raise CursorInvalid("after") from None
        if len(raw) != 24:
            raise CursorInvalid("after")
        micros = int.from_bytes(raw[:8])
        if micros > 4_102_444_800_000_000:  # the year 2100: anything later was never posted
            raise CursorInvalid("after")
        seconds, rest = divmod(micros, 1_000_000)
        posted_at = datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=rest)
        return cls(posted_at, UUID(bytes=raw[8:]))


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of items and whether more follow."""

    items: list[Item]
    has_next: bool
