"""What the pretended school answers to questions that its script does not ask for."""

import json
import os
from base64 import b64encode
from typing import Any

import pytest

from bff.conformance.play import Play
from bff.conformance.telling import line_of
from terminals import offline
from terminals.keys import signer
from terminals.message import RequestKey
from terminals.offline import Record, RecordKind
from tests.unit.conformance.asking import SEED, ask
from tests.unit.conformance.reference import NOW

KEY = {"batchNo": 1, "seqNo": 1}
FIRST = offline.first_link(7, 42, 1)


@pytest.fixture
def play() -> Play:
    """A play whose terminal is enrolled, at its first sale."""
    begun = Play(os.urandom, lambda: NOW, "en")
    ask(begun, {})
    assert begun.tell("enrol", "x")
    assert begun.tell("documents", "GO ON")
    return begun


def told(play: Play, operation: str, **given: Any) -> Any:
    """The payload of a mutation."""
    reply = play.answer(ask(play, {"input": {"key": KEY, **given}}, operation))
    assert reply is not None
    (payload,) = json.loads(reply.body)["data"].values()
    return payload


def code_of(payload: Any) -> str:
    """The code of its user error."""
    (error,) = payload["userErrors"]
    assert error["message"]
    return str(error["code"])


@pytest.mark.parametrize(("operation", "more"), [
    ("PurchaseCapture", {}), ("PurchaseRefund", {"reason": "cold soup"}),
])  # fmt: skip
def test_what_is_not_scripted_is_declined_and_moves_nothing(
    play: Play, operation: str, more: dict[str, str]
) -> None:
    given = {"original": {"batchNo": 1, "seqNo": 2}, "minorAmount": 100, **more}
    answered = told(play, operation, **given)["authorisation"]
    assert (answered["outcome"], answered["responseCode"]) == ("DECLINED", "40")
    assert play.server.books.purchases == {}
    assert line_of(play.server.events[-1]).en == f"{operation} 42.1.1 → 42.1.2: 40"


def test_nobody_is_looked_up(play: Play) -> None:
    assert told(play, "HolderLookUp", presented="91", scene="MEAL")["responseCode"] == "40"


def test_unknown_code_and_another_content_are_refused(play: Play) -> None:
    sale = {"minorAmount": 100, "scene": "MEAL", "presented": "9" * 20}
    assert told(play, "PurchaseAuthorise", **sale)["authorisation"]["responseCode"] == "C2"
    other = {**sale, "minorAmount": 200}
    assert code_of(told(play, "PurchaseAuthorise", **other)) == "IDEMPOTENCY_CONFLICT"
    void = {"original": {"batchNo": 1, "seqNo": 2}, "reason": "CASHIER"}
    assert code_of(told(play, "PurchaseVoid", **void)) == "IDEMPOTENCY_CONFLICT"
    door = {"presented": "9" * 20, "doorNo": 1, "direction": "IN"}
    assert code_of(told(play, "EntryAuthorise", **door)) == "IDEMPOTENCY_CONFLICT"
    assert play.server.books.voided == set()


def test_sale_that_comes_after_its_void_is_answered_22(play: Play) -> None:
    void = {"key": {"batchNo": 1, "seqNo": 1}, "original": {"batchNo": 1, "seqNo": 1}}
    play.server.books.void(RequestKey(42, 1, 1))
    assert play.prompt is not None
    sale = {"minorAmount": 1_250, "scene": "MEAL", "presented": play.prompt.code}
    assert told(play, "PurchaseAuthorise", **sale)["authorisation"]["responseCode"] == "22"
    assert play.server.books.purchases == {}
    assert void["key"] == KEY


def test_close_of_an_unknown_or_a_settled_batch(play: Play) -> None:
    close = {"batchNo": 1, "lastSeq": 1, "unused": [], "totals": [], "headHash": b64(FIRST)}
    assert code_of(told(play, "BatchClose", **close)) == "BATCH_UNKNOWN"
    play.server.books.contents[RequestKey(42, 1, 1)] = "a declined sale"
    settled = told(play, "BatchClose", **close)["batch"]
    assert settled["balanced"] is True
    assert settled["headKnown"] is True
    assert told(play, "BatchClose", **close)["batch"] == settled
    late = {"key": {"batchNo": 1, "seqNo": 2}, "original": KEY, "reason": "CASHIER"}
    request = ask(play, {"input": late}, "PurchaseVoid")
    assert play.answer(request) is not None
    assert play.server.events[-1].refusal == "KEY_MISMATCH"
    own = {"original": {"batchNo": 1, "seqNo": 9}, "reason": "CASHIER"}
    play.server.books.contents.clear()
    assert code_of(told(play, "PurchaseVoid", **own)) == "VOID_TOO_LATE"


def test_records_that_are_none_and_voids_are_judged(play: Play) -> None:
    record = Record(7, RequestKey(42, 1, 5), RecordKind.VOID, NOW, 500, 7, 9, 1, "VOID:4")
    link = offline.link(FIRST, record.packed())
    item = {
        "seqNo": 5,
        "kind": "VOID",
        "createdAt": NOW,
        "minorAmount": "500",
        "parametersVersion": 7,
        "denyVersion": 9,
        "clockState": "TRUSTED",
        "presented": "VOID:4",
        "signature": b64(offline.sign_link(link, signer(SEED))),
    }
    odd = {**item, "seqNo": 0, "minorAmount": "-1"}
    large = {**item, "seqNo": 1_000_000, "minorAmount": "9" * 5_000}
    upload = {"batchNo": 1, "previousHash": b64(FIRST), "items": [odd, large, item]}
    verdicts = told(play, "OfflineBatchUpload", **upload)["verdicts"]
    assert [
        (v["seqNo"], v["judgement"]["verdict"], v["judgement"]["reason"]) for v in verdicts
    ] == [
        (0, "REJECTED", "RECORD_SIGNATURE"),
        (1_000_000, "REJECTED", "RECORD_SIGNATURE"),
        (5, "ACCEPTED", None),
    ]
    assert play.server.books.voided == {RequestKey(42, 1, 4)}


def test_lines_about_what_went_wrong_name_it(play: Play) -> None:
    request = ask(play, {"original": KEY}, "PurchaseStatus")
    play.answer(request)
    play.answer(request)
    assert line_of(play.server.events[-1]).en == "PurchaseStatus 42.1.1: refused NONCE_REUSED"
    while play.prompt is not None and play.prompt.step.id != "silent":
        play.tell(play.prompt.step.id, "PAID")
    play.answer(ask(play, {"original": KEY}, "PurchaseStatus"))
    said = line_of(play.server.events[-1])
    assert said.en == "PurchaseStatus 42.1.1 → 42.1.1: its answer was lost"
    assert said.zh.endswith("应答丢失")


def b64(raw: bytes) -> str:
    """As bytes stand in JSON."""
    return b64encode(raw).decode()
