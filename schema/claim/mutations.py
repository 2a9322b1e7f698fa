"""What terminals ask about the money on cards (terminals.md 3 and 9)."""

from typing import Annotated
from uuid import UUID

import strawberry

from core.card.answers import CardAnswer
from schema.claim.inputs import CardTapInput
from schema.claim.types import CardLoad, CardRefreshed
from schema.context import RequestInfo
from schema.directives import OncePerOperation
from schema.errors import UserError
from schema.inputs import INPUT, find_uuid
from schema.payload import answer
from schema.permissions import terminal_only
from schema.services import services
from schema.terminal.errors import TERMINAL
from schema.terminal.requests import TerminalKeyInput, money_till
from terminals.claims import ClaimMessage, WriteResult

KEY = "The key of this request: a repeat gets the stored answer."
TAP = "The card on the reader."
PIN = "The PIN, sealed to the school's X25519 key and bound to `key`; kiosks ask for it."


@strawberry.input(description="A claim: everything that waits, so there is no amount.")
class LoadClaimInput:
    """A card, and the PIN at a kiosk."""

    key: TerminalKeyInput = strawberry.field(description=KEY)
    tap: CardTapInput = strawberry.field(description=TAP)
    pin_block: str | None = strawberry.field(default=None, description=PIN)


@strawberry.input(description="What became of a load.")
class LoadConfirmInput:
    """The load, what the terminal saw, and what the chip says now."""

    key: TerminalKeyInput = strawberry.field(description=KEY)
    load_id: strawberry.ID = strawberry.field(description="The load.")
    result: WriteResult = strawberry.field(description="What the terminal saw.")
    tap: CardTapInput = strawberry.field(
        description="The same card, read again; without `chip` only if the result is UNKNOWN."
    )


@strawberry.input(description="A card after a release, a new limit or a replacement.")
class CardRefreshInput:
    """A card."""

    key: TerminalKeyInput = strawberry.field(description=KEY)
    tap: CardTapInput = strawberry.field(description=TAP)


@strawberry.type(description="The answer to a claim.")
class LoadClaimPayload:
    """A refusal is an answer; userErrors say that the question itself was wrong."""

    load: CardLoad | None = strawberry.field(default=None, description="The answer.")
    user_errors: list[UserError] = TERMINAL.field()


@strawberry.type(description="The answer to a confirmation.")
class LoadConfirmPayload:
    """As for a claim."""

    load: CardLoad | None = strawberry.field(default=None, description="The answer.")
    user_errors: list[UserError] = TERMINAL.field()


@strawberry.type(description="The answer to a refresh.")
class CardRefreshPayload:
    """As for a claim."""

    card: CardRefreshed | None = strawberry.field(default=None, description="The answer.")
    user_errors: list[UserError] = TERMINAL.field()


def _message(
    key: TerminalKeyInput,
    tap: CardTapInput,
    *,
    pin_block: str | None = None,
    load_id: UUID | None = None,
    result: WriteResult = WriteResult.UNKNOWN,
) -> ClaimMessage:
    return ClaimMessage(key.batch_no, key.seq_no, tap.message(), pin_block, load_id, result)


async def _claim(info: RequestInfo, asked: LoadClaimInput) -> CardAnswer:
    message = _message(asked.key, asked.tap, pin_block=asked.pin_block)
    return await services(info).card_desk.claims.claim(money_till(info, asked.key), message)


async def _confirm(info: RequestInfo, asked: LoadConfirmInput) -> CardAnswer:
    load_id = find_uuid(asked.load_id) or UUID(int=0)
    message = _message(asked.key, asked.tap, load_id=load_id, result=asked.result)
    return await services(info).card_desk.claims.confirm(money_till(info, asked.key), message)


async def _refresh(info: RequestInfo, asked: CardRefreshInput) -> CardAnswer:
    till = money_till(info, asked.key)
    return await services(info).card_desk.claims.refresh(till, _message(asked.key, asked.tap))


@strawberry.type(description="Claims.")
class ClaimMutation:
    """Claim, confirm, refresh."""

    @strawberry.mutation(
        description="Holds all that waits and answers the command for the chip.",
        directives=[OncePerOperation()],
        extensions=[terminal_only()],
    )
    async def load_claim(
        self, info: RequestInfo, input: Annotated[LoadClaimInput, INPUT]
    ) -> LoadClaimPayload | None:
        """What an earlier claim left open ends first, by what the chip says."""
        return await answer(
            info,
            TERMINAL,
            LoadClaimPayload,
            lambda done: LoadClaimPayload(load=CardLoad(answer=done)),
            _claim(info, input),
        )

    @strawberry.mutation(
        description="Ends a load by what the chip says: posted, returned, or left to staff.",
        directives=[OncePerOperation()],
        extensions=[terminal_only()],
    )
    async def load_confirm(
        self, info: RequestInfo, input: Annotated[LoadConfirmInput, INPUT]
    ) -> LoadConfirmPayload | None:
        """Counter + 1 posts it, the same counter returns it."""
        return await answer(
            info,
            TERMINAL,
            LoadConfirmPayload,
            lambda done: LoadConfirmPayload(load=CardLoad(answer=done)),
            _confirm(info, input),
        )

    @strawberry.mutation(
        description="Where a card stands, and what its chip has to be told.",
        directives=[OncePerOperation()],
        extensions=[terminal_only()],
    )
    async def card_refresh(
        self, info: RequestInfo, input: Annotated[CardRefreshInput, INPUT]
    ) -> CardRefreshPayload | None:
        """After a release, a limit change or a replacement."""
        return await answer(
            info,
            TERMINAL,
            CardRefreshPayload,
            lambda done: CardRefreshPayload(card=CardRefreshed(answer=done)),
            _refresh(info, input),
        )
