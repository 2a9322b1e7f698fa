"""Records that a terminal wrote alone, and the verdict on each (terminals.md 6)."""

from typing import Annotated, Self

import strawberry

from core.authorisation.offline import Flag, Judgement, Settled, Verdict
from core.kit.errors import ItemLimit
from schema.context import RequestInfo
from schema.directives import Bounded, OncePerOperation
from schema.errors import UserError
from schema.inputs import INPUT
from schema.payload import answer
from schema.permissions import terminal, terminal_only
from schema.scalars import Base64Bytes
from schema.services import services
from schema.terminal.errors import TERMINAL
from schema.terminal.offline_words import ClockState, OfflineKind
from schema.terminal.requests import TerminalKeyInput, control, till_of
from terminals import offline
from terminals.message import RequestKey
from terminals.offline import ITEMS_MAXIMUM

FLAGS_MAXIMUM = 6
_FEN_DIGITS = 10
_KINDS = {
    OfflineKind.PURCHASE: offline.RecordKind.PURCHASE,
    OfflineKind.VOID: offline.RecordKind.VOID,
    OfflineKind.RECEIPT: offline.RecordKind.RECEIPT,
}
_CLOCKS = {
    ClockState.TRUSTED: offline.ClockState.TRUSTED,
    ClockState.LOST: offline.ClockState.LOST,
}


@strawberry.input(description="One record of 94 bytes, by its fields and texts.")
class OfflineItemInput:
    """What the terminal signed; the server makes the same bytes of it."""

    seq_no: int = strawberry.field(description="Its number in the batch, 1 to 999999.")
    kind: OfflineKind = strawberry.field(description="What was done.")
    created_at: int = strawberry.field(description="By the terminal's clock, Unix seconds.")
    minor_amount: str = strawberry.field(
        description="How much, in fen, in decimal digits, so that a wrong one spoils its own record"
        " only; of a VOID the original's."
    )
    parameters_version: int = strawberry.field(description="The parameters it went by.")
    deny_version: int = strawberry.field(description="The deny list it went by, 0 for none.")
    clock_state: ClockState = strawberry.field(description="Whether it trusted its clock.")
    presented: str = strawberry.field(
        description="What was scanned, as read; of a VOID `VOID:` and the original's seqNo, of a"
        " RECEIPT the `CCR:` text."
    )
    challenge: str | None = strawberry.field(
        default=None, description="The `CCQ:` text that a bound code answered."
    )
    after_timeout: bool = strawberry.field(
        default=False, description="Whether it was asked online first and no answer came."
    )
    previous_hash: Base64Bytes | None = strawberry.field(
        default=None,
        description="The hash of the record before it, 32 bytes; null: that of the item before it"
        " in this list.",
    )
    signature: Base64Bytes = strawberry.field(
        description="The terminal key's signature over `ccis` and the record's hash, 64 bytes."
    )


@strawberry.input(description="Records of one batch.")
class OfflineBatchUploadInput:
    """An upload; sending it again changes nothing."""

    key: TerminalKeyInput = strawberry.field(
        description="The key of this request, as its signature names it; batch 0."
    )
    batch_no: int = strawberry.field(description="The batch of the records, 1 to 999999.")
    previous_hash: Base64Bytes = strawberry.field(
        description="The hash that the first item follows; 32 bytes."
    )
    items: list[OfflineItemInput] = strawberry.field(
        description="At most 200 records.", directives=[Bounded(maximum=ITEMS_MAXIMUM)]
    )


@strawberry.type(description="A verdict with its reason and flags.")
class OfflineJudgement:
    """What became of a record."""

    verdict: Verdict = strawberry.field(description="The verdict.")
    reason: str | None = strawberry.field(
        description="Why it is not simply accepted: a row of the table of verdicts, or the refusal"
        " of the code."
    )
    flags: list[Flag] = strawberry.field(
        description="What is notable, at most 6.", directives=[Bounded(maximum=FLAGS_MAXIMUM)]
    )

    @classmethod
    def of(cls, judgement: Judgement) -> Self:
        """The client's view."""
        return cls(
            verdict=judgement.verdict,
            reason=judgement.reason,
            flags=sorted(judgement.flags),
        )


@strawberry.type(description="The verdict on one record.")
class OfflineItemVerdict:
    """Delete the record once this has come."""

    seq_no: int = strawberry.field(description="Which record of the batch.")
    judgement: OfflineJudgement = strawberry.field(description="What became of it.")
    first: OfflineJudgement | None = strawberry.field(
        description="Of a record that came before: what became of it then, and stands."
    )
    retrieval_reference: str | None = strawberry.field(
        description="Our reference where the merchant has the money by it."
    )

    @classmethod
    def of(cls, settled: Settled) -> Self:
        """The client's view."""
        first = settled.judgement.first
        return cls(
            seq_no=settled.key.seq_no,
            judgement=OfflineJudgement.of(settled.judgement),
            first=None if first is None else OfflineJudgement.of(first),
            retrieval_reference=settled.retrieval_reference,
        )


@strawberry.type(description="One verdict for each record.")
class OfflineBatchUploadPayload:
    """In the order of seqNo."""

    verdicts: list[OfflineItemVerdict] | None = strawberry.field(
        default=None,
        description="One for each item, at most 200, by seqNo.",
        directives=[Bounded(maximum=ITEMS_MAXIMUM)],
    )
    user_errors: list[UserError] = TERMINAL.field()


async def _upload(info: RequestInfo, asked: OfflineBatchUploadInput) -> list[Settled]:
    control(info, asked.key)
    viewer = terminal(info)
    if len(asked.items) > ITEMS_MAXIMUM:
        raise ItemLimit("items", maximum=ITEMS_MAXIMUM)
    items = [_item(viewer.school_id, viewer.terminal_no, asked.batch_no, i) for i in asked.items]
    till = till_of(info, viewer)
    return await services(info).uploads.answer(till, asked.batch_no, asked.previous_hash, items)


def _item(issuer: int, terminal_no: int, batch_no: int, given: OfflineItemInput) -> offline.Item:
    record = offline.Record(
        issuer=issuer,
        key=RequestKey(terminal_no, batch_no, given.seq_no),
        kind=_KINDS[given.kind],
        created_at=given.created_at,
        minor_amount=_fen(given.minor_amount),
        parameters_version=given.parameters_version,
        deny_version=given.deny_version,
        clock_state=_CLOCKS[given.clock_state],
        presented=given.presented,
        challenge=given.challenge or "",
    )
    return offline.Item(record, given.signature, given.after_timeout, given.previous_hash)


def _fen(digits: str) -> int:
    """The amount, or -1 for a text that no record can hold."""
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= _FEN_DIGITS
    return int(digits) if is_number else -1


@strawberry.type(description="What terminals did alone.")
class OfflineMutation:
    """Uploads."""

    @strawberry.mutation(
        description="Judges records that were taken without a network; safe to send again.",
        directives=[OncePerOperation()],
        extensions=[terminal_only()],
    )
    async def offline_batch_upload(
        self, info: RequestInfo, input: Annotated[OfflineBatchUploadInput, INPUT]
    ) -> OfflineBatchUploadPayload | None:
        """Each record in a unit of its own; a bad one stops no other."""
        return await answer(
            info,
            TERMINAL,
            OfflineBatchUploadPayload,
            lambda settled: OfflineBatchUploadPayload(
                verdicts=[OfflineItemVerdict.of(each) for each in settled]
            ),
            _upload(info, input),
        )
