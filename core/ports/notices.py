"""What a provider posts to us of its own accord, once an adapter has verified it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from core.ports.providers import ProviderRefused

UNNAMED = "other"
"""The event of a notice whose own word for it is none that we would keep."""
_ID = re.compile(r"[!-~]{1,128}")
_EVENT = re.compile(r"[A-Za-z0-9_.]{1,64}")
_SUBJECT = re.compile(r"[!-~]{1,128}")


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice. `id` is the same at each repeat and tells nothing of a person.

    `revoked` is the subject, as `issuer` calls them, who takes no part any more; None for every
    notice about something else. `happened_at` is when, by the provider's clock.
    """

    id: str
    event: str
    issuer: str
    happened_at: datetime | None = None
    revoked: str | None = field(default=None, repr=False)


def notice_of(
    id: str,  # noqa: A002 - the record's own word
    event: str,
    issuer: str,
    happened_at: datetime | None = None,
    revoked: str | None = None,
) -> Notice:
    """A notice of what was posted: verified, but not yet of a form that can be kept.

    Raises: ProviderRefused.
    """
    if not _ID.fullmatch(id):
        raise ProviderRefused("notice id")
    if revoked is not None and not _SUBJECT.fullmatch(revoked):
        raise ProviderRefused("subject")
    named = event if _EVENT.fullmatch(event) else UNNAMED
    return Notice(id, named, issuer, happened_at, revoked)


class NoticeReader(Protocol):
    """Reads what is posted for one app of one school; `query` has the signature's parameters."""

    def echo(self, query: Mapping[str, str], /) -> str:
        """The text that proves our address to the provider's console.

        Raises: ProviderRefused.
        """
        ...

    def read(self, query: Mapping[str, str], body: bytes, /) -> Notice:
        """What the bytes say, which this app's provider signed for this app.

        Raises: ProviderRefused; its text names the fault and nothing of the notice.
        """
        ...


class NoticeReaders(Protocol):
    """The readers of each school, as its settings open them now."""

    async def notice_readers(self, school_id: int, provider: str) -> Sequence[NoticeReader]:
        """Those of a provider, one for each app; none where the school has no such app.

        Raises: SchoolUnknown.
        """
        ...
