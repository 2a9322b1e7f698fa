"""Plain parts of an answer: where everything selected is only read off objects.

Such a part needs no paths, infos or awaitables while nothing in it is unusual. What is (an error,
a null where none may be, an object of another class) raises here; then the part is made again
with care, by the functions of `bff.plans.fields`, which know what is to be said about it.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from inspect import iscoroutinefunction, isfunction
from typing import Any
from uuid import UUID

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    Undefined,
    get_nullable_type,
)
from graphql.execution import Executor
from graphql.pyutils import Path

from bff.plans.leaves import Complete, written_as_it_is

Plain = Callable[[Any], object]
"""Turns a value into its part of the answer; raises anything when that is not all there is."""

_LEAVES = frozenset({str, int, float, bool, bytes, datetime, date, time, Decimal, UUID})


class Unusual(Exception):
    """The value needs care."""


def unless_unusual(plain: Plain, careful: Complete) -> Complete:
    """The plain way first; what it cannot say is said by the careful one."""

    def complete(executor: Executor[Any], path: Path, value: object) -> object:
        try:
            return plain(value)
        except Exception:  # noqa: S110 - whatever it was, the careful way meets it again
            pass
        return careful(executor, path, value)

    return complete


def may_wait(read: Callable[[object], object], kind: GraphQLOutputType) -> bool:
    """Whether a method may give something to be awaited: then it is called once only."""
    is_list = isinstance(get_nullable_type(kind), GraphQLList)
    return iscoroutinefunction(read) or (is_list and isfunction(read))


def plain_leaf(kind: GraphQLScalarType | GraphQLEnumType) -> Plain:
    """A leaf that is no null."""
    return _enum(kind) if isinstance(kind, GraphQLEnumType) else _scalar(kind)


def plain_object(
    kind: GraphQLObjectType, fields: Mapping[str, tuple[Callable[[Any], object], Plain]]
) -> Plain | None:
    """An object of exactly the class that its type was made of; None where that is to be asked."""
    definition = kind.extensions.get("strawberry-definition")
    if definition is None or kind.is_type_of is not None:
        return None
    known = definition.origin
    selected = [(key, read, write) for key, (read, write) in fields.items()]

    def write_object(value: Any) -> object:  # noqa: ANN401 - whatever a resolver gave
        if type(value) is not known:
            raise Unusual
        return {key: write(read(value)) for key, read, write in selected}

    return write_object


def plain_value(kind: GraphQLOutputType, inner: Plain) -> Plain:
    """A value of a type around that of `inner`: its lists, and where null may be."""
    if isinstance(kind, GraphQLNonNull):
        return _listed(kind.of_type, inner)
    written = _listed(kind, inner)
    return lambda value: None if value is None else written(value)


def _listed(kind: GraphQLOutputType, inner: Plain) -> Plain:
    if not isinstance(kind, GraphQLList):
        return inner
    item = plain_value(kind.of_type, inner)

    def write_list(value: Any) -> object:  # noqa: ANN401 - as above
        if type(value) is not list:
            raise Unusual
        return [item(each) for each in value]

    return write_list


def _scalar(kind: GraphQLScalarType) -> Plain:
    unchanged, coerce = written_as_it_is(kind), kind.coerce_output_value

    def write_scalar(value: Any) -> object:  # noqa: ANN401 - as above
        if type(value) is unchanged:
            return value
        if type(value) not in _LEAVES:
            raise Unusual
        written = coerce(value)
        if written is None or written is Undefined:
            raise Unusual
        return written

    return write_scalar


def _enum(kind: GraphQLEnumType) -> Plain:
    words: dict[int, tuple[Enum, object]] = {}

    def write_enum(value: Any) -> object:  # noqa: ANN401 - as above
        found = words.get(id(value))
        if found is None:
            if not isinstance(value, Enum):
                raise Unusual
            # The member is kept beside its word, so no other object can ever have its id.
            found = words[id(value)] = value, kind.coerce_output_value(value)
        return found[1]

    return write_enum
