"""What a session or a network may ask for only now and then, through the whole application."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bff.ratelimit import CALLER_FIELDS, NETWORK_FIELDS
from schema.campus import SCHEMA
from schema.documents import graphql_schema
from tests.api.campus import Campus, campus_on
from tests.api.devices import mutation
from tests.api.sample import CODE, PIN
from tests.servers.fixtures import DatabaseDsn


class Hand:
    """Seconds turned by hand."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def hand() -> Hand:
    """The clock of the limits."""
    return Hand()


@pytest.fixture
async def limited(
    database_dsn: DatabaseDsn, redis_url: str, tmp_path: Path, hand: Hand
) -> AsyncIterator[Campus]:
    """The application, whose limits see only the seconds of `hand`."""
    async with campus_on(database_dsn, redis_url, tmp_path, monotonic=hand) as made:
        yield made


async def status(
    campus: Campus, query: str, given: dict[str, Any], token: str = ""
) -> tuple[Any, ...]:
    """The status and Retry-After of one request."""
    head = {"content-type": "application/json"}
    if token:
        head["authorization"] = f"Bearer {token}"
    body = json.dumps({"query": query, "variables": {"input": given}}).encode()
    answer = await campus.http.post("/graphql", content=body, headers=head)
    return answer.status_code, answer.headers.get("retry-after")


async def test_pin_fields_of_a_session_are_one_a_second_after_three(
    limited: Campus, hand: Hand
) -> None:
    token, other = (
        await limited.bind(),
        (await limited.sign_in("bob@people.example"))["accessToken"],
    )
    wrong = ({"pin": "000001"}, token)
    query = mutation("sessionStepUp", "steppedUpUntil")
    assert [await status(limited, query, *wrong) for _ in range(4)] == [(200, None)] * 3 + [
        (429, "1")
    ]
    before = await limited.dump("pin")
    hidden = (
        "mutation($input: PinSetInput!) { ...F ... { __typename } }"
        " fragment F on Mutation { pinSet(input: $input) { userErrors { code } } }"
    )
    assert await status(limited, hidden, {"pin": PIN}, token) == (429, "1")
    assert await limited.dump("pin") == before
    assert (await status(limited, query, {"pin": "000001"}, other))[0] == 200
    hand.seconds = 1.0
    assert (await status(limited, hidden, {"pin": PIN}, token))[0] == 200


async def test_code_is_drawn_once_in_five_seconds(limited: Campus, hand: Hand) -> None:
    phone = await limited.phone()
    query = mutation("codeTokenIssue", "__typename")
    asked = (query, {"deviceId": phone.device_id, "kind": "VIRTUAL_CARD"}, phone.token)
    assert await status(limited, *asked) == (200, None)
    assert await status(limited, *asked) == (429, "5")
    hand.seconds = 5.0
    assert await status(limited, *asked) == (200, None)


async def test_sign_in_begins_thirty_times_a_minute_from_one_network(
    limited: Campus, hand: Hand
) -> None:
    query = mutation("signInBegin", "resendAfterSeconds")
    given = {"schoolCode": CODE, "addressKind": "EMAIL", "address": "nobody@people.example"}
    found = [await status(limited, query, given) for _ in range(31)]
    assert found == [(200, None)] * 30 + [(429, "2")]
    hand.seconds = 2.0
    assert await status(limited, query, given) == (200, None)


async def test_guesses_of_a_card_share_one_limit(limited: Campus, hand: Hand) -> None:
    token = (await limited.sign_in("bob@people.example"))["accessToken"]
    form = (mutation("bindingCreate", ""), {"name": "示例乙", "number": "S999"}, token)
    proof = {"number": "S999", "addressKind": "EMAIL", "code": "000000"}
    code = (mutation("memberProofComplete", ""), proof, token)
    found = [await status(limited, *each) for each in (form, code, form, code)]
    assert found == [(200, None)] * 3 + [(429, "1")]
    hand.seconds = 1.0
    assert await status(limited, *form) == (200, None)


async def test_installations_are_five_a_second_from_one_network_after_a_class(
    limited: Campus, hand: Hand
) -> None:
    query = mutation("installationCreate", "tokens { accessToken }")
    given = {"schoolCode": CODE, "deviceLabel": "phone"}
    assert {await status(limited, query, given) for _ in range(200)} == {(200, None)}
    before = await limited.rows("SELECT count(*) FROM session")
    assert await status(limited, query, given) == (429, "1")
    assert await limited.rows("SELECT count(*) FROM session") == before


def test_every_limited_field_exists() -> None:
    core = graphql_schema(SCHEMA)
    assert core.mutation_type is not None
    names = {*NETWORK_FIELDS, *CALLER_FIELDS}
    assert [name for name in sorted(names) if name not in core.mutation_type.fields] == []
