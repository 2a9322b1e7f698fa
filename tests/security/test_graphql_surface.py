"""The GraphQL surface under attack: the named tests of security.md section 2."""

import asyncio
import itertools
import json

import pytest

from bff.body import parse_json
from bff.documents import document_id
from bff.refusal import Refused
from schema.documents import prepare
from schema.errors import BadDocument
from tests.api.house import House, signed
from tests.api.toy import DSN, SCHEMA

PAY = """mutation Pay($input: ToyPayInput!) { toyPay(input: $input) { item { name }
  userErrors { message path retryable ... on ToyUserError { code } } } }"""


async def assert_refused(house: House, status: int, *bodies: bytes) -> None:
    for body in bodies:
        answer = await house.post(body)
        assert answer.status == status, body[:60]
        assert len(answer.body) < 200
        assert answer.codes() == ["BODY_MALFORMED" if status == 400 else "BODY_TOO_LARGE"]


async def test_body_not_utf8_is_400() -> None:
    await assert_refused(House(), 400, b"\xff\xfe", b'{"query":"{ echo(text: \\"\xc3\x28\\") }"}')


async def test_nested_json_is_400() -> None:
    deep = b"[" * 30_000 + b"]" * 30_000
    objects = b'{"variables":' * 2_000 + b"1" + b"}" * 2_000
    inside = b'{"query":"{ping}","variables":{"a":' + b"[" * 33 + b"]" * 33 + b"}}"
    await assert_refused(House(), 400, deep, objects, inside)
    allowed = b'{"query":"{ping}","variables":{"a":' + b"[" * 30 + b"]" * 30 + b"}}"
    assert (await House().post(allowed)).status == 200


async def test_scalar_or_list_body_is_400() -> None:
    bodies = [b"1", b'"x"', b"null", b"true", b"[]", b'[{"query":"{ping}"}]', b"{}", b"", b"{"]
    await assert_refused(House(), 400, *bodies)


@pytest.mark.parametrize(
    "value",
    [
        {"query": "{ping}", "extra": 1},
        {"query": 1},
        {"query": "{ping}", "variables": []},
        {"query": "{ping}", "operationName": 1},
        {"query": "{ping}", "extensions": "x"},
        {"query": "{ping}", "documentId": document_id("{ping}")},
        {"documentId": "sha256:ABC"},
        {"documentId": "sha256:" + "٠" * 64},
        {"documentId": ["x"]},
    ],
)
async def test_body_of_another_shape_is_400(value: dict[str, object]) -> None:
    await assert_refused(House(), 400, json.dumps(value).encode())


async def test_huge_integer_is_400() -> None:
    huge = b'{"query":"{ping}","variables":{"a":' + b"9" * 5_000 + b"}}"
    large = b'{"query":"{ping}","variables":{"a":' + b"9" * 21 + b"}}"
    await assert_refused(House(), 400, huge, large)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999"])
async def test_odd_json_is_400(number: bytes) -> None:
    body = b'{"query":"{ping}","variables":{"a":' + number + b"}}"
    await assert_refused(House(), 400, body)


async def test_duplicate_keys_bom_and_utf16_are_400() -> None:
    good = b'{"query":"{ping}"}'
    twice = b'{"query":"{ping}","query":"{ping}"}'
    inside = b'{"query":"{ping}","variables":{"a":1,"\\u0061":2}}'
    await assert_refused(
        House(), 400, twice, inside, b"\xef\xbb\xbf" + good, good.decode().encode("utf-16")
    )


async def test_nul_and_surrogates_are_400() -> None:
    for bad in (b"\\u0000", b"\\ud800", b"\\udc00\\ud800", b"\x00"):
        body = b'{"query":"query($t:String!){echo(text:$t)}","variables":{"t":"' + bad + b'"}}'
        key = b'{"query":"{ping}","variables":{"' + bad + b'":1}}'
        await assert_refused(House(), 400, body, key)
    good = b'{"query":"query($t:String!){echo(text:$t)}","variables":{"t":"\\ud83d\\ude00"}}'
    assert (await House().post(good)).json() == {"data": {"echo": "\U0001f600"}}


async def test_body_over_cap_is_413() -> None:
    house = House()
    body = b'{"query":"{ping}"}' + b" " * 65_536
    await assert_refused(house, 413, body)
    undeclared = await house.post(b"", chunks=[b" " * 40_000, b" " * 40_000])
    assert (undeclared.status, undeclared.codes()) == (413, ["BODY_TOO_LARGE"])
    fits = b'{"query":"{ping}"}' + b" " * (65_536 - 18)
    assert (await house.post(fits)).status == 200


async def test_upload_of_a_verified_terminal_may_be_larger() -> None:
    text = "query Upload { till }"
    body = json.dumps({"documentId": document_id(text)}).encode() + b" " * 100_000
    house = House(texts=[text], uploads=[document_id(text)])
    assert (await house.post(body, signed(body))).json() == {"data": {"till": "till"}}
    other = json.dumps({"query": "{ till }"}).encode() + b" " * 100_000
    assert (await house.post(other, signed(other))).status == 413
    forged = await house.post(body, signed(b"another body"))
    assert (forged.status, forged.codes()) == (200, ["UNAUTHENTICATED"])


async def test_slow_body_is_cut() -> None:
    house = House(seats=1, read_seconds=0.05)
    async with asyncio.timeout(0.5):
        answer = await house.post(b'{"query":', stalls=True)
    assert (answer.status, answer.codes()) == (408, ["BODY_TOO_SLOW"])
    assert (await house.post({"query": "{ping}"})).status == 200  # its seat is free again


async def test_client_that_left_is_not_served() -> None:
    house = House()
    body = {"query": PAY, "variables": {"input": {"minorAmount": 5, "idempotencyKey": "k"}}}
    assert (await house.post(body, leaves=True)).status == 0
    assert (await house.post(b'{"que', stalls=True, leaves=True)).status == 0
    assert house.services.paid == []


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"],
)
async def test_only_single_json_is_read(content_type: str) -> None:
    house = House()
    answer = await house.post({"query": "{ping}"}, {"content-type": content_type})
    assert (answer.status, answer.codes()) == (415, ["MEDIA_TYPE_UNSUPPORTED"])
    utf8 = await house.post(
        {"query": "{ping}"}, {"content-type": "Application/JSON; charset=UTF-8"}
    )
    assert utf8.status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_get_is_405(method: str) -> None:
    answer = await House().post(b"", method=method)
    assert answer.status == 405
    assert answer.headers["allow"] == "POST"


async def test_graphql_is_routed_without_a_redirect() -> None:
    assert (await House().post({"query": "{ping}"})).status == 200


async def test_one_money_field_per_operation() -> None:
    house = House()
    one = 'toyPay(input: {minorAmount: 1, idempotencyKey: "a"}) { item { name } }'
    for attack in (
        f"mutation {{ a: {one} b: {one} }}",
        f"mutation {{ a: {one} ...F }} fragment F on Mutation {{ b: {one} }}",
        "{ item { code again { code } } }",
        f"mutation {{ ...F ...F }} fragment F on Mutation {{ ... on Mutation {{ {one} }} }}",
    ):
        answer = await house.ask(attack)
        assert answer.codes() == ["BAD_DOCUMENT"]
        assert answer.reasons() == ["MORE_THAN_ONE_MONEY_PIN_OR_CODE_FIELD"]
    assert house.services.paid == []
    assert (await house.ask(f"mutation {{ {one} }}")).json()["data"]["toyPay"]["item"]
    assert house.services.paid == [1]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{" + " ping" * 1_001 + "}", "SYNTAX"),
        ("{" + " ".join(f"a{n}: ping" for n in range(16)) + "}", "ALIASES_OVER_LIMIT"),
        ("{ ping" + " @skip(if: false)" * 51 + "}", "DIRECTIVES_OVER_LIMIT"),
        ("{ ping" + " @x" * 400 + "}", "DIRECTIVES_OVER_LIMIT"),
        ("query" + " @x" * 60 + " { ping }", "DIRECTIVES_OVER_LIMIT"),
    ],
)
def test_repetition_is_cheap(text: str, reason: str) -> None:
    with pytest.raises(BadDocument) as refusal:
        prepare(SCHEMA, text, introspection=True)
    assert refusal.value.reason == reason


def nested(levels: int) -> str:
    return "{ item " + "{ again " * levels + "{ name }" + " }" * levels + " }"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (nested(9), "DEPTH_OVER_LIMIT"),
        (nested(325), "SYNTAX"),
        ("{ item { ...A } } fragment A on Item { again { ...A } }", "FRAGMENT_CYCLE"),
        ("{ item { ...Nowhere } }", "VALIDATION"),
        (
            """{ item { ...A ...A ...A ...A } } fragment A on Item { ...B ...B ...B ...B }
            fragment B on Item { x: name y: name }""",
            "ALIASES_OVER_LIMIT",
        ),
        ("{ items(first: 100) { edges { node { " + "name " * 60 + "} } } }", "COST_OVER_LIMIT"),
        (
            "query($n: Int!) { items(first: $n) { edges { node { " + "name " * 60 + "} } } }",
            "COST_OVER_LIMIT",
        ),
    ],
)
def test_cost_before_execution(text: str, reason: str) -> None:
    with pytest.raises(BadDocument) as refusal:
        prepare(SCHEMA, text, introspection=True)
    assert refusal.value.reason == reason


def test_operation_at_the_limits_is_allowed() -> None:
    assert prepare(SCHEMA, nested(8), introspection=False).root_fields(None) == ["item"]
    fifteen = "{" + " ".join(f"a{n}: ping" for n in range(15)) + "}"
    assert prepare(SCHEMA, fifteen, introspection=False).root_fields(None) == ["ping"] * 15
    skipped = prepare(SCHEMA, "{ ping @skip(if: false) }", introspection=False)
    assert skipped.root_fields(None) == ["ping"]


async def test_fragments_of_fragments_are_weighed_once() -> None:
    spread = " ".join(
        f"fragment F{n} on Item {{ ...F{n + 1} ...F{n + 1} ...F{n + 1} }}" for n in range(50)
    )
    text = "{ item { ...F0 } } " + spread + " fragment F50 on Item { name }"
    with pytest.raises(BadDocument) as refusal:
        prepare(SCHEMA, text, introspection=True)
    assert refusal.value.reason == "COST_OVER_LIMIT"


async def test_list_is_bounded() -> None:
    house = House()
    for literal in ("200000", "101", "0", "-1", "1e2"):
        answer = await house.ask(f"{{ items(first: {literal}) {{ edges {{ cursor }} }} }}")
        assert answer.reasons() == ["FIRST_OUT_OF_BOUNDS"]
    page = "query($n: Int!) { items(first: $n) { edges { cursor } } }"
    for number in (101, 0, -1):
        answer = await house.ask(page, n=number)
        assert answer.reasons() == ["FIRST_OUT_OF_BOUNDS"]
    assert len((await house.ask(page, n=100)).json()["data"]["items"]["edges"]) == 100
    long = await house.ask("{ long }")
    assert (long.codes(), long.reasons()) == (["INTERNAL"], ["ANSWER_TOO_LARGE"])


async def test_introspection_and_suggestions_off() -> None:
    for text in ("{ __schema { types { name } } }", '{ __type(name: "Item") { name } }'):
        with pytest.raises(BadDocument):
            prepare(SCHEMA, text, introspection=False)
        prepare(SCHEMA, text, introspection=True)
    house = House(production=True, texts=["query Echo($text: String!) { echo(text: $text) }"])
    (document,) = house.graphql.documents
    answer = await house.post({"documentId": document.id, "variables": {"txet": "x"}})
    assert answer.codes() == ["BAD_DOCUMENT"]
    assert b"text" not in answer.body
    assert b"Did you mean" not in answer.body


async def test_unknown_document_is_refused() -> None:
    text = "query Ping { ping }"
    house = House(production=True, texts=[text])
    assert (await house.post({"documentId": document_id(text)})).json() == {
        "data": {"ping": "pong"}
    }
    unknown = await house.post({"documentId": document_id("query Other { ping }")})
    assert (unknown.status, unknown.reasons()) == (200, ["DOCUMENT_UNKNOWN"])
    ad_hoc = await house.post({"query": text})
    assert (ad_hoc.status, ad_hoc.reasons()) == (200, ["DOCUMENT_NOT_TRUSTED"])


@pytest.mark.parametrize("production", [True, False])
async def test_no_exception_text_leaves(production: bool) -> None:
    texts = ["query A { broken }", "query B { brokenPolitely }", PAY]
    house = House(production=production, texts=texts)
    payment = {"input": {"minorAmount": 1, "idempotencyKey": "broken"}}
    for text in texts:
        answer = await house.post({"documentId": document_id(text), "variables": payment})
        assert answer.status == 200
        assert answer.codes() == ["INTERNAL"]
        assert b"hunter2" not in answer.body
        assert b"Error" not in answer.body
        assert answer.json()["errors"][0]["extensions"]["requestId"].startswith("r")
    assert [str(failure) for failure in house.reported] == [DSN] * 3
    assert house.services.paid == []


async def test_failure_of_a_guard_is_masked_and_reported() -> None:
    house = House()

    async def broken(_authorization: str) -> None:
        raise OSError(DSN)

    object.__setattr__(house.graphql, "identify", broken)
    answer = await house.ask("{ ping }")
    assert (answer.status, answer.codes()) == (200, ["INTERNAL"])
    object.__setattr__(house.guards, "verify_terminal", lambda _head, _body: broken(""))
    refused = await house.ask("{ ping }")
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert b"hunter2" not in answer.body + refused.body
    assert [str(failure) for failure in house.reported] == [DSN, DSN]


@pytest.mark.parametrize(
    "amount",
    ["true", "1.0", "1.5", '"1"', "0", "-1", "1000000001", "2147483648000", '"١٢"', "null", "[1]"],
)
async def test_scalars_are_strict(amount: str) -> None:
    house = House()
    arguments = f'input: {{minorAmount: {amount}, idempotencyKey: "a"}}'
    inline = f"mutation {{ toyPay({arguments}) {{ item {{ id }} }} }}"
    variables = f'{{"input": {{"minorAmount": {amount}, "idempotencyKey": "a"}}}}'
    body = f'{{"query": {json.dumps(PAY)}, "variables": {variables}}}'
    for answer in (await house.ask(inline), await house.post(body.encode())):
        assert answer.status == 200
        assert set(answer.codes()) == {"BAD_DOCUMENT"}
    assert house.services.paid == []


async def test_amounts_at_their_bounds_are_taken() -> None:
    house = House()
    for amount in (1, 1_000_000_000):
        await house.ask(PAY, input={"minorAmount": amount, "idempotencyKey": "a"})
    assert house.services.paid == [1, 1_000_000_000]


async def test_refused_bodies_are_told_from_good_text() -> None:
    with pytest.raises(Refused):
        parse_json(b'{"a": "\\u0000"}')
    assert parse_json(b'{"a": "\\\\u0000 [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}') == {
        "a": "\\u0000 [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
    }


async def test_prepared_document_is_not_validated_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = House(texts=["query Ping { ping }"])
    monkeypatch.setattr("strawberry.schema.schema.validate_document", None)
    monkeypatch.setattr("strawberry.schema.schema.parse", None)
    answer = await house.post({"documentId": document_id("query Ping { ping }")})
    assert answer.json() == {"data": {"ping": "pong"}}


async def test_text_that_was_not_prepared_is_not_executed() -> None:
    result = await SCHEMA.execute("{ ping }")
    assert not result.data
    assert result.errors


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-length": "x"}, 400),
        ({"content-length": "-1"}, 400),
        ({"content-length": "9" * 5_000}, 413),
        ({"content-encoding": "gzip"}, 415),
    ],
)
async def test_strange_heads_are_refused(headers: dict[str, str], status: int) -> None:
    assert (await House().post({"query": "{ ping }"}, headers)).status == status


async def test_many_requests_at_once_never_exceed_the_seats() -> None:
    house = House(seats=2)
    answers = await asyncio.gather(*itertools.starmap(house.ask, [("{ ping }",)] * 20))
    assert {answer.status for answer in answers} == {200}
