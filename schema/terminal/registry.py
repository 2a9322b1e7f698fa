"""Terminals of the registry, and what became of a key (terminals.md 3)."""

from typing import Annotated, Self

import strawberry

from core.authorisation.records import Status
from core.school.records import EnrolledTerminal, TerminalState
from schema.context import RequestContext, RequestInfo, StaffViewer, TerminalViewer
from schema.directives import Bounded
from schema.node import Node, node_id
from schema.permissions import terminal, terminal_only
from schema.school.types import by_language
from schema.services import Services, services
from schema.terminal.requests import TerminalKeyInput, check_key, newest_keys_version, till_of
from schema.terminal.types import Authorisation
from schema.terminal.words import PurchaseState
from terminals.scenes import Scene

NUMBER_DIGITS_MAXIMUM = 10

Original = Annotated[
    TerminalKeyInput, strawberry.argument(description="The key of the purchase asked about.")
]


@strawberry.type(description="What is known of a key.")
class PurchaseStatus:
    """The stored answer, if there is one."""

    known: bool = strawberry.field(description="Whether anything arrived under the key.")
    state: PurchaseState | None = strawberry.field(
        description="Where the purchase stands; null if it was refused or never came."
    )
    authorisation: Authorisation | None = strawberry.field(
        description="The stored answer; null while there is none."
    )

    @classmethod
    def of(cls, status: Status) -> Self:
        """The client's view."""
        answer = status.answer
        is_signed = answer is not None and answer.signed_answer is not None
        return cls(
            known=answer is not None or status.state is not None,
            state=None if status.state is None else PurchaseState(status.state),
            authorisation=Authorisation(answer=answer) if answer and is_signed else None,
        )


@strawberry.type(description="A terminal.")
class Terminal(Node):
    """A terminal of the registry."""

    school_id: strawberry.Private[int]
    enrolled: strawberry.Private[EnrolledTerminal]

    @strawberry.field(description="Its number at the school.")
    def terminal_no(self) -> int:
        """The number."""
        return self.enrolled.terminal.number

    @strawberry.field(description="How far it has come.")
    def state(self) -> TerminalState:
        """The state."""
        return self.enrolled.terminal.state

    @strawberry.field(description="Who sells with it, in the viewer's language.")
    def merchant_name(self, info: RequestInfo) -> str:
        """The merchant."""
        merchant = self.enrolled.merchant
        return by_language(info, merchant.name_zh, merchant.name_en)

    @strawberry.field(
        description="What it may serve, at most 20.", directives=[Bounded(maximum=20)]
    )
    def scenes(self) -> list[Scene]:
        """The scenes."""
        return [Scene(scene) for scene in self.enrolled.terminal.scenes]

    @strawberry.field(description="The newest version of the key document, 0 while there is none.")
    async def keys_version(self, info: RequestInfo) -> int:
        """The version."""
        return await newest_keys_version(info, self.school_id)

    @strawberry.field(
        description="What became of a key of the asking terminal.", extensions=[terminal_only()]
    )
    async def purchase_status(self, info: RequestInfo, original: Original) -> PurchaseStatus:
        """The only query of the money protocol."""
        check_key(original)
        till = till_of(info, terminal(info))
        status = await services(info).follow_ups.status(till, original.batch_no, original.seq_no)
        return PurchaseStatus.of(status)

    @classmethod
    def of(cls, school_id: int, enrolled: EnrolledTerminal) -> Self:
        """The client's view."""
        terminal_id = node_id("Terminal", school_id, enrolled.terminal.number)
        return cls(id=terminal_id, school_id=school_id, enrolled=enrolled)


@strawberry.type(description="The asking terminal.")
class TerminalQuery:
    """What a terminal reads."""

    @strawberry.field(description="The terminal that signed the request; null for all others.")
    def terminal(self, info: RequestInfo) -> Terminal | None:
        """The viewer, if it is a terminal."""
        if not isinstance(info.context.viewer, TerminalViewer):
            return None
        viewer = terminal(info)
        return Terminal.of(viewer.school_id, viewer.enrolled)


async def load_terminal(context: RequestContext, key: str) -> Terminal | None:
    """A terminal by its key: the asking one, or any of the school to its IT staff."""
    match context.viewer:
        case TerminalViewer(confined_by=None) as viewer if key == str(viewer.terminal_no):
            return Terminal.of(viewer.school_id, viewer.enrolled)
        case StaffViewer(school_id=school_id, roles=roles) if "IT_ADMIN" in roles:
            found: Services = context.services
            number = int(key) if _is_number(key) else 0
            enrolled = await found.terminals.find_enrolled(school_id, number)
            return None if enrolled is None else Terminal.of(school_id, enrolled)
    return None


def _is_number(key: str) -> bool:
    return len(key) <= NUMBER_DIGITS_MAXIMUM and key.isascii() and key.isdigit()
