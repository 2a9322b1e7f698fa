"""The frozen facts of the authorisation context, and its refusals."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from core.kit.errors import Refusal


class ReferenceUnknown(Refusal):
    """No purchase of this merchant has this retrieval reference number."""


class Format(Refusal):
    """What was scanned is no code of a merchant (codes.md 5, the first check)."""


class Version(Refusal):
    """A code of a version that is not known here."""


class Malformed(Refusal):
    """A code whose facts do not fit together."""


class IssuerNotAccepted(Refusal):
    """A code of another school."""


class KeyUnknown(Refusal):
    """A code signed by a key that is not known, or no longer good."""


class Signature(Refusal):
    """A code whose signature is not good."""


class ChallengeExpired(Refusal):
    """A code that is not outstanding: too old, ended by its terminal, or a revoked print."""


class CodeUsed(Refusal):
    """A code that somebody else has paid, or its terminal has used otherwise."""


class AmountMismatch(Refusal):
    """The amount is not the code's, or the code has none and none was typed."""


class SuspectUnknown(Refusal):
    """No offline record of this key waits for a review, or ever did."""


class ReviewDecided(Refusal):
    """Who bears this record was decided before; a decision is never changed."""


class ReviewImpossible(Refusal):
    """Nobody can bear it so: `reason` is GIVEN_BACK, HOLDER_UNKNOWN or BATCH_OPEN."""


@dataclass(frozen=True, slots=True)
class Key:
    """The key of one terminal message: made and stored by the terminal before it sends."""

    terminal_no: int
    batch_no: int
    seq_no: int


@dataclass(frozen=True, slots=True)
class ScanKey:
    """A payer's own key for a payment, beside that of the terminal whose code was scanned.

    `text` is the scanned one, stripped, and `amount_minor` (fen) what was typed: a repeat of the
    key must name the same.
    """

    cardholder_id: UUID
    idempotency_key: str
    text: str
    amount_minor: int | None


@dataclass(frozen=True, slots=True)
class PurchaseRequest:
    """A purchase whose code, signature, policy and PIN are decided; amounts in fen.

    The fields are those of the SQL type `purchase_request`, in its order. `single_minor` and
    `daily_minor` are the school's limits, used where the cardholder has none of their own.
    `signed_answer` is the approval, signed in advance, stored only if it comes true.
    `transfer_ids` has one id for each purse that may have to pay.
    """

    terminal_no: int
    batch_no: int
    seq_no: int
    content_hash: bytes
    cardholder_id: UUID
    card_id: UUID
    serial: bytes | None
    device_id: UUID | None
    instrument: str
    scene: str
    replay_key: bytes | None
    continuation_id: UUID | None
    new_continuation_id: UUID
    continuation_until: datetime
    amount_minor: int
    manual: bool
    expires_at: datetime | None
    pin_proven: bool
    single_minor: int
    daily_minor: int
    merchant_account_id: UUID
    transfer_ids: tuple[UUID, ...]
    retrieval_reference: str
    answer_kid: int
    answered_at: datetime
    business_on: date
    signed_answer: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a key was answered; the fields of the SQL type `purchase_answer`, in its order.

    `verdict`: NEW (decided now), REPEATED (the stored answer), CONFLICT (other content under it).
    `outcome`: APPROVED, DECLINED, VOIDED, PIN_REQUIRED or IN_PROGRESS. `signed_answer` is None only
    between the commit of an answer without money effect and its signing.
    """

    terminal_no: int
    batch_no: int
    seq_no: int
    verdict: str
    outcome: str
    response_code: str
    reason: str | None
    amount_minor: int
    cardholder_id: UUID | None
    available_minor: int | None
    spent_minor: int | None
    tries_left: int | None
    continuation_id: UUID | None
    retrieval_reference: str
    answer_kid: int
    answered_at: datetime
    signed_answer: str | None

    @classmethod
    def bare(
        cls,
        key: Key,
        outcome: str,
        response_code: str,
        amount_minor: int,
        retrieval_reference: str,
        answer_kid: int,
        answered_at: datetime,
    ) -> "Answer":
        """A new answer that names no cardholder and is not signed yet."""
        return cls(
            terminal_no=key.terminal_no,
            batch_no=key.batch_no,
            seq_no=key.seq_no,
            verdict="NEW",
            outcome=outcome,
            response_code=response_code,
            reason=None,
            amount_minor=amount_minor,
            cardholder_id=None,
            available_minor=None,
            spent_minor=None,
            tries_left=None,
            continuation_id=None,
            retrieval_reference=retrieval_reference,
            answer_kid=answer_kid,
            answered_at=answered_at,
            signed_answer=None,
        )


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A capture, void or refund: its own key, the key it refers to, and what to answer with."""

    operation: str
    key: Key
    original: Key
    content_hash: bytes
    amount_minor: int
    reason: str | None
    retrieval_reference: str
    answer_kid: int
    answered_at: datetime
    business_on: date

    def answer(self, outcome: str, response_code: str) -> Answer:
        """A bare answer to it, of the amount it asked for."""
        return Answer.bare(
            self.key, outcome, response_code, self.amount_minor, self.retrieval_reference,
            self.answer_kid, self.answered_at,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Authorisation:
    """A purchase and what became of it; amounts in fen. A TOMBSTONE has no cardholder."""

    key: Key
    state: str
    cardholder_id: UUID | None
    merchant_account_id: UUID | None
    held_minor: int
    captured_minor: int
    refunded_minor: int
    transfer_ids: tuple[UUID, ...]
    retrieval_reference: str | None
    business_on: date | None


@dataclass(frozen=True, slots=True)
class LastPayment:
    """A cardholder's newest purchase as it stands now, declined ones too; the amount in fen."""

    retrieval_reference: str
    merchant_name_zh: str
    merchant_name_en: str
    amount_minor: int
    outcome: str
    response_code: str
    tries_left: int | None
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class Continuation:
    """A scan that waits for its PIN: bound to terminal, amount and code, for 90 s."""

    id: UUID
    terminal_no: int
    cardholder_id: UUID
    card_id: UUID
    serial: bytes | None
    device_id: UUID | None
    instrument: str
    replay_key: bytes | None
    amount_minor: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of a key: its answer, if any, and the purchase's present state."""

    answer: Answer | None
    state: str | None
