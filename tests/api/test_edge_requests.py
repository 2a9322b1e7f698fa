"""What an edge makes of requests that are forged, wrong, not for it, or sent twice."""

from dataclasses import replace
from typing import Any

import httpx2
import pytest

from clients.endpoint import Endpoint, NoAnswer, NotAllowed, QuestionRefused
from clients.terminal.journal import Entry, Operation
from clients.terminal.receipt import Direction
from core.entry.records import Door, DoorScene, Passback
from core.ports.journal import EdgeKey
from terminals import cc1
from terminals.ccr import Outcome
from tests.api.devices import SCHOOL
from tests.api.edges import Hall
from tests.api.sample import OPERATOR

GRAPHQL = "/graphql"
JSON = {"content-type": "application/json"}


def asked(hall: Hall, text: str, minor: int = 500) -> Entry:
    """A sale that the first till has on its disk."""
    given = {"presented": text, "minorAmount": minor, "capture": "IMMEDIATE", "scene": "MEAL"}
    return hall.stands[0].journal.write(Operation.AUTHORISE, given, minor)


async def test_repeat_hears_the_same_bytes_and_other_content_conflicts(hall: Hall) -> None:
    phone, stand = await hall.phone(), hall.stands[0]
    hall.break_line()
    entry = asked(hall, phone.show())
    answers = [await stand.line.ask(entry) for _ in range(2)]
    assert [shown["replayed"] for _, shown in answers] == [False, True]
    assert len({shown["signedAnswer"] for _, shown in answers}) == 1
    kept = hall.kept.find(EdgeKey(*entry.key))
    for language, word in (("zh", "同一编号"), ("en", "another request")):
        stand.line._endpoint._language = language
        with pytest.raises(QuestionRefused, match=word) as refused:
            await stand.line.ask(replace(entry, given={**entry.given, "minorAmount": 501}))
        assert refused.value.code == "IDEMPOTENCY_CONFLICT"
    assert hall.kept.find(EdgeKey(*entry.key)) == kept
    assert hall.kept.spent(SCHOOL, kept.cap_tag or 0) == (1, 500) if kept else False


@pytest.mark.parametrize(("change", "reason"), [
    ({"seed": "07" * 32}, "SIGNATURE_INVALID"), ({"key_no": 2}, "KEY_UNKNOWN"),
    ({"terminal_no": 99}, "KEY_UNKNOWN"), ({"issuer": 9}, "KEY_UNKNOWN"),
])  # fmt: skip
async def test_nobody_but_a_terminal_of_the_site_is_answered(
    hall: Hall, change: dict[str, Any], reason: str
) -> None:
    phone, stand = await hall.phone(), hall.stands[0]
    hall.break_line()
    entry = asked(hall, phone.show())
    identity = stand.journal.identity
    stand.journal._identity = replace(identity, **change)
    if "terminal_no" in change:
        entry = replace(entry, key=entry.key._replace(terminal_no=99))
    with pytest.raises(NotAllowed) as refused:
        await stand.line.ask(entry)
    assert (refused.value.code, refused.value.detail) == ("UNAUTHENTICATED", reason)
    assert hall.kept.find(EdgeKey(*entry.key)) is None


async def test_key_of_the_body_is_that_of_the_signature(hall: Hall) -> None:
    phone, stand = await hall.phone(), hall.stands[0]
    hall.break_line()
    entry = asked(hall, phone.show())
    other = entry.key._replace(seq_no=999)
    given = {**entry.given, "key": {"batchNo": 1, "seqNo": entry.key.seq_no}}
    with pytest.raises(NotAllowed, match="KEY_MISMATCH"):
        await Endpoint(hall.http).change(
            "PurchaseAuthorise", "purchaseAuthorise", given, stand.line._signed(other)
        )
    assert hall.kept.find(EdgeKey(*entry.key)) is None


async def test_what_only_the_server_can_answer_waits_for_it(hall: Hall) -> None:
    stand = hall.stands[0]
    hall.break_line()
    with pytest.raises(NoAnswer, match="OVERLOADED"):
        await stand.line.set_clock()
    with pytest.raises(NoAnswer, match="OVERLOADED"):
        await stand.line.close(1, 0, [], [], bytes(32))
    capture = stand.journal.write(Operation.CAPTURE, {"original": {}, "minorAmount": 1}, 1)
    with pytest.raises(NoAnswer, match="OVERLOADED"):
        await stand.line.ask(capture)
    assert hall.kept.find(EdgeKey(*capture.key)) is None


@pytest.mark.parametrize("body", [b"{", b'{"documentId":"x","variables":{}}', b'{"query":"{x}"}'])
async def test_bodies_that_say_nothing_here_are_not_answered(hall: Hall, body: bytes) -> None:
    hall.break_line()
    signed = {**JSON, "signature-input": 'term=();tag="cc-term"'}
    for headers in (JSON, signed):
        answer = await hall.http.post(GRAPHQL, content=body, headers=headers)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


async def test_health_tells_the_line_and_other_methods_are_refused(hall: Hall) -> None:
    assert (await hall.http.get("/healthz")).json() == {"line": "up"}
    assert (await hall.http.get(GRAPHQL)).status_code == 405
    hall.break_line()
    for _ in range(2):
        await hall.edge.beat()
    assert (await hall.http.get("/healthz")).json() == {"line": "down"}


@pytest.mark.parametrize("answer", [
    httpx2.Response(503, json={"errors": [{"extensions": {"code": "OVERLOADED"}}]}),
    httpx2.Response(200, json={"data": None, "errors": [{"extensions": {"code": "OVERLOADED"}}]}),
    httpx2.Response(200, json={"data": None, "errors": "what"}),
    httpx2.Response(200, text="<p>Please sign in to this network</p>"),
])  # fmt: skip
async def test_server_that_cannot_is_a_broken_line(hall: Hall, answer: httpx2.Response) -> None:
    phone, stand = await hall.phone(), hall.stands[0]
    way = hall.network.handle_async_request

    async def ill(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(
            answer.status_code, headers={"content-type": answer.headers["content-type"]},
            content=answer.content,
        )  # fmt: skip

    hall.network.handle_async_request = ill  # type: ignore[method-assign]  # a sick server
    receipt = await stand.till.sell(phone.show(), 500)
    assert (receipt.is_edges, receipt.is_offline) == (True, True)
    hall.network.handle_async_request = way  # type: ignore[method-assign]  # well again
    await hall.mend_line()
    assert [each.verdict for each in await hall.upload()] == ["ACCEPTED"]


async def test_edge_that_the_school_does_not_list_yet_decides_nothing(hall: Hall) -> None:
    phone, stand = await hall.phone(), hall.stands[0]
    identity = hall.journal.identity
    keys = tuple(key for key in identity.issuer_keys if key["use"] != "EDGE")
    hall.journal.enrol(replace(identity, issuer_keys=keys))
    hall.break_line()
    refused = await stand.till.sell(phone.show(), 500)
    assert (refused.answer, refused.is_approved) == (None, False)
    assert hall.kept.find(EdgeKey(*refused.entry.key)) is None


async def test_edge_opens_doors_and_remembers_who_is_inside(hall: Hall) -> None:
    phone, stand = await hall.phone(), hall.stands[0]
    door = Door(stand.number, 1, "门", "Door", "hall", Passback.HARD, DoorScene.GATE, True)
    doors = hall.campus.wired.services.doors
    await doors.put(SCHOOL, door, OPERATOR, keep_passback=False)
    await hall.publish(2)
    hall.break_line()
    entered = []
    for direction in (Direction.IN, Direction.IN, Direction.OUT, Direction.IN):
        hall.campus.clock.advance(seconds=1)
        entered.append(await stand.till.enter(phone.show(), 1, direction))
    assert [each.answer and each.answer.response_code for each in entered] == [
        "00", "E1", "00", "00",
    ]  # fmt: skip
    assert [each.outcome for each in entered[:2]] == [Outcome.APPROVED, Outcome.DECLINED]
    closed = await stand.till.enter(phone.show(), 2, Direction.IN)
    assert closed.answer is not None
    assert (closed.answer.response_code, closed.is_edges) == ("58", True)
    assert stand.journal.list_open() == []
    # What it opened for is on the gate's own disk, and the only way the school hears of it.
    assert await hall.campus.rows("SELECT 1 FROM passage") == []
    await hall.mend_line()
    passed = await stand.till.gate.upload()
    granted = [each.entry.key for each in entered if each.outcome is Outcome.APPROVED]
    assert [(each.key, each.verdict) for each in passed] == [(k, "ACCEPTED") for k in granted]
    kept = await hall.campus.rows("SELECT direction, offline FROM passage ORDER BY seq_no")
    assert [tuple(row) for row in kept] == [("IN", True), ("OUT", True), ("IN", True)]


def read_serial(text: str) -> bytes:
    """Whose code it is, as a gate remembers it."""
    code = cc1.read(text)
    assert isinstance(code, cc1.Presentation)
    return code.serial


async def test_gate_keeps_shut_what_its_own_documents_forbid(hall: Hall) -> None:
    """The server judges its event by those, so an edge's yes alone opens nothing."""
    phone, stand = await hall.phone(), hall.stands[0]
    door = Door(stand.number, 1, "门", "Door", "hall", Passback.HARD, DoorScene.GATE, True)
    await hall.campus.wired.services.doors.put(SCHOOL, door, OPERATOR, keep_passback=False)
    await hall.publish(2)
    hall.break_line()
    # The edge lets in whom the gate saw go in already, while it asked the server itself.
    stand.line.passages.note_moved("hall", read_serial(phone.show()), "IN", int(hall.now()))
    shut = await stand.till.enter(phone.show(), 1, Direction.IN)
    assert (shut.answer, shut.is_approved) == (None, False)
    assert stand.till.gate.store.waiting() == 0


async def test_answers_are_forgotten_after_a_month(hall: Hall) -> None:
    phone, stand = await hall.phone(), hall.stands[0]
    hall.break_line()
    entry = (await stand.till.sell(phone.show(), 500)).entry
    authority = hall.edge._authority
    hall.campus.clock.advance(seconds=30 * 86_400)
    authority.forget_old()
    assert hall.kept.find(EdgeKey(*entry.key)) is not None
    hall.campus.clock.advance(seconds=1)
    authority.forget_old()
    assert hall.kept.find(EdgeKey(*entry.key)) is None
