"""A schema with every kind of field, input and failure, for plans to be tried on."""

import asyncio
from collections.abc import AsyncGenerator
from enum import Enum
from types import SimpleNamespace
from typing import Annotated, Any

import strawberry
from strawberry.scalars import JSON

from schema.permissions import cardholder_only
from schema.root import build_schema

GROWN: list[str] = []


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@strawberry.input
class Part:
    size: int
    mark: str | None
    colour: Colour = Colour.RED
    labels: list[str] | None = None


@strawberry.input
class Order:
    part: Part
    parts: list[Part] = strawberry.field(default_factory=list)
    note: str | None = "none"
    number: strawberry.ID | None = None


@strawberry.input
class Tree:
    name: str
    inside: Annotated["Tree", strawberry.lazy("tests.unit.bff.wood")] | None = None


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Leaf(Named):
    weight: float = 1.5
    is_green: bool = True
    colour: Colour = Colour.BLUE

    @strawberry.field
    def breaks(self) -> str | None:
        raise ValueError("leaf")

    @strawberry.field
    async def breaks_late(self) -> str:
        await asyncio.sleep(0)
        raise ValueError("late leaf")


@strawberry.type
class Stone(Named):
    kind: str | None = None


@strawberry.type
class Seed:
    """Only read, nothing resolved: what a plan makes without care while it is as it should be."""

    number: int
    colour: Colour | None = Colour.RED
    loose: JSON | None = None
    marks: list[str | None] = strawberry.field(default_factory=lambda: ["a", None])
    inner: "Seed | None" = None

    @strawberry.field
    def doubled(self) -> int:
        return self.number * 2


def _odd_seeds() -> list[Any]:
    """Seeds as they should not be, each in its own way."""
    lookalike = SimpleNamespace(number=5, colour=None, marks=[], inner=None)
    failure: Any = ValueError("as an item")
    failure.number, failure.colour, failure.marks, failure.inner = 8, None, [], None
    return [
        Seed(number=1, inner=Seed(number=2)),
        None,
        Seed(number="many"),  # type: ignore[arg-type]  # what must not happen
        Seed(number=3, inner=Seed(number=None)),  # type: ignore[arg-type]  # as above
        Seed(number=4, colour="green", marks=("t", ValueError("mark"))),  # type: ignore[arg-type]  # as above
        Seed(number=6, inner=ValueError("as a value")),  # type: ignore[arg-type]  # as above
        lookalike,
        Seed(number=7, colour=Colour.BLUE, marks=None),  # type: ignore[arg-type]  # as above
        failure,
        Seed(number=9, colour="green"),  # type: ignore[arg-type]  # as above
        Seed(number=10, loose=ValueError("as a leaf")),  # type: ignore[arg-type]  # as above
    ]


@strawberry.type
class Branch:
    number: int
    leaf: Leaf | None = None
    wrong: int = strawberry.field(default="not a number")
    missing: str = strawberry.field(default=None)

    @strawberry.field
    def leaves(self, count: int = 2) -> list[Leaf | None]:
        return [None if n == 1 else Leaf(name=f"leaf {n}") for n in range(count)]

    @strawberry.field
    def seeds(self) -> list[Seed]:
        return [Seed(number=1, inner=Seed(number=2)), Seed(number=3, colour=None)]

    @strawberry.field
    def odd_seeds(self) -> list[Seed | None]:
        return _odd_seeds()

    @strawberry.field
    def full_leaves(self) -> list[Leaf] | None:
        return [Leaf(name="a"), None]  # type: ignore[list-item]  # what must not happen

    @strawberry.field
    def failed(self) -> str | None:
        return ValueError("as a value")  # type: ignore[return-value]  # as graphql-core allows

    @strawberry.field
    def things(self) -> list[Named]:
        return [Leaf(name="green"), Stone(name="grey")]

    @strawberry.field
    def tuple_of_numbers(self) -> list[int]:
        return (1, 2, 2**40)  # type: ignore[return-value]  # any iterable will do

    @strawberry.field
    def streamed(self) -> list[int]:
        return (n for n in (1, 2))  # type: ignore[return-value]  # as above

    @strawberry.field
    async def deeper(self, info: strawberry.Info) -> "Branch":
        await asyncio.sleep(0)
        return Branch(number=len(info.path.key), leaf=Leaf(name="deep"))  # type: ignore[arg-type]  # lazy

    @strawberry.field
    def waiting(self) -> list[str | None]:
        async def later(number: int) -> str | None:
            await asyncio.sleep(0)
            if number == 1:
                raise ValueError("in the list")
            return f"waited {number}"

        return [later(n) for n in range(3)]  # type: ignore[misc]  # graphql-core awaits items

    @strawberry.field(extensions=[cardholder_only()])
    def own(self) -> str | None:
        return "own"

    @strawberry.field(extensions=[cardholder_only()])
    async def own_late(self, info: strawberry.Info, text: str = "x") -> str:
        return f"{text} {type(info.context).__name__}"


@strawberry.type
class Query:
    @strawberry.field
    def branch(self) -> Branch | None:
        return Branch(number=1, leaf=Leaf(name="first"))

    @strawberry.field
    async def certain(self) -> Branch:
        return Branch(number=2)

    @strawberry.field
    def thing(self, green: bool) -> Named | None:
        return Leaf(name="leaf") if green else Stone(name="stone")

    @strawberry.field
    def ordered(self, order: Order, times: list[int] | None = None) -> str:
        return repr((order, times))

    @strawberry.field
    def planted(self, tree: Tree) -> str:
        return repr(tree)

    @strawberry.field
    def told(self, info: strawberry.Info) -> str:
        path, fields = info.path.as_list(), len(info.selected_fields)
        return repr((path, fields, info.field_name, info.variable_values, info.operation.name))


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def grow(self, size: int) -> Branch | None:
        GROWN.append(f"begun {size}")
        await asyncio.sleep(0)
        GROWN.append(f"ended {size}")
        if size < 0:
            raise ValueError("shrinks")
        return Branch(number=size)

    @strawberry.mutation
    def cut(self) -> Branch:
        raise ValueError("cut")


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def falling(self) -> AsyncGenerator[int, None]:
        yield 1


SCHEMA = build_schema([Query], [Mutation], [Subscription], types=[Leaf, Stone])
