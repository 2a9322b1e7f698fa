"""Operators sign on and off at a terminal (terminals.md 3)."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

import strawberry

from core.school.operators import OperatorRight
from core.school.operators import Shift as ShiftRecord
from schema.context import RequestInfo
from schema.directives import Bounded, OncePerOperation
from schema.errors import UserError
from schema.inputs import INPUT, uuid_key
from schema.node import node_id
from schema.payload import answer
from schema.permissions import terminal, terminal_only
from schema.services import services
from schema.terminal import words as _words  # noqa: F401 - describes the enums
from schema.terminal.errors import TERMINAL
from schema.terminal.requests import TerminalKeyInput, control, till_of
from terminals.message import RequestKey
from terminals.operators import SignedOn

RIGHTS_MAXIMUM = len(OperatorRight)
KEY = "The key of this request, of batch 0."


@strawberry.type(description="An operator at one terminal, from sign-on to sign-off.")
class OperatorShift:
    """A shift."""

    id: strawberry.ID = strawberry.field(description="The shift, opaque.")
    operator_no: str = strawberry.field(description="Their number at the merchant.")
    display_name: str = strawberry.field(description="The name on the screen.")
    rights: list[OperatorRight] = strawberry.field(
        description="What they may do, at most 4.", directives=[Bounded(maximum=RIGHTS_MAXIMUM)]
    )
    started_at: datetime = strawberry.field(description="When they signed on.")
    ended_at: datetime | None = strawberry.field(description="When it ended; null while it lasts.")

    @classmethod
    def of(cls, school_id: int, shift: ShiftRecord) -> Self:
        """The client's view."""
        operator = shift.operator
        return cls(
            id=node_id("OperatorShift", school_id, shift.id),
            operator_no=operator.number,
            display_name=operator.display_name,
            rights=operator.sorted_rights,
            started_at=shift.started_at,
            ended_at=shift.ended_at,
        )


@strawberry.input(description="Who signs on.")
class OperatorSignOnInput:
    """A number and a PIN."""

    key: TerminalKeyInput = strawberry.field(description=KEY)
    operator_no: str = strawberry.field(description="The number at the merchant, as typed.")
    pin_block: str = strawberry.field(
        description="The PIN, sealed to the school's X25519 key and bound to `key`."
    )


@strawberry.type(description="The shift, or why nobody is signed on.")
class OperatorSignOnPayload:
    """A wrong PIN is an answer; userErrors say that the question itself was wrong."""

    shift: OperatorShift | None = strawberry.field(
        default=None, description="The shift; that of another operator here has ended."
    )
    tries_left: int | None = strawberry.field(
        default=None, description="How often the PIN may still be tried, after a wrong one."
    )
    response_code: str | None = strawberry.field(
        default=None, description="00, or why nobody is signed on; ISO 8583 field 39."
    )
    text_zh: str | None = strawberry.field(default=None, description="For the display, in Chinese.")
    text_en: str | None = strawberry.field(default=None, description="For the display, in English.")
    user_errors: list[UserError] = TERMINAL.field()


@strawberry.input(description="Which shift ends.")
class OperatorSignOffInput:
    """A shift of this terminal."""

    key: TerminalKeyInput = strawberry.field(description=KEY)
    shift_id: strawberry.ID = strawberry.field(description="The shift, as sign-on answered it.")


@strawberry.type(description="The shift that has ended.")
class OperatorSignOffPayload:
    """The shift; again: the same."""

    shift: OperatorShift | None = strawberry.field(default=None, description="The shift.")
    user_errors: list[UserError] = TERMINAL.field()


async def _sign_on(info: RequestInfo, asked: OperatorSignOnInput) -> SignedOn:
    control(info, asked.key)
    till = till_of(info, terminal(info))
    key = RequestKey(till.terminal_no, asked.key.batch_no, asked.key.seq_no)
    return await services(info).operators.sign_ons.sign_on(
        till, key, asked.operator_no, asked.pin_block
    )


def _signed_on(info: RequestInfo, done: SignedOn) -> OperatorSignOnPayload:
    school_id, tries = terminal(info).school_id, done.tries_left
    return OperatorSignOnPayload(
        shift=None if done.shift is None else OperatorShift.of(school_id, done.shift),
        tries_left=tries,
        response_code=done.response.code,
        text_zh=done.response.zh.format(tries=tries),
        text_en=done.response.en.format(tries=tries),
    )


async def _sign_off(info: RequestInfo, asked: OperatorSignOffInput) -> ShiftRecord:
    control(info, asked.key)
    shift_id = uuid_key(info, asked.shift_id, "OperatorShift") or UUID(int=0)
    return await services(info).operators.sign_ons.sign_off(till_of(info, terminal(info)), shift_id)


@strawberry.type(description="Operators at terminals.")
class OperatorMutation:
    """Sign on, sign off."""

    @strawberry.mutation(
        description="Signs an operator of the terminal's merchant on; a repeat hears of the same"
        " shift. Five wrong PINs lock.",
        directives=[OncePerOperation()],
        extensions=[terminal_only()],
    )
    async def operator_sign_on(
        self, info: RequestInfo, input: Annotated[OperatorSignOnInput, INPUT]
    ) -> OperatorSignOnPayload | None:
        """By number and PIN."""
        return await answer(
            info,
            TERMINAL,
            OperatorSignOnPayload,
            lambda done: _signed_on(info, done),
            _sign_on(info, input),
        )

    @strawberry.mutation(
        description="Ends a shift; a repeat hears the same.",
        directives=[OncePerOperation()],
        extensions=[terminal_only()],
    )
    async def operator_sign_off(
        self, info: RequestInfo, input: Annotated[OperatorSignOffInput, INPUT]
    ) -> OperatorSignOffPayload | None:
        """By its id: a late repeat never ends a newer one."""
        school_id = terminal(info).school_id
        return await answer(
            info,
            TERMINAL,
            OperatorSignOffPayload,
            lambda done: OperatorSignOffPayload(shift=OperatorShift.of(school_id, done)),
            _sign_off(info, input),
        )
