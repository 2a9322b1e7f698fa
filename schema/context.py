"""What every resolver is told about the request, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias
from uuid import UUID

from strawberry.types import Info

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody has signed in."""


@dataclass(frozen=True, slots=True)
class CardholderViewer:
    """A cardholder, through the session of one device."""

    school_id: int
    cardholder_id: UUID
    session_id: UUID


@dataclass(frozen=True, slots=True)
class StaffViewer:
    """A member of a school's staff with the roles held now, such as `CLERK`."""

    school_id: int
    staff_id: UUID
    session_id: UUID
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class TerminalViewer:
    """A terminal whose signature over this very request was verified."""

    school_id: int
    terminal_id: UUID


Viewer: TypeAlias = Anonymous | CardholderViewer | StaffViewer | TerminalViewer


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request: who asks, in which language, of which school, under which id.

    `school_id` is None for an anonymous request that names no school. `services` holds the core's
    services, put together by the composition root; areas read the one they need from it.
    `facts` are what the transport learnt of the request (its network, a terminal's nonce).
    """

    viewer: Viewer
    language: Language
    school_id: int | None
    request_id: str
    services: Any
    facts: Mapping[str, object] = field(default_factory=dict)


RequestInfo: TypeAlias = Info[RequestContext, None]
"""The annotation of `info` in every resolver."""


def choose_language(accept_language: str, default: Language) -> Language:
    """The first of zh and en that an Accept-Language header names, else the school's default.

    Weights are not read: every client of ours sends its one language first.
    """
    for entry in accept_language.lower().split(","):
        match entry.strip()[:2]:
            case "zh":
                return "zh"
            case "en":
                return "en"
    return default
