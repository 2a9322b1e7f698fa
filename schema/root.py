"""The one schema, put together from the classes of the areas."""

from collections.abc import Iterator, Mapping, Sequence

import strawberry
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from schema.node import NodeLoader, node_query
from schema.scalars import SCALARS

PREPARED = "prepared"


class PreparedDocument(SchemaExtension):
    """Hands Strawberry a document that was parsed, measured and validated before."""

    def on_operation(self) -> Iterator[None]:
        """Give the document over; a text that was not prepared is not executed."""
        self.execution_context.graphql_document = (
            self.execution_context.operation_extensions or {}
        )[PREPARED]
        self.execution_context.pre_execution_errors = []
        yield


class CampusSchema(strawberry.Schema):
    """Strawberry's schema, except that it logs nothing: the masker reports what is broken."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Nothing: Strawberry would log the text and the arguments of every error."""


def _root(name: str, description: str, parts: Sequence[type]) -> type | None:
    if not parts:
        return None
    return strawberry.type(type(name, tuple(parts), {}), description=description)


def build_schema(
    queries: Sequence[type],
    mutations: Sequence[type] = (),
    subscriptions: Sequence[type] = (),
    *,
    node_loaders: Mapping[str, NodeLoader] | None = None,
    types: Sequence[type] = (),
) -> CampusSchema:
    """The schema of the areas' root classes; `types` are those only an interface leads to.

    `node_loaders` answer `node(id)` by type name; without any the field does not exist.
    """
    parts = [*queries, *([node_query(node_loaders)] if node_loaders else [])]
    query = _root("Query", "What can be read.", parts)
    if query is None:
        raise ValueError("a schema needs a query class")
    return CampusSchema(
        query=query,
        mutation=_root("Mutation", "What can be done, noun first.", mutations),
        subscription=_root("Subscription", "What is pushed; each has a query twin.", subscriptions),
        types=types,
        extensions=[PreparedDocument],
        config=StrawberryConfig(scalar_map=SCALARS),
    )
