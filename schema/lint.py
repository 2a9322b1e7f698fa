"""The rules of the contract's shape, each a function that returns the problems it finds."""

import re
from collections.abc import Iterator
from pathlib import Path

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
)

from core.kit.page import FIRST_MAXIMUM
from schema.directives import Bounded, Element, Restricted, find_directive

_UPPER_SNAKE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
_MONEY = re.compile(r"(?i)amount|balance|minor|price|fee\b|total(?!_)")
_OWN_LISTS = {"edges", "nodes", "userErrors", "path"}
"""Lists bounded by the contract itself (schema.connection, schema.errors)."""
_UPLOAD = "UploadPayload"
"""How an answer ends that has an item for each item sent: as long as the upload, and no longer."""


def problems(schema: GraphQLSchema) -> list[str]:
    """Everything in the schema that breaks a rule of its shape, sorted."""
    rules = (_undescribed, _badly_named, _unbounded, _inexact_money, _odd_mutations)
    return sorted(problem for rule in rules for problem in rule(schema))


def untested_mutations(schema: GraphQLSchema, folder: Path) -> list[str]:
    """Mutations that no test in the folder or below names."""
    tests = "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("test_*.py"))
    names = schema.mutation_type.fields if schema.mutation_type else {}
    return sorted(name for name in names if f'"{name}"' not in tests)


def restricted_fields(schema: GraphQLSchema) -> list[tuple[str, str, list[str]]]:
    """Type, name and permitted callers of each restricted field."""
    return [
        (kind.name, name, directive.to)
        for kind, name, element in _elements(schema)
        if (directive := find_directive(element, Restricted)) is not None
    ]


def _types(schema: GraphQLSchema) -> Iterator[GraphQLNamedType]:
    builtin = {"Boolean", "Float", "ID", "Int", "String"}
    for name, kind in schema.type_map.items():
        if not name.startswith("__") and name not in builtin:
            yield kind


def _elements(schema: GraphQLSchema) -> Iterator[tuple[GraphQLNamedType, str, Element]]:
    for kind in _types(schema):
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in kind.fields.items():
                yield kind, name, field
                for argument_name, argument in field.args.items():
                    yield kind, f"{name}.{argument_name}", argument
        elif isinstance(kind, GraphQLInputObjectType):
            for name, input_field in kind.fields.items():
                yield kind, name, input_field


def _undescribed(schema: GraphQLSchema) -> Iterator[str]:
    for kind in _types(schema):
        if not kind.description:
            yield f"{kind.name}: no description"
        if isinstance(kind, GraphQLEnumType):
            for name, value in kind.values.items():
                if not value.description:
                    yield f"{kind.name}.{name}: no description"
    for kind, name, element in _elements(schema):
        if not element.description:
            yield f"{kind.name}.{name}: no description"


def _badly_named(schema: GraphQLSchema) -> Iterator[str]:
    for kind in _types(schema):
        if isinstance(kind, GraphQLEnumType):
            if kind.name.endswith("Enum"):
                yield f"{kind.name}: an enum's name has no suffix Enum"
            for name in kind.values:
                if not _UPPER_SNAKE.fullmatch(name):
                    yield f"{kind.name}.{name}: an enum's values are UPPER_SNAKE"


def _unbounded(schema: GraphQLSchema) -> Iterator[str]:
    for kind, name, element in _elements(schema):
        if not _is_list(element.type) or name.rpartition(".")[2] in _OWN_LISTS:
            continue
        bounded = find_directive(element, Bounded)
        if bounded is None:
            yield f"{kind.name}.{name}: a list is @bounded or a connection"
        elif str(bounded.maximum) not in (element.description or ""):
            yield f"{kind.name}.{name}: its description names its bound, {bounded.maximum}"
        elif (
            isinstance(element, GraphQLField)
            and bounded.maximum > FIRST_MAXIMUM
            and not kind.name.endswith(_UPLOAD)
        ):
            yield f"{kind.name}.{name}: more than {FIRST_MAXIMUM} items need a connection"


def _inexact_money(schema: GraphQLSchema) -> Iterator[str]:
    for kind, name, element in _elements(schema):
        type_name = get_named_type(element.type).name
        if type_name == "Float" or (type_name == "Int" and _MONEY.search(name)):
            yield f"{kind.name}.{name}: money is Money or MinorAmount, never {type_name}"


def _odd_mutations(schema: GraphQLSchema) -> Iterator[str]:
    for name, field in (schema.mutation_type.fields if schema.mutation_type else {}).items():
        title = name[0].upper() + name[1:]
        arguments = {key: str(argument.type) for key, argument in field.args.items()}
        if arguments != {"input": f"{title}Input!"}:
            yield f"Mutation.{name}: one argument `input: {title}Input!`"
        if str(field.type) != f"{title}Payload":
            yield f"Mutation.{name}: one nullable result `{title}Payload`"
        else:
            assert isinstance(field.type, GraphQLObjectType)
            yield from _odd_payload(field.type)


def _odd_payload(payload: GraphQLObjectType) -> Iterator[str]:
    errors = payload.fields.get("userErrors")
    if errors is None or not re.fullmatch(r"\[[A-Za-z]+UserError!\]!", str(errors.type)):
        yield f"{payload.name}.userErrors: `[<Area>UserError!]!`"
    for name, field in payload.fields.items():
        if name != "userErrors" and isinstance(field.type, GraphQLNonNull):
            yield f"{payload.name}.{name}: an object of a payload is nullable"


def _is_list(kind: object) -> bool:
    while isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    return isinstance(kind, GraphQLList)
