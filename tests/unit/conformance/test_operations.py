"""What the pretended school answers to questions that its script does not ask for."""

import json
import os
from base64 import b64encode
from typing import Any

import pytest

from bff.conformance.books import Purchase
from bff.conformance.play import Play
from bff.conformance.school import DENIED_TAG
from bff.conformance.script import ENROL
from bff.conformance.steps import Kind
from bff.conformance.telling import line_of
from clients.device_key import public_key
from terminals import ccq, offline
from terminals.ccq import Challenge, Purpose
from terminals.ccr import Outcome
from terminals.keys import signer
from terminals.message import RequestKey
from terminals.offline import Record, RecordKind
from tests.unit.conformance.asking import SEED, ask, lead
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


def key(seq_no: int) -> dict[str, object]:
    """A key of this terminal's first batch, as its signature has it."""
    return {"batchNo": 1, "seqNo": seq_no}


FOLLOWING = [("PurchaseCapture", {}), ("PurchaseRefund", {"reason": "cold soup"})]


@pytest.mark.parametrize(("operation", "more"), FOLLOWING)
def test_what_follows_no_purchase_is_declined_and_moves_nothing(
    play: Play, operation: str, more: dict[str, str]
) -> None:
    given = {"original": key(2), "minorAmount": 100, **more}
    answered = told(play, operation, **given)["authorisation"]
    assert (answered["outcome"], answered["responseCode"]) == ("DECLINED", "25")
    assert told(play, operation, **given)["authorisation"] == {**answered, "replayed": True}
    assert code_of(told(play, operation, **{**given, "minorAmount": 1})) == "IDEMPOTENCY_CONFLICT"
    assert play.server.books.purchases == {}
    assert line_of(play.server.events[0]).en == f"{operation} 42.1.1 → 42.1.2: 25"


def test_refunds_name_a_purchase_in_one_way_that_is_known(play: Play) -> None:
    sold = play.server.books.purchases[RequestKey(42, 1, 9)] = Purchase(
        RequestKey(42, 1, 9), 500, "91", "T0", is_paid=True
    )
    given = {"minorAmount": 100, "reason": "cold soup"}
    unknown = told(play, "PurchaseRefund", retrievalReference="000001000008", **given)
    assert code_of(unknown) == "REFERENCE_UNKNOWN"
    both = {**given, "original": key(9), "retrievalReference": "000001000009"}
    assert play.answer(ask(play, {"input": {"key": KEY, **both}}, "PurchaseRefund")) is not None
    assert play.server.events[-1].refusal == "ORIGINAL_OR_REFERENCE"
    assert (sold.refunded_minor, play.server.books.refunds) == (0, {})
    play.server.books.contents.clear()
    given["retrievalReference"] = "000001000009"
    assert told(play, "PurchaseRefund", **given)["authorisation"]["responseCode"] == "00"
    assert (sold.state, sold.refunded_minor) == ("REFUNDED_PART", 100)
    assert play.server.books.totals(1) == {("PURCHASE", "T0"): (1, 500), ("REFUND", ""): (1, 100)}


def test_only_scripted_codes_are_looked_up_and_a_scene_sees_no_more_than_its_own(
    play: Play,
) -> None:
    nobody = told(play, "HolderLookUp", presented="91", scene="MEAL")
    assert (nobody["responseCode"], nobody["holder"]) == ("C2", None)
    lead(play, "lookup")
    assert play.prompt is not None
    for scene, balance in (("MEAL", {"minorAmount": 8_640}), ("LIBRARY", None)):
        seen = told(play, "HolderLookUp", presented=play.prompt.code, scene=scene)
        assert (seen["responseCode"], seen["balance"]) == ("00", balance)
        assert (seen["holder"]["maskedName"] is None) == (scene == "LIBRARY")


def test_receipts_are_known_if_they_were_issued(play: Play) -> None:
    """RECEIPT_UNKNOWN is for one that the books lack, ALREADY_POSTED for one that they have."""
    asked = Challenge(Purpose.PAY, 7, 1, RequestKey(42, 1, 5), NOW, 120, 410)
    shown = ccq.make(asked, signer(SEED)).text
    unknown = play.school.answer(Outcome.APPROVED, asked.key, 410, "00", NOW)
    assert uploaded(play, shown, unknown) == ("SUSPECT", "RECEIPT_UNKNOWN", [])
    play.server.books.records.clear()
    play.server.books.purchases.clear()
    issued = play.server.operations.pay_challenge(asked.key, 410, shown, NOW)
    assert uploaded(play, shown, issued) == ("ACCEPTED", None, ["ALREADY_POSTED"])
    assert play.server.books.totals(1) == {("PURCHASE", "CCQ"): (1, 410)}


def uploaded(play: Play, shown: str, receipt: str) -> tuple[str, str | None, list[str]]:
    """The verdict on the record of a receipt."""
    key = RequestKey(42, 1, 5)
    record = Record(7, key, RecordKind.RECEIPT, NOW, 410, 7, 9, 1, receipt, shown)
    link = offline.link(FIRST, record.packed())
    item = {
        "seqNo": 5,
        "kind": "RECEIPT",
        "createdAt": NOW,
        "minorAmount": "410",
        "parametersVersion": 7,
        "denyVersion": 9,
        "clockState": "TRUSTED",
        "presented": receipt,
        "challenge": shown,
        "signature": b64(offline.sign_link(link, signer(SEED))),
    }
    upload = {"batchNo": 1, "previousHash": b64(FIRST), "items": [item]}
    (verdict,) = told(play, "OfflineBatchUpload", **upload)["verdicts"]
    judged = verdict["judgement"]
    return judged["verdict"], judged["reason"], judged["flags"]


def test_passages_of_a_gate_are_judged_once_by_what_the_gate_could_know() -> None:
    gate = Play(os.urandom, lambda: NOW, "en", kind=Kind.GATE)
    gate.server.begin(ENROL, None)
    good = {"seqNo": 5, "presented": gate.school.code(1, NOW), "doorNo": 1, "direction": "IN"}
    good |= {"createdAt": NOW, "denyVersion": 9}
    digits = {**good, "seqNo": 9, "presented": f"91{0:018}"}
    denied = {**good, "seqNo": 8, "presented": gate.school.code(DENIED_TAG, NOW)}
    items = [
        *(good, good, {**good, "createdAt": NOW - 1}, {**good, "seqNo": 6}),
        *({**good, "seqNo": 7, "doorNo": 2}, denied, digits),
    ]
    control = {"batchNo": 1, "items": items}
    results = told(gate, "EntryEventsUpload", **control)["results"]
    assert [(r["seqNo"], r["verdict"], r["reason"]) for r in results] == [
        (5, "ACCEPTED", None),
        (5, "DUPLICATE", "SAME_RECORD"),
        (5, "REJECTED", "KEY_CONFLICT"),
        (6, "DUPLICATE", "SAME_CODE"),
        (7, "REJECTED", "DOOR_UNKNOWN"),
        (8, "REJECTED", "REVOKED_KNOWN"),
        (9, "REJECTED", "OFFLINE_NOT_ALLOWED"),
    ]


def test_key_that_is_not_proven_or_was_used_before_is_not_taken(play: Play) -> None:
    keys = play.server.operations.keys
    given = {"newPublicKey": b64(public_key(bytes([0x55]) * 32)), "proof": b64(bytes(64))}
    assert code_of(told(play, "TerminalRotateKey", **given)) == "KEY_ROTATION_INVALID"
    assert (keys.newest_no, keys.find(2)) == (1, None)
    same = {**given, "newPublicKey": b64(public_key(SEED))}
    assert told(play, "TerminalRotateKey", **same)["keyNo"] == 1


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
    lead(play, "silent")
    play.answer(ask(play, {"original": KEY}, "PurchaseStatus"))
    said = line_of(play.server.events[-1])
    assert said.en == "PurchaseStatus 42.1.1 → 42.1.1: its answer was lost"
    assert said.zh.endswith("应答丢失")


def b64(raw: bytes) -> str:
    """As bytes stand in JSON."""
    return b64encode(raw).decode()
