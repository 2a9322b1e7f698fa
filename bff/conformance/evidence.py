"""What was seen of the terminal: its requests as they came, and what its staff told."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from bff.conformance.books import Books
from bff.conformance.contract import Json
from bff.conformance.steps import Fault, Kind, Part
from terminals.ccr import Outcome
from terminals.codes import strip
from terminals.message import RequestKey


@dataclass(frozen=True, slots=True)
class Event:
    """One request. `at` is the school's time in Unix seconds when it came.

    `given` is its input as the contract reads it, `refusal` why it was refused before its operation
    ran, or as a user error; `key_no` says which of the terminal's keys signed it; `response` is the
    response code of the answer that the terminal should believe. A request that was lost has
    neither refusal nor response.
    """

    number: int
    step: str
    at: float
    operation: str
    named: str
    body: bytes = field(repr=False)
    key: RequestKey | None = None
    key_no: int | None = None
    created_at: int | None = None
    nonce: bytes | None = None
    given: Json = field(default_factory=dict)
    fault: Fault | None = None
    refusal: str | None = None
    outcome: Outcome | None = None
    response: str | None = None
    told: Json = field(default_factory=dict)

    @property
    def is_heard(self) -> bool:
        """Whether the terminal got an answer, and the true one."""
        return self.fault is None and self.refusal is None

    @property
    def original(self) -> RequestKey | None:
        """The key that it refers to."""
        named = self.given.get("original")
        if named is None or self.key is None:
            return None
        return RequestKey(self.key.terminal_no, named["batchNo"], named["seqNo"])


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that an expectation may look at; `words` and `codes` are by step.

    `over` are the steps that ended, `begun_at` when each began by the school's time; `challenge`
    is the terminal's own code as staff read it. `terminal_key` is that of its enrolment,
    `newest_key_no` the number of the one it changed to last.
    """

    events: Sequence[Event]
    words: Mapping[str, str]
    codes: Mapping[str, str]
    over: Container[str]
    without: Container[Part]
    kind: Kind
    books: Books
    terminal_key: bytes | None
    newest_key_no: int
    challenge: str | None
    begun_at: Mapping[str, float]

    def of(self, step: str, operation: str | None = None) -> list[Event]:
        """The requests of a step."""
        return [
            event
            for event in self.events
            if event.step == step and operation in (None, event.operation)
        ]

    def all(self, operation: str) -> list[Event]:
        """The requests of an operation, whenever they came."""
        return [event for event in self.events if event.operation == operation]

    def sales(self, step: str) -> list[Event]:
        """The requests for the sale of a step, whenever they came: those that present its code."""
        code = self.codes.get(step)
        return [
            event
            for event in self.all("PurchaseAuthorise")
            if code is not None and strip(event.given.get("presented") or "") == code
        ]

    def starts(self, step: str) -> list[Event]:
        """The starts of water by the code of a step, whenever they came."""
        code = self.codes.get(step)
        return [
            event
            for event in self.all("MeterStart")
            if event.given and code in (event.given["code8"], strip(event.given["presented"] or ""))
        ]

    def stops(self, step: str) -> list[Event]:
        """The stops of what ran by the code of a step."""
        keys = {event.key for event in self.starts(step)}
        return [e for e in self.all("MeterStop") if e.given and e.original in keys]

    def keys(self, step: str) -> list[RequestKey]:
        """The keys of the sale of a step: one, of a terminal that knows its duty."""
        return list(dict.fromkeys(event.key for event in self.sales(step) if event.key))

    def statuses(self, step: str) -> list[Event]:
        """The questions what became of the sale of a step."""
        keys = self.keys(step)
        return [event for event in self.all("PurchaseStatus") if event.original in keys]

    def voids(self, step: str) -> list[Event]:
        """The voids of the sale of a step."""
        keys = self.keys(step)
        return [event for event in self.all("PurchaseVoid") if event.original in keys]

    def is_voided(self, step: str) -> bool:
        """Whether the terminal has heard that the sale of a step is undone."""
        return any(e.is_heard and e.outcome is Outcome.VOIDED for e in self.voids(step))
