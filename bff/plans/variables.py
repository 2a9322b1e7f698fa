"""Variables of an operation: graphql-core's coercion of well-formed values, decided once.

Only what needs no telling is repeated here. Whatever else comes, a wrong value above all, goes to
`get_variable_values` itself, whose errors clients know.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, cast

from graphql import (
    GraphQLID,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    Undefined,
    get_variable_values,
    is_required_input_field,
)
from graphql.error import GraphQLError
from graphql.execution.get_variable_signature import (
    GraphQLVariableSignature,
    get_variable_signature,
)
from graphql.execution.values import VariableValues, VariableValueSource
from graphql.utilities.coerce_input_value import coerce_default_value

COERCION_ERRORS_MAXIMUM = 50

Coerce = Callable[[object], Any]
Values = Callable[[Mapping[str, Any]], VariableValues | list[GraphQLError]]


class _NotPlain(Exception):
    """A type or a value that is left to graphql-core."""


def compile_variables(schema: GraphQLSchema, operation: OperationDefinitionNode) -> Values:
    """`get_variable_values` of one operation."""
    nodes = operation.variable_definitions or ()

    def whole(given: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
        return get_variable_values(schema, nodes, dict(given), max_errors=COERCION_ERRORS_MAXIMUM)

    known: list[tuple[GraphQLVariableSignature, Coerce, bool]] = []
    with suppress(_NotPlain):
        for node in nodes:
            signature = get_variable_signature(schema, node)
            if isinstance(signature, GraphQLError):
                return whole
            may_be_absent = not (node.default_value or isinstance(signature.type, GraphQLNonNull))
            known.append((signature, _coercion(signature.type, ()), may_be_absent))
    if len(known) < len(nodes):
        return whole

    def values(given: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        try:
            for signature, coerce, may_be_absent in known:
                name = signature.name
                value = given.get(name, Undefined)
                sources[name] = VariableValueSource(signature, value)
                if value is not Undefined:
                    coerced[name] = coerce(value)
                elif not may_be_absent:
                    raise _NotPlain
        except _NotPlain:
            return whole(given)
        return VariableValues(sources, coerced)

    return values


def _coercion(kind: GraphQLInputType, within: tuple[GraphQLInputObjectType, ...]) -> Coerce:
    """`coerce_input_value` of one type; `within` are the types it is part of.

    Raises: _NotPlain.
    """
    if not isinstance(kind, GraphQLNonNull):
        plain = _coercion(GraphQLNonNull(kind), within)
        return lambda value: None if value is None else plain(value)
    inner = kind.of_type
    if isinstance(inner, GraphQLList):
        return _list(_coercion(inner.of_type, within))
    if isinstance(inner, GraphQLInputObjectType):
        return _object(inner, within)
    return _leaf(inner)


def _list(item: Coerce) -> Coerce:
    def coerce(value: object) -> list[Any]:
        if type(value) is not list:
            raise _NotPlain
        return [item(each) for each in value]

    return coerce


def _object(kind: GraphQLInputObjectType, within: tuple[GraphQLInputObjectType, ...]) -> Coerce:
    if kind in within or kind.is_one_of:
        raise _NotPlain(kind)
    fields = [
        (
            name,
            field.out_name or name,
            _coercion(field.type, (*within, kind)),
            is_required_input_field(field),
            coerce_default_value(field),
        )
        for name, field in kind.fields.items()
    ]
    if any(isinstance(default, list | dict) for *_, default in fields):
        raise _NotPlain(kind)  # each request gets its own
    make = kind.out_type

    def coerce(value: object) -> Any:  # noqa: ANN401 - what the type's own conversion makes
        if type(value) is not dict:
            raise _NotPlain
        coerced, seen = {}, 0
        for name, out_name, of_field, is_required, default in fields:
            if name in value:
                seen += 1
                coerced[out_name] = of_field(value[name])
            elif is_required:
                raise _NotPlain
            elif default is not Undefined:
                coerced[out_name] = default
        if seen != len(value):
            raise _NotPlain  # a field nobody knows
        return make(coerced)

    return coerce


def _leaf(kind: GraphQLLeafType) -> Coerce:
    if kind in (GraphQLString, GraphQLID):
        return _text
    read = cast("Coerce", kind.coerce_input_value)
    words: dict[object, Any] = {}

    def coerce(value: object) -> Any:  # noqa: ANN401 - what the leaf stands for
        if value is None:
            raise _NotPlain
        try:
            coerced = read(value)
        except Exception:
            raise _NotPlain from None
        if coerced is Undefined:
            raise _NotPlain
        return coerced

    def coerce_word(value: object) -> Any:  # noqa: ANN401 - a member of the enum
        if type(value) is not str:
            raise _NotPlain
        found = words.get(value)
        if found is None:
            found = words[value] = coerce(value)
        return found

    return coerce if isinstance(kind, GraphQLScalarType) else coerce_word


def _text(value: object) -> str:
    if type(value) is not str:
        raise _NotPlain
    return value
