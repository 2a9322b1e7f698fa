"""Plans answer byte for byte as Strawberry does, errors, their paths and their order included."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import product
from typing import Any, Self

import pytest
from graphql import (
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    Undefined,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
)
from graphql.pyutils import Path

from bff.documents import Documents
from bff.plans import fields
from bff.plans.plain import Unusual, plain_leaf
from bff.plans.plan import Plan, find_plan
from bff.trusted import FOLDER, read_documents
from schema.campus import SCHEMA as CAMPUS
from schema.documents import graphql_schema, prepare
from schema.execution import execute
from schema.root import PREPARED, CampusSchema
from tests.factories.viewers import cardholder_viewer
from tests.unit.bff.wood import GROWN, SCHEMA


class Caller:
    """A context with nothing but its viewer."""

    def __init__(self, viewer: object) -> None:
        self.viewer = viewer


CONTEXTS: list[Any] = [Caller(cardholder_viewer())]


def written(result: Any) -> str:
    """A result as text, with all that is known of its errors."""
    errors = [
        (each.message, each.path, each.locations, repr(each.original_error), each.extensions)
        for each in result.errors or ()
    ]
    return json.dumps(result.data, ensure_ascii=False) + repr(errors)


def plan_of(schema: CampusSchema, text: str) -> Plan | None:
    document = prepare(schema, text, introspection=True).document
    return find_plan(schema, document, {PREPARED: document})


async def assert_answered_alike(text: str, variables: Mapping[str, Any] | None = None) -> str:
    """What both ways answer, which is the same."""
    plan = plan_of(SCHEMA, text)
    assert plan is not None
    prepared = prepare(SCHEMA, text, introspection=True)
    theirs = written(await execute(SCHEMA, prepared, CONTEXTS[0], variables))
    for _ in range(2):  # the second time the plan is compiled already
        assert written(await plan(CONTEXTS[0], variables or {})) == theirs
    return theirs


DOCUMENTS = [
    "{ branch { number leaf { name weight isGreen colour } } }",
    "{ branch { __typename aliased: number leaf { __typename } } __typename }",
    "{ branch { leaf { name breaks } failed } }",
    "{ branch { wrong } }",
    "{ branch { missing } certain { number } }",
    "{ certain { missing deeper { number } } }",
    "{ certain { number deeper { wrong deeper { number } } } }",
    "{ certain { deeper { leaf { breaksLate } leaves { breaksLate } } } }",
    "{ branch { leaves { name breaks } fullLeaves { name } tupleOfNumbers streamed } }",
    "{ branch { leaves(count: 4) { name } more: leaves { name } things { name } } }",
    "{ branch { things { name ... on Leaf { weight breaks } ... on Stone { kind } } } }",
    "{ branch { waiting deeper { waiting number } a: deeper { number } } }",
    "{ branch { seeds { number doubled colour marks inner { number colour } } } }",
    "{ branch { oddSeeds { number } } }",
    "{ branch { oddSeeds { doubled colour loose marks inner { number inner { number } } } } }",
    "{ branch { own ownLate(text: \"t\") deeper { own ownLate } } }",
    "{ a: thing(green: true) { name } b: thing(green: false) { __typename name } }",
    ("{ branch { ...F } certain { ...F ...G } } fragment F on Branch { number leaf { ...L } }"
    " fragment L on Leaf { name colour } fragment G on Branch { leaf { weight } number }"),
    "{ branch { leaf { name } leaf { weight } } branch { number leaf { name } } }",
    ("mutation { a: grow(size: 1) { number } b: grow(size: -1) { number } c: grow(size: 3)"
    " { number deeper { number } } }"),
    "mutation { grow(size: 1) { number } cut { number } }",
    "{ __schema { queryType { name } } __type(name: \"Leaf\") { kind } }",
    "query Told { told }",
]  # fmt: skip


@pytest.mark.parametrize("text", DOCUMENTS)
async def test_document_is_answered_as_by_strawberry(text: str) -> None:
    await assert_answered_alike(text)


async def test_mutations_run_one_after_the_other() -> None:
    plan = plan_of(SCHEMA, "mutation { a: grow(size: 1) { number } b: grow(size: 2) { number } }")
    assert plan is not None
    GROWN.clear()
    await plan(CONTEXTS[0], {})
    assert GROWN == ["begun 1", "ended 1", "begun 2", "ended 2"]


async def test_missing_value_of_the_root_makes_the_whole_null() -> None:
    assert (await assert_answered_alike("{ certain { missing } }")).startswith(
        "null[('Cannot return null for"
    )


@pytest.mark.parametrize(
    "given",
    [
        {"part": {"size": 1}},
        {"part": {"size": 1, "colour": "BLUE", "labels": ["a", "b"]}, "note": None, "number": 7},
        {"part": {"size": 1, "labels": "one"}, "parts": [{"size": 2}, {"size": 3, "labels": []}]},
        {"part": {"size": "1"}},
        {"part": {"size": 1, "colour": "GREEN"}},
        {"part": {}, "other": 1},
        {},
        [],
        None,
    ],
)
async def test_input_is_read_as_by_strawberry(given: object) -> None:
    text = "query A($order: Order!, $times: [Int!] = [1]) { ordered(order: $order, times: $times) }"
    await assert_answered_alike(text, {"order": given})
    await assert_answered_alike(text, {"order": given, "times": None})
    await assert_answered_alike(text, {"order": given, "times": 3})
    await assert_answered_alike(text, {"times": ["x"]})


async def test_input_within_the_document_is_read_as_by_strawberry() -> None:
    await assert_answered_alike(
        "query A($size: Int = 4) { ordered(order: {part: {size: $size}, note: null}) }"
    )
    await assert_answered_alike(
        "query A($note: String) { ordered(order: {part: {size: 1}, note: $note}) }"
    )


async def test_type_within_itself_is_read_by_strawberry() -> None:
    text = "query A($tree: Tree!) { planted(tree: $tree) }"
    answer = await assert_answered_alike(text, {"tree": {"name": "a", "inside": {"name": "b"}}})
    assert "Tree(name='a', inside=Tree(name='b', inside=None))" in answer


async def test_conditions_are_asked_at_each_request() -> None:
    text = """query A($a: Boolean!, $b: Boolean = true) {
      branch { number @skip(if: $a) leaf @include(if: $b) { name @include(if: $a) weight } }
      certain @include(if: $a) { ... @skip(if: $b) { number } ...F @include(if: $b) }
    } fragment F on Branch { leaf { name } number @skip(if: true) }"""
    plan = plan_of(SCHEMA, text)
    assert plan is not None
    answers = set()
    for given in ({"a": x} | y for x in (True, False) for y in ({}, {"b": True}, {"b": False})):
        theirs = await execute(
            SCHEMA, prepare(SCHEMA, text, introspection=False), CONTEXTS[0], given
        )
        assert written(await plan(CONTEXTS[0], given)) == written(theirs)
        answers.add(written(theirs))
    assert len(answers) == 4


async def test_nobody_is_refused_as_by_strawberry() -> None:
    text = "{ branch { own deeper { ownLate number } } }"
    nobody: Any = Caller(cardholder_viewer())
    nobody.viewer = None
    plan = plan_of(SCHEMA, text)
    assert plan is not None
    theirs = await execute(SCHEMA, prepare(SCHEMA, text, introspection=False), nobody)
    assert written(await plan(nobody, {})) == written(theirs)
    assert [error.path for error in theirs.errors or ()] == [
        ["branch", "own"], ["branch", "deeper", "ownLate"]
    ]  # fmt: skip


async def test_what_is_only_read_makes_no_paths_until_something_is_unusual(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[object] = []

    class Counted(Path):
        def __new__(cls, *parts: Any) -> Self:
            made.append(parts[1])
            return super().__new__(cls, *parts)

    monkeypatch.setattr(fields, "Path", Counted)
    await assert_answered_alike("{ branch { seeds { number doubled marks inner { colour } } } }")
    assert set(made) == {"branch", "seeds"}
    await assert_answered_alike("{ branch { oddSeeds { number } } }")
    assert set(made) == {"branch", "seeds", "oddSeeds", *range(11), "number"}


@pytest.mark.parametrize("nothing", [None, Undefined])
def test_a_leaf_that_is_written_as_nothing_is_unusual(nothing: object) -> None:
    kind = GraphQLScalarType("Odd", coerce_output_value=lambda _value: nothing)
    with pytest.raises(Unusual):
        plain_leaf(kind)(1)


async def test_requests_at_once_share_a_plan_and_nothing_else() -> None:
    text = "mutation A($size: Int!) { grow(size: $size) { number deeper { number } } }"
    plan = plan_of(SCHEMA, text)
    assert plan is not None
    results = await asyncio.gather(*(plan(CONTEXTS[0], {"size": n - 2}) for n in range(5)))
    assert [each.data["grow"] and each.data["grow"]["number"] for each in results if each.data] == [
        None, None, 0, 1, 2
    ]  # fmt: skip
    assert [len(each.errors or ()) for each in results] == [1, 1, 0, 0, 0]


def test_what_is_not_understood_is_left_to_strawberry() -> None:
    many = ", ".join(f"$v{n}: Boolean!" for n in range(5))
    used = " ".join(f"a{n}: __typename @skip(if: $v{n})" for n in range(5))
    assert plan_of(SCHEMA, "subscription { falling }") is None
    assert plan_of(SCHEMA, f"query A({many}) {{ {used} }}") is None
    assert plan_of(SCHEMA, "query A { __typename } query B { __typename }") is None


def test_each_trusted_document_but_subscriptions_has_a_plan() -> None:
    documents = Documents(CAMPUS, read_documents(FOLDER), ad_hoc=False)
    left = [each.name for each in documents if plan_of(CAMPUS, each.prepared.text) is None]
    assert left == [each.name for each in documents if each.prepared.is_subscription(None)]


class Chooser:
    """Choices that look random and are the same in every run."""

    def __init__(self, seed: int) -> None:
        self._numbers = self._drawn(seed)

    @staticmethod
    def _drawn(seed: int) -> Iterator[int]:
        block = str(seed).encode()
        while True:
            block = sha256(block).digest()
            yield from block

    def __call__(self, below: int) -> int:
        return next(self._numbers) % below


LEFT_OUT = {"thing", "ordered", "planted", "told", "grow"}
"""They have arguments, which the documents above try."""


def selection(kind: GraphQLNamedType, choose: Chooser, depth: int) -> str:
    """A random selection of a type's fields, some behind conditions, fragments and aliases."""
    if is_abstract_type(kind):
        return f"{{ __typename ... on Leaf {selection(leaf_type(), choose, depth)} name }}"
    assert isinstance(kind, GraphQLObjectType)
    made = ["__typename"]
    for name, field in kind.fields.items():
        inner = get_named_type(field.type)
        if name in LEFT_OUT or choose(3) == 0 or (not is_leaf_type(inner) and depth == 0):
            continue
        text = name if is_leaf_type(inner) else f"{name} {selection(inner, choose, depth - 1)}"
        match choose(8):
            case 0:
                head, _, rest = text.partition(" ")
                text = f"{head} @{'skip' if choose(2) else 'include'}(if: $x) {rest}"
            case 1:
                text = f"... on {kind.name} {{ {text} }}"
            case 2:
                text = f"... @include(if: $y) {{ {text} }}"
        made.append(text)
    return f"{{ {' '.join(made)} }}"


def leaf_type() -> GraphQLNamedType:
    found = graphql_schema(SCHEMA).get_type("Leaf")
    assert found is not None
    return found


@pytest.mark.parametrize("seed", range(60))
async def test_generated_document_is_answered_as_by_strawberry(seed: int) -> None:
    root = graphql_schema(SCHEMA).query_type
    assert root is not None
    body = selection(root, Chooser(seed), 2)
    declared = [name for name in ("x", "y") if f"${name})" in body]
    head = ", ".join(f"${name}: Boolean!" for name in declared)
    for values in product((True, False), repeat=len(declared)):
        text = f"query G({head}) {body}" if head else f"query G {body}"
        await assert_answered_alike(text, dict(zip(declared, values, strict=True)))
