"""What a new SDL changes for clients of a released one."""

from graphql import build_schema, find_breaking_changes, find_dangerous_changes


def breaking(released: str, current: str) -> list[str]:
    """Changes that break a document or a client written against the released SDL, sorted.

    A removal is breaking however long it was deprecated: it is released by changing the
    released SDL together with its changelog entry.
    """
    changes = find_breaking_changes(build_schema(released), build_schema(current))
    return sorted(f"{change.type.name}: {change.description}" for change in changes)


def dangerous(released: str, current: str) -> list[str]:
    """Changes that clients may notice, such as a new enum value, sorted."""
    changes = find_dangerous_changes(build_schema(released), build_schema(current))
    return sorted(f"{change.type.name}: {change.description}" for change in changes)
