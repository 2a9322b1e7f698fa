"""Whose card or code is on the reader (M-034, M-055)."""

from datetime import datetime
from typing import Annotated

import strawberry

from schema.context import RequestInfo
from schema.directives import OncePerOperation
from schema.errors import UserError
from schema.inputs import INPUT
from schema.money import Money
from schema.payload import answer
from schema.permissions import terminal, terminal_only
from schema.school.types import by_language
from schema.services import services
from schema.terminal.errors import TERMINAL
from schema.terminal.requests import TerminalKeyInput, control, till_of
from schema.terminal.types import HolderView
from terminals.look_up import LookedUp
from terminals.scenes import Scene


@strawberry.input(description="What is on the reader.")
class HolderLookUpInput:
    """A scan that spends nothing."""

    key: TerminalKeyInput = strawberry.field(description="The key of this request.")
    presented: str = strawberry.field(description="What was scanned or tapped, as read.")
    scene: Scene = strawberry.field(description="Where it is; one of the terminal's scenes.")


@strawberry.type(description="The holder, or why nobody is shown.")
class HolderLookUpPayload:
    """Only what the scene may see."""

    holder: HolderView | None = strawberry.field(default=None, description="The holder.")
    balance: Money | None = strawberry.field(
        default=None, description="The available balance, where the scene shows it."
    )
    as_of: datetime | None = strawberry.field(default=None, description="When `balance` was read.")
    response_code: str | None = strawberry.field(
        default=None, description="00, or why nobody is shown; ISO 8583 field 39."
    )
    text: str | None = strawberry.field(
        default=None, description="For the display, in the viewer's language."
    )
    user_errors: list[UserError] = TERMINAL.field()


async def _look_up(info: RequestInfo, asked: HolderLookUpInput) -> LookedUp:
    control(info, asked.key)
    till = till_of(info, terminal(info))
    return await services(info).look_ups.look_up(till, asked.presented, asked.scene)


def _shown(info: RequestInfo, found: LookedUp) -> HolderLookUpPayload:
    available = found.available_minor
    return HolderLookUpPayload(
        holder=None if found.holder is None else HolderView.of(found.holder),
        balance=None if available is None else Money.of(available),
        as_of=found.as_of,
        response_code=found.response.code,
        text=by_language(info, found.response.zh, found.response.en),
    )


@strawberry.type(description="Look-ups.")
class LookUpMutation:
    """A mutation, because each is a signed request of its own."""

    @strawberry.mutation(
        description="Whose card or code it is; nothing is spent.",
        directives=[OncePerOperation()],
        extensions=[terminal_only()],
    )
    async def holder_look_up(
        self, info: RequestInfo, input: Annotated[HolderLookUpInput, INPUT]
    ) -> HolderLookUpPayload | None:
        """By the scene."""
        return await answer(
            info,
            TERMINAL,
            HolderLookUpPayload,
            lambda found: _shown(info, found),
            _look_up(info, input),
        )
