"""The close of a terminal's batch (terminals.md 7)."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from core.kit.errors import ItemLimit
from core.settlement.records import (
    LISTED_MAXIMUM,
    Closed,
    Closing,
    Difference,
    Total,
)
from schema.context import RequestInfo
from schema.directives import Bounded, OncePerOperation
from schema.errors import BadDocument, UserError
from schema.inputs import INPUT
from schema.money import Money
from schema.payload import answer
from schema.permissions import terminal, terminal_only
from schema.scalars import Base64Bytes, MinorAmount
from schema.services import services
from schema.terminal.errors import TERMINAL
from schema.terminal.offline_words import TotalKind
from schema.terminal.requests import TerminalKeyInput, control, till_of
from terminals.message import NUMBER_MAXIMUM
from terminals.offline import HASH_BYTES, first_link

UNUSED_MAXIMUM = 1_000
TOTALS_MAXIMUM = 40


@strawberry.input(description="How many of a kind, and for how much.")
class BatchTotalInput:
    """One total of the terminal."""

    kind: TotalKind = strawberry.field(description="What it counts.")
    instrument: str = strawberry.field(
        description="`CC1`, `T0`, `T1`, `CARD` and so on; empty for refunds."
    )
    count: int = strawberry.field(description="How many.")
    minor_amount: MinorAmount = strawberry.field(description="The sum in fen.")


@strawberry.input(description="The end of a batch.")
class BatchCloseInput:
    """What the terminal has of it."""

    key: TerminalKeyInput = strawberry.field(
        description="The key of this request, as its signature names it; batch 0."
    )
    batch_no: int = strawberry.field(description="The batch to close, 1 to 999999.")
    last_seq: int = strawberry.field(description="The last number it took, 0 if none.")
    unused: list[int] = strawberry.field(
        description="Numbers it took and never sent, at most 1000; they can never pay.",
        directives=[Bounded(maximum=UNUSED_MAXIMUM)],
    )
    totals: list[BatchTotalInput] = strawberry.field(
        description="By kind and instrument, at most 40; records that were rejected do not count.",
        directives=[Bounded(maximum=TOTALS_MAXIMUM)],
    )
    head_hash: Base64Bytes = strawberry.field(
        description="The hash of its last offline record, that of the empty chain if there is none."
    )


@strawberry.type(description="One side's total.")
class BatchTotal:
    """How many, and for how much."""

    count: int = strawberry.field(description="How many.")
    sum: Money = strawberry.field(description="For how much.")

    @classmethod
    def of(cls, total: Total | None) -> Self | None:
        """The client's view."""
        return None if total is None else cls(count=total.count, sum=Money.of(total.amount_minor))


@strawberry.type(description="A total on which terminal and server differ.")
class BatchDifference:
    """Both sides; null where a side has none."""

    kind: TotalKind = strawberry.field(description="What it counts.")
    instrument: str = strawberry.field(description="By which instrument.")
    claimed: BatchTotal | None = strawberry.field(description="What the terminal has.")
    counted: BatchTotal | None = strawberry.field(description="What our books have.")

    @classmethod
    def of(cls, difference: Difference) -> Self:
        """The client's view."""
        return cls(
            kind=difference.kind,
            instrument=difference.instrument,
            claimed=BatchTotal.of(difference.claimed),
            counted=BatchTotal.of(difference.counted),
        )


@strawberry.type(description="What came of a close; nothing changed unless it is balanced.")
class BatchResult:
    """The settlement, or what stands in its way."""

    balanced: bool = strawberry.field(description="Whether the batch is settled.")
    missing: list[int] = strawberry.field(
        description="Numbers of which nothing came: upload them, then close again. At most 100.",
        directives=[Bounded(maximum=LISTED_MAXIMUM)],
    )
    extra: list[int] = strawberry.field(
        description="Numbers we know beyond `lastSeq`, or that are said to be unused. At most 100.",
        directives=[Bounded(maximum=LISTED_MAXIMUM)],
    )
    different: list[BatchDifference] = strawberry.field(
        description="Totals that differ, at most 40.", directives=[Bounded(maximum=TOTALS_MAXIMUM)]
    )
    head_known: bool = strawberry.field(description="Whether the record of `headHash` came.")
    net: Money | None = strawberry.field(
        description="What the merchant is owed by the batch: purchases less refunds."
    )
    settled_at: datetime | None = strawberry.field(description="When it was settled.")

    @classmethod
    def of(cls, closed: Closed) -> Self:
        """The client's view."""
        settled = closed.settlement
        return cls(
            balanced=settled is not None,
            missing=list(closed.missing),
            extra=list(closed.unexpected),
            different=[BatchDifference.of(d) for d in closed.different[:TOTALS_MAXIMUM]],
            head_known=closed.head_is_known,
            net=None if settled is None else Money.of(settled.net_minor),
            settled_at=None if settled is None else settled.settled_at,
        )


@strawberry.type(description="The answer to a close.")
class BatchClosePayload:
    """A batch that does not balance is an answer, no error."""

    batch: BatchResult | None = strawberry.field(default=None, description="The result.")
    user_errors: list[UserError] = TERMINAL.field()


async def _close(info: RequestInfo, asked: BatchCloseInput) -> Closed:
    control(info, asked.key)
    viewer = terminal(info)
    if len(asked.unused) > UNUSED_MAXIMUM:
        raise ItemLimit("unused", maximum=UNUSED_MAXIMUM)
    if len(asked.totals) > TOTALS_MAXIMUM:
        raise ItemLimit("totals", maximum=TOTALS_MAXIMUM)
    _check(asked)
    closing = Closing(
        terminal_no=viewer.terminal_no,
        batch_no=asked.batch_no,
        merchant_account_id=till_of(info, viewer).merchant_account_id,
        last_seq=asked.last_seq,
        unused=frozenset(asked.unused),
        totals=tuple(_total(total) for total in asked.totals),
        head_hash=asked.head_hash,
        first_hash=first_link(viewer.school_id, viewer.terminal_no, asked.batch_no),
    )
    return await services(info).batches.close(viewer.school_id, closing)


def _check(asked: BatchCloseInput) -> None:
    """Nothing, if the numbers can be those of a batch. Raises: BadDocument."""
    named = asked.batch_no, asked.last_seq or 1, *asked.unused
    if not all(1 <= number <= NUMBER_MAXIMUM for number in named):
        raise BadDocument("KEY_OUT_OF_RANGE")
    if len(asked.head_hash) != HASH_BYTES:
        raise BadDocument("HASH_LENGTH")


def _total(given: BatchTotalInput) -> Total:
    return Total(given.kind, given.instrument, given.count, given.minor_amount)


@strawberry.type(description="Batches.")
class BatchMutation:
    """The close."""

    @strawberry.mutation(
        description="Settles a whole batch once, or says what is missing; ask again: same answer.",
        directives=[OncePerOperation()],
        extensions=[terminal_only()],
    )
    async def batch_close(
        self, info: RequestInfo, input: Annotated[BatchCloseInput, INPUT]
    ) -> BatchClosePayload | None:
        """Upload everything first."""
        return await answer(
            info,
            TERMINAL,
            BatchClosePayload,
            lambda closed: BatchClosePayload(batch=BatchResult.of(closed)),
            _close(info, input),
        )
