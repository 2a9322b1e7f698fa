"""What a meter keeps in the terminal's file: its groups, what runs, and codes it took alone."""

import json
from dataclasses import dataclass
from typing import Any

from clients.endpoint import Json
from clients.terminal.journal import Entry, Journal
from terminals.message import RequestKey

_TABLES = """
CREATE TABLE IF NOT EXISTS meter (meter_no INTEGER PRIMARY KEY, facts TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS meter_run (
    batch_no INTEGER NOT NULL,
    seq_no INTEGER NOT NULL,
    meter_no INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    price_minor INTEGER NOT NULL,
    per_units INTEGER NOT NULL,
    maximum_units INTEGER NOT NULL,
    is_alone INTEGER NOT NULL,
    units INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    PRIMARY KEY (batch_no, seq_no)
) STRICT;
CREATE TABLE IF NOT EXISTS meter_code (
    code8 TEXT NOT NULL,
    ends_at INTEGER NOT NULL,
    PRIMARY KEY (code8, ends_at)
) STRICT;
CREATE TABLE IF NOT EXISTS meter_try (meter_no INTEGER NOT NULL, tried_at INTEGER NOT NULL) STRICT;
"""
_COLUMNS = (
    "batch_no, seq_no, meter_no, started_at, ends_at, price_minor, per_units, maximum_units,"
    " is_alone, units, reason"
)
_WRONG_MAXIMUM = 5
_WINDOW_SECONDS = LOCKED_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Running:
    """Water that runs or ran under the key of its start; times are Unix seconds.

    `units` are those on the disk; `reason` is set once it has ended and is still to be told.
    `is_alone`: begun without the server, whose price is not known yet.
    """

    key: RequestKey
    meter_no: int
    started_at: int
    ends_at: int
    price_minor: int
    per_units: int
    maximum_units: int
    is_alone: bool
    units: int = 0
    reason: str | None = None

    @property
    def amount_minor(self) -> int:
        """What ran costs, in fen, by the price of the start."""
        return min(self.units, self.maximum_units) * self.price_minor // self.per_units


class MeterStore:
    """Tables beside the journal's, in the same file and with the same promises."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        journal.create(_TABLES)

    def keep_meters(self, meters: list[Json]) -> None:
        """Keeps what the server told of the meters; what it names no more goes."""
        with self._journal.unit():
            self._journal.run("DELETE FROM meter")
            for facts in meters:
                self._journal.run(
                    "INSERT INTO meter VALUES (?, ?)", facts["meterNo"], json.dumps(facts)
                )

    def find_meter(self, meter_no: int) -> Json | None:
        """What the server told of a meter last."""
        row = self._journal.row("SELECT facts FROM meter WHERE meter_no = ?", meter_no)
        return None if row is None else json.loads(row[0])

    def begin(self, entry: Entry, run: Running) -> None:
        """Keeps a start and that its code is used; only then may the valve open.

        The time of one that was begun alone goes into its request: it is told later.
        """
        given = {**entry.given, "startedAt": run.started_at} if run.is_alone else entry.given
        with self._journal.unit():
            self._journal.run(
                "INSERT OR IGNORE INTO meter_code VALUES (?, ?)",
                *(given.get("code8", ""), run.ends_at),
            )
            self._journal.run(
                "UPDATE request SET given = ? WHERE batch_no = ? AND seq_no = ?",
                *(json.dumps(given), entry.key.batch_no, entry.key.seq_no),
            )
            self._journal.run(
                "INSERT INTO meter_run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, NULL)",
                *(run.key.batch_no, run.key.seq_no, run.meter_no, run.started_at, run.ends_at),
                *(run.price_minor, run.per_units, run.maximum_units, int(run.is_alone)),
            )

    def priced(self, key: RequestKey, tariff: Json) -> None:
        """Keeps the price that the server told of a start that was begun without it."""
        self._journal.run(
            "UPDATE meter_run SET price_minor = ?, per_units = ?, maximum_units = ?, is_alone = 0"
            " WHERE batch_no = ? AND seq_no = ?",
            *(tariff["price"]["minorAmount"], tariff["perUnits"], tariff["maximumUnits"]),
            *(key.batch_no, key.seq_no),
        )

    def flush(self, key: RequestKey, units: int) -> None:
        """Writes what ran so far; a power cut takes no unit of it."""
        self._journal.run(
            "UPDATE meter_run SET units = ? WHERE batch_no = ? AND seq_no = ?",
            *(units, key.batch_no, key.seq_no),
        )

    def end(self, key: RequestKey, reason: str) -> None:
        """Marks what ran as over; it stays until the server has taken it."""
        self._journal.run(
            "UPDATE meter_run SET reason = ? WHERE batch_no = ? AND seq_no = ? AND reason IS NULL",
            *(reason, key.batch_no, key.seq_no),
        )

    def forget(self, key: RequestKey) -> None:
        """Takes away what the server has taken."""
        self._journal.run(
            "DELETE FROM meter_run WHERE batch_no = ? AND seq_no = ?", key.batch_no, key.seq_no
        )

    def runs(self) -> list[Running]:
        """What runs, or is still to be told, oldest first."""
        rows = self._journal.rows(f"SELECT {_COLUMNS} FROM meter_run ORDER BY batch_no, seq_no")  # noqa: S608 - our own column names
        return [_running(self._journal.identity.terminal_no, row) for row in rows]

    def unstarted(self) -> list[RequestKey]:
        """Starts that may hold money and by which no water ran: cut before the valve opened."""
        rows = self._journal.rows(
            "SELECT batch_no, seq_no FROM request r WHERE operation = 'METER_START'"
            " AND coalesce(outcome, 'APPROVED') = 'APPROVED'"
            " AND NOT EXISTS (SELECT 1 FROM meter_run x"
            "  WHERE (x.batch_no, x.seq_no) = (r.batch_no, r.seq_no))"
            " AND NOT EXISTS (SELECT 1 FROM request f"
            "  WHERE (f.original_batch_no, f.original_seq_no) = (r.batch_no, r.seq_no))"
            " ORDER BY batch_no, seq_no"
        )
        return [RequestKey(self._journal.identity.terminal_no, *row) for row in rows]

    def is_used(self, code8: str, ends_at: int) -> bool:
        """Whether a slot's code has started water here."""
        where = "WHERE (code8, ends_at) = (?, ?)"
        return self._journal.row(f"SELECT 1 FROM meter_code {where}", code8, ends_at) is not None  # noqa: S608 - our own column names

    def note_wrong(self, meter_no: int, now: int) -> None:
        """Counts a wrong code that was judged here."""
        self._journal.run("INSERT INTO meter_try VALUES (?, ?)", meter_no, now)

    def is_locked(self, meter_no: int, now: int) -> bool:
        """Whether five wrong codes in ten minutes have closed the keypad for ten."""
        rows = self._journal.rows(
            "SELECT tried_at FROM meter_try WHERE meter_no = ? ORDER BY tried_at DESC LIMIT ?",
            *(meter_no, _WRONG_MAXIMUM),
        )
        if len(rows) < _WRONG_MAXIMUM or rows[0][0] - rows[-1][0] > _WINDOW_SECONDS:
            return False
        return bool(now < rows[0][0] + LOCKED_SECONDS)


def _running(terminal_no: int, row: tuple[Any, ...]) -> Running:
    batch_no, seq_no, *facts, is_alone, units, reason = row
    meter_no, started_at, ends_at, price_minor, per_units, maximum_units = facts
    key = RequestKey(terminal_no, batch_no, seq_no)
    return Running(
        key, meter_no, started_at, ends_at, price_minor, per_units, maximum_units,
        bool(is_alone), units, reason,
    )  # fmt: skip
