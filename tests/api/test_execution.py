"""Answers of the machinery: payloads, permissions, languages, masking and plans."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from strawberry.types import ExecutionResult

from bff.documents import Documents, document_id
from bff.guards import Head
from core.db.connection import DatabaseUnavailable
from schema.catalogue import refusal_text
from schema.context import RequestContext, choose_language
from schema.errors import BadDocument, Forbidden
from schema.permissions import cardholder, staff, terminal
from tests.api.house import CARDHOLDER, CLERK, TILL, House, signed
from tests.api.toy import SCHEMA

PAY = """mutation Pay($input: ToyPayInput!) { toyPay(input: $input) { item { name }
  userErrors { message path retryable ... on ToyUserError { code } } } }"""


async def pay(house: House, key: str, language: str = "en") -> Any:
    variables = {"input": {"minorAmount": 5, "idempotencyKey": key}}
    body = {"query": PAY, "variables": variables}
    return (await house.post(body, {"accept-language": language})).json()


async def test_payload_shows_what_was_done() -> None:
    house = House()
    assert await pay(house, "k") == {
        "data": {"toyPay": {"item": {"name": "item 1"}, "userErrors": []}}
    }
    assert house.services.paid == [5]


async def test_refusal_is_a_user_error_in_the_language_asked_for() -> None:
    house = House()
    error = {
        "message": "This key was used before with other content; nothing was changed.",
        "path": ["input", "idempotencyKey"],
        "retryable": False,
        "code": "IDEMPOTENCY_CONFLICT",
    }
    assert await pay(house, "used") == {"data": {"toyPay": {"item": None, "userErrors": [error]}}}
    chinese = (await pay(house, "used", "zh-CN"))["data"]["toyPay"]["userErrors"][0]
    assert chinese["message"] == "同一请求编号已用于其他内容,本次未做任何更改。"
    assert house.services.paid == []


async def test_overload_in_a_use_case_is_a_top_level_error() -> None:
    house = House()
    for answer in (await pay(house, "crowded"), (await house.ask("{ crowded }")).json()):
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "OVERLOADED"
    assert house.reported == []


async def test_retryable_refusal_in_a_query_is_overload_with_its_reason() -> None:
    house = House()
    context = house.graphql.contexts.blank(Head("/graphql", {}, ""))
    (error,) = house.graphql.masker.failure(DatabaseUnavailable(), context)
    assert error["message"] == refusal_text(DatabaseUnavailable(), "zh")
    assert error["extensions"]["code"] == "OVERLOADED"
    assert error["extensions"]["reason"] == "DATABASE_UNAVAILABLE"


async def test_fault_in_one_field_leaves_the_others() -> None:
    answer = (await House().ask("{ ping broken }")).json()
    assert answer["data"] == {"ping": "pong", "broken": None}
    assert answer["errors"] == [
        {
            "message": "系统出错,请凭请求编号联系我们。",
            "locations": [{"line": 1, "column": 8}],
            "path": ["broken"],
            "extensions": {"code": "INTERNAL", "requestId": "r1", "docs": "/docs/errors#internal"},
        }
    ]


@pytest.mark.parametrize(("field", "allowed"), [("own", "Bearer holder"), ("desk", "Bearer clerk")])
async def test_restricted_field_is_open_to_its_caller_alone(field: str, allowed: str) -> None:
    house = House()
    for viewer in ("", "Bearer holder", "Bearer clerk", "Bearer auditor"):
        answer = await house.ask(f"{{ {field} }}", viewer)
        if viewer == allowed:
            assert answer.json() == {"data": {field: field}}
        else:
            assert answer.json()["data"] == {field: None}
            assert answer.codes() == ["FORBIDDEN" if viewer else "UNAUTHENTICATED"]


async def test_terminal_is_believed_by_its_signature_alone() -> None:
    house = House()
    body = b'{"query":"{ till }"}'
    assert (await house.post(body, signed(body))).json() == {"data": {"till": "till"}}
    for viewer in ("", "Bearer holder", "Bearer clerk"):
        assert (await house.ask("{ till }", viewer)).json()["data"] == {"till": None}


async def test_unknown_token_is_unauthenticated_with_http_200() -> None:
    answer = await House().ask("{ ping }", "Bearer forged")
    assert (answer.status, answer.codes()) == (200, ["UNAUTHENTICATED"])
    assert answer.json()["data"] is None


def test_viewer_of_another_kind_is_forbidden() -> None:
    class Info:
        context = RequestContext(CARDHOLDER, "zh", 7, "r1", None)

    info: Any = Info()
    assert cardholder(info) == CARDHOLDER
    for kind in (staff, terminal):
        with pytest.raises(Forbidden):
            kind(info)
    info.context = replace(info.context, viewer=CLERK)
    assert staff(info) == CLERK
    with pytest.raises(Forbidden):
        cardholder(info)
    info.context = replace(info.context, viewer=TILL)
    assert terminal(info) == TILL


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "zh"),
        ("en", "en"),
        ("en-GB,zh;q=0.5", "en"),
        ("ZH-cn, en", "zh"),
        ("fr, en;q=0.8", "en"),
        ("fr", "zh"),
    ],
)
def test_language_is_the_first_known_one(header: str, language: str) -> None:
    assert choose_language(header, "zh") == language


async def test_developer_is_told_what_is_wrong_and_production_is_not() -> None:
    house = House()
    bad = await house.ask("{ pingg }")
    assert "Cannot query field 'pingg'" in bad.json()["errors"][0]["message"]
    assert (bad.codes(), bad.reasons()) == (["BAD_DOCUMENT"], ["VALIDATION"])
    text = "query Echo($text: String!) { echo(text: $text) }"
    closed = House(production=True, texts=[text])
    generic = await closed.post({"documentId": document_id(text), "variables": {"text": 5}})
    assert generic.json()["errors"][0]["message"] == "请求文档或变量不正确。"
    assert generic.reasons() == ["VARIABLES"]


async def test_operation_is_the_named_or_the_only_one() -> None:
    house = House()
    two = "query A { ping } query B { names }"
    named = await house.post({"query": two, "operationName": "A"})
    assert named.json() == {"data": {"ping": "pong"}}
    for body in ({"query": two}, {"query": two, "operationName": "C"}):
        assert (await house.post(body)).reasons() == ["OPERATION_UNKNOWN"]
    pushed = await house.ask("subscription { ticks }")
    assert pushed.reasons() == ["SUBSCRIPTION_NEEDS_SOCKET"]


async def test_plan_of_a_trusted_document_answers_instead_of_strawberry() -> None:
    text = "query Ping { ping }"
    house = House(texts=[text])

    async def plan(_context: RequestContext, variables: Mapping[str, Any]) -> ExecutionResult:
        return ExecutionResult(data={"planned": dict(variables)}, errors=None)

    house.graphql.documents.compile(lambda _document: plan)
    answer = await house.post({"documentId": document_id(text), "variables": {"a": 1}})
    assert answer.json() == {"data": {"planned": {"a": 1}}}


def test_registry_refuses_documents_that_cannot_be_trusted() -> None:
    for text, kind in (
        ("query A { nothing }", BadDocument),
        ("query A { __schema { types { name } } }", BadDocument),
        ("query A { ping } query B { ping }", BadDocument),
        ("{ ping }", ValueError),
    ):
        with pytest.raises(kind):
            Documents(SCHEMA, [text], ad_hoc=False)


def test_registry_names_documents_by_the_hash_of_their_text() -> None:
    (document,) = Documents(SCHEMA, ["query Ping { ping }"], ad_hoc=False)
    assert document.name == "Ping"
    # printf "query Ping { ping }" | sha256sum
    assert document.id == (
        "sha256:9fe0e5f4706908a4a057c260770dd0170bd8dd80005f190c4079da2d5f6768ef"
    )


async def test_no_seat_is_503_with_retry_after() -> None:
    house = House(seats=0)
    answer = await house.ask("{ ping }")
    assert (answer.status, answer.codes()) == (503, ["OVERLOADED"])
    assert 1 <= int(answer.headers["retry-after"]) <= 5
    assert len(answer.body) < 200


async def test_answer_is_json_that_no_cache_keeps() -> None:
    answer = await House().ask("{ ping }")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-length"] == str(len(answer.body))
