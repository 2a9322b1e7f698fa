"""Listens to every statement of every store test: each names the school of its rows."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from core.db.connection import PooledConnection
from core.db.lanes import Lane

_SCHOOLS = {"school"}
"""The list of schools is public: it is read whole before anybody has chosen one."""
_TABLE = re.compile(r'\b(FROM|JOIN|UPDATE|INTO)\s+(?:ONLY\s+)?"?(\w+)"?', re.IGNORECASE)
_NAMED = re.compile(r'school_id"?\s*=', re.IGNORECASE)
_FOR_UPDATE = re.compile(r"\bFOR\s+(?:NO\s+KEY\s+)?UPDATE\b|\bDO\s+UPDATE\b", re.IGNORECASE)


def unnamed_school(sql: str, tables: frozenset[str]) -> bool:
    """Whether a statement touches tables of a school with fewer `school_id =` than it must."""
    found = [
        (verb.upper(), table)
        for verb, table in _TABLE.findall(_FOR_UPDATE.sub("", sql))
        if table in tables - _SCHOOLS
    ]
    if any(verb == "INTO" for verb, _ in found) and "school_id" not in sql:
        return True
    read = sum(verb != "INTO" for verb, _ in found)
    return read > len(_NAMED.findall(sql))


@pytest.fixture(autouse=True)
def statements_name_their_school(
    monkeypatch: pytest.MonkeyPatch, tenant_tables: frozenset[str]
) -> Iterator[None]:
    """Fails a store test that ran a statement without `school_id =`."""
    heard: set[str] = set()
    prepare, fetch = PooledConnection._get_statement, Lane.fetch

    async def listening(self: Any, query: str, *values: Any, **named: Any) -> Any:
        heard.add(query)
        return await prepare(self, query, *values, **named)

    async def listening_lane(self: Lane, sql: str, *values: object) -> Any:
        heard.add(sql)
        return await fetch(self, sql, *values)

    monkeypatch.setattr(PooledConnection, "_get_statement", listening)
    monkeypatch.setattr(Lane, "fetch", listening_lane)
    yield
    assert [sql for sql in heard if unnamed_school(sql, tenant_tables)] == []
