"""Leaves of an answer: how scalars and enums are written, decided once."""

from collections.abc import Callable
from enum import Enum
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLID,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLString,
    Undefined,
    get_nullable_type,
)
from graphql.execution import Executor
from graphql.pyutils import Path

Complete = Callable[[Executor[Any], Path, object], object]
"""Turns the value at a path into its part of the answer, or an awaitable of it."""

_AS_IT_IS: dict[object, type] = {GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool}


def written_as_it_is(kind: GraphQLOutputType) -> type | None:
    """The class of those values that a type, nullable or not, writes unchanged."""
    return _AS_IT_IS.get(get_nullable_type(kind))


def complete_leaf(kind: GraphQLScalarType | GraphQLEnumType) -> Complete:
    """`complete_leaf_value`; what a scalar would return unchanged is not asked of it."""
    if isinstance(kind, GraphQLEnumType):
        return _enum(kind)
    unchanged = written_as_it_is(kind)

    def complete(executor: Executor[Any], _path: Path, value: object) -> object:
        if value is None or type(value) is unchanged:
            return value
        if isinstance(value, Exception):
            raise value
        return None if value is Undefined else executor.complete_leaf_value(kind, value)

    return complete


def _enum(kind: GraphQLEnumType) -> Complete:
    """The same for an enum: how a member is written is asked once."""
    words: dict[tuple[type, object], object] = {}

    def complete(executor: Executor[Any], _path: Path, value: object) -> object:
        if value is None or value is Undefined:
            return None
        if isinstance(value, Exception):
            raise value
        if not isinstance(value, Enum):
            return executor.complete_leaf_value(kind, value)
        member = (type(value), value)
        found = words.get(member)
        if found is None:
            found = words[member] = executor.complete_leaf_value(kind, value)
        return found

    return complete
