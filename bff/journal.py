"""The journal of a site edge: one SQLite file with full sync, beside its keys and documents."""

from contextlib import AbstractContextManager
from typing import Any

from clients.terminal.journal import Journal
from core.ports.journal import EdgeAnswer, EdgeKey

_TABLES = """
CREATE TABLE IF NOT EXISTS edge_answer (
    terminal_no INTEGER NOT NULL,
    batch_no INTEGER NOT NULL,
    seq_no INTEGER NOT NULL,
    operation TEXT NOT NULL,
    content_hash BLOB NOT NULL,
    outcome TEXT NOT NULL,
    response_code TEXT NOT NULL,
    reason TEXT,
    minor_amount INTEGER NOT NULL,
    answered_at INTEGER NOT NULL,
    signed_answer TEXT NOT NULL,
    original_batch_no INTEGER,
    original_seq_no INTEGER,
    replay_key BLOB UNIQUE,
    serial BLOB,
    issuer INTEGER,
    cap_tag INTEGER,
    zone TEXT,
    direction TEXT,
    evidence BLOB NOT NULL,
    PRIMARY KEY (terminal_no, batch_no, seq_no)
) STRICT;
CREATE INDEX IF NOT EXISTS edge_answer_tag ON edge_answer (issuer, cap_tag);
CREATE INDEX IF NOT EXISTS edge_answer_zone ON edge_answer (zone, serial);
CREATE INDEX IF NOT EXISTS edge_answer_void
    ON edge_answer (terminal_no, original_batch_no, original_seq_no);
CREATE TABLE IF NOT EXISTS edge_sent (
    replay_key BLOB NOT NULL,
    terminal_no INTEGER NOT NULL,
    batch_no INTEGER NOT NULL,
    seq_no INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (replay_key, terminal_no, batch_no, seq_no)
) STRICT;
"""
_COLUMNS = (
    "terminal_no, batch_no, seq_no, operation, content_hash, outcome, response_code, reason,"
    " minor_amount, answered_at, signed_answer, original_batch_no, original_seq_no, replay_key,"
    " serial, issuer, cap_tag, zone, direction"
)

_FACTS = (
    "operation", "content_hash", "outcome", "response_code", "reason", "minor_amount",
    "answered_at", "signed_answer", "replay_key", "serial", "issuer", "cap_tag", "zone",
    "direction",
)  # fmt: skip


class SqliteEdgeJournal:
    """Implements `core.ports.journal.EdgeJournal` in the file of the edge's own journal."""

    def __init__(self, journal: Journal) -> None:
        self._file = journal
        journal.create(_TABLES)

    def unit(self) -> AbstractContextManager[None]:
        """What is done within is on the disk afterwards, all of it or nothing."""
        return self._file.unit()

    def find(self, key: EdgeKey) -> EdgeAnswer | None:
        """The answer that is kept for a key."""
        return self._find("(terminal_no, batch_no, seq_no) = (?, ?, ?)", *key)

    def find_void(self, original: EdgeKey) -> EdgeAnswer | None:
        """The first void of a key."""
        where = "(terminal_no, original_batch_no, original_seq_no) = (?, ?, ?) ORDER BY rowid"
        return self._find(where, *original)

    def keep(self, answer: EdgeAnswer, evidence: bytes) -> None:
        """Adds an answer with the signed request that it answers."""
        original = answer.original
        values = (
            *answer.key,
            *(answer.operation, answer.content_hash, answer.outcome, answer.response_code),
            *(answer.reason, answer.minor_amount, answer.answered_at, answer.signed_answer),
            *((original.batch_no, original.seq_no) if original else (None, None)),
            *(answer.replay_key, answer.serial, answer.issuer, answer.cap_tag),
            *(answer.zone, answer.direction, evidence),
        )
        marks = ", ".join("?" * len(values))
        self._file.run(
            f"INSERT INTO edge_answer ({_COLUMNS}, evidence) VALUES ({marks})",  # noqa: S608 - our own column names
            *values,
        )

    def spent(self, issuer: int, cap_tag: int) -> tuple[int, int]:
        """How many purchases of a capTag were approved here, and for how many fen."""
        row = self._file.row(
            "SELECT count(*), coalesce(sum(minor_amount), 0) FROM edge_answer"
            " WHERE issuer = ? AND cap_tag = ? AND operation = 'AUTHORISE'"
            " AND outcome = 'APPROVED'",
            *(issuer, cap_tag),
        )
        assert row is not None
        return row[0], row[1]

    def is_used(self, replay_key: bytes, by_other_than: EdgeKey) -> bool:
        """Whether a code was accepted here, or sent to the server, under another key."""
        for table in ("edge_answer", "edge_sent"):
            row = self._file.row(
                f"SELECT 1 FROM {table} WHERE replay_key = ?"  # noqa: S608 - our own names
                " AND (terminal_no, batch_no, seq_no) <> (?, ?, ?)",
                *(replay_key, *by_other_than),
            )
            if row is not None:
                return True
        return False

    def note_sent(self, key: EdgeKey, replay_key: bytes, at: int) -> None:
        """Notes that a code goes to the server: whatever it answers, it is good no more here."""
        self._file.run(
            "INSERT OR IGNORE INTO edge_sent VALUES (?, ?, ?, ?, ?)", replay_key, *key, at
        )

    def came_in_at(self, zone: str, serial: bytes) -> int | None:
        """When a pass came into a zone, if it was not seen to leave since."""
        row = self._file.row(
            "SELECT direction, answered_at FROM edge_answer WHERE zone = ? AND serial = ?"
            " AND direction IN ('IN', 'OUT') AND outcome = 'APPROVED' ORDER BY rowid DESC LIMIT 1",
            *(zone, serial),
        )
        return row[1] if row is not None and row[0] == "IN" else None

    def evidence(self, key: EdgeKey) -> bytes | None:
        """The signed request behind an answer."""
        row = self._file.row(
            "SELECT evidence FROM edge_answer WHERE (terminal_no, batch_no, seq_no) = (?, ?, ?)",
            *key,
        )
        return None if row is None else row[0]

    def forget(self, before: int) -> None:
        """Deletes what is older than this instant."""
        self._file.run("DELETE FROM edge_answer WHERE answered_at < ?", before)
        self._file.run("DELETE FROM edge_sent WHERE at < ?", before)

    def _find(self, where: str, *values: object) -> EdgeAnswer | None:
        sql = f"SELECT {_COLUMNS} FROM edge_answer WHERE {where} LIMIT 1"  # noqa: S608 - our own words
        row = self._file.row(sql, *values)
        return None if row is None else _answer(row)


def _answer(row: tuple[Any, ...]) -> EdgeAnswer:
    key = EdgeKey(*row[:3])
    batch_no, seq_no = row[11:13]
    original = None if batch_no is None else EdgeKey(key.terminal_no, batch_no, seq_no)
    facts = dict(zip(_FACTS, (*row[3:11], *row[13:]), strict=True))
    return EdgeAnswer(key=key, original=original, **facts)
