"""Connections: keyset pages of what grows without bound."""

from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from core.kit.page import FIRST_DEFAULT, FIRST_MAXIMUM, Cursor, Page
from schema.errors import BadDocument

Node = TypeVar("Node")

First = Annotated[
    int,
    strawberry.argument(description=f"How many, 1 to {FIRST_MAXIMUM}; {FIRST_DEFAULT} if unsaid."),
]
After = Annotated[
    str | None, strawberry.argument(description="Continue behind this cursor of an earlier page.")
]


@strawberry.type(description="Where a page ends.")
class PageInfo:
    """Whether more follow, and from where."""

    has_next_page: bool = strawberry.field(description="Whether more items follow this page.")
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last item; null on an empty page."
    )


@strawberry.type(description="An item of a page with its place.")
class Edge(Generic[Node]):
    """One item and the cursor behind it."""

    cursor: str = strawberry.field(description="The item's place, opaque.")
    node: Node = strawberry.field(description="The item.")


@strawberry.type(description="One page of a list ordered by time, newest first.")
class Connection(Generic[Node]):
    """One page; rows added while a client pages shift nothing. What is not selected is not made."""

    page: strawberry.Private[Page[Any]]
    place: strawberry.Private[Callable[[Any], Cursor]]
    present: strawberry.Private[Callable[[Any], Any]]

    @strawberry.field(
        description=f"The items of this page, at most `first`, never more than {FIRST_MAXIMUM}."
    )
    def edges(self) -> list[Edge[Node]]:
        """The items with their places."""
        return [
            Edge(cursor=self.place(item).text(), node=self.present(item))
            for item in self.page.items
        ]

    @strawberry.field(description="Where this page ends.")
    def page_info(self) -> PageInfo:
        """The end."""
        items = self.page.items
        end = self.place(items[-1]).text() if items else None
        return PageInfo(has_next_page=self.page.has_next, end_cursor=end)


def page_size(first: int) -> int:
    """`first` when it is in bounds.

    Raises: BadDocument. Literals are refused before execution; this is for variables.
    """
    if not 1 <= first <= FIRST_MAXIMUM:
        raise BadDocument("FIRST_OUT_OF_BOUNDS")
    return first


def cursor_of(after: str | None) -> Cursor | None:
    """The place a client continues from.

    Raises: core.kit.page.CursorInvalid.
    """
    return None if after is None else Cursor.parse(after)
