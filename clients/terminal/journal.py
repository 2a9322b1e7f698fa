"""The terminal's memory: every request is on the disk before it is on the wire.

One SQLite file with full synchronisation, so that what was written is there after a power cut.
PINs are never in it.
"""

import json
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from clients.terminal.durable_file import DurableFile
from clients.terminal.keys import Identity
from terminals.ccr import Outcome
from terminals.message import NUMBER_MAXIMUM, RequestKey

CONTROL_BATCH = 0
"""The batch of requests that no answer is kept for."""

_TABLES = """
CREATE TABLE IF NOT EXISTS identity (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    facts TEXT NOT NULL,
    clock_offset REAL NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS locked (only INTEGER PRIMARY KEY CHECK (only = 1)) STRICT;
CREATE TABLE IF NOT EXISTS clock (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    set_at REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS counter (batch_no INTEGER PRIMARY KEY, seq_no INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS request (
    batch_no INTEGER NOT NULL,
    seq_no INTEGER NOT NULL,
    operation TEXT NOT NULL,
    given TEXT NOT NULL,
    minor_amount INTEGER NOT NULL,
    original_batch_no INTEGER,
    original_seq_no INTEGER,
    outcome TEXT,
    signed_answer TEXT,
    PRIMARY KEY (batch_no, seq_no)
) STRICT;
CREATE INDEX IF NOT EXISTS open_request ON request (batch_no, seq_no) WHERE outcome IS NULL;
"""
_COLUMNS = (
    "batch_no, seq_no, operation, given, minor_amount,"
    " original_batch_no, original_seq_no, outcome, signed_answer"
)


class NotEnrolled(Exception):
    """This journal belongs to no terminal yet."""


class TillLocked(Exception):
    """The school has stopped this terminal; nothing was written or sent."""


class RequestUnknown(Exception):
    """The journal holds no request of this key."""


class Operation(StrEnum):
    """What a request with a kept answer asks for."""

    CHALLENGE = "CHALLENGE"
    """A key shown in a CCQ: a phone may pay it, though nothing was sent under it."""
    AUTHORISE = "AUTHORISE"
    CAPTURE = "CAPTURE"
    VOID = "VOID"
    REFUND = "REFUND"
    METER_START = "METER_START"
    METER_STOP = "METER_STOP"
    ENTRY = "ENTRY"
    """Without an answer the door stayed closed, and nothing is open."""
    LOAD_CLAIM = "LOAD_CLAIM"
    """Without an answer the chip got no command; the card's next tap ends what may be held."""
    LOAD_CONFIRM = "LOAD_CONFIRM"
    CARD_REFRESH = "CARD_REFRESH"
    CARD_RELEASE = "CARD_RELEASE"
    CARD_REPLACE = "CARD_REPLACE"
    VEND_REPORT = "VEND_REPORT"


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. `given` is its input without the key and without a PIN; amounts are fen.

    `outcome` is None until a verified answer, or the void of this request, is on the disk.
    """

    key: RequestKey
    operation: Operation
    given: dict[str, Any]
    minor_amount: int
    original: RequestKey | None
    outcome: Outcome | None = None
    signed_answer: str | None = None

    @property
    def is_given_up(self) -> bool:
        """Whether it ended without an answer: the server may or may not know of it."""
        return self.outcome is Outcome.DECLINED and self.signed_answer is None

    @property
    def named(self) -> RequestKey:
        """The key that its signed answer names: the original's, of a void or a stop for nothing."""
        is_stop = self.operation is Operation.METER_STOP
        is_void = self.operation is Operation.VOID or (is_stop and self.minor_amount == 0)
        return self.original if is_void and self.original else self.key


class Journal(DurableFile):
    """The journal in one file. Used from one thread, by one program at a time."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.create(_TABLES)
        self._identity: Identity | None = None

    @property
    def identity(self) -> Identity:
        """Who this terminal is.

        Raises: NotEnrolled.
        """
        if self._identity is None:
            row = self.row("SELECT facts FROM identity")
            if row is None:
                raise NotEnrolled
            self._identity = Identity.read(row[0])
        return self._identity

    @property
    def is_enrolled(self) -> bool:
        """Whether this journal belongs to a terminal."""
        return self.row("SELECT 1 FROM identity") is not None

    def enrol(self, identity: Identity) -> None:
        """Keeps who this terminal is from now on."""
        self.run(
            "INSERT INTO identity (only, facts) VALUES (1, ?)"
            " ON CONFLICT (only) DO UPDATE SET facts = excluded.facts",
            identity.write(),
        )
        self._identity = identity

    @property
    def clock_offset_seconds(self) -> float:
        """What to add to our clock to have the server's."""
        row = self.row("SELECT clock_offset FROM identity")
        return 0.0 if row is None else row[0]

    @property
    def clock_set_at(self) -> float | None:
        """What our own clock said when the server's signed time last set it."""
        row = self.row("SELECT set_at FROM clock")
        return None if row is None else row[0]

    def set_clock_offset(self, seconds: float, clock_seconds: float) -> None:
        """Keeps what to add to our clock, which says `clock_seconds` now."""
        self.run("UPDATE identity SET clock_offset = ?", seconds)
        self.run("INSERT OR REPLACE INTO clock VALUES (1, ?)", clock_seconds)

    @property
    def is_locked(self) -> bool:
        """Whether the last heartbeat told us to stop selling."""
        return self.row("SELECT 1 FROM locked") is not None

    def set_locked(self, *, locked: bool) -> None:
        """Keeps what the heartbeat told."""
        self.run("INSERT OR IGNORE INTO locked VALUES (1)" if locked else "DELETE FROM locked")

    def control_key(self) -> RequestKey:
        """A key for a request whose answer is not kept."""
        return self._next_key(CONTROL_BATCH)

    def batch_no(self) -> int:
        """The batch that new requests go into."""
        (newest,) = self.row("SELECT max(batch_no) FROM counter") or (None,)
        return max(newest or 1, 1)

    def open_batch(self) -> int:
        """Begins the next batch; its number."""
        number = self.batch_no() + 1
        self.run("INSERT INTO counter VALUES (?, 0)", number)
        return number

    def write(
        self,
        operation: Operation,
        given: dict[str, Any],
        minor_amount: int,
        original: RequestKey | None = None,
    ) -> Entry:
        """Takes the next key and puts the request on the disk; only then may it be sent."""
        with self.unit():
            entry = Entry(self._next_key(), operation, given, minor_amount, original)
            self._insert(entry)
        return entry

    def complete(self, entry: Entry, **facts: Any) -> Entry:  # noqa: ANN401 - any JSON
        """Adds what depends on the key, such as a chip's word for it; before it is sent."""
        whole = replace(entry, given={**entry.given, **facts})
        self.run(
            "UPDATE request SET given = ? WHERE (batch_no, seq_no) = (?, ?) AND outcome IS NULL",
            *(json.dumps(whole.given), *entry.key[1:]),
        )
        return whole

    def begin_sale(self, challenge: RequestKey, given: dict[str, Any]) -> Entry:
        """Turns a shown challenge into the purchase under the same key.

        Raises: RequestUnknown, if no such challenge is open.
        """
        changed = self.run(
            "UPDATE request SET operation = ?, given = ? WHERE batch_no = ? AND seq_no = ?"
            " AND operation = ? AND outcome IS NULL",
            *(Operation.AUTHORISE, json.dumps(given), challenge.batch_no, challenge.seq_no),
            Operation.CHALLENGE,
        )
        if changed != 1:
            raise RequestUnknown(challenge.text())
        return self.get(challenge)

    def end(self, entry: Entry, outcome: Outcome, signed_answer: str) -> None:
        """Keeps the verified answer; of a void also with the request that it answers for.

        A void that was declined leaves an answer that the request has already.
        """
        self.run(
            "UPDATE request SET outcome = ?, signed_answer = ?"
            " WHERE (batch_no, seq_no) = (?, ?)"
            " OR (batch_no, seq_no) = (?, ?) AND (outcome IS NULL OR ? = 'VOIDED')",
            *(outcome.name, signed_answer, *entry.key[1:], *entry.named[1:], outcome.name),
        )

    def give_up(self, entry: Entry) -> None:
        """Ends a question that got no answer and will not be asked again."""
        self.run(
            "UPDATE request SET outcome = ? WHERE (batch_no, seq_no) = (?, ?) AND outcome IS NULL",
            *(Outcome.DECLINED.name, *entry.key[1:]),
        )

    def get(self, key: RequestKey) -> Entry:
        """The request of a key.

        Raises: RequestUnknown.
        """
        found = self._entries("WHERE batch_no = ? AND seq_no = ?", key.batch_no, key.seq_no)
        if not found:
            raise RequestUnknown(key.text())
        return found[0]

    def list_open(self) -> list[Entry]:
        """The requests without an answer, oldest first."""
        return self._entries("WHERE outcome IS NULL ORDER BY batch_no, seq_no")

    def find_challenge(self) -> Entry | None:
        """The shown challenge that nobody has answered, of which there is at most one."""
        where = "WHERE operation = ? AND outcome IS NULL ORDER BY batch_no DESC, seq_no DESC"
        found = self._entries(where, Operation.CHALLENGE)
        return found[0] if found and self.find_open_void(found[0].key) is None else None

    def list_newest(self, count: int) -> list[Entry]:
        """The last requests, newest first."""
        return self._entries("ORDER BY batch_no DESC, seq_no DESC LIMIT ?", count)

    def find_open_void(self, original: RequestKey) -> Entry | None:
        """The void of a request that waits for its answer."""
        where = (
            "WHERE operation = ? AND (original_batch_no, original_seq_no) = (?, ?)"
            " AND outcome IS NULL"
        )
        found = self._entries(where, Operation.VOID, original.batch_no, original.seq_no)
        return found[0] if found else None

    def find_void_alone(self, original: RequestKey) -> Entry | None:
        """The void of a request that ended by a record of ours, and no answer."""
        where = (
            "WHERE operation = ? AND (original_batch_no, original_seq_no) = (?, ?)"
            " AND outcome = ? AND signed_answer IS NULL"
        )
        voided = Operation.VOID, original.batch_no, original.seq_no, Outcome.VOIDED.name
        found = self._entries(where, *voided)
        return found[0] if found else None

    def list_batches(self) -> list[int]:
        """The batches that a request went into, the oldest first."""
        rows = self.rows("SELECT DISTINCT batch_no FROM request ORDER BY batch_no")
        return [row[0] for row in rows]

    def of_batch(self, batch_no: int) -> list[Entry]:
        """The requests of a batch, by number."""
        return self._entries("WHERE batch_no = ? ORDER BY seq_no", batch_no)

    def captures_of(self, original: RequestKey) -> list[Entry]:
        """The captures of a hold that were approved."""
        where = (
            "WHERE operation IN (?, ?) AND (original_batch_no, original_seq_no) = (?, ?)"
            " AND outcome = ?"
        )
        kinds = Operation.CAPTURE, Operation.METER_STOP
        wanted = *kinds, original.batch_no, original.seq_no, Outcome.APPROVED.name
        return self._entries(where, *wanted)

    def before(self, entry: Entry) -> Entry | None:
        """The sale before this one: what a PIN goes on with."""
        where = (
            "WHERE operation = ? AND (batch_no, seq_no) < (?, ?)"
            " ORDER BY batch_no DESC, seq_no DESC LIMIT 1"
        )
        found = self._entries(where, Operation.AUTHORISE, *entry.key[1:])
        return found[0] if found else None

    def last_seq(self, batch_no: int) -> int:
        """The last number taken in a batch, 0 if none."""
        row = self.row("SELECT seq_no FROM counter WHERE batch_no = ?", batch_no)
        return 0 if row is None else row[0]

    def _next_key(self, batch_no: int | None = None) -> RequestKey:
        number = self.batch_no() if batch_no is None else batch_no
        row = self.row("SELECT seq_no FROM counter WHERE batch_no = ?", number)
        seq_no = (row[0] if row else 0) + 1
        if seq_no > NUMBER_MAXIMUM:
            # Control numbers go round: nothing is kept under them.
            number, seq_no = (number + 1 if number else number), 1
        self.run(
            "INSERT INTO counter VALUES (?, ?)"
            " ON CONFLICT (batch_no) DO UPDATE SET seq_no = excluded.seq_no",
            *(number, seq_no),
        )
        return RequestKey(self.identity.terminal_no, number, seq_no)

    def _insert(self, entry: Entry) -> None:
        original = entry.original
        self.run(
            f"INSERT INTO request ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL)",  # noqa: S608 - our own column names
            *(entry.key.batch_no, entry.key.seq_no, entry.operation, json.dumps(entry.given)),
            entry.minor_amount,
            *((original.batch_no, original.seq_no) if original else (None, None)),
        )

    def _entries(self, where: str, *values: object) -> list[Entry]:
        terminal_no = self.identity.terminal_no
        sql = f"SELECT {_COLUMNS} FROM request {where}"  # noqa: S608 - our own words
        return [_entry(terminal_no, row) for row in self.rows(sql, *values)]


def _entry(terminal_no: int, row: tuple[Any, ...]) -> Entry:
    batch_no, seq_no, operation, given, minor_amount, *original, outcome, signed_answer = row
    return Entry(
        key=RequestKey(terminal_no, batch_no, seq_no),
        operation=Operation(operation),
        given=json.loads(given),
        minor_amount=minor_amount,
        original=RequestKey(terminal_no, *original) if original[0] is not None else None,
        outcome=Outcome[outcome] if outcome is not None else None,
        signed_answer=signed_answer,
    )
