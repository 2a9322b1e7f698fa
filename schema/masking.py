"""What of an error leaves the house: a code, a text of the catalogue, and the request's id."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError

from core.kit.errors import Overloaded, Refusal
from schema.catalogue import ERRORS, refusal_text
from schema.context import RequestContext
from schema.errors import BadDocument, CodedError, Internal, Overload

DOCS = "/docs/errors#"

Report = Callable[[BaseException, RequestContext], None]
"""Told of each error that is ours to mend, before it is masked."""


@dataclass(frozen=True, slots=True)
class Masker:
    """Turns errors into their answer; `development` adds what a developer may know."""

    development: bool
    report: Report

    def errors(
        self, errors: Iterable[GraphQLError] | None, context: RequestContext
    ) -> list[dict[str, Any]]:
        """The `errors` of an answer; empty when there are none."""
        return [shown for error in errors or () for shown in self._shown(error, context)]

    def failure(self, failure: BaseException, context: RequestContext) -> list[dict[str, Any]]:
        """The `errors` of an answer that was never computed."""
        error = failure if isinstance(failure, GraphQLError) else None
        return self.errors([error or GraphQLError("", original_error=_exception(failure))], context)

    def _shown(self, error: GraphQLError, context: RequestContext) -> list[dict[str, Any]]:
        cause = _cause(error)
        coded = _coded(cause, error)
        if isinstance(coded, Internal):
            self.report(cause, context)
        if self.development and isinstance(coded, BadDocument) and coded.causes:
            return [_formatted(each, coded, each.message, context) for each in coded.causes]
        text = ERRORS[coded.code].text(context.language, {})
        if isinstance(cause, Refusal):
            text = refusal_text(cause, context.language)
        return [_formatted(error, coded, text, context)]


def _exception(failure: BaseException) -> Exception:
    return failure if isinstance(failure, Exception) else RuntimeError(type(failure).__name__)


def _cause(error: GraphQLError) -> Exception:
    cause: Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _coded(cause: Exception, error: GraphQLError) -> CodedError:
    match cause:
        case CodedError():
            return cause
        case Refusal(retryable=True):
            return Overload(None if isinstance(cause, Overloaded) else cause.code())
        case Refusal():
            return BadDocument(cause.code())
        case GraphQLError() if error.path is None:
            return BadDocument("VARIABLES", cause)
        case _:
            return Internal()


def _formatted(
    error: GraphQLError, coded: CodedError, message: str, context: RequestContext
) -> dict[str, Any]:
    shown: dict[str, Any] = {"message": message}
    if error.locations:
        shown["locations"] = [
            {"line": place.line, "column": place.column} for place in error.locations
        ]
    if error.path is not None:
        shown["path"] = list(error.path)
    shown["extensions"] = {
        "code": coded.code,
        "requestId": context.request_id,
        "docs": DOCS + coded.code.lower(),
    }
    if coded.reason is not None:
        shown["extensions"]["reason"] = coded.reason
    shown["extensions"] |= coded.extensions or {}
    return shown
