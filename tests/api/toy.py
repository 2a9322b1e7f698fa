"""A toy schema over the real machinery: no area of the product, every kind of field."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import strawberry

from core.kit.errors import IdempotencyConflict, Overloaded
from core.kit.page import Cursor, CursorInvalid, Page
from schema.connection import After, Connection, First, cursor_of, page_size
from schema.context import RequestContext, RequestInfo
from schema.directives import Bounded, OncePerOperation
from schema.errors import AreaErrors, Forbidden, UserError
from schema.node import Node, node_id
from schema.payload import answer
from schema.permissions import cardholder_only, staff_only, terminal_only
from schema.root import build_schema
from schema.scalars import MinorAmount

DSN = "postgres://campus:hunter2@db.example/campus"
TOY = AreaErrors("Toy", IdempotencyConflict, CursorInvalid)


@dataclass
class ToyServices:
    """What the toy's fields did, for tests to look at."""

    paid: list[int] = field(default_factory=list)
    ticks: asyncio.Queue[int] = field(default_factory=asyncio.Queue)
    closed: int = 0


def services(info: RequestInfo) -> ToyServices:
    found: ToyServices = info.context.services
    return found


@strawberry.type(description="An item.")
class Item(Node):
    name: str = strawberry.field(description="Its name.")

    @strawberry.field(description="Draws a code.", directives=[OncePerOperation()])
    def code(self) -> str:
        return "code"

    @strawberry.field(description="Itself again.")
    def again(self) -> Annotated["Item", strawberry.lazy("tests.api.toy")]:
        return self


def item(number: int) -> Item:
    return Item(id=node_id("Item", 7, number), name=f"item {number}")


def place(number: int) -> Cursor:
    return Cursor(datetime(2026, 1, 1, 0, 0, number % 60, tzinfo=UTC), UUID(int=number))


async def load_item(_context: RequestContext, key: str) -> Item | None:
    if key == "13":
        raise Forbidden
    return item(int(key)) if key.isascii() and key.isdigit() and int(key) < 100 else None


@strawberry.type(description="What the toy reads.")
class ToyQuery:
    @strawberry.field(description="Says pong.")
    def ping(self) -> str:
        return "pong"

    @strawberry.field(description="Repeats a text.")
    def echo(self, text: Annotated[str, strawberry.argument(description="The text.")]) -> str:
        return text

    @strawberry.field(description="An item.")
    def item(self) -> Item:
        return item(1)

    @strawberry.field(description="The items.")
    def items(self, first: First = 20, after: After = None) -> Connection[Item]:
        size, behind = page_size(first), cursor_of(after)
        start = 0 if behind is None else behind.id.int + 1
        numbers = list(range(start, min(start + size, 200)))
        return Connection(page=Page(numbers, start + size < 200), place=place, present=item)

    @strawberry.field(description="At most 50 names.", directives=[Bounded(maximum=50)])
    def names(self) -> list[str]:
        return ["a", "b"]

    @strawberry.field(description="Breaks with a secret in its text.")
    def broken(self) -> str | None:
        raise ValueError(DSN)

    @strawberry.field(description="Breaks with a GraphQL error of a library.")
    def broken_politely(self) -> str | None:
        raise strawberry.exceptions.StrawberryGraphQLError(DSN)

    @strawberry.field(description="Has no seat.")
    def crowded(self) -> str | None:
        raise Overloaded

    @strawberry.field(description="For cardholders.", extensions=[cardholder_only()])
    async def own(self) -> str | None:
        return "own"

    @strawberry.field(description="For clerks.", extensions=[staff_only("CLERK")])
    def desk(self) -> str | None:
        return "desk"

    @strawberry.field(description="For terminals.", extensions=[terminal_only()])
    def till(self) -> str | None:
        return "till"

    @strawberry.field(description="A long answer.")
    def long(self) -> str:
        return "x" * (1024 * 1024)


@strawberry.input(description="What to pay.")
class ToyPayInput:
    minor_amount: MinorAmount = strawberry.field(description="How much, in fen.")
    idempotency_key: strawberry.ID = strawberry.field(description="The key.")


@strawberry.type(description="What was paid.")
class ToyPayPayload:
    item: Item | None = strawberry.field(default=None, description="The item.")
    user_errors: list[UserError] = TOY.field()


async def pay(done: ToyServices, minor: int, key: str) -> int:
    match key:
        case "used":
            raise IdempotencyConflict("input", "idempotencyKey")
        case "crowded":
            raise Overloaded
        case "broken":
            raise ValueError(DSN)
    done.paid.append(minor)
    return len(done.paid)


@strawberry.type(description="What the toy does.")
class ToyMutation:
    @strawberry.mutation(description="Pays.", directives=[OncePerOperation()])
    async def toy_pay(
        self,
        info: RequestInfo,
        input: Annotated[ToyPayInput, strawberry.argument(description="What to pay.")],
    ) -> ToyPayPayload | None:
        return await answer(
            info,
            TOY,
            ToyPayPayload,
            lambda number: ToyPayPayload(item=item(number)),
            pay(services(info), input.minor_amount, input.idempotency_key),
        )


@strawberry.type(description="What the toy pushes.")
class ToySubscription:
    @strawberry.subscription(description="Numbers as they come.")
    async def ticks(self, info: RequestInfo) -> AsyncGenerator[int, None]:
        toy = services(info)
        try:
            while True:
                number = await toy.ticks.get()
                if number < 0:
                    raise ValueError(DSN)
                yield number
        finally:
            toy.closed += 1

    @strawberry.subscription(description="For cardholders.", extensions=[cardholder_only()])
    async def own_ticks(self) -> AsyncGenerator[int, None]:
        yield 1


SCHEMA = build_schema(
    [ToyQuery], [ToyMutation], [ToySubscription], node_loaders={"Item": load_item}
)
