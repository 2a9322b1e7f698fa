"""School IT takes terminals in and stops them (terminals.md 8)."""

from typing import Annotated, Literal

import strawberry

from core.school.records import EnrolledTerminal, Role
from core.school.service.staff import staff_actor
from schema.context import RequestInfo
from schema.errors import UserError
from schema.inputs import INPUT
from schema.payload import answer
from schema.permissions import staff, staff_only
from schema.services import services
from schema.staff.errors import STAFF
from schema.terminal.registry import Terminal

REASON_MAXIMUM = 200
NUMBER = "The terminal's number at the school."
REASON = "Why, cut to 200 characters, for the audit."
TERMINAL = "The terminal as it stands now."


@strawberry.input(description="The fingerprint that the terminal shows.")
class TerminalConfirmInput:
    """A comparison."""

    terminal_no: int = strawberry.field(description=NUMBER)
    fingerprint: str = strawberry.field(description="The 8 hex digits on its screen.")


@strawberry.type(description="The working terminal.")
class TerminalConfirmPayload:
    """The terminal."""

    terminal: Terminal | None = strawberry.field(default=None, description=TERMINAL)
    user_errors: list[UserError] = STAFF.field()


@strawberry.input(description="Which terminal to stop.")
class TerminalLockInput:
    """A terminal and why."""

    terminal_no: int = strawberry.field(description=NUMBER)
    reason: str = strawberry.field(description=REASON)


@strawberry.type(description="The stopped terminal.")
class TerminalLockPayload:
    """The terminal."""

    terminal: Terminal | None = strawberry.field(default=None, description=TERMINAL)
    user_errors: list[UserError] = STAFF.field()


@strawberry.input(description="Which terminal may work again.")
class TerminalUnlockInput:
    """A terminal and why."""

    terminal_no: int = strawberry.field(description=NUMBER)
    reason: str = strawberry.field(description=REASON)


@strawberry.type(description="The working terminal.")
class TerminalUnlockPayload:
    """The terminal."""

    terminal: Terminal | None = strawberry.field(default=None, description=TERMINAL)
    user_errors: list[UserError] = STAFF.field()


async def _change(
    info: RequestInfo, number: int, act: Literal["LOCK", "UNLOCK"], reason: str
) -> EnrolledTerminal:
    viewer = staff(info)
    return await services(info).terminals.change_state(
        viewer.school_id, number, act, reason[:REASON_MAXIMUM], staff_actor(viewer.member)
    )


@strawberry.type(description="Terminals in the school's hands.")
class StaffTerminalMutation:
    """Confirm, lock, unlock."""

    @strawberry.mutation(
        description="Says that the fingerprints agree: the terminal may work.",
        extensions=[staff_only(Role.IT_ADMIN)],
    )
    async def terminal_confirm(
        self, info: RequestInfo, input: Annotated[TerminalConfirmInput, INPUT]
    ) -> TerminalConfirmPayload | None:
        """Confirming again answers the same."""
        viewer = staff(info)
        return await answer(
            info,
            STAFF,
            TerminalConfirmPayload,
            lambda done: TerminalConfirmPayload(terminal=Terminal.of(viewer.school_id, done)),
            services(info).terminals.confirm(
                viewer.school_id, input.terminal_no, input.fingerprint, staff_actor(viewer.member)
            ),
        )

    @strawberry.mutation(
        description="Stops a terminal everywhere within 30 s.",
        extensions=[staff_only(Role.IT_ADMIN)],
    )
    async def terminal_lock(
        self, info: RequestInfo, input: Annotated[TerminalLockInput, INPUT]
    ) -> TerminalLockPayload | None:
        """Locking again answers the same."""
        school_id = staff(info).school_id
        return await answer(
            info,
            STAFF,
            TerminalLockPayload,
            lambda done: TerminalLockPayload(terminal=Terminal.of(school_id, done)),
            _change(info, input.terminal_no, "LOCK", input.reason),
        )

    @strawberry.mutation(
        description="Lets a stopped terminal work again.",
        extensions=[staff_only(Role.IT_ADMIN)],
    )
    async def terminal_unlock(
        self, info: RequestInfo, input: Annotated[TerminalUnlockInput, INPUT]
    ) -> TerminalUnlockPayload | None:
        """Unlocking again answers the same."""
        school_id = staff(info).school_id
        return await answer(
            info,
            STAFF,
            TerminalUnlockPayload,
            lambda done: TerminalUnlockPayload(terminal=Terminal.of(school_id, done)),
            _change(info, input.terminal_no, "UNLOCK", input.reason),
        )
