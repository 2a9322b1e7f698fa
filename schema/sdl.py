"""The contract as text: one schema has one printing, whatever order its parts came in."""

from graphql import build_schema, lexicographic_sort_schema, print_schema

from schema.root import CampusSchema


def sdl(schema: CampusSchema) -> str:
    """The sorted SDL that is committed as `schema.graphql`.

    Only the snapshot is sorted: Strawberry's own `sort_schema` breaks every enum.
    """
    return print_schema(lexicographic_sort_schema(build_schema(schema.as_str()))) + "\n"
