"""Every answer of the real application is computed both ways: by a plan and by Strawberry."""

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from strawberry.types import ExecutionResult

from bff.body import Request
from bff.graphql import GraphQL, answer_of, encode
from bff.plans.plan import find_plan
from schema.campus import SCHEMA
from schema.context import RequestContext
from schema.execution import execute
from schema.masking import Masker
from schema.root import PREPARED

_PLAIN = (str, bytes, int, type(None), Mapping, tuple)


class Tape:
    """Stands for the services: the first time it records what they answer, then it repeats it."""

    def __init__(self, real: object, kept: dict[str, list[Any]], name: str, replays: bool) -> None:
        self._real, self._kept, self._name, self._replays = real, kept, name, replays

    def __getattr__(self, name: str) -> Any:
        value, path = getattr(self._real, name), f"{self._name}.{name}"
        if isinstance(value, _PLAIN):
            return value
        if not callable(value):
            return Tape(value, self._kept, path, self._replays)
        calls = self._kept.setdefault(path, [])
        if inspect.iscoroutinefunction(value):

            async def later(*args: Any, **named: Any) -> Any:
                if self._replays:
                    return _played(calls.pop(0))
                try:
                    calls.append(await value(*args, **named))
                except Exception as error:
                    calls.append(error)
                return _played(calls[-1])

            return later

        def at_once(*args: Any, **named: Any) -> Any:
            if not self._replays:
                calls.append(value(*args, **named))
            return _played(calls.pop(0) if self._replays else calls[-1])

        return at_once


def _played(kept: Any) -> Any:
    if isinstance(kept, Exception):
        raise kept
    return kept


@pytest.fixture(autouse=True)
def answered_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever answers a request of the real application, the other way answers the same."""
    really_execute = GraphQL._execute
    silent = Masker(False, lambda _failure, _context: None)

    async def both(self: GraphQL, context: RequestContext, request: Request) -> ExecutionResult:
        found = self.documents.get(request)
        prepared, given = found.prepared, request.variables
        plan = find_plan(SCHEMA, prepared.document, {PREPARED: prepared.document})
        if self.schema is not SCHEMA or plan is None:
            return await really_execute(self, context, request)
        kept: dict[str, list[Any]] = {}
        services = context.services
        recorded = replace(context, services=Tape(services, kept, "", replays=False))
        first = await really_execute(self, recorded, request)
        replayed = replace(context, services=Tape(services, kept, "", replays=True))
        if found.plan is None:
            second = await plan(replayed, given)
        else:
            second = await execute(SCHEMA, prepared, replayed, given, request.operation_name)
        ours, theirs = (encode(answer_of(each, silent, context)) for each in (first, second))
        assert ours == theirs
        return first

    monkeypatch.setattr(GraphQL, "_execute", both)
