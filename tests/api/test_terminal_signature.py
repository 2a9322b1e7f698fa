"""The signature guard: each reason in its order, over the real registry (terminals.md 2)."""

import json
from typing import Any

import pytest
from nacl.signing import SigningKey

from core.kit.clock import unix_seconds
from terminals.keys import signer
from terminals.message import KeyId, RequestKey
from tests.api.campus import Campus
from tests.api.devices import OTHER_SCHOOL, SCHOOL, Till
from tests.api.sample import ALICE, OPERATOR

QUERY = "{ terminal { terminalNo } }"


def facts(answer: Any) -> tuple[str, str]:
    extensions = answer["errors"][0]["extensions"]
    return extensions["code"], extensions.get("reason")


async def test_signed_request_is_the_terminals(campus: Campus) -> None:
    till = await campus.till()
    answer = await till.post(QUERY, {}, till.next_key(0))
    assert answer["data"]["terminal"]["terminalNo"] == till.number


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"key_id": KeyId(SCHOOL, 99, 1), "key": RequestKey(99, 0, 1)}, "KEY_UNKNOWN"),
        ({"key_id": KeyId(OTHER_SCHOOL, 1, 1)}, "KEY_UNKNOWN"),
        ({"key_id": KeyId(SCHOOL, 1, 2)}, "KEY_UNKNOWN"),
        ({"key": RequestKey(2, 0, 1)}, "HEADER_INVALID"),
        ({"path": "/other"}, "SIGNATURE_INVALID"),
        ({"sign": signer(bytes(32))}, "SIGNATURE_INVALID"),
        ({"created_at": 1}, "CLOCK_SKEW"),
        ({"nonce": bytes(16)}, None),
    ],
)
async def test_every_other_request_is_refused_with_its_reason(
    campus: Campus, changed: dict[str, Any], reason: str | None
) -> None:
    till = await campus.till()
    assert till.number == 1
    answer = await till.post(QUERY, {}, till.next_key(0), **changed)
    if reason is None:
        assert "errors" not in answer
        again = await till.post(QUERY, {}, till.next_key(0), **changed)
        assert facts(again) == ("UNAUTHENTICATED", "NONCE_REUSED")
    else:
        assert (answer["data"], facts(answer)) == (None, ("UNAUTHENTICATED", reason))


async def test_clock_skew_is_answered_with_the_signed_time(campus: Campus) -> None:
    till = await campus.till()
    now = unix_seconds(campus.clock.now())
    for created_at in (now - 121, now + 121):
        answer = await till.post(QUERY, {}, till.next_key(0), created_at=created_at)
        extensions = answer["errors"][0]["extensions"]
        assert (extensions["reason"], extensions["time"]) == ("CLOCK_SKEW", now)
        assert extensions["signedTime"]
    for created_at in (now - 120, now + 120):
        answer = await till.post(QUERY, {}, till.next_key(0), created_at=created_at)
        assert "errors" not in answer


async def test_changed_body_is_told_from_a_changed_signature(campus: Campus) -> None:
    till = await campus.till()
    body = json.dumps({"query": QUERY}).encode()
    answer = await campus.post(body + b" ", till.headers(body, till.next_key(0)))
    assert facts(answer) == ("UNAUTHENTICATED", "DIGEST_MISMATCH")


async def test_repeated_header_is_no_signature(campus: Campus) -> None:
    till = await campus.till()
    body = json.dumps({"query": QUERY}).encode()
    headers = [*till.headers(body, till.next_key(0)).items()]
    sent = [("content-type", "application/json"), *headers, headers[-1]]
    response = await campus.http.post("/graphql", content=body, headers=sent)
    assert facts(response.json()) == ("UNAUTHENTICATED", "HEADER_INVALID")


async def test_key_in_the_body_is_the_key_in_the_header(campus: Campus) -> None:
    till = await campus.till()
    key, other = till.next_key(), till.next_key()
    given = {"key": key, "presented": f"CARD:{ALICE.card_uid}", "minorAmount": 1, "scene": "MEAL"}
    query = (
        "mutation($input: PurchaseAuthoriseInput!) { purchaseAuthorise(input: $input)"
        " { authorisation { outcome } } }"
    )
    answer = await till.post(query, {"input": given}, other)
    assert facts(answer) == ("UNAUTHENTICATED", "KEY_MISMATCH")
    assert await campus.rows("SELECT 1 FROM terminal_answer") == []


async def test_money_is_never_asked_under_a_control_key(campus: Campus) -> None:
    till = await campus.till()
    key = till.next_key(0)
    given = {"key": key, "presented": f"CARD:{ALICE.card_uid}", "minorAmount": 1, "scene": "MEAL"}
    query = (
        "mutation($input: PurchaseAuthoriseInput!) { purchaseAuthorise(input: $input)"
        " { authorisation { outcome } } }"
    )
    answer = await till.post(query, {"input": given}, key)
    assert facts(answer) == ("BAD_DOCUMENT", "KEY_OUT_OF_RANGE")


async def test_locked_terminal_is_forbidden(campus: Campus) -> None:
    till = await campus.till()
    await campus.wired.services.terminals.change_state(
        SCHOOL, till.number, "LOCK", "sample", OPERATOR
    )
    answer = await till.post(QUERY, {}, till.next_key(0))
    assert facts(answer) == ("FORBIDDEN", "TERMINAL_LOCKED")


async def test_terminal_that_nobody_confirmed_is_unknown(campus: Campus) -> None:
    number, code = await campus.activation()
    key = SigningKey(campus.entropy(32))
    await campus.do("terminalEnrol", campus.enrol_input(code, key), "enrolment { keyNo }")
    till = Till(campus, number, key)
    answer = await till.post(QUERY, {}, till.next_key(0))
    assert facts(answer) == ("UNAUTHENTICATED", "KEY_UNKNOWN")
