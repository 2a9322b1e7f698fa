"""A gate of the real application that loses its line: its documents, its decision, its events."""

from base64 import b64decode
from datetime import time
from typing import Any

from core.entry.records import Groups, Pair, Passback
from core.kit.clock import unix_seconds
from core.school.records import DocumentKind, SignedDocument
from terminals import parameters, rights
from terminals.cc1 import Intent
from terminals.documents import verify_by_ring
from terminals.gate import NEVER, Knowledge, Opened, decide
from terminals.keys import KeyRing
from terminals.rights import Rights
from tests.api.campus import Campus
from tests.api.devices import SCHOOL, Till
from tests.api.gates import enter, event, gate_at, told
from tests.api.sample import ALICE, BOB, OPERATOR
from tests.api.test_terminal_sync import named

TAP, OTHER_TAP = f"CARD:{ALICE.card_uid}", f"CARD:{BOB.card_uid}"
DOCUMENTS = "documents { kind issuer version kid content signature }"


async def sync(campus: Campus, gate: Till, held: Rights) -> tuple[Any, Rights]:
    """The parameters and the rights after what the worker publishes now."""
    services = campus.wired.services
    await services.publisher.refresh(SCHOOL)
    given = {"key": gate.next_key(0), "keysVersion": 0, "parametersVersion": 0,
             "rightsVersion": held.version}  # fmt: skip
    payload = await named(gate, "terminalSyncParameters", given, DOCUMENTS)
    ring, said = KeyRing(campus.keys.public_keys(SCHOOL)), None
    for each in payload["documents"]:
        document = SignedDocument(
            DocumentKind[each["kind"]], each["issuer"], each["version"], each["kid"],
            b64decode(each["content"]), b64decode(each["signature"]),
        )  # fmt: skip
        own = held.version if document.kind is DocumentKind.RIGHTS else 0
        assert verify_by_ring(document, document.kind, SCHOOL, own, ring) is None
        if document.kind is DocumentKind.RIGHTS:
            held = held.following(document.version, rights.read(document.content))
        else:
            said = parameters.read(document.content)
    return said, held


def alone(campus: Campus, gate: Till, said: Any, held: Rights, presented: str) -> Opened | str:
    """What the gate decides at its door 1."""
    known = Knowledge(
        issuer=SCHOOL,
        keys=KeyRing(campus.keys.public_keys(SCHOOL)),
        parameters=said,
        rights=held,
        denied=frozenset(),
        used=frozenset(),
        whereabouts=lambda zone, bearer: NEVER,
        clock_is_trusted=True,
    )
    door = said.door_of(gate.number, 1)
    return decide(presented, door, "IN", unix_seconds(campus.clock.now()), known)


async def test_gate_decides_alone_as_the_server_would_and_tells_later(campus: Campus) -> None:
    phone = await campus.phone()
    gate = await gate_at(campus, common=False, pairs=(Pair(7, 2),), passback=Passback.HARD)
    await campus.wired.services.doors.put_groups(
        SCHOOL, ALICE.number, Groups(7, 0b100), "moves in", OPERATOR
    )
    said, held = await sync(campus, gate, Rights())
    assert isinstance(alone(campus, gate, said, held, TAP), Opened)
    assert alone(campus, gate, said, held, OTHER_TAP) == "DOOR_NOT_ALLOWED"
    assert alone(campus, gate, said, held, phone.show(Intent.ENTRY)) == "DOOR_NOT_ALLOWED"
    assert await told(gate, event(gate, TAP)) == [("ACCEPTED", None)]
    assert (await enter(gate, TAP))["responseCode"] == "E1"
    assert (await enter(gate, OTHER_TAP))["responseCode"] == "E0"


async def test_common_door_opens_alone_to_codes_and_listed_cards_in_its_hours(
    campus: Campus,
) -> None:
    phone, gate = await campus.phone(), await gate_at(campus)
    said, held = await sync(campus, gate, Rights())
    for presented in (TAP, OTHER_TAP, phone.show(Intent.ENTRY)):
        assert isinstance(alone(campus, gate, said, held, presented), Opened)
    assert alone(campus, gate, said, held, "CARD:00000000000009") == "CARD_UNKNOWN"
    local = campus.clock.now().hour + 8
    closed = await gate_at(
        campus, opens_at=time((local + 2) % 24), closes_at=time((local + 3) % 24)
    )
    said, held = await sync(campus, closed, held)
    assert alone(campus, closed, said, held, TAP) == "OUT_OF_HOURS"


async def test_lost_card_leaves_the_rights_with_the_next_version(campus: Campus) -> None:
    gate = await gate_at(campus)
    said, held = await sync(campus, gate, Rights())
    first = held.version
    await campus.rows(
        "UPDATE card SET state = 'LOST', lost_at = $1 WHERE uid = $2 RETURNING 1",
        campus.clock.now(), ALICE.card_uid,
    )  # fmt: skip
    _, held = await sync(campus, gate, held)
    assert held.version == first + 1
    assert alone(campus, gate, said, held, TAP) == "CARD_UNKNOWN"
    assert isinstance(alone(campus, gate, said, held, OTHER_TAP), Opened)


async def test_gate_that_is_behind_on_rights_is_told_to_sync_and_a_till_is_not(
    campus: Campus,
) -> None:
    gate = await gate_at(campus)
    _, held = await sync(campus, gate, Rights())
    beat = "heartbeat { directives rightsVersion }"
    for version, told_ in ((0, ["SYNC"]), (held.version, []), (None, [])):
        given = {"key": gate.next_key(0), "clock": 1, "clockLost": False, "queue": 0,
                 "rightsVersion": version}  # fmt: skip
        answer = (await named(gate, "terminalHeartbeat", given, beat))["heartbeat"]
        assert answer == {"directives": told_, "rightsVersion": held.version}


async def test_answer_that_was_lost_is_settled_by_the_event_of_its_key(campus: Campus) -> None:
    gate = await gate_at(campus, passback=Passback.HARD)
    happened = event(gate, TAP)
    key = {"batchNo": 1, "seqNo": happened["seqNo"]}
    assert (await enter(gate, TAP, key=key))["outcome"] == "GRANTED"
    assert await told(gate, happened) == [("DUPLICATE", "SAME_RECORD")]
    assert len(await campus.rows("SELECT 1 FROM passage")) == 1


async def test_one_key_for_a_purchase_and_a_door_is_a_conflict(campus: Campus) -> None:
    phone, gate = await campus.phone(), await gate_at(campus)
    sold = gate.next_key()
    payload = await gate.ask(
        "purchaseAuthorise",
        {"key": sold, "presented": phone.show(Intent.PAY), "minorAmount": 100,
         "currencyCode": "CNY", "capture": "IMMEDIATE", "scene": "GATE"},
        "authorisation { outcome responseCode }",
    )  # fmt: skip
    before = await campus.dump("passage", "entry_answer", "terminal_answer")
    assert payload["authorisation"] is not None
    payload = await gate.ask(
        "entryAuthorise",
        {"key": sold, "presented": TAP, "doorNo": 1, "direction": "IN"},
        "entry { outcome }",
    )
    assert payload["entry"] is None
    assert [each["code"] for each in payload["userErrors"]] == ["IDEMPOTENCY_CONFLICT"]
    assert await campus.dump("passage", "entry_answer", "terminal_answer") == before
