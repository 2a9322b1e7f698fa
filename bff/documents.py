"""Trusted documents: the only ones production executes, made ready once at start."""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from strawberry.types import ExecutionResult

from bff.body import Request
from schema.context import RequestContext
from schema.documents import Prepared, prepare
from schema.errors import BadDocument
from schema.root import CampusSchema

DOCUMENTS_MAXIMUM = 2_000
AD_HOC_KEPT = 128


Plan = Callable[[RequestContext, Mapping[str, Any]], Awaitable[ExecutionResult]]
"""A document compiled to one coroutine; answers exactly what Strawberry would, errors unmasked."""


@dataclass(frozen=True, slots=True)
class TrustedDocument:
    """One registered document: `sha256:` id, the name its clients send, and a plan if compiled."""

    id: str
    name: str
    prepared: Prepared
    plan: Plan | None = None


def document_id(text: str) -> str:
    """The id of a document: the SHA-256 of its exact text."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


class Documents:
    """The registry of trusted documents; `ad_hoc` also lets developers send a text."""

    def __init__(self, schema: CampusSchema, texts: Iterable[str], *, ad_hoc: bool) -> None:
        """Make every document ready.

        Raises: BadDocument for the first that is not valid, ValueError for too many or one
        without exactly one named operation.
        """
        self._trusted = {
            document_id(text): TrustedDocument(document_id(text), _name(prepared), prepared)
            for text in texts
            for prepared in (prepare(schema, text, introspection=False),)
        }
        if len(self._trusted) > DOCUMENTS_MAXIMUM:
            raise ValueError(f"more than {DOCUMENTS_MAXIMUM} trusted documents")
        self._ad_hoc = ad_hoc

        @lru_cache(maxsize=AD_HOC_KEPT)
        def prepare_ad_hoc(text: str) -> Prepared:
            return prepare(schema, text, introspection=True)

        self._prepare_ad_hoc = prepare_ad_hoc

    def __iter__(self) -> Iterator[TrustedDocument]:
        return iter(list(self._trusted.values()))

    def compile(self, planner: Callable[[TrustedDocument], Plan | None]) -> None:
        """Give each document the plan that `planner` makes of it; None leaves it to Strawberry."""
        for each in self:
            self._trusted[each.id] = replace(each, plan=planner(each))

    def get(self, request: Request) -> TrustedDocument:
        """The document a request names or, for developers, brings.

        Raises: BadDocument.
        """
        if request.document_id is not None:
            found = self._trusted.get(request.document_id)
            if found is None:
                raise BadDocument("DOCUMENT_UNKNOWN")
            return found
        if not self._ad_hoc:
            raise BadDocument("DOCUMENT_NOT_TRUSTED")
        assert request.query is not None
        return TrustedDocument("", "", self._prepare_ad_hoc(request.query))


def _name(prepared: Prepared) -> str:
    operation = prepared.operation(None)
    if operation.name is None:
        raise ValueError("a trusted document has a name")
    return operation.name.value
