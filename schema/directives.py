"""Schema directives: facts about a field that a machine checks and clients may read."""

from typing import TypeVar

import strawberry
from graphql import GraphQLArgument, GraphQLField, GraphQLInputField
from strawberry.schema_directive import Location

Directive = TypeVar("Directive")
Element = GraphQLField | GraphQLInputField | GraphQLArgument
_DEFINITION = "strawberry-definition"


@strawberry.schema_directive(
    name="bounded",
    locations=[
        Location.FIELD_DEFINITION,
        Location.INPUT_FIELD_DEFINITION,
        Location.ARGUMENT_DEFINITION,
    ],
    description="A plain list has at most `maximum` items.",
)
class Bounded:
    """How many items a plain list has at most; also its factor in an operation's cost."""

    maximum: int = strawberry.directive_field(name="maximum")


@strawberry.schema_directive(
    name="oncePerOperation",
    locations=[Location.FIELD_DEFINITION],
    description="Moves money, tries a PIN or draws a code: one such field per operation.",
)
class OncePerOperation:
    """Marks a field of which an operation may select one only, aliases and fragments counted."""


@strawberry.schema_directive(
    name="restricted",
    locations=[Location.FIELD_DEFINITION],
    description="Who may select the field: CARDHOLDER, TERMINAL, STAFF or a staff role.",
)
class Restricted:
    """The callers a field is open to; set by `schema.permissions` only."""

    to: list[str] = strawberry.directive_field(name="to")


def find_directive(element: Element, kind: type[Directive]) -> Directive | None:
    """The directive of one kind on a field or input field of a built schema."""
    definition = element.extensions.get(_DEFINITION)
    for directive in getattr(definition, "directives", ()):
        if isinstance(directive, kind):
            return directive
    return None
