"""Purchases and what follows them (terminals.md 3 to 5)."""

from typing import Annotated
from uuid import UUID

import strawberry

from core.authorisation.records import Answer
from core.kit.money import CURRENCY
from schema.context import RequestInfo
from schema.directives import OncePerOperation
from schema.errors import BadDocument, UserError
from schema.inputs import INPUT, find_uuid
from schema.money import Money
from schema.payload import answer
from schema.permissions import terminal_only
from schema.scalars import CurrencyCode, MinorAmount
from schema.services import services
from schema.terminal.errors import TERMINAL
from schema.terminal.requests import TerminalKeyInput, check_key, money_till
from schema.terminal.types import Authorisation, HolderView
from schema.terminal.words import Capture, VoidReason
from terminals.follow_ups import FollowUpMessage
from terminals.payments import Authorised, PurchaseMessage
from terminals.scenes import Scene, view

KEY = "The key of this request: a repeat gets the stored answer."
ORIGINAL = "The key of the purchase it is about."


@strawberry.input(description="A purchase; exactly one of `presented` and `continuation`.")
class PurchaseAuthoriseInput:
    """What the terminal read, and how much."""

    key: TerminalKeyInput = strawberry.field(description=KEY)
    presented: str | None = strawberry.field(
        default=None, description="What was scanned or tapped, as read."
    )
    continuation: strawberry.ID | None = strawberry.field(
        default=None, description="Stands for the scan of an answer PIN_REQUIRED, 90 s."
    )
    challenge: str | None = strawberry.field(
        default=None, description="The `CCQ:` text on the terminal's screen, while there is one."
    )
    minor_amount: MinorAmount = strawberry.field(description="How much, in fen.")
    currency_code: CurrencyCode = strawberry.field(
        default=CurrencyCode(CURRENCY), description="The currency, ISO 4217."
    )
    capture: Capture = strawberry.field(
        default=Capture.IMMEDIATE, description="When the amount is taken."
    )
    scene: Scene = strawberry.field(description="Where it is; one of the terminal's scenes.")
    pin_block: str | None = strawberry.field(
        default=None, description="The PIN, sealed to the school's X25519 key and bound to `key`."
    )


@strawberry.input(description="Takes a held amount, whole or part; the rest is released.")
class PurchaseCaptureInput:
    """A capture."""

    key: TerminalKeyInput = strawberry.field(description=KEY)
    original: TerminalKeyInput = strawberry.field(description=ORIGINAL)
    minor_amount: MinorAmount = strawberry.field(description="How much, in fen, at most the hold.")


@strawberry.input(description="Undoes a purchase, also before it arrives.")
class PurchaseVoidInput:
    """A void."""

    key: TerminalKeyInput = strawberry.field(description=KEY)
    original: TerminalKeyInput = strawberry.field(description=ORIGINAL)
    reason: VoidReason = strawberry.field(description="Why.")


@strawberry.input(
    description="Gives captured money back; exactly one of `original` and `retrievalReference`."
)
class PurchaseRefundInput:
    """A refund."""

    key: TerminalKeyInput = strawberry.field(description=KEY)
    original: TerminalKeyInput | None = strawberry.field(
        default=None, description="The key of a purchase at this terminal."
    )
    retrieval_reference: str | None = strawberry.field(
        default=None, description="Our reference of a purchase at any terminal of the merchant."
    )
    minor_amount: MinorAmount = strawberry.field(
        description="How much, in fen; all refunds together at most what was captured."
    )
    reason: str = strawberry.field(description="Why, for the merchant's records.")
    operator_no: str | None = strawberry.field(
        default=None,
        description="The operator who is signed on; needed where `terminal.operators` says so.",
    )


@strawberry.type(description="The answer to a purchase.")
class PurchaseAuthorisePayload:
    """A decline is an answer; userErrors say that the question itself was wrong."""

    authorisation: Authorisation | None = strawberry.field(default=None, description="The answer.")
    user_errors: list[UserError] = TERMINAL.field()


@strawberry.type(description="The answer to a capture.")
class PurchaseCapturePayload:
    """As for a purchase."""

    authorisation: Authorisation | None = strawberry.field(default=None, description="The answer.")
    user_errors: list[UserError] = TERMINAL.field()


@strawberry.type(description="The answer to a void.")
class PurchaseVoidPayload:
    """As for a purchase."""

    authorisation: Authorisation | None = strawberry.field(default=None, description="The answer.")
    user_errors: list[UserError] = TERMINAL.field()


@strawberry.type(description="The answer to a refund.")
class PurchaseRefundPayload:
    """As for a purchase."""

    authorisation: Authorisation | None = strawberry.field(default=None, description="The answer.")
    user_errors: list[UserError] = TERMINAL.field()


def _message(asked: PurchaseAuthoriseInput) -> PurchaseMessage:
    continuation = asked.continuation
    return PurchaseMessage(
        batch_no=asked.key.batch_no,
        seq_no=asked.key.seq_no,
        minor_amount=asked.minor_amount,
        scene=asked.scene,
        manual=asked.capture is Capture.MANUAL,
        presented=asked.presented,
        continuation=None if continuation is None else find_uuid(continuation) or UUID(int=0),
        challenge=asked.challenge,
        pin_block=asked.pin_block,
        currency=asked.currency_code,
    )


def _authorised(scene: Scene, done: Authorised) -> PurchaseAuthorisePayload:
    seen = None if done.holder is None else view(scene, done.holder)
    available = done.answer.available_minor
    shows_balance = seen is not None and seen.shows_balance and available is not None
    return PurchaseAuthorisePayload(
        authorisation=Authorisation(
            answer=done.answer,
            holder=None if seen is None else HolderView.of(seen),
            balance=Money.of(available or 0) if shows_balance else None,
            expires_at=done.expires_at,
            continuation_expires_at=done.continuation_until,
        )
    )


async def _follow_up(
    info: RequestInfo,
    operation: str,
    key: TerminalKeyInput,
    original: TerminalKeyInput,
    minor_amount: int = 0,
    reason: str | None = None,
    operator_no: str | None = None,
) -> Answer:
    till = money_till(info, key)
    check_key(original)
    message = FollowUpMessage(
        operation=operation,
        batch_no=key.batch_no,
        seq_no=key.seq_no,
        original_batch_no=original.batch_no,
        original_seq_no=original.seq_no,
        minor_amount=minor_amount,
        reason=reason,
        operator_no=operator_no,
    )
    return await services(info).follow_ups.answer(till, message)


async def _refund(info: RequestInfo, asked: PurchaseRefundInput) -> Answer:
    if (asked.original is None) == (asked.retrieval_reference is None):
        raise BadDocument("ORIGINAL_OR_REFERENCE")
    if asked.original is not None:
        return await _follow_up(
            info, "REFUND", asked.key, asked.original, asked.minor_amount,
            operator_no=asked.operator_no,
        )  # fmt: skip
    till = money_till(info, asked.key)
    found = await services(info).authorisations.resolve_reference(
        till.issuer, asked.retrieval_reference or ""
    )
    message = FollowUpMessage(
        operation="REFUND",
        batch_no=asked.key.batch_no,
        seq_no=asked.key.seq_no,
        original_batch_no=found.batch_no,
        original_seq_no=found.seq_no,
        minor_amount=asked.minor_amount,
        original_terminal_no=found.terminal_no,
        operator_no=asked.operator_no,
    )
    return await services(info).follow_ups.answer(till, message)


@strawberry.type(description="Purchases.")
class PurchaseMutation:
    """Authorise, capture, void, refund."""

    @strawberry.mutation(
        description="Decides a purchase and pays or holds it.",
        directives=[OncePerOperation()],
        extensions=[terminal_only()],
    )
    async def purchase_authorise(
        self, info: RequestInfo, input: Annotated[PurchaseAuthoriseInput, INPUT]
    ) -> PurchaseAuthorisePayload | None:
        """One key, one effect, one answer."""
        return await answer(
            info,
            TERMINAL,
            PurchaseAuthorisePayload,
            lambda done: _authorised(input.scene, done),
            services(info).authoriser.authorise(money_till(info, input.key), _message(input)),
        )

    @strawberry.mutation(
        description="Takes a held amount.",
        directives=[OncePerOperation()],
        extensions=[terminal_only()],
    )
    async def purchase_capture(
        self, info: RequestInfo, input: Annotated[PurchaseCaptureInput, INPUT]
    ) -> PurchaseCapturePayload | None:
        """Whole or part."""
        return await answer(
            info,
            TERMINAL,
            PurchaseCapturePayload,
            lambda done: PurchaseCapturePayload(authorisation=Authorisation(answer=done)),
            _follow_up(info, "CAPTURE", input.key, input.original, input.minor_amount),
        )

    @strawberry.mutation(
        description="Undoes a purchase; repeat it until it is acknowledged.",
        directives=[OncePerOperation()],
        extensions=[terminal_only()],
    )
    async def purchase_void(
        self, info: RequestInfo, input: Annotated[PurchaseVoidInput, INPUT]
    ) -> PurchaseVoidPayload | None:
        """Also the answer to an unknown outcome."""
        return await answer(
            info,
            TERMINAL,
            PurchaseVoidPayload,
            lambda done: PurchaseVoidPayload(authorisation=Authorisation(answer=done)),
            _follow_up(info, "VOID", input.key, input.original, reason=input.reason.value),
        )

    @strawberry.mutation(
        description="Gives captured money back to where it came from.",
        directives=[OncePerOperation()],
        extensions=[terminal_only()],
    )
    async def purchase_refund(
        self, info: RequestInfo, input: Annotated[PurchaseRefundInput, INPUT]
    ) -> PurchaseRefundPayload | None:
        """Whole or part."""
        return await answer(
            info,
            TERMINAL,
            PurchaseRefundPayload,
            lambda done: PurchaseRefundPayload(authorisation=Authorisation(answer=done)),
            _refund(info, input),
        )
