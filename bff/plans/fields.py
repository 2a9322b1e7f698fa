"""The fields of an operation as functions: what graphql-core decides per request, decided once.

Each function does what the executor's method named in its docstring does, in the same order, so
results, errors and their paths are the same. What is rare is left to the executor itself.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any, TypeGuard, cast

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    Undefined,
    get_named_type,
    is_leaf_type,
)
from graphql.execution import Executor, get_argument_values
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from graphql.pyutils import Path, gather_with_cancel
from strawberry import Schema
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.extensions.field_extension import build_field_extension_resolvers
from strawberry.permission import PermissionExtension
from strawberry.types.field import StrawberryField

from bff.plans.arguments import NotUnderstood, compile_arguments
from bff.plans.leaves import Complete, complete_leaf, written_as_it_is
from bff.plans.plain import Plain, may_wait, plain_leaf, plain_object, plain_value, unless_unusual

Resolve = Callable[[Executor[Any], object, Path], object]
"""The value of a field of an object, or an awaitable of it."""
Run = Callable[[Executor[Any], object, Path | None], object]
"""Answers one field of the object at a path."""

_AT_ONCE = frozenset({str, int, bool, dict, list, type(None)})
_DEFINITION = "strawberry-definition"

is_awaitable = cast("Callable[[object], TypeGuard[Awaitable[object]]]", optimized_is_awaitable)
"""Whether a value is to be awaited, as Strawberry's executor decides it."""


@dataclass(frozen=True, slots=True)
class Selected:
    """One field selected at one place of the document, with all nodes that select it there."""

    key: str
    parent: GraphQLObjectType
    definition: GraphQLField
    details: FieldDetailsList
    nodes: list[FieldNode]

    def info(self, executor: Executor[Any], path: Path) -> GraphQLResolveInfo[Any]:
        """What resolvers are told."""
        return executor.build_resolve_info(self.definition, self.nodes, self.parent, path)


class FieldCompiler:
    """Compiles selections; `template` is an executor of the operation that never runs.

    Its variables decide `@skip` and `@include`, and nothing else.
    """

    def __init__(self, schema: Schema, template: Executor[Any]) -> None:
        self._schema = schema
        self._template = template

    def fields(self, parent: GraphQLObjectType, grouped: GroupedFieldSet) -> Mapping[str, Run]:
        """The fields of one object, in the order of the answer."""
        return {each.key: self._field(each) for each in self._selected(parent, grouped)}

    def _selected(self, parent: GraphQLObjectType, grouped: GroupedFieldSet) -> Iterator[Selected]:
        for key, details in grouped.items():
            nodes = [each.node for each in details]
            definition = self._template.schema.get_field(parent, nodes[0].name.value)
            assert definition is not None  # the document is valid
            yield Selected(key, parent, definition, details, nodes)

    def _field(self, selected: Selected) -> Run:
        """`execute_field`."""
        key, typename = selected.key, selected.parent.name
        kind, details = selected.definition.type, selected.details
        settle = _settling(kind, details, self._completer(kind, selected))
        read = _reader(selected)
        if read is not None:
            return _read_field(selected, read, settle)
        resolve = self._resolver(selected)

        def run(executor: Executor[Any], source: object, path: Path | None) -> object:
            place = Path(path, key, typename)
            try:
                value = resolve(executor, source, place)
            except Exception as error:
                executor.handle_field_error(error, kind, details, place)
                return None
            return settle(executor, place, value)

        return run

    def _plainly(self, kind: GraphQLOutputType, selected: Selected, careful: Complete) -> Complete:
        inner = self._plain(get_named_type(kind), selected)
        return careful if inner is None else unless_unusual(plain_value(kind, inner), careful)

    def _plain(self, kind: GraphQLNamedType, selected: Selected) -> Plain | None:
        """A value of the type without lists around it, if nothing in it is more than read."""
        if is_leaf_type(kind):
            return plain_leaf(kind)
        if not isinstance(kind, GraphQLObjectType):
            return None
        collected = self._template.collect_subfields(kind, selected.details)
        fields = {}
        for each in self._selected(kind, collected.grouped_field_set):
            whole, read = each.definition.type, _reader(each)
            inner = self._plain(get_named_type(whole), each)
            if read is None or inner is None or may_wait(read, whole):
                return None
            fields[each.key] = read, plain_value(whole, inner)
        return plain_object(kind, fields)

    def _resolver(self, selected: Selected) -> Resolve:
        """What gives the field's value: Strawberry's own parts, or its whole resolver."""
        definition = selected.definition
        field = definition.extensions.get(_DEFINITION)
        if type(field) is StrawberryField:
            with suppress(NotUnderstood):
                return self._known_resolver(field, selected)
        function = definition.resolve or self._template.field_resolver
        given = _given(selected)

        def resolve(executor: Executor[Any], source: object, path: Path) -> object:
            values = given(executor)
            return function(source, selected.info(executor, path), **values)

        return resolve

    def _known_resolver(self, field: StrawberryField, selected: Selected) -> Resolve:
        """A method that may ask for `info`, behind permissions or nothing.

        Raises: NotUnderstood.
        """
        resolver = field.base_resolver
        told = None if resolver is None else resolver.info_parameter
        if (
            resolver is None
            or resolver.self_parameter is None
            or resolver.parent_parameter is not None
            or resolver.root_parameter is not None
            or (told is not None and told.name != "info")
            or not all(type(each) is PermissionExtension for each in field.extensions)
        ):
            raise NotUnderstood(field.name)
        function = cast("Callable[..., object]", resolver.wrapped_func)

        def call(source: object, info: object, **values: object) -> object:
            return (
                function(source, **values)
                if told is None
                else function(source, info=info, **values)
            )

        call = _guarded(field, call)
        info_class = self._schema.config.info_class
        given, arguments = _given(selected), compile_arguments(self._schema, field)

        def resolve(executor: Executor[Any], source: object, path: Path) -> object:
            values = given(executor)
            info = info_class(_raw_info=selected.info(executor, path), _field=field)
            return call(source, info, **arguments(values))

        return resolve

    def _completer(self, kind: GraphQLOutputType, selected: Selected) -> Complete:
        """`complete_value`; interfaces and unions are left to it."""
        if isinstance(kind, GraphQLNonNull):
            return self._non_null(kind, selected)
        if isinstance(kind, GraphQLList):
            return self._plainly(kind, selected, self._list(kind, selected))
        if isinstance(kind, GraphQLObjectType):
            return self._plainly(kind, selected, self._object(kind, selected))
        if is_leaf_type(kind):
            return complete_leaf(kind)

        def complete(executor: Executor[Any], path: Path, value: object) -> object:
            info = selected.info(executor, path)
            return executor.complete_value(kind, selected.details, info, path, value, None)

        return complete

    def _non_null(self, kind: GraphQLNonNull[Any], selected: Selected) -> Complete:
        inner = self._completer(kind.of_type, selected)
        name = f"{selected.parent}.{selected.nodes[0].name.value}"

        def complete(executor: Executor[Any], path: Path, value: object) -> object:
            completed = inner(executor, path, value)
            if completed is None:
                raise TypeError(f"Cannot return null for non-nullable field {name}.")
            return completed

        return complete

    def _list(self, kind: GraphQLList[Any], selected: Selected) -> Complete:
        """`complete_iterable_value` for lists and tuples; other values are left to the executor."""
        details = selected.details
        settle = _settling(kind.of_type, details, self._completer(kind.of_type, selected))

        def complete(executor: Executor[Any], path: Path, value: object) -> object:
            if not isinstance(value, list | tuple):
                info = selected.info(executor, path)
                return executor.complete_value(kind, details, info, path, value, None)
            done: list[Any] = []
            items = iter(value)
            try:
                for index, item in enumerate(items):
                    done.append(settle(executor, Path(path, index, None), item))
            except Exception:
                _abandon(executor, [*done, *items])
                raise
            waiting = [index for index, each in enumerate(done) if is_awaitable(each)]
            return _filled(done, waiting) if waiting else done

        return complete

    def _object(self, kind: GraphQLObjectType, selected: Selected) -> Complete:
        """`complete_object_value`."""
        collected = self._template.collect_subfields(kind, selected.details)
        fields = self.fields(kind, collected.grouped_field_set)
        is_type_of = kind.is_type_of

        def complete(executor: Executor[Any], path: Path, value: object) -> object:
            if value is None or value is Undefined:
                return None
            if isinstance(value, Exception):
                raise value
            if is_type_of is not None:
                info = selected.info(executor, path)
                if is_type_of(value, info) is not True:
                    details = selected.details
                    return executor.complete_object_value(kind, details, info, path, value, None)
            return run_together(fields, executor, value, path)

        return complete


def _reader(selected: Selected) -> Callable[[object], object] | None:
    """How the field is read off its object, if nothing else is asked for it."""
    field = selected.definition.extensions.get(_DEFINITION)
    if type(field) is not StrawberryField:
        return None
    if field.is_basic_field:
        resolver, name = field.default_resolver, field.python_name
        return attrgetter(name) if resolver is getattr else lambda source: resolver(source, name)
    method = field.base_resolver
    asks = method is None or (
        method.self_parameter is None
        or method.parent_parameter
        or method.root_parameter
        or method.info_parameter
        or field.extensions
        or selected.definition.args
    )
    return (
        None if method is None or asks else cast("Callable[[object], object]", method.wrapped_func)
    )


def _read_field(selected: Selected, read: Callable[[object], object], settle: Complete) -> Run:
    """`execute_field` of what is only read; a leaf that is written as it is goes straight."""
    key, typename = selected.key, selected.parent.name
    kind, details = selected.definition.type, selected.details
    unchanged = written_as_it_is(kind)

    def run(executor: Executor[Any], source: object, path: Path | None) -> object:
        try:
            value = read(source)
        except Exception as error:
            executor.handle_field_error(error, kind, details, Path(path, key, typename))
            return None
        if type(value) is unchanged:
            return value
        return settle(executor, Path(path, key, typename), value)

    return run


def _guarded(field: StrawberryField, call: Callable[..., object]) -> Callable[..., object]:
    """The resolver behind its permissions: Strawberry's own way, but for those who may pass."""
    extended = call
    for extend in build_field_extension_resolvers(field):
        extended = partial(extend, extended)
    permissions = [
        permission
        for extension in field.extensions
        for permission in cast("PermissionExtension", extension).permissions
    ]

    def guarded(source: object, info: Any, **values: object) -> object:  # noqa: ANN401 - Strawberry's Info
        for permission in permissions:
            if permission.has_permission(source, info, **values) is not True:
                return extended(source, info, **values)
        return call(source, info, **values)

    return guarded if permissions else extended


def run_together(
    fields: Mapping[str, Run], executor: Executor[Any], source: object, path: Path | None
) -> object:
    """`execute_fields`: all fields of an object, those that wait at the same time."""
    done: dict[str, Any] = {}
    try:
        for key, run in fields.items():
            done[key] = run(executor, source, path)
    except Exception:
        _abandon(executor, list(done.values()))
        raise
    waiting = [
        key for key, each in done.items() if type(each) not in _AT_ONCE and is_awaitable(each)
    ]
    return _filled(done, waiting) if waiting else done


async def run_serially(fields: Mapping[str, Run], executor: Executor[Any]) -> dict[str, Any]:
    """`execute_fields_serially`: the root of a mutation, one field after the other."""
    done: dict[str, Any] = {}
    for key, run in fields.items():
        result = run(executor, executor.root_value, None)
        done[key] = await result if is_awaitable(result) else result
    return done


def _given(selected: Selected) -> Callable[[Executor[Any]], dict[str, Any]]:
    """The field's argument values by their GraphQL names."""
    definition, node = selected.definition, selected.nodes[0]
    fragment_values = selected.details[0].fragment_variable_values
    if not (definition.args or node.arguments):
        return lambda _executor: {}
    return lambda executor: get_argument_values(
        definition, node, executor.variable_values, fragment_values
    )


async def _filled(done: Any, waiting: list[Any]) -> Any:  # noqa: ANN401 - a dict or a list
    """The dict or list with its awaitables at the keys `waiting` replaced by their results."""
    if len(waiting) == 1:
        done[waiting[0]] = await done[waiting[0]]
        return done
    found = await gather_with_cancel(*(done[key] for key in waiting))
    for key, each in zip(waiting, found, strict=True):
        done[key] = each
    return done


def _abandon(executor: Executor[Any], values: list[Any]) -> None:
    """Lets what was begun end unheard: an error made the whole null."""
    begun = [each for each in values if is_awaitable(each)]
    if begun:
        executor.settle_in_background(begun)


def _settling(kind: GraphQLOutputType, details: FieldDetailsList, complete: Complete) -> Complete:
    """Completes the value of a field or list item; its error becomes null or climbs."""

    async def later(executor: Executor[Any], path: Path, value: Awaitable[object]) -> object:
        try:
            completed = complete(executor, path, await value)
            return await completed if is_awaitable(completed) else completed
        except Exception as error:
            executor.handle_field_error(error, kind, details, path)
            return None

    async def awaited(executor: Executor[Any], path: Path, completed: Awaitable[object]) -> object:
        try:
            return await completed
        except Exception as error:
            executor.handle_field_error(error, kind, details, path)
            return None

    def settle(executor: Executor[Any], path: Path, value: object) -> object:
        try:
            if is_awaitable(value):
                return later(executor, path, value)
            completed = complete(executor, path, value)
        except Exception as error:
            executor.handle_field_error(error, kind, details, path)
            return None
        return awaited(executor, path, completed) if is_awaitable(completed) else completed

    return settle
