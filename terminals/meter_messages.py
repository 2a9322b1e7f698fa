"""What meters ask and are answered, and what they ask of the core (terminals.md 3 and 9)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from core.authorisation.records import Answer, FollowUp, Key, PurchaseRequest
from core.utility.records import PlacedMeter, Reading, Reservation, Run, StopReason
from terminals.message import RequestKey, hash_of


class StartFields(NamedTuple):
    """What a start asks for; a repeat of its key must ask for the same.

    When it began is not in it: a start that got no answer is told again later under its own key.
    """

    operation: str
    meter_no: int
    presented: str | None
    code8: str | None


class StopFields(NamedTuple):
    """What a stop asks for."""

    operation: str
    original: RequestKey
    units: int
    minor_amount: int


@dataclass(frozen=True, slots=True)
class StartMessage:
    """The parsed input of `meterStart`; `started_at` is told of a start without a network."""

    batch_no: int
    seq_no: int
    meter_no: int
    presented: str | None = None
    code8: str | None = None
    started_at: datetime | None = None

    def key(self, terminal_no: int) -> Key:
        """The key of the hold."""
        return Key(terminal_no, self.batch_no, self.seq_no)


@dataclass(frozen=True, slots=True)
class StopMessage:
    """The parsed input of `meterStop`; `minor_amount` is fen, 0 where nothing is charged."""

    batch_no: int
    seq_no: int
    original_batch_no: int
    original_seq_no: int
    units: int
    minor_amount: int
    reason: StopReason

    def content_hash(self, terminal_no: int) -> bytes:
        """What a repeat must ask for again."""
        original = RequestKey(terminal_no, self.original_batch_no, self.original_seq_no)
        return hash_of(StopFields("METER_STOP", original, self.units, self.minor_amount))


@dataclass(frozen=True, slots=True)
class Started:
    """An answer and, where water runs by it, what was begun."""

    answer: Answer
    run: Run | None


@dataclass(frozen=True, slots=True)
class Stopped:
    """An answer and what it ended."""

    answer: Answer
    run: Run | None


@dataclass(frozen=True, slots=True)
class GroupKey:
    """A meter of the terminal that asks, and its group's key sealed to that terminal.

    Slots of a day begin at `first_slot_at` (Unix seconds), `slot_count` of them without a gap.
    """

    placed: PlacedMeter
    first_slot_at: int
    slot_count: int
    sealed_key: bytes = field(repr=False)


class Registry(Protocol):
    """The core's meters."""

    async def find(self, school_id: int, terminal_no: int, number: int) -> PlacedMeter | None:
        """A meter with its group."""
        ...

    async def list_all(self, school_id: int, terminal_no: int | None = None) -> list[PlacedMeter]:
        """The meters of a terminal."""
        ...


class Bookings(Protocol):
    """The core's reservations."""

    async def match(
        self, school_id: int, placed: PlacedMeter, code8: str, at: datetime, key: Key | None
    ) -> Reservation:
        """Whose digits were typed."""
        ...

    async def find_own(
        self, school_id: int, placed: PlacedMeter, cardholder_id: UUID, at: datetime
    ) -> Reservation:
        """What a holder who scans has reserved there now."""
        ...


class Runs(Protocol):
    """The core's running water."""

    async def start(
        self,
        school_id: int,
        purses: Sequence[str],
        request: PurchaseRequest,
        run: Run,
        sign: Callable[[Answer], str],
    ) -> Answer:
        """Holds the maximum and begins."""
        ...

    async def stop(
        self,
        school_id: int,
        follow: FollowUp,
        reading: Reading,
        sign: Callable[[Answer], str],
    ) -> Answer:
        """Takes what ran and releases the rest."""
        ...

    async def find(self, school_id: int, key: Key) -> Run | None:
        """What began under a key."""
        ...
