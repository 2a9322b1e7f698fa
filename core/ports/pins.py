"""What identity asks about a PIN, which the card context above it owns."""

from enum import StrEnum
from typing import Protocol
from uuid import UUID


class PinStanding(StrEnum):
    """What an entered PIN proves about the person."""

    SET = "SET"
    """Right, and chosen by the holder: proof enough to bind."""
    DEFAULT = "DEFAULT"
    """Right, but made by the school's rule: a second proof is needed."""
    ABSENT = "ABSENT"
    """There is no PIN to compare with: a second proof is needed."""
    WRONG = "WRONG"
    """Wrong, or the PIN is locked."""


class PinChecker(Protocol):
    """Compares PINs. `kind` is a PIN kind of the school's policy: PAY, QUERY or CARD."""

    async def compare(
        self, school_id: int, cardholder_id: UUID | None, kind: str, pin: str
    ) -> PinStanding:
        """How `pin` stands, for a caller who counted the try on keys of his own.

        Neither counts on nor is stopped by the holder's own tries, so that a stranger cannot lock
        the owner out; a PIN that is LOCKED is WRONG. Takes equally long whatever the answer, also
        for no cardholder (None: WRONG, after a dummy hash).
        Raises: Overloaded.
        """
        ...

    async def prove(self, school_id: int, cardholder_id: UUID, kind: str, pin: str) -> None:
        """Checks a bound holder's PIN and counts the try on the holder's own key.

        Raises: the card context's refusals for a wrong, locked or default PIN; Overloaded.
        """
        ...
