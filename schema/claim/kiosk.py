"""What a holder does at a kiosk with the PIN: release a card, get a new one (M-078, M-082)."""

from typing import Annotated
from uuid import UUID

import strawberry

from core.card.answers import CardAnswer
from core.card.vending import VendResult
from schema.claim.inputs import CardTapInput
from schema.claim.mutations import KEY
from schema.claim.types import CardRefreshed, VendJob
from schema.context import RequestInfo
from schema.directives import OncePerOperation
from schema.errors import UserError
from schema.inputs import INPUT, find_uuid
from schema.payload import answer
from schema.permissions import terminal_only
from schema.services import services
from schema.terminal.errors import TERMINAL
from schema.terminal.requests import TerminalKeyInput, money_till
from terminals.kiosks import ReleaseMessage, ReplaceMessage, VendMessage

PIN = "The PIN, sealed to the school's X25519 key and bound to `key`."


@strawberry.input(description="A card that was reported lost, in its holder's hand.")
class KioskReleaseInput:
    """A card and the PIN."""

    key: TerminalKeyInput = strawberry.field(description=KEY)
    tap: CardTapInput = strawberry.field(description="The card on the reader.")
    pin_block: str | None = strawberry.field(default=None, description=PIN)


@strawberry.input(description="A new card for one that was reported lost.")
class KioskReplaceInput:
    """Who, the new chip and the PIN."""

    key: TerminalKeyInput = strawberry.field(description=KEY)
    presented: str = strawberry.field(
        description="Who it is: a code as scanned, or the old card as read."
    )
    new_uid: str = strawberry.field(
        description="The chip of the card that will come out, 8 to 20 hex digits."
    )
    pin_block: str | None = strawberry.field(default=None, description=PIN)


@strawberry.input(description="What became of a job.")
class KioskVendReportInput:
    """A job and its result."""

    key: TerminalKeyInput = strawberry.field(description=KEY)
    job_id: strawberry.ID = strawberry.field(description="The job.")
    result: VendResult = strawberry.field(description="What became of it.")


@strawberry.type(description="The answer to a release.")
class KioskReleasePayload:
    """A refusal is an answer; userErrors say that the question itself was wrong."""

    card: CardRefreshed | None = strawberry.field(default=None, description="The answer.")
    user_errors: list[UserError] = TERMINAL.field()


@strawberry.type(description="The answer to a replacement.")
class KioskReplacePayload:
    """As for a release."""

    job: VendJob | None = strawberry.field(default=None, description="The answer.")
    user_errors: list[UserError] = TERMINAL.field()


@strawberry.type(description="The answer to a report.")
class KioskVendReportPayload:
    """As for a release."""

    job: VendJob | None = strawberry.field(default=None, description="The answer.")
    user_errors: list[UserError] = TERMINAL.field()


async def _release(info: RequestInfo, asked: KioskReleaseInput) -> CardAnswer:
    key = asked.key
    message = ReleaseMessage(key.batch_no, key.seq_no, asked.tap.message(), asked.pin_block)
    return await services(info).card_desk.kiosks.release(money_till(info, key), message)


async def _replace(info: RequestInfo, asked: KioskReplaceInput) -> CardAnswer:
    key = asked.key
    message = ReplaceMessage(
        key.batch_no, key.seq_no, asked.presented, asked.new_uid, asked.pin_block
    )
    return await services(info).card_desk.kiosks.replace(money_till(info, key), message)


async def _report(info: RequestInfo, asked: KioskVendReportInput) -> CardAnswer:
    job_id = find_uuid(asked.job_id) or UUID(int=0)
    message = VendMessage(asked.key.batch_no, asked.key.seq_no, job_id, asked.result)
    return await services(info).card_desk.kiosks.report(money_till(info, asked.key), message)


@strawberry.type(description="Kiosks.")
class KioskMutation:
    """Release, replace, report."""

    @strawberry.mutation(
        description="Lets a reported card work again, in its holder's hand and with the PIN.",
        directives=[OncePerOperation()],
        extensions=[terminal_only()],
    )
    async def kiosk_release(
        self, info: RequestInfo, input: Annotated[KioskReleaseInput, INPUT]
    ) -> KioskReleasePayload | None:
        """Then the card is refreshed."""
        return await answer(
            info,
            TERMINAL,
            KioskReleasePayload,
            lambda done: KioskReleasePayload(card=CardRefreshed(answer=done)),
            _release(info, input),
        )

    @strawberry.mutation(
        description="Takes the fee of a new card and begins the job that hands it out.",
        directives=[OncePerOperation()],
        extensions=[terminal_only()],
    )
    async def kiosk_replace(
        self, info: RequestInfo, input: Annotated[KioskReplaceInput, INPUT]
    ) -> KioskReplacePayload | None:
        """The card before works no more once the new one came out."""
        return await answer(
            info,
            TERMINAL,
            KioskReplacePayload,
            lambda done: KioskReplacePayload(job=VendJob(answer=done)),
            _replace(info, input),
        )

    @strawberry.mutation(
        description="Says what became of a job; repeat it until it is acknowledged.",
        directives=[OncePerOperation()],
        extensions=[terminal_only()],
    )
    async def kiosk_vend_report(
        self, info: RequestInfo, input: Annotated[KioskVendReportInput, INPUT]
    ) -> KioskVendReportPayload | None:
        """FAILED gives the fee back by itself."""
        return await answer(
            info,
            TERMINAL,
            KioskVendReportPayload,
            lambda done: KioskVendReportPayload(job=VendJob(answer=done)),
            _report(info, input),
        )
