"""The scripted server over HTTP: its page, its steps, and what it makes of odd requests."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx2
import pytest

from bff.conformance.application import build
from bff.conformance.expectations import judge
from bff.conformance.play import Play
from bff.conformance.report import Report
from bff.conformance.steps import Kind
from clients.device_key import public_key
from clients.endpoint import Endpoint
from clients.terminal.protocol import enrol
from tests.unit.conformance.asking import JSON, SEED, ask, lead
from tests.unit.conformance.reference import NOW

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)


@pytest.fixture
def play() -> Play:
    """A play of terminals without a network of their own."""
    return Play(os.urandom, lambda: NOW, "en")


@pytest.fixture
def meter() -> Play:
    """A play of meters."""
    begun = Play(os.urandom, lambda: NOW, "en", kind=Kind.METER)
    begun.server.operations.keys.enrol(public_key(SEED))
    return begun


@pytest.fixture
async def http(play: Play) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the scripted server."""

    def report() -> Report:
        evidence = play.evidence()
        return Report(judge(evidence), (), datetime.now(UTC), evidence.events)  # noqa: TID251 - a date of this day

    application = build(play, report, "en", silence_seconds=0.01)
    transport = httpx2.ASGITransport(application)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def enrolled(play: Play, http: httpx2.AsyncClient) -> None:
    """The terminal has its key, and staff have compared the fingerprint."""
    await enrol(Endpoint(http), 7, play.school.activation_code, "SAMPLE", "SN-1", os.urandom)
    assert play.tell("enrol", "00000000")


async def test_page_shows_what_to_do_and_the_code_to_scan(
    play: Play, http: httpx2.AsyncClient
) -> None:
    page = await http.get("/")
    assert play.school.activation_code in page.text
    assert "Enrol with the issuer" in page.text
    assert "script-src 'sha256-" in page.headers["content-security-policy"]
    await enrolled(play, http)
    assert play.tell("documents", "GO ON")
    page = await http.get("/")
    assert "Sell ¥12.50 with this code" in page.text
    assert play.prompt is not None
    assert play.prompt.code is not None
    assert play.prompt.code in page.text
    assert "<svg" in page.text
    assert "TerminalEnrol" in page.text


async def test_digits_of_a_meter_are_typed_and_no_picture(meter: Play) -> None:
    pages = build(meter, lambda: Report([], (), NOON, []), "en")
    transport = httpx2.ASGITransport(pages)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        for step, is_picture in (("meter.start", False), ("meter.scan", True)):
            lead(meter, step)
            assert meter.prompt is not None
            page = (await client.get("/")).text
            assert str(meter.prompt.code) in page
            assert ("<svg" in page) == is_picture


async def test_staff_tell_by_the_page_what_they_see(play: Play, http: httpx2.AsyncClient) -> None:
    await enrolled(play, http)
    play.tell("documents", "GO ON")
    told = await http.post("/told", data={"id": "sale", "word": "PAID"})
    assert told.status_code == 303
    assert play.evidence().words["sale"] == "PAID"
    await http.post("/told", data={"id": "sale", "word": "PAID"})
    assert play.prompt is not None
    assert play.prompt.step.id == "declined", "a button that is pressed twice tells once"


async def test_program_leads_itself_by_json(play: Play, http: httpx2.AsyncClient) -> None:
    step = (await http.get("/step")).json()
    assert (step["id"], step["do"], step["question"]) == ("enrol", "ENROL", "FINGERPRINT")
    assert step["issuer"] == 7
    await enrolled(play, http)
    play.tell("documents", "GO ON")
    for given in ({"id": "sale", "word": "SOLD"}, {"id": "enrol", "word": "x"}, ["sale"]):
        refused = await http.post("/step", json=given)
        assert (refused.status_code, refused.json()["id"]) == (409, "sale")
    assert (await http.post("/step", content=b"{")).status_code == 409
    told = await http.post("/step", json={"id": "sale", "word": "NOT_PAID"})
    assert (told.status_code, told.json()["id"]) == (200, "declined")
    lead(play)
    assert (await http.get("/step")).json()["over"] is True
    assert "right" in (await http.get("/")).text


async def test_terminal_that_never_enrols_is_not_led_any_further(play: Play) -> None:
    assert not play.tell("enrol", " ")
    assert play.tell("enrol", "nothing")
    assert play.prompt is None


@pytest.mark.parametrize("name", ["report.md", "report.html", "report.json"])
async def test_report_so_far_is_there_in_each_form(name: str, http: httpx2.AsyncClient) -> None:
    answer = await http.get(f"/{name}")
    assert answer.status_code == 200
    assert "enrol.proof" in answer.text
    assert (await http.get("/report.exe")).status_code == 404


async def test_what_is_no_request_is_refused_and_seen(play: Play, http: httpx2.AsyncClient) -> None:
    assert (await http.get("/graphql")).status_code == 405
    assert (await http.post("/graphql", content=b"{}")).status_code == 415
    large = await http.post("/graphql", content=b" " * 300_000, headers=JSON)
    assert large.status_code == 413
    unsigned = await http.post("/graphql", content=b"{}", headers=JSON)
    assert unsigned.json()["errors"][0]["extensions"]["reason"] == "HEADER_INVALID"
    assert [event.refusal for event in play.server.events] == ["HEADER_INVALID"]


async def test_lost_answer_is_silence(play: Play, http: httpx2.AsyncClient) -> None:
    await enrolled(play, http)
    lead(play, "silent")
    signed = ask(play, {"original": {"batchNo": 1, "seqNo": 1}}, "PurchaseStatus")
    answer = await http.post("/graphql", content=signed.body, headers=dict(signed.headers))
    assert (answer.status_code, answer.content) == (504, b"")
    assert play.server.events[-1].fault == "ANSWER_LOST"


OTHER_KEY = {"batchNo": 1, "seqNo": 2}
VOID = {"key": {"batchNo": 1, "seqNo": 1}, "original": {"batchNo": 1, "seqNo": 1}}


@pytest.mark.parametrize(
    ("asked", "status", "refusal"),
    [
        ({"variables": {"input": VOID}}, 200, "Variable '$input' has invalid value: Expected"),
        ({"variables": {}, "documentId": "sha256:" + "0" * 64}, 200, "DOCUMENT_UNKNOWN"),
        ({"variables": "\ud800"}, 400, "BODY_MALFORMED"),
        (
            {
                "variables": {
                    "input": {
                        **VOID,
                        "reason": "TIMEOUT",
                        "original": {"batchNo": -1, "seqNo": 9**9},
                    }
                }
            },
            200,
            "Variable with a number out of range",
        ),
        (
            {
                "variables": {
                    "input": {**VOID, "key": {"batchNo": 1, "seqNo": 2}, "reason": "DEVICE"}
                }
            },
            200,
            "KEY_MISMATCH",
        ),
    ],
)
def test_odd_requests_are_refused_with_their_reason(
    play: Play, asked: dict[str, object], status: int, refusal: str
) -> None:
    play.tell("enrol", "x")
    reply = play.answer(ask(play, **{"variables": {}, **asked}))  # type: ignore[arg-type]  # odd ones
    assert reply is not None
    assert reply.status == status
    assert (play.server.events[-1].refusal or "").startswith(refusal)
    assert play.server.books.voided == set()
