"""Arguments as resolvers take them: Strawberry's conversion of input values, decided once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING
from typing import Any, cast

from strawberry.relay.types import GlobalID
from strawberry.schema.compat import is_scalar
from strawberry.schema.schema import Schema
from strawberry.types.base import (
    StrawberryList,
    StrawberryMaybe,
    StrawberryObjectDefinition,
    StrawberryOptional,
    has_object_definition,
)
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import LazyType
from strawberry.types.unset import UNSET

Convert = Callable[[object], object]
Arguments = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Turns values by their GraphQL names into the resolver's keyword arguments."""


class NotUnderstood(Exception):
    """Strawberry converts this type in a way that is not repeated here."""


def compile_arguments(schema: Schema, field: StrawberryField) -> Arguments:
    """`convert_arguments` of one field.

    Raises: NotUnderstood.
    """
    names = schema.config.name_converter
    converters = _Converters(schema)
    known = [
        (names.from_argument(each), each.python_name, converters.convert(each.type))
        for each in field.arguments
    ]

    def arguments(given: Mapping[str, Any]) -> dict[str, Any]:
        return {python: convert(given[name]) for name, python, convert in known if name in given}

    return arguments


class _Converters:
    """`convert_argument` by type; a type that contains itself is not understood."""

    def __init__(self, schema: Schema) -> None:
        self._names = schema.config.name_converter
        self._scalars = schema.schema_converter.scalar_registry
        self._open: list[object] = []

    def convert(self, kind: Any) -> Convert:  # noqa: ANN401 - Strawberry's types have no common class
        """The conversion of one type."""
        if isinstance(kind, StrawberryMaybe) or kind is GlobalID or kind in self._open:
            raise NotUnderstood(kind)
        if isinstance(kind, StrawberryOptional):
            return self.convert(kind.of_type)
        if isinstance(kind, LazyType):
            return self.convert(kind.resolve_type())
        if isinstance(kind, StrawberryList):
            return _list(self.convert(kind.of_type))
        if self._is_leaf(kind):
            return _unchanged
        if has_object_definition(kind) and kind.__strawberry_definition__.is_input:
            self._open.append(kind)
            made = self._object(kind, kind.__strawberry_definition__)
            self._open.pop()
            return made
        raise NotUnderstood(kind)

    def _is_leaf(self, kind: Any) -> bool:  # noqa: ANN401 - as above
        is_enum = isinstance(kind, StrawberryEnumDefinition) or has_enum_definition(kind)
        return is_enum or is_scalar(kind, self._scalars)

    def _object(self, kind: type, definition: StrawberryObjectDefinition) -> Convert:
        if definition.from_input is not None:
            raise NotUnderstood(kind)
        absent = {
            each.python_name: None
            for each in definition.fields
            if each.default_value is MISSING and each.default_factory is MISSING
        }
        known = [
            (
                self._names.from_field(each),
                each.python_name,
                self.convert(each.resolve_type(type_definition=definition)),
            )
            for each in definition.fields
        ]

        def convert(value: object) -> object:
            if value is None or value is UNSET:
                return value
            given = cast("Mapping[str, object]", value)
            found = {name: to(given[key]) for key, name, to in known if key in given}
            return kind(**absent | found)

        return convert


def _unchanged(value: object) -> object:
    return value


def _list(convert: Convert) -> Convert:
    def converted(value: object) -> object:
        if value is None or value is UNSET:
            return value
        return [convert(each) for each in cast("Iterable[object]", value)]

    return converted
