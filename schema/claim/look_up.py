"""Whose card or code is on the reader (M-034, M-055)."""

from datetime import datetime
from typing import Annotated

import strawberry

from core.top_up.records import LISTED_MAXIMUM
from schema.claim.types import LoadLine, PendingClaim
from schema.context import RequestInfo
from schema.directives import Bounded, OncePerOperation
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
from terminals.message import RequestKey
from terminals.scenes import Scene


@strawberry.input(description="What is on the reader.")
class HolderLookUpInput:
    """A scan that spends nothing."""

    key: TerminalKeyInput = strawberry.field(description="The key of this request.")
    presented: str = strawberry.field(description="What was scanned or tapped, as read.")
    scene: Scene = strawberry.field(description="Where it is; one of the terminal's scenes.")
    pin_block: str | None = strawberry.field(
        default=None,
        description="At a kiosk: the PIN, sealed to the school's X25519 key and bound to `key`.",
    )


@strawberry.type(description="The holder, or why nobody is shown.")
class HolderLookUpPayload:
    """Only what the scene may see."""

    holder: HolderView | None = strawberry.field(default=None, description="The holder.")
    balance: Money | None = strawberry.field(
        default=None, description="The available balance, where the scene shows it."
    )
    as_of: datetime | None = strawberry.field(default=None, description="When `balance` was read.")
    waiting: Money | None = strawberry.field(
        default=None, description="At a kiosk: what waits to be claimed."
    )
    held: Money | None = strawberry.field(
        default=None, description="At a kiosk: what claims hold that were not confirmed."
    )
    pending: list[PendingClaim] | None = strawberry.field(
        default=None,
        description="At a kiosk: how it came since the last load, newest first, at most 20.",
        directives=[Bounded(maximum=LISTED_MAXIMUM)],
    )
    loads: list[LoadLine] | None = strawberry.field(
        default=None,
        description="At a kiosk: the transfer log, newest first, at most 20.",
        directives=[Bounded(maximum=LISTED_MAXIMUM)],
    )
    tries_left: int | None = strawberry.field(
        default=None, description="How often the PIN may still be tried, after a wrong one."
    )
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
    key = RequestKey(till.terminal_no, asked.key.batch_no, asked.key.seq_no)
    return await services(info).look_ups.look_up(
        till, key, asked.presented, asked.scene, asked.pin_block
    )


def _shown(info: RequestInfo, found: LookedUp) -> HolderLookUpPayload:
    available, listed = found.available_minor, found.overview
    return HolderLookUpPayload(
        waiting=None if listed is None else Money.of(listed.waiting_minor),
        held=None if listed is None else Money.of(listed.held_minor),
        pending=None if listed is None else list(map(PendingClaim.of, listed.credits)),
        loads=None if listed is None else list(map(LoadLine.of, listed.loads)),
        tries_left=found.tries_left,
        holder=None if found.holder is None else HolderView.of(found.holder),
        balance=None if available is None else Money.of(available),
        as_of=found.as_of,
        response_code=found.response.code,
        text=by_language(info, found.response.zh, found.response.en).format(tries=found.tries_left),
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
