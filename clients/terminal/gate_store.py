"""What a gate needs on the disk to decide alone: passages to tell of, codes used, who is inside.

It lies in the journal's file, so one transaction ends a question and writes its event.
"""

from dataclasses import dataclass

from clients.terminal.journal import Entry, Journal
from terminals.ccr import Outcome
from terminals.gate import NEVER, Opened, Seen
from terminals.message import RequestKey

_TABLES = """
CREATE TABLE IF NOT EXISTS event (
    number INTEGER PRIMARY KEY,
    batch_no INTEGER NOT NULL,
    seq_no INTEGER NOT NULL,
    presented TEXT NOT NULL,
    door_no INTEGER NOT NULL,
    direction TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    clock_lost INTEGER NOT NULL,
    deny_version INTEGER NOT NULL,
    replay_key BLOB,
    verdict TEXT,
    reason TEXT,
    UNIQUE (batch_no, seq_no)
) STRICT;
CREATE TABLE IF NOT EXISTS whereabouts (
    zone TEXT NOT NULL,
    bearer BLOB NOT NULL,
    inside INTEGER NOT NULL,
    moved_at INTEGER NOT NULL,
    PRIMARY KEY (zone, bearer)
) STRICT;
"""
WHEREABOUTS_SECONDS = 86_400
"""As long as somebody counts as inside."""


@dataclass(frozen=True, slots=True)
class Told:
    """A passage on the disk that the server has not judged."""

    key: RequestKey
    presented: str
    door_no: int
    direction: str
    created_at: int
    is_clock_lost: bool
    deny_version: int


class GateStore:
    """Beside the journal, in its file."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        journal.create(_TABLES)

    def pass_alone(
        self,
        entry: Entry,
        zone: str,
        opened: Opened,
        now: int,
        deny_version: int,
        *,
        is_clock_lost: bool,
    ) -> None:
        """Writes the event, where its bearer went, and the end of its question, all or nothing.

        Once this returns it is on the disk; only then may the door open.
        """
        key, given = entry.key, entry.given
        with self._journal.unit():
            self._journal.run(
                "INSERT INTO event (batch_no, seq_no, presented, door_no, direction, created_at,"
                " clock_lost, deny_version, replay_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *(key.batch_no, key.seq_no, given["presented"], given["doorNo"]),
                *(given["direction"], now, int(is_clock_lost), deny_version, opened.replay_key),
            )
            self.note_moved(zone, opened.bearer, given["direction"], now)
            self._journal.run(
                "UPDATE request SET outcome = ? WHERE batch_no = ? AND seq_no = ?",
                *(Outcome.APPROVED.name, key.batch_no, key.seq_no),
            )

    def note_moved(self, zone: str, bearer: bytes, direction: str, now: int) -> None:
        """Remembers where somebody went; a door without ways says nothing of it."""
        if direction != "NONE":
            self._journal.run(
                "INSERT INTO whereabouts VALUES (?, ?, ?, ?) ON CONFLICT (zone, bearer)"
                " DO UPDATE SET inside = excluded.inside, moved_at = excluded.moved_at",
                *(zone, bearer, int(direction == "IN"), now),
            )

    def whereabouts(self, zone: str, bearer: bytes) -> Seen:
        """Where a code or card was last seen in a zone."""
        row = self._journal.row(
            "SELECT inside, moved_at FROM whereabouts WHERE zone = ? AND bearer = ?",
            *(zone, bearer),
        )
        return NEVER if row is None else Seen.at(row[1], inside=bool(row[0]))

    def used_codes(self) -> set[bytes]:
        """The replay keys of all events."""
        rows = self._journal.rows("SELECT replay_key FROM event WHERE replay_key IS NOT NULL")
        return {row[0] for row in rows}

    def waiting(self) -> int:
        """How many events have no verdict."""
        row = self._journal.row("SELECT count(*) FROM event WHERE verdict IS NULL")
        assert row is not None
        return int(row[0])

    def untold(self, count: int) -> list[Told]:
        """The oldest events of one batch that have no verdict, in the order of writing."""
        rows = self._journal.rows(
            "SELECT batch_no, seq_no, presented, door_no, direction, created_at, clock_lost,"
            " deny_version FROM event WHERE verdict IS NULL AND batch_no = (SELECT batch_no"
            " FROM event WHERE verdict IS NULL ORDER BY number LIMIT 1) ORDER BY number LIMIT ?",
            count,
        )
        terminal_no = self._journal.identity.terminal_no
        return [_told(RequestKey(terminal_no, *row[:2]), *row[2:]) for row in rows]

    def note(self, key: RequestKey, verdict: str, reason: str | None) -> None:
        """Keeps the verdict on an event."""
        self._journal.run(
            "UPDATE event SET verdict = ?, reason = ? WHERE batch_no = ? AND seq_no = ?",
            *(verdict, reason, key.batch_no, key.seq_no),
        )

    def forget(self, before: int) -> None:
        """Deletes judged events from before this instant, and who has long left."""
        self._journal.run("DELETE FROM event WHERE verdict IS NOT NULL AND created_at < ?", before)
        self._journal.run(
            "DELETE FROM whereabouts WHERE moved_at < ?", before - WHEREABOUTS_SECONDS
        )


def _told(
    key: RequestKey,
    presented: str,
    door_no: int,
    direction: str,
    created_at: int,
    clock_lost: int,
    deny_version: int,
) -> Told:
    lost = bool(clock_lost)
    return Told(key, presented, door_no, direction, created_at, lost, deny_version)
