"""The GraphQL endpoint: who asks, how often, which document, then its execution and masking."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from strawberry.types import ExecutionResult

from bff.body import Request
from bff.documents import Documents
from bff.guards import Head
from bff.ratelimit import ANONYMOUS, Buckets, caller_of, field_limit
from bff.refusal import Refused
from schema.context import (
    Anonymous,
    Language,
    RequestContext,
    TerminalViewer,
    Viewer,
    choose_language,
)
from schema.errors import CodedError, Internal, Unauthenticated
from schema.execution import execute
from schema.masking import Masker
from schema.root import CampusSchema

ANSWER_MAXIMUM = 1024 * 1024

Identify = Callable[[str], Awaitable[Viewer]]
"""The viewer of an Authorization header, Anonymous for an empty one.

Raises: schema.errors.Unauthenticated for a token that is unknown, expired or revoked.
"""


@dataclass(frozen=True, slots=True)
class Contexts:
    """Makes the context of each request: `services` for resolvers, ids from `new_request_id`.

    `school_language` is a school's default language, and the house's for None.
    """

    services: Any
    new_request_id: Callable[[], str]
    school_language: Callable[[int | None], Language]

    def blank(self, head: Head) -> RequestContext:
        """A context before the viewer is known."""
        return self.seen_by(Anonymous(), head)

    def seen_by(self, viewer: Viewer, head: Head) -> RequestContext:
        """The context of this viewer's request."""
        school_id = None if isinstance(viewer, Anonymous) else viewer.school_id
        language = choose_language(head.text(b"accept-language"), self.school_language(school_id))
        return RequestContext(
            viewer, language, school_id, self.new_request_id(), self.services, head.network
        )


@dataclass(frozen=True, slots=True)
class GraphQL:
    """Answers one well-formed request; every failure is a masked answer, never an exception."""

    schema: CampusSchema
    documents: Documents
    contexts: Contexts
    identify: Identify
    buckets: Buckets
    masker: Masker

    async def answer(self, head: Head, terminal: TerminalViewer | None, request: Request) -> bytes:
        """The JSON answer.

        Raises: Refused (RATE_LIMITED).
        """
        context = None
        try:
            viewer = terminal or await self.viewer(head)
            context = self.contexts.seen_by(viewer, head)
            self.buckets.take(*caller_of(viewer, head.network))
            result = await self._execute(context, request)
            return self._encoded(result, context)
        except Refused:
            raise
        except Exception as failure:  # whatever broke, the client gets a code
            errors = self.masker.failure(failure, context or self.contexts.blank(head))
            return encode({"data": None, "errors": errors})

    def refused(self, head: Head, refusal: CodedError) -> bytes:
        """The JSON answer to a request whose signature was refused."""
        errors = self.masker.failure(refusal, self.contexts.blank(head))
        return encode({"data": None, "errors": errors})

    async def viewer(self, head: Head) -> Viewer:
        """Who asks by the Authorization header.

        Raises: Unauthenticated, Refused (RATE_LIMITED) for a network that tries tokens.
        """
        try:
            return await self.identify(head.text(b"authorization"))
        except Unauthenticated:
            self.buckets.take(ANONYMOUS, head.network)
            raise

    async def _execute(self, context: RequestContext, request: Request) -> ExecutionResult:
        found = self.documents.get(request)
        for field in found.prepared.root_fields(request.operation_name):
            limit = field_limit(field, context.viewer, context.network)
            if limit is not None:
                self.buckets.take(*limit)
        if found.plan is not None:
            return await found.plan(context, request.variables)
        return await execute(
            self.schema, found.prepared, context, request.variables, request.operation_name
        )

    def _encoded(self, result: ExecutionResult, context: RequestContext) -> bytes:
        body = encode(answer_of(result, self.masker, context))
        if len(body) > ANSWER_MAXIMUM:
            raise Internal("ANSWER_TOO_LARGE")
        return body


def answer_of(result: ExecutionResult, masker: Masker, context: RequestContext) -> dict[str, Any]:
    """A result as clients see it: its data, and its errors masked."""
    answer: dict[str, Any] = {"data": result.data}
    if errors := masker.errors(result.errors, context):
        answer["errors"] = errors
    return answer


def encode(answer: dict[str, Any]) -> bytes:
    """The JSON bytes of an answer."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
