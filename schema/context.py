"""What every resolver is told about the request, and nothing else."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from uuid import UUID

from strawberry.types import Info

from core.identity.records import SessionRecord
from core.school.records import EnrolledTerminal, StaffCaller, StaffMember, TerminalState
from terminals.signature import SignatureRefusal, SignedHeaders

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody has signed in."""


@dataclass(frozen=True, slots=True)
class CardholderViewer:
    """A cardholder, through the session of one device."""

    session: SessionRecord

    @property
    def school_id(self) -> int:
        """The school of the session."""
        return self.session.school_id

    @property
    def session_id(self) -> UUID:
        """The session itself."""
        return self.session.id

    @property
    def cardholder_id(self) -> UUID:
        """Whose session it is."""
        assert self.session.cardholder_id is not None
        return self.session.cardholder_id


@dataclass(frozen=True, slots=True)
class UnboundViewer:
    """Somebody who proved an address and no card yet."""

    session: SessionRecord

    @property
    def school_id(self) -> int:
        """The school of the session."""
        return self.session.school_id

    @property
    def session_id(self) -> UUID:
        """The session itself."""
        return self.session.id


@dataclass(frozen=True, slots=True)
class StaffViewer:
    """A member of a school's staff, as their row stands now."""

    session: SessionRecord
    member: StaffMember

    @property
    def school_id(self) -> int:
        """The school of the session."""
        return self.session.school_id

    @property
    def session_id(self) -> UUID:
        """The session itself."""
        return self.session.id

    @property
    def roles(self) -> frozenset[str]:
        """The roles held now, such as `CLERK`."""
        return frozenset(self.member.roles)

    @property
    def caller(self) -> StaffCaller:
        """The member as the core's staff acts name them."""
        return StaffCaller(self.member.id, self.session.step_up_at)


@dataclass(frozen=True, slots=True)
class TerminalViewer:
    """A terminal whose signature over this very request was verified.

    `clock_checked` is false for a request named as a heartbeat, whose time of signing says nothing.
    """

    school_id: int
    enrolled: EnrolledTerminal
    signed: SignedHeaders
    clock_checked: bool = True

    @property
    def terminal_no(self) -> int:
        """The terminal's number at its school."""
        return self.enrolled.terminal.number

    @property
    def is_locked(self) -> bool:
        """Whether the school stopped it."""
        return self.enrolled.terminal.state is TerminalState.LOCKED

    @property
    def confined_by(self) -> SignatureRefusal | None:
        """Why it may send nothing but a heartbeat; None if it may."""
        if self.is_locked:
            return SignatureRefusal.TERMINAL_LOCKED
        return None if self.clock_checked else SignatureRefusal.CLOCK_SKEW


Viewer: TypeAlias = Anonymous | CardholderViewer | UnboundViewer | StaffViewer | TerminalViewer
SignedIn: TypeAlias = CardholderViewer | UnboundViewer | StaffViewer


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request: who asks, in which language, of which school, under which id.

    `school_id` is None for an anonymous request that names no school. `services` holds the core's
    services, put together by the composition root; areas read the one they need from it.
    `network` is the caller's IP address.
    """

    viewer: Viewer
    language: Language
    school_id: int | None
    request_id: str
    services: Any
    network: str = ""


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
