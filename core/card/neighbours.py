"""What the card context asks of the contexts below it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from core.identity.records import CardholderKind
from core.school.policy import Policy

PolicyOf = Callable[[int], Awaitable[Policy]]
"""The policy in force of a school, by its id."""


class CardholderStatus(StrEnum):
    """Where a cardholder stands with the school."""

    ACTIVE = "ACTIVE"
    FROZEN = "FROZEN"
    CLOSING = "CLOSING"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class CardholderFacts:
    """What cards and PINs need to know of a person; ID number and phone are class A, opened."""

    number: str
    name: str
    kind: CardholderKind
    status: CardholderStatus
    id_number: str | None = None
    phone: str | None = None


class Cardholders(Protocol):
    """The register of cardholders."""

    async def facts(self, school_id: int, cardholder_id: UUID) -> CardholderFacts:
        """The facts of a cardholder that exists."""
        ...
