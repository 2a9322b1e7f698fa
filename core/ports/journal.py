"""What a site edge remembers on its own disk (terminals.md 10)."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class EdgeKey(NamedTuple):
    """The key of a terminal's request."""

    terminal_no: int
    batch_no: int
    seq_no: int


@dataclass(frozen=True, slots=True)
class EdgeAnswer:
    """One answer of an edge: repeated for ever, never changed. Amounts are fen, times Unix seconds.

    `original` is what a void undoes, `replay_key` the code that was spent, `serial` and `cap_tag`
    those of its pass, `zone` and `direction` those of the door that it opened.
    """

    key: EdgeKey
    operation: str
    content_hash: bytes
    outcome: str
    response_code: str
    reason: str | None
    minor_amount: int
    answered_at: int
    signed_answer: str
    original: EdgeKey | None = None
    replay_key: bytes | None = None
    serial: bytes | None = None
    issuer: int | None = None
    cap_tag: int | None = None
    zone: str | None = None
    direction: str | None = None


class EdgeJournal(Protocol):
    """One file with full sync: what `unit` wrote is there after a power cut, all or nothing."""

    def unit(self) -> AbstractContextManager[None]:
        """What is done within is on the disk afterwards, all of it or nothing."""
        ...

    def find(self, key: EdgeKey) -> EdgeAnswer | None:
        """The answer that is kept for a key."""
        ...

    def find_void(self, original: EdgeKey) -> EdgeAnswer | None:
        """The first void of a key."""
        ...

    def keep(self, answer: EdgeAnswer, evidence: bytes) -> None:
        """Adds an answer with the signed request that it answers."""
        ...

    def spent(self, issuer: int, cap_tag: int) -> tuple[int, int]:
        """How many purchases of a capTag were approved here, and for how many fen."""
        ...

    def is_used(self, replay_key: bytes, by_other_than: EdgeKey) -> bool:
        """Whether a code was accepted here, or sent to the server, under another key."""
        ...

    def note_sent(self, key: EdgeKey, replay_key: bytes, at: int) -> None:
        """Notes that a code goes to the server: whatever it answers, it is good no more here."""
        ...

    def came_in_at(self, zone: str, serial: bytes) -> int | None:
        """When a pass came into a zone, if it was not seen to leave since."""
        ...

    def evidence(self, key: EdgeKey) -> bytes | None:
        """The signed request behind an answer."""
        ...

    def forget(self, before: int) -> None:
        """Deletes what is older than this instant."""
        ...
