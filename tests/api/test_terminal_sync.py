"""What a terminal is told by its heartbeat, and fetches by `terminalSyncParameters`."""

import json
from base64 import b64decode
from typing import Any

import pytest

from core.school.records import SignedDocument
from terminals.documents import DocumentKind, verify_keys
from tests.api.campus import Campus, b64
from tests.api.devices import OTHER_SCHOOL, SCHOOL, Till, mutation
from tests.api.sample import ALICE, OPERATOR
from tests.api.test_terminal_signature import facts

DOCUMENTS = "documents { kind issuer version kid content signature }"
BEAT = "heartbeat { time signedTime directives keysVersion }"


async def beat(till: Till, held: int | None = None, *, clock_lost: bool = False) -> Any:
    given = {"key": till.next_key(0), "clock": 1, "clockLost": clock_lost, "queue": 0,
             "keysVersion": held}  # fmt: skip
    return (await named(till, "terminalHeartbeat", given, BEAT))["heartbeat"]


async def named(till: Till, name: str, given: dict[str, Any], selection: str) -> Any:
    """The payload of a mutation whose name is in the header, as all clients send it."""
    query = mutation(name, selection)
    answer = await post_named(till, name, query, {"input": given}, given["key"])
    assert "errors" not in answer, answer
    return answer["data"][name]


async def post_named(
    till: Till, name: str, query: str, variables: dict[str, Any], own: dict[str, int]
) -> Any:
    body = json.dumps({"query": query, "variables": variables}).encode()
    return await till.campus.post(body, till.headers(body, own) | {"x-operation": name})


async def sync(till: Till, held: int) -> Any:
    given = {"key": till.next_key(0), "keysVersion": held}
    payload = await till.ask("terminalSyncParameters", given, DOCUMENTS)
    assert payload["userErrors"] == []
    return payload["documents"]


async def lock(campus: Campus, till: Till, act: str = "LOCK") -> None:
    terminals = campus.wired.services.terminals
    await terminals.change_state(SCHOOL, till.number, act, "sample", OPERATOR)  # type: ignore[arg-type]  # a word of the test


async def test_terminal_that_is_behind_is_told_to_sync(campus: Campus) -> None:
    till = await campus.till()
    assert (await beat(till, 0))["directives"] == []
    await campus.publish_keys(7)
    told = await beat(till, 6)
    assert (told["directives"], told["keysVersion"]) == (["SYNC"], 7)
    for held in (7, 8, None):
        assert (await beat(till, held))["directives"] == []
    answer = await till.post("{ terminal { keysVersion } }", {}, till.next_key(0))
    assert answer["data"]["terminal"]["keysVersion"] == 7


async def test_newer_documents_are_delivered_as_they_were_signed(campus: Campus) -> None:
    till = await campus.till()
    assert await sync(till, 0) == []
    await campus.publish_keys(6)
    signed = await campus.publish_keys(7)
    await campus.publish_keys(9, OTHER_SCHOOL)
    (found,) = await sync(till, 6)
    assert found == {
        "kind": "KEYS",
        "issuer": SCHOOL,
        "version": 7,
        "kid": 1,
        "content": b64(signed.content),
        "signature": b64(signed.signature),
    }
    assert await sync(till, 7) == []
    content, signature = (b64decode(found[name]) for name in ("content", "signature"))
    delivered = SignedDocument(DocumentKind.KEYS, SCHOOL, 7, 1, content, signature)
    keys = verify_keys(delivered, SCHOOL, 6, {1: campus.root.public_key})
    assert keys == campus.keys.public_keys(SCHOOL)


async def test_locked_terminal_hears_its_lock_until_it_is_unlocked(campus: Campus) -> None:
    till = await campus.till()
    await campus.publish_keys(1)
    await lock(campus, till)
    assert (await beat(till, 0))["directives"] == ["LOCK"]
    lost = await beat(till, 0, clock_lost=True)
    assert (lost["directives"], lost["keysVersion"]) == ([], None)
    await lock(campus, till, "UNLOCK")
    assert (await beat(till, 0))["directives"] == ["SYNC"]


SALE = mutation("purchaseAuthorise", "authorisation { outcome }")
SYNC = mutation("terminalSyncParameters", DOCUMENTS)
STATUS = "{ terminal { purchaseStatus(original: {batchNo: 1, seqNo: 1}) { known } } }"


@pytest.mark.parametrize("name", ["terminalHeartbeat", "other"])
@pytest.mark.parametrize("query", [SALE, SYNC, STATUS, "{ terminal { merchantName } }"])
async def test_locked_terminal_may_do_nothing_else_whatever_it_calls_it(
    campus: Campus, query: str, name: str
) -> None:
    till = await campus.till()
    await campus.publish_keys(1)
    await lock(campus, till)
    before = await campus.dump("terminal_answer", "leg", "terminal", "signed_document")
    key = till.next_key()
    given: dict[str, Any] = {"key": key, "keysVersion": 0}
    if query == SALE:
        given = {"key": key, "presented": f"CARD:{ALICE.card_uid}", "minorAmount": 1,
                 "scene": "MEAL"}  # fmt: skip
    answer = await post_named(till, name, query, {"input": given} if "$input" in query else {}, key)
    assert facts(answer) == ("FORBIDDEN", "TERMINAL_LOCKED")
    assert not any((answer["data"] or {}).values())
    assert await campus.dump(*before) == before


async def test_locked_terminal_is_refused_before_its_document_is_read(campus: Campus) -> None:
    till = await campus.till()
    await lock(campus, till)
    answer = await post_named(till, "other", "{", {}, till.next_key(0))
    assert facts(answer) == ("FORBIDDEN", "TERMINAL_LOCKED")


async def test_locked_terminal_is_no_node_of_its_own(campus: Campus) -> None:
    till = await campus.till()
    own = (await till.post("{ terminal { id } }", {}, till.next_key(0)))["data"]["terminal"]["id"]
    query = "query($id: ID!) { node(id: $id) { id } }"
    seen = await post_named(till, "other", query, {"id": own}, till.next_key(0))
    assert seen["data"]["node"] == {"id": own}
    await lock(campus, till)
    unseen = await post_named(till, "terminalHeartbeat", query, {"id": own}, till.next_key(0))
    assert unseen["data"]["node"] is None


async def test_retired_terminal_hears_nothing(campus: Campus) -> None:
    till = await campus.till()
    await lock(campus, till, "RETIRE")
    given = {"key": till.next_key(0), "clock": 1, "clockLost": False, "queue": 0}
    query = mutation("terminalHeartbeat", BEAT)
    answer = await post_named(till, "terminalHeartbeat", query, {"input": given}, given["key"])  # type: ignore[arg-type]  # the key
    assert facts(answer) == ("UNAUTHENTICATED", "KEY_UNKNOWN")
