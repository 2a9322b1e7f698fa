"""Scalars, money, ids and connections: one strict form each."""

import base64
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
import strawberry
from graphql import GraphQLError

from core.kit.page import CursorInvalid
from schema.connection import cursor_of, page_size
from schema.errors import BadDocument
from schema.money import Money
from schema.node import key_of, node_id, parse_node_id
from schema.scalars import SCALARS, Base64Bytes, CurrencyCode, MinorAmount
from tests.api.house import House
from tests.api.toy import place


def parse(kind: object, value: object) -> Any:
    parse_value: Any = SCALARS[kind].parse_value
    return parse_value(value)


def show(kind: object, value: object) -> Any:
    serialise: Any = SCALARS[kind].serialize
    return serialise(value)


def test_money_shows_fen_currency_and_yuan() -> None:
    shown: Any = Money.of(-1250)
    assert (shown.minor_amount, shown.currency_code(), shown.amount()) == (-1250, "CNY", "-12.50")


def test_minor_amount_leaves_as_a_signed_integer_only() -> None:
    assert show(MinorAmount, -5_000_000_000) == -5_000_000_000
    for wrong in (True, 1.0, "1", None):
        with pytest.raises(TypeError):
            show(MinorAmount, wrong)


def test_date_time_is_rfc_3339_and_leaves_in_utc() -> None:
    east = timezone(timedelta(hours=8))
    assert parse(datetime, "2026-09-01T08:00:00+08:00") == datetime(2026, 9, 1, tzinfo=UTC)
    assert parse(datetime, "2026-09-01T00:00:00.5Z").microsecond == 500_000
    assert show(datetime, datetime(2026, 9, 1, 8, tzinfo=east)) == "2026-09-01T00:00:00Z"
    assert show(datetime, datetime(2026, 9, 1, 0, 0, 0, 5, UTC)) == "2026-09-01T00:00:00.000005Z"


@pytest.mark.parametrize(
    "text",
    [
        "2026-09-01T08:00:00",
        "2026-09-01 08:00:00Z",
        "2026-09-01",
        "20260901T080000Z",
        "2026-13-01T00:00:00Z",
        "٢026-09-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        1,
        None,
    ],
)
def test_other_date_times_are_refused(text: object) -> None:
    with pytest.raises(GraphQLError):
        parse(datetime, text)


def test_date_is_year_month_day() -> None:
    assert parse(date, "2028-02-29") == date(2028, 2, 29)
    assert show(date, date(2028, 2, 29)) == "2028-02-29"
    for wrong in ("2026-02-29", "20260901", "2026-W01-1", "2026-9-1", 20260901):
        with pytest.raises(GraphQLError):
            parse(date, wrong)


def test_bytes_are_padded_base64_of_bounded_length() -> None:
    assert parse(Base64Bytes, "AAH/") == b"\x00\x01\xff"
    assert show(Base64Bytes, b"\x00\x01\xff") == "AAH/"
    assert len(parse(Base64Bytes, base64.b64encode(b"x" * 16_384).decode())) == 16_384
    for wrong in ("AAH", "AA-_", "AAA=\n", "é", base64.b64encode(b"x" * 16_390).decode(), 1):
        with pytest.raises(GraphQLError):
            parse(Base64Bytes, wrong)


def test_currency_is_cny() -> None:
    assert parse(CurrencyCode, "CNY") == "CNY"
    for wrong in ("USD", "cny", 1):
        with pytest.raises(GraphQLError):
            parse(CurrencyCode, wrong)


def test_node_id_is_opaque_and_comes_back() -> None:
    made = node_id("Card", 42, UUID(int=5))
    assert made == "Q2FyZDo0MjowMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDU"
    assert parse_node_id(made) == ("Card", 42, str(UUID(int=5)))
    assert key_of(made, "Card", 42) == str(UUID(int=5))
    assert key_of(made, "Card", 43) is None
    assert key_of(made, "Cards", 42) is None


@pytest.mark.parametrize(
    "text",
    ["", "x", "é", "Q" * 201, "Q2FyZA", "Q2FyZDowOjE", "Y2FyZDoxOjE", "Q2FyZDrZoTox", "\ud800"],
)
def test_strange_ids_name_nothing(text: str) -> None:
    assert parse_node_id(text) is None


async def test_unknown_forbidden_and_foreign_nodes_answer_null_alike() -> None:
    house = House()
    query = "query($id: ID!) { node(id: $id) { id ... on Item { name } } }"
    ids = [node_id("Item", *at) for at in ((7, 5), (7, 500), (7, 13), (8, 5))]
    ids += [node_id("Else", 7, 5), strawberry.ID("garbage")]
    answers = [(await house.ask(query, "Bearer holder", id=each)).json() for each in ids]
    assert answers[0] == {"data": {"node": {"id": node_id("Item", 7, 5), "name": "item 5"}}}
    assert answers[1:] == [{"data": {"node": None}}] * 5


async def test_pages_follow_each_other_without_gap_or_repeat() -> None:
    house = House()
    query = """query($after: String) { items(first: 90, after: $after) {
      edges { node { name } } pageInfo { hasNextPage endCursor } } }"""
    names: list[str] = []
    after, more = None, True
    while more:
        page = (await house.ask(query, after=after)).json()["data"]["items"]
        names += [edge["node"]["name"] for edge in page["edges"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert names == [f"item {number}" for number in range(200)]


async def test_page_is_20_by_default_and_may_be_empty() -> None:
    house = House()
    first = (await house.ask("{ items { edges { cursor } } }")).json()
    assert len(first["data"]["items"]["edges"]) == 20
    query = "query($a: String) { items(after: $a) { edges { cursor } pageInfo { endCursor } } }"
    last = await house.ask(query, a=place(199).text())
    assert last.json()["data"]["items"] == {"edges": [], "pageInfo": {"endCursor": None}}


async def test_strange_cursor_is_a_bad_document_with_its_reason() -> None:
    answer = await House().ask('{ items(after: "x") { edges { cursor } } }')
    assert (answer.codes(), answer.reasons()) == (["BAD_DOCUMENT"], ["CURSOR_INVALID"])
    with pytest.raises(CursorInvalid):
        cursor_of("x")
    assert cursor_of(None) is None


def test_page_size_is_1_to_100() -> None:
    assert [page_size(1), page_size(100)] == [1, 100]
    for wrong in (0, 101, -1):
        with pytest.raises(BadDocument):
            page_size(wrong)
