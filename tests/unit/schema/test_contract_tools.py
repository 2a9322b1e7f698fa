"""The SDL, its lint and its breaking changes: each tool finds the fault planted for it."""

from pathlib import Path

import pytest
import strawberry
from graphql import build_schema as from_sdl

from schema.changes import breaking, dangerous
from schema.directives import Bounded
from schema.documents import graphql_schema
from schema.lint import problems, restricted_fields, untested_mutations
from schema.root import build_schema
from schema.sdl import sdl
from tests.api.toy import SCHEMA, ToyMutation, ToyQuery, ToySubscription, load_item


def linted(*lines: str) -> list[str]:
    return problems(from_sdl("\n".join(lines)))


def test_toy_schema_keeps_every_rule() -> None:
    assert problems(graphql_schema(SCHEMA)) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("type Query { a: Int }", "Query.a: no description"),
        ('type Query { "d" a(b: Int): ID }', "Query.a.b: no description"),
        ("enum E { A } type Query { a: E }", "E.A: no description"),
        ("enum E { A } type Query { a: E }", "E: no description"),
        ("input I { a: ID } type Query { a(i: I): ID }", "I.a: no description"),
        ("enum ColourEnum { A }", "ColourEnum: an enum's name has no suffix Enum"),
        ("enum E { lower }", "E.lower: an enum's values are UPPER_SNAKE"),
        ("type Query { a: [ID!]! }", "Query.a: a list is @bounded or a connection"),
        ("input I { a: [ID!] }", "I.a: a list is @bounded or a connection"),
        ("type Query { a: Float }", "Query.a: money is Money or MinorAmount, never Float"),
        (
            "type Query { dailyAmount: Int }",
            "Query.dailyAmount: money is Money or MinorAmount, never Int",
        ),
        (
            "type Query { a(feeMinor: Int): ID }",
            "Query.a.feeMinor: money is Money or MinorAmount, never Int",
        ),
        ("type Mutation { go: GoPayload }", "Mutation.go: one argument `input: GoInput!`"),
        (
            "type Mutation { go(input: GoInput!, x: ID): GoPayload } input GoInput { a: ID }",
            "Mutation.go: one argument `input: GoInput!`",
        ),
        ("type Mutation { go: ID }", "Mutation.go: one nullable result `GoPayload`"),
        (
            "type Mutation { go: GoPayload! } type GoPayload { a: ID }",
            "Mutation.go: one nullable result `GoPayload`",
        ),
        (
            "type Mutation { go: GoPayload } type GoPayload { a: ID }",
            "GoPayload.userErrors: `[<Area>UserError!]!`",
        ),
        (
            "type Mutation { go: GoPayload } type GoPayload { a: ID! }",
            "GoPayload.a: an object of a payload is nullable",
        ),
    ],
)
def test_lint_finds(text: str, problem: str) -> None:
    needed = [
        line
        for name, line in (
            ("type Query", "type Query { z: ID }"),
            ("type GoPayload", "type GoPayload { userErrors: [GoUserError!]! }"),
            ("type GoUserError", "type GoUserError { z: ID }"),
        )
        if name not in text
    ]
    assert problem in linted(text, *needed)


def test_lint_finds_bounds_that_are_unsaid_or_too_wide() -> None:
    @strawberry.type
    class Lists:
        @strawberry.field(description="Some.", directives=[Bounded(maximum=5)])
        def unsaid(self) -> list[str]:
            return []

        @strawberry.field(description="At most 101.", directives=[Bounded(maximum=101)])
        def wide(self) -> list[str]:
            return []

    assert problems(graphql_schema(build_schema([Lists]))) == [
        "Query.unsaid: its description names its bound, 5",
        "Query.wide: more than 100 items need a connection",
    ]


def test_an_upload_is_answered_item_by_item() -> None:
    wide = Bounded(maximum=101)

    @strawberry.type
    class ThingsUploadPayload:
        results: list[str] | None = strawberry.field(description="At most 101.", directives=[wide])

    @strawberry.type
    class Things:
        @strawberry.field(description="What an upload is answered.")
        def things(self) -> ThingsUploadPayload | None:
            return None

    found = problems(graphql_schema(build_schema([Things])))
    assert [each for each in found if "connection" in each] == []


def test_mutation_that_no_test_names_is_told(tmp_path: Path) -> None:
    core = graphql_schema(SCHEMA)
    (tmp_path / "test_toys.py").write_text("nothing of it")
    assert untested_mutations(core, tmp_path) == ["toyPay"]
    (tmp_path / "test_toys.py").write_text('do("toyPay")')
    assert untested_mutations(core, tmp_path) == []


def test_restricted_fields_are_listed_with_their_callers() -> None:
    assert restricted_fields(graphql_schema(SCHEMA)) == [
        ("Query", "own", ["CARDHOLDER"]),
        ("Query", "desk", ["CLERK"]),
        ("Query", "till", ["TERMINAL"]),
        ("Subscription", "ownTicks", ["CARDHOLDER"]),
    ]


def test_sdl_is_the_same_whatever_the_order_of_the_parts() -> None:
    other = build_schema(
        [ToyQuery], [ToyMutation], [ToySubscription], node_loaders={"Item": load_item}
    )
    assert sdl(other) == sdl(SCHEMA)
    types = [line for line in sdl(SCHEMA).splitlines() if line.startswith("type ")]
    assert types == sorted(types)


def test_schema_without_loaders_has_no_node_field() -> None:
    assert "node(" not in sdl(build_schema([ToyQuery]))
    with pytest.raises(ValueError, match="query"):
        build_schema([])


def test_removed_field_breaks_and_new_enum_value_is_noticed() -> None:
    released = "type Query { a: Int b: E c: Int } enum E { X }"
    assert breaking(released, "type Query { b: E c: Int } enum E { X }") == [
        "FIELD_REMOVED: Field Query.a was removed."
    ]
    assert breaking(released, "type Query { a: Int b: E c: Int d: Int } enum E { X Y }") == []
    assert dangerous(released, "type Query { a: Int b: E c: Int } enum E { X Y }") == [
        "VALUE_ADDED_TO_ENUM: Enum value E.Y was added."
    ]
