"""Errors as clients see them: user errors of an area, and coded top-level errors."""

from enum import Enum
from types import GenericAlias
from typing import Any, ClassVar

import strawberry
from graphql import GraphQLError

from core.kit.errors import Refusal
from schema.catalogue import REFUSALS, refusal_text
from schema.context import Language


class CodedError(GraphQLError):
    """A top-level error that may leave: its class is its code, `reason` a constant of ours.

    `facts` go out in its extensions.
    """

    code: ClassVar[str]

    def __init__(self, reason: str | None = None, **facts: str | int) -> None:
        super().__init__(self.code, extensions={**facts})
        self.reason = reason


class BadDocument(CodedError):
    """The document or its variables are not valid; `causes` say how, to developers only."""

    code = "BAD_DOCUMENT"

    def __init__(self, reason: str | None = None, *causes: GraphQLError) -> None:
        super().__init__(reason)
        self.causes = causes


class Unauthenticated(CodedError):
    """Nobody has signed in, and the field needs somebody."""

    code = "UNAUTHENTICATED"


class Forbidden(CodedError):
    """The viewer may not do this; unknown things answer the same."""

    code = "FORBIDDEN"


class RateLimited(CodedError):
    """The caller asked too often."""

    code = "RATE_LIMITED"


class Overload(CodedError):
    """There is no seat for this work now; the same request may be sent again."""

    code = "OVERLOADED"


class Internal(CodedError):
    """Something is broken on our side."""

    code = "INTERNAL"


@strawberry.interface(description="Why a mutation did not do what was asked.")
class UserError:
    """A refusal, for people and programs; areas add their `code`."""

    message: str = strawberry.field(description="The reason, in the viewer's language.")
    path: list[str] = strawberry.field(
        description="The input fields it is about, outermost first, at most 8; empty for the whole."
    )
    retryable: bool = strawberry.field(
        description="Whether the same request may succeed when sent again."
    )


class AreaErrors:
    """The user errors of one area: its `<Area>ErrorCode`, `<Area>UserError`, and their making."""

    def __init__(self, area: str, *refusals: type[Refusal]) -> None:
        enum_of: Any = Enum  # its members are data here, which the type checker cannot follow
        described = {
            each.code(): strawberry.enum_value(each.code(), description=REFUSALS[each.code()].en)
            for each in refusals
        }
        self.refusals = refusals
        self._codes: Any = strawberry.enum(
            enum_of(f"{area}ErrorCode", described),
            description=f"Why something was refused in the area {area}.",
        )
        made = type(f"{area}UserError", (UserError,), {"__annotations__": {"code": self._codes}})
        made.code = strawberry.field(description="The reason, for programs.")  # type: ignore[attr-defined]  # a field of the made class
        self._type: Any = strawberry.type(made, description=f"A refusal of the area {area}.")

    def field(self) -> list[UserError]:
        """The `user_errors` field of a payload: `user_errors: list[UserError] = AREA.field()`."""
        errors: list[UserError] = strawberry.field(
            graphql_type=GenericAlias(list, (self._type,)),
            default_factory=list,
            description="Why nothing was done, at most 8; empty when it was done.",
        )
        return errors

    def present(self, refusal: Refusal, language: Language) -> UserError:
        """A refusal of this area as its user error."""
        error: UserError = self._type(
            message=refusal_text(refusal, language),
            path=list(refusal.path),
            retryable=refusal.retryable,
            code=self._codes[refusal.code()],
        )
        return error
