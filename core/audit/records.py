"""The frozen facts of the audit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

Facts = Mapping[str, str | int | None]


class ActorKind(StrEnum):
    """What kind of hand an act had."""

    CARDHOLDER = "CARDHOLDER"
    STAFF = "STAFF"
    TERMINAL = "TERMINAL"
    SYSTEM = "SYSTEM"
    OPERATOR = "OPERATOR"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted: an id of its kind, such as a staff member's UUID or an operator's account."""

    kind: ActorKind
    id: str


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One act: `subject` is what it was done to (`cardholder:<id>`), `facts` its particulars."""

    id: UUID
    occurred_at: datetime
    actor: Actor
    act: str
    subject: str
    reason: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class SealedEvent:
    """An event as its row holds it, with the MAC and the id of the key that made it."""

    event: AuditEvent
    key_id: int
    mac: bytes


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a verification found: how many rows are sound up to the first broken one, if any."""

    sound: int
    first_broken_id: UUID | None


class FactNotAllowed(Exception):
    """A programming fault: the act names a fact that the audit does not keep."""
