"""What is pushed: that something of a cardholder changed, never what."""

from collections.abc import AsyncGenerator
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class News(StrEnum):
    """What kind of thing changed."""

    PAYMENT = "PAYMENT"
    BALANCE = "BALANCE"


class Feed(Protocol):
    """Tells devices of a cardholder to look again; losing it costs only the wait for a poll."""

    def tell(self, school_id: int, cardholder_id: UUID, *news: News) -> None:
        """Passes news on soon, without waiting for anything."""
        ...

    def listen(self, school_id: int, cardholder_id: UUID, news: News) -> AsyncGenerator[None, None]:
        """One item per change, changes in quick succession as one; ends when news cannot come.

        Raises: schema.errors.Overload when it cannot begin.
        """
        ...
