"""One SQLite file with full synchronisation: what was written is there after a power cut."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self


class DurableFile:
    """The file and its statements. Used from one thread, by one program at a time."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @contextmanager
    def unit(self) -> Iterator[None]:
        """What is done within is on the disk afterwards, all of it or nothing.

        Within another one it is part of that.
        """
        if self._db.in_transaction:
            yield
            return
        self.run("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.run("ROLLBACK")
            raise
        self.run("COMMIT")

    def create(self, tables: str) -> None:
        """Adds tables to the file."""
        self._db.executescript(tables)

    def run(self, sql: str, *values: object) -> int:
        """One statement; how many rows it changed."""
        with closing(self._db.execute(sql, values)) as cursor:
            return cursor.rowcount

    def row(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        """The first row of a query."""
        with closing(self._db.execute(sql, values)) as cursor:
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with closing(self._db.execute(sql, values)) as cursor:
            return cursor.fetchall()
