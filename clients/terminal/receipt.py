"""What a terminal is patient for, and what comes of its requests."""

from dataclasses import dataclass, field
from enum import StrEnum

from clients.endpoint import Json
from clients.terminal.journal import Entry, Operation
from terminals.ccr import Answer, Outcome
from terminals.codes import CodeRefusal
from terminals.response import Response, find_response, response_to

GIVEN_UP = {
    Operation.ENTRY, Operation.LOAD_CLAIM, Operation.CARD_REFRESH, Operation.CARD_RELEASE,
}  # fmt: skip
"""What is not asked again when nobody stands there any more."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a terminal insists; a repeat waits a random part of a doubling pause."""

    budget_seconds: float = 3.0
    attempt_seconds: float = 1.5
    pause_seconds: float = 0.1
    status_tries: int = 3
    progress_seconds: float = 45.0
    progress_pause_seconds: float = 2.0


class Direction(StrEnum):
    """Which way somebody passes a door."""

    IN = "IN"
    OUT = "OUT"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of a request. `answer` is verified; None means unknown, and taken care of.

    `shown` is what else the server said (holder, balance, continuation): good for a screen only.
    """

    entry: Entry
    answer: Answer | None
    shown: Json = field(default_factory=dict)
    is_offline: bool = False
    """Accepted without the server: the record of it is on the disk."""
    is_edges: bool = False
    """The site's edge answered: the server hears of it by our records only."""
    refusal: CodeRefusal | None = None
    """Why it could not be taken without the server; the request is voided."""

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, None if that is unknown."""
        return self.answer.outcome if self.answer else None

    @property
    def response(self) -> Response | None:
        """The row of the table of response codes."""
        if self.answer is not None:
            return find_response(self.answer.response_code)
        return None if self.refusal is None else response_to(self.refusal)

    @property
    def is_approved(self) -> bool:
        """Whether it is certain that what was asked has happened."""
        is_void = self.entry.named != self.entry.key
        return self.is_offline or self.outcome is (Outcome.VOIDED if is_void else Outcome.APPROVED)


class ClockUntrusted(Exception):
    """No signed time has set our clock lately: no challenge is shown."""


class CodeTaken(Exception):
    """This terminal took the code alone and has told nobody yet; nothing was written or sent."""


class ReceiptRefused(Exception):
    """What a phone shows is no receipt for the challenge that we show."""

    def __init__(self, refusal: CodeRefusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal
