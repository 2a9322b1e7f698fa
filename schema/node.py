"""Opaque global ids, and the one field that loads a thing by its id."""

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, TypeAlias

import strawberry

from core.kit.errors import Refusal
from schema.context import RequestContext, RequestInfo
from schema.errors import Forbidden, Unauthenticated

ID_MAXIMUM = 200
_PLAIN = re.compile(r"([A-Z][A-Za-z]{0,39}):([1-9][0-9]{0,4}):([0-9A-Za-z_-]{1,64})", re.ASCII)

NodeLoader: TypeAlias = Callable[[RequestContext, str], Awaitable["Node | None"]]
"""Loads one type by its key within the request's school, through the same access function as
every other path; None or FORBIDDEN for what the viewer may not see."""


@strawberry.interface(description="A thing that can be loaded again by its id.")
class Node:
    """What has a global id."""

    id: strawberry.ID = strawberry.field(description="The global id, opaque.")


def node_id(type_name: str, school_id: int, key: object) -> strawberry.ID:
    """The global id of a thing: `<Type>:<school>:<key>`, base64url without padding."""
    plain = f"{type_name}:{school_id}:{key}".encode()
    return strawberry.ID(base64.urlsafe_b64encode(plain).rstrip(b"=").decode())


def parse_node_id(text: str) -> tuple[str, int, str] | None:
    """Type, school and key of a global id; None for anything `node_id` did not make."""
    if len(text) > ID_MAXIMUM:
        return None
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
        found = _PLAIN.fullmatch(raw.decode("ascii"))
    except (UnicodeError, binascii.Error):
        return None
    if found is None:
        return None
    type_name, school, key = found.groups()
    return type_name, int(school), key


def key_of(text: str, type_name: str, school_id: int) -> str | None:
    """The key in a global id given as an input, if it names this type in this school."""
    match parse_node_id(text):
        case (found_type, found_school, key) if (found_type, found_school) == (
            type_name,
            school_id,
        ):
            return key
    return None


async def load_node(
    loaders: Mapping[str, NodeLoader], context: RequestContext, text: str
) -> Node | None:
    """The thing a global id names; None when unknown, forbidden or another school's."""
    parts = parse_node_id(text)
    if parts is None or parts[0] not in loaders or parts[1] != context.school_id:
        return None
    try:
        return await loaders[parts[0]](context, parts[2])
    except (Refusal, Forbidden, Unauthenticated):
        return None


def node_query(loaders: Mapping[str, NodeLoader]) -> type:
    """The query class holding `node(id)` over these loaders."""

    @strawberry.type(description="Loading by global id.")
    class NodeQuery:
        @strawberry.field(
            description="The thing with this id; null when unknown or not the viewer's to see."
        )
        async def node(
            self,
            info: RequestInfo,
            id: Annotated[strawberry.ID, strawberry.argument(description="A global id.")],
        ) -> Node | None:
            return await load_node(loaders, info.context, id)

    return NodeQuery
