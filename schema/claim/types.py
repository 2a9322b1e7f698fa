"""What terminals are answered about cards: loads, refreshes, jobs of a kiosk."""

from datetime import datetime
from typing import Self

import strawberry

from core.card.answers import CardAnswer
from core.card.records import CardState
from core.top_up.records import Credit, Load, LoadState
from schema.claim import words as _words  # noqa: F401 - describes the enums
from schema.money import Money
from schema.scalars import Base64Bytes
from schema.statement.words import StatementLineKind
from schema.terminal.types import Answered
from schema.terminal.words import Outcome


@strawberry.type(description="The stored answer to one key about a card; a repeat gets the same.")
class CardAnswered(Answered):
    """What all of them tell."""

    answer: strawberry.Private[CardAnswer]

    @strawberry.field(description="What became of it.")
    def outcome(self) -> Outcome:
        """The outcome."""
        return Outcome(self.answer.outcome)

    @strawberry.field(description="Our reference, 12 characters, printed on slips.")
    def retrieval_reference(self) -> str:
        """The reference."""
        return self.answer.retrieval_reference

    @strawberry.field(description="Whether the key was answered before.")
    def replayed(self) -> bool:
        """Whether it is a repeat."""
        return self.answer.is_repeat

    @strawberry.field(description="How often the PIN may still be tried, after a wrong one.")
    def tries_left(self) -> int | None:
        """The tries."""
        return self.answer.tries_left

    def _text(self, language: str) -> str:
        return super()._text(language).format(tries=self.answer.tries_left)

    def _subject(self) -> strawberry.ID | None:
        subject = self.answer.subject_id
        return None if subject is None else strawberry.ID(str(subject))


@strawberry.type(description="A load onto a chip: all that waited, or none of it.")
class CardLoad(CardAnswered):
    """A load. APPROVED: held, or posted by its confirmation; VOIDED: returned."""

    @strawberry.field(description="The load, for `loadConfirm`; null where nothing is loaded.")
    def load_id(self) -> strawberry.ID | None:
        """The load."""
        return self._subject()

    @strawberry.field(description="How much, all that waited.")
    def amount(self) -> Money:
        """The amount."""
        return Money.of(self.answer.amount_minor)

    @strawberry.field(description="What the chip is given; the reference scheme's has 16 bytes.")
    def command(self) -> Base64Bytes | None:
        """The command."""
        command = self.answer.command
        return None if command is None else Base64Bytes(command)


@strawberry.type(description="Where a card stands.")
class CardRefreshed(CardAnswered):
    """A card."""

    @strawberry.field(description="The card's state; null where the card is not known.")
    def card_state(self) -> CardState | None:
        """The state."""
        state = self.answer.card_state
        return None if state is None else CardState(state)

    @strawberry.field(
        description="What the chip is given, blocked or not and its limits; null where chips hold"
        " no money. The reference scheme's has 21 bytes."
    )
    def command(self) -> Base64Bytes | None:
        """The command."""
        command = self.answer.command
        return None if command is None else Base64Bytes(command)


@strawberry.type(description="A card that a kiosk hands out for a fee.")
class VendJob(CardAnswered):
    """A job. APPROVED: begun, or delivered by its report; VOIDED: the fee was given back."""

    @strawberry.field(description="The job, for `kioskVendReport`; null where none was begun.")
    def job_id(self) -> strawberry.ID | None:
        """The job."""
        return self._subject()

    @strawberry.field(description="The fee.")
    def fee(self) -> Money:
        """The fee."""
        return Money.of(self.answer.amount_minor)


@strawberry.type(description="Money that waits to be claimed, and how it came.")
class PendingClaim:
    """A credit since the last load."""

    kind: StatementLineKind = strawberry.field(description="How it came.")
    amount: Money = strawberry.field(description="How much.")
    at: datetime = strawberry.field(description="When it came.")

    @classmethod
    def of(cls, credit: Credit) -> Self:
        """The client's view."""
        return cls(
            kind=StatementLineKind(credit.kind),
            amount=Money.of(credit.amount_minor),
            at=credit.at,
        )


@strawberry.type(description="A load of the transfer log.")
class LoadLine:
    """A load."""

    amount: Money = strawberry.field(description="How much.")
    state: LoadState = strawberry.field(description="Where it stands.")
    retrieval_reference: str = strawberry.field(description="Our reference, as on the slip.")
    made_at: datetime = strawberry.field(description="When it began.")
    ended_at: datetime | None = strawberry.field(description="When the chip's word ended it.")

    @classmethod
    def of(cls, load: Load) -> Self:
        """The client's view."""
        return cls(
            amount=Money.of(load.amount_minor),
            state=load.state,
            retrieval_reference=load.retrieval_reference,
            made_at=load.made_at,
            ended_at=load.ended_at,
        )
