"""Signed answers to the messages of terminals, made from what the core answered."""

from collections.abc import Callable
from dataclasses import dataclass

from core.authorisation.records import Answer
from core.card.answers import CardAnswer
from core.entry.records import EntryAnswer, EntryOutcome
from core.kit.clock import unix_seconds
from terminals import ccr
from terminals.ccr import Outcome
from terminals.keys import Sign
from terminals.message import RequestKey


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """The ANSWER key of an issuer that signs now."""

    issuer: int
    kid: int
    sign: Sign


def signing(
    keys: Callable[[int], AnswerKey], named: RequestKey | None = None
) -> Callable[[Answer], str]:
    """A function that signs an answer as a CCR text with the key the answer names by its kid.

    `named` is the key written in it: of a void the original's, else the answer's own.
    Ed25519 is deterministic: signing the same stored answer again gives the same bytes.
    """

    def sign(answer: Answer) -> str:
        key = keys(answer.answer_kid)
        own = RequestKey(answer.terminal_no, answer.batch_no, answer.seq_no)
        return ccr.make(
            ccr.Answer(
                outcome=Outcome[answer.outcome],
                issuer=key.issuer,
                kid=key.kid,
                key=named or own,
                minor_amount=answer.amount_minor,
                answered_at=unix_seconds(answer.answered_at),
                response_code=answer.response_code,
                retrieval_reference=answer.retrieval_reference,
            ),
            key.sign,
        )

    return sign


def signing_entries(keys: Callable[[int], AnswerKey]) -> Callable[[EntryAnswer], str]:
    """The same for the answers of doors: APPROVED for granted, no amount, no reference.

    So a gate has the one verifier of every terminal, and nobody on its network opens it by a fake.
    A purchase is never taken for it: its amount is not 0.
    """

    def sign(answer: EntryAnswer) -> str:
        key = keys(answer.answer_kid)
        is_granted = answer.outcome is EntryOutcome.GRANTED
        return ccr.make(
            ccr.Answer(
                outcome=Outcome.APPROVED if is_granted else Outcome.DECLINED,
                issuer=key.issuer,
                kid=key.kid,
                key=RequestKey(*answer.key),
                minor_amount=0,
                answered_at=unix_seconds(answer.answered_at),
                response_code=answer.response_code,
            ),
            key.sign,
        )

    return sign


def signing_cards(keys: Callable[[int], AnswerKey]) -> Callable[[CardAnswer], str]:
    """The same for what terminals ask of cards; the amount is that of the load or the fee."""

    def sign(answer: CardAnswer) -> str:
        key = keys(answer.answer_kid)
        return ccr.make(
            ccr.Answer(
                outcome=Outcome[answer.outcome],
                issuer=key.issuer,
                kid=key.kid,
                key=RequestKey(*answer.key),
                minor_amount=answer.amount_minor,
                answered_at=unix_seconds(answer.answered_at),
                response_code=answer.response_code,
                retrieval_reference=answer.retrieval_reference,
            ),
            key.sign,
        )

    return sign
