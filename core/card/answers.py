"""What terminals ask of a card, and how its answer is kept: one key, one effect, one answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

Kept = dict[str, str | int | None]
"""What is kept of a question or an answer: a JSON object."""


class CardKey(NamedTuple):
    """The key of one terminal message: made and stored by the terminal before it sends."""

    terminal_no: int
    batch_no: int
    seq_no: int


@dataclass(frozen=True, slots=True)
class CardAnswer:
    """What a key was answered; amounts in fen.

    `outcome`: APPROVED, DECLINED, VOIDED or IN_PROGRESS. `subject_id` is the load or the job it is
    about, `command` what the chip is given, `card_state` where the card stands.
    """

    key: CardKey
    outcome: str
    response_code: str
    retrieval_reference: str
    answer_kid: int
    answered_at: datetime
    reason: str | None = None
    amount_minor: int = 0
    cardholder_id: UUID | None = None
    tries_left: int | None = None
    subject_id: UUID | None = None
    command: bytes | None = None
    card_state: str | None = None
    signed_answer: str = ""
    is_repeat: bool = False

    def kept(self) -> Kept:
        """The form in which it is kept under its key."""
        return {
            "outcome": self.outcome,
            "response_code": self.response_code,
            "retrieval_reference": self.retrieval_reference,
            "answer_kid": self.answer_kid,
            "answered_at": self.answered_at.isoformat(),
            "reason": self.reason,
            "amount_minor": self.amount_minor,
            "cardholder_id": _text(self.cardholder_id),
            "tries_left": self.tries_left,
            "subject_id": _text(self.subject_id),
            "command": None if self.command is None else self.command.hex(),
            "card_state": self.card_state,
            "signed_answer": self.signed_answer,
        }

    @classmethod
    def read(cls, key: CardKey, kept: Mapping[str, Any]) -> "CardAnswer":
        """The answer that was kept under a key before."""
        command = kept["command"]
        return cls(
            key=key,
            outcome=kept["outcome"],
            response_code=kept["response_code"],
            retrieval_reference=kept["retrieval_reference"],
            answer_kid=kept["answer_kid"],
            answered_at=datetime.fromisoformat(kept["answered_at"]),
            reason=kept["reason"],
            amount_minor=kept["amount_minor"],
            cardholder_id=_uuid(kept["cardholder_id"]),
            tries_left=kept["tries_left"],
            subject_id=_uuid(kept["subject_id"]),
            command=None if command is None else bytes.fromhex(command),
            card_state=kept["card_state"],
            signed_answer=kept["signed_answer"],
            is_repeat=True,
        )


Sign = Callable[[CardAnswer], str]
"""Signs an answer (a CCR text, codes.md 6); pure, so it runs inside a unit."""


@dataclass(frozen=True, slots=True)
class CardAsk:
    """A question whose signature, reading and PIN are decided, and what to answer it with.

    `content` is what a repeat of the key must ask for again.
    """

    key: CardKey
    content: Kept
    retrieval_reference: str
    answer_kid: int
    answered_at: datetime
    business_on: date
    sign: Sign = field(repr=False)

    def answer(
        self,
        outcome: str,
        response_code: str,
        cardholder_id: UUID | None = None,
        **facts: Any,  # noqa: ANN401 - fields of the answer, which checks their names
    ) -> CardAnswer:
        """A signed answer to it."""
        bare = CardAnswer(
            self.key,
            outcome,
            response_code,
            self.retrieval_reference,
            self.answer_kid,
            self.answered_at,
            cardholder_id=cardholder_id,
            **facts,
        )
        return replace(bare, signed_answer=self.sign(bare))

    def declined(
        self,
        response_code: str,
        reason: str | None = None,
        cardholder_id: UUID | None = None,
        tries_left: int | None = None,
    ) -> CardAnswer:
        """A signed refusal of it."""
        return self.answer(
            "DECLINED", response_code, cardholder_id, reason=reason, tries_left=tries_left
        )


def _text(id_: UUID | None) -> str | None:
    return None if id_ is None else str(id_)


def _uuid(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)
