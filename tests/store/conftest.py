"""Listens to every statement of every store test: each names the school of its rows."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.db.connection import PooledConnection
from core.db.lanes import Lane

_ROOT = Path(__file__).parents[2]
_OURS = [_ROOT / room for room in ("core", "terminals", "schema", "bff", "tests")]
_SCHOOLS = {"school"}
"""The list of schools is public: it is read whole before anybody has chosen one."""
_TABLE = re.compile(r'\b(FROM|JOIN|UPDATE|INTO)\s+(?:ONLY\s+)?"?(\w+)"?', re.IGNORECASE)
_NAMED = re.compile(r'school_id"?\s*=', re.IGNORECASE)
_FOR_UPDATE = re.compile(r"\bFOR\s+(?:NO\s+KEY\s+)?UPDATE\b|\bDO\s+UPDATE\b", re.IGNORECASE)


def unnamed_school(sql: str, tables: frozenset[str]) -> bool:
    """Whether a statement touches tables of a school with fewer `school_id =` than it must."""
    found: list[tuple[str, str]] = [
        (verb.upper(), table)
        for verb, table in _TABLE.findall(_FOR_UPDATE.sub("", sql))
        if table in tables - _SCHOOLS
    ]
    read = sum(verb != "INTO" for verb, _ in found)
    writes = len(found) > read
    return (writes and "school_id" not in sql) or read > len(_NAMED.findall(sql))


def asked_by_a_test() -> bool:
    """Whether the innermost of our frames above the database's own is a test's."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        path = Path(frame.f_code.co_filename)
        # Not merely below the root: a newcomer's .venv, with the driver in it, lies there too.
        is_ours = path != Path(__file__) and any(path.is_relative_to(room) for room in _OURS)
        if is_ours and not path.is_relative_to(_ROOT / "core/db"):
            return path.is_relative_to(_ROOT / "tests")
        frame = frame.f_back
    return True


@pytest.fixture(autouse=True)
def statements_name_their_school(
    monkeypatch: pytest.MonkeyPatch, tenant_tables: frozenset[str]
) -> Iterator[set[str]]:
    """Fails a store test in which the product ran a statement without `school_id =`."""
    heard: set[str] = set()
    prepare, fetch = PooledConnection._get_statement, Lane.fetch

    async def listening(self: Any, query: str, *values: Any, **named: Any) -> Any:
        if not asked_by_a_test():
            heard.add(query)
        return await prepare(self, query, *values, **named)

    async def listening_lane(self: Lane, sql: str, *values: object) -> Any:
        if not asked_by_a_test():
            heard.add(sql)
        return await fetch(self, sql, *values)

    monkeypatch.setattr(PooledConnection, "_get_statement", listening)
    monkeypatch.setattr(Lane, "fetch", listening_lane)
    yield heard
    assert [sql for sql in heard if unnamed_school(sql, tenant_tables)] == []
