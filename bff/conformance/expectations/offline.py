"""Selling without a network, and the upload of what was taken."""

from dataclasses import dataclass

from bff.conformance.contract import Json
from bff.conformance.evidence import Event, Evidence
from bff.conformance.expectations.row import (
    Check,
    Finding,
    found,
    right,
    screen,
    unseen,
    wrong,
)
from bff.conformance.script import SCRIPT
from bff.conformance.steps import Code, Do, Fault, Part, Shown
from core.authorisation.offline import Verdict
from terminals.codes import strip
from terminals.message import RequestKey
from terminals.signature import SKEW_SECONDS

_STEPS = {s.id: s for s in SCRIPT if s.part is Part.OFFLINE and s.do is Do.SELL}
_TAKEN = tuple(id_ for id_, step in _STEPS.items() if step.code is Code.PASS)


@dataclass(frozen=True, slots=True)
class Sent:
    """A record as an upload brought it."""

    event: Event
    key: RequestKey
    item: Json

    @property
    def presented(self) -> str:
        """The code it was taken for."""
        return strip(self.item["presented"])


def sent(evidence: Evidence) -> list[Sent]:
    """Every record of every upload, as they came."""
    return [
        Sent(event, RequestKey(event.key.terminal_no, event.given["batchNo"], item["seqNo"]), item)
        for event in evidence.all("OfflineBatchUpload")
        if event.key is not None and event.given
        for item in event.given["items"]
    ]


def records_of(evidence: Evidence, step: str) -> list[Sent]:
    """The records of the sale of a step."""
    code = evidence.codes.get(step)
    return [each for each in sent(evidence) if each.presented == code]


def _refused(evidence: Evidence, step: str) -> Finding:
    """A code that it had to refuse: proven only by a terminal that takes others."""
    if step not in evidence.over or "alone" not in evidence.over:
        return unseen()
    if evidence.words.get("alone") != Shown.PAID:
        return unseen("终端没有脱机收款", "It took nothing without a network")
    seen = screen(evidence, step)
    if evidence.words.get(step) == Shown.PAID or (
        step != "alone.again" and records_of(evidence, step)
    ):
        return wrong(seen.zh, f"It {seen.en}")
    return right(seen.zh, f"It {seen.en}")


def _again(evidence: Evidence) -> Finding:
    keys = {each.key for each in records_of(evidence, "alone.again")}
    if len(keys) > 1:
        return wrong("同一码写了两条记录", "Two records for one code")
    return _refused(evidence, "alone.again")


def _flushed(evidence: Evidence) -> Finding:
    if "alone" not in evidence.over:
        return unseen()
    if evidence.words.get("alone") != Shown.PAID:
        seen = screen(evidence, "alone")
        return unseen(
            f"{seen.zh}；不支持脱机请加 --without offline",
            f"It {seen.en}; if it never sells alone, say --without offline",
        )
    if "upload" not in evidence.over:
        return unseen()
    is_there = bool(records_of(evidence, "alone"))
    return found(
        is_there,
        "断电后记录还在" if is_there else "显示成功，断电后记录没了",
        "The record was there" if is_there else "It showed success, and the record was gone",
    )


def _key(evidence: Evidence) -> Finding:
    records = [(step, each) for step in _TAKEN for each in records_of(evidence, step)]
    asked = [(each, keys) for step, each in records if (keys := evidence.keys(step))]
    if not asked:
        return unseen()
    for each, keys in asked:
        if each.key not in keys:
            said = f"{keys[0].text()} → {each.key.text()}"
            return wrong(f"记录换了编号：{said}", f"The record has another key: {said}")
    return right("记录用的是请求的编号", "Each record has the key of its request")


def _record(evidence: Evidence) -> Finding:
    records = [(step, each) for step in _TAKEN for each in records_of(evidence, step)]
    if not records:
        return unseen()
    for step, each in records:
        wanted = str(_STEPS[step].minor_amount)
        if each.item["minorAmount"] != wanted:
            said = f"{each.item['minorAmount']} ≠ {wanted}"
            return wrong(f"金额不对：{said}", f"The amount is not that of the sale: {said}")
    for event in evidence.all("OfflineBatchUpload"):
        for verdict in event.told.get("verdicts", []):
            judgement = verdict["judgement"]
            if judgement["reason"] == "RECORD_SIGNATURE":
                return wrong("签名不对", "A record's signature is not good")
            if "CHAIN_GAP" in judgement["flags"]:
                return wrong("链断了：前一条记录没有来", "The chain has a gap: a record never came")
    return right(f"{len(records)} 条都对", f"All {len(records)} were good")


def _clock(evidence: Evidence) -> Finding:
    asked = {step: sales[-1].at for step in _TAKEN if (sales := evidence.sales(step))}
    checked = [(each, asked[step]) for step in asked for each in records_of(evidence, step)]
    if not checked:
        return unseen()
    worst = max(abs(each.item["createdAt"] - at) for each, at in checked)
    return found(
        worst <= SKEW_SECONDS,
        f"与学校时间最多差 {worst:.0f} 秒",
        f"At most {worst:.0f} s from the school's time",
    )


def _sent_again(evidence: Evidence, fault: Fault) -> Finding:
    """Whether records without a verdict came again, with the same content."""
    upload = next((e for e in evidence.all("OfflineBatchUpload") if e.fault is fault), None)
    if upload is None or "upload" not in evidence.over:
        return unseen()
    told = {verdict["seqNo"] for verdict in upload.told.get("verdicts", [])}
    all_sent = sent(evidence)
    left = [
        each
        for each in all_sent
        if each.event.number == upload.number
        and (fault is Fault.ANSWER_LOST or each.key.seq_no not in told)
    ]
    for each in left:
        later = [o for o in all_sent if o.key == each.key and o.event.number > upload.number]
        if not later:
            return wrong(f"{each.key.text()} 没有再发", f"{each.key.text()} was not sent again")
        if any(_content(other) != _content(each) for other in later):
            return wrong(
                f"{each.key.text()} 内容变了", f"{each.key.text()} came with other content"
            )
    return right(f"{len(left)} 条都再发了", f"All {len(left)} were sent again")


def _receipt(evidence: Evidence) -> Finding:
    """The receipt of a phone is a record of type 3, good for the payment that the phone made."""
    if evidence.words.get("receipt") != Shown.PAID or "close" not in evidence.over:
        return unseen()
    records = records_of(evidence, "receipt")
    if not records:
        return wrong("没有上传回执记录", "No record of the receipt came")
    first = records[0]
    if first.item["kind"] != "RECEIPT" or strip(first.item["challenge"] or "") != strip(
        evidence.challenge or ""
    ):
        said = f"kind {first.item['kind']}"
        return wrong(
            f"不是回执记录，或没有带收款码：{said}", f"No such record with its CCQ: {said}"
        )
    judged = next(
        verdict["first"] or verdict["judgement"]
        for record in reversed(records)
        for verdict in record.event.told.get("verdicts", [])
        if verdict["seqNo"] == record.key.seq_no
    )
    said = f"{judged['verdict']} {judged['reason'] or ''}".strip()
    return found(judged["verdict"] == Verdict.ACCEPTED, said, said)


def _content(each: Sent) -> tuple[object, ...]:
    names = ("kind", "createdAt", "minorAmount", "parametersVersion", "denyVersion", "clockState")
    return *(each.item[name] for name in names), each.presented


CHECKS: dict[str, Check] = {
    "alone.flushed": _flushed,
    "alone.denied": lambda evidence: _refused(evidence, "alone.denied"),
    "alone.forged": lambda evidence: _refused(evidence, "alone.forged"),
    "alone.cap": lambda evidence: _refused(evidence, "alone.cap"),
    "alone.again": _again,
    "alone.key": _key,
    "alone.record": _record,
    "alone.clock": _clock,
    "receipt.record": _receipt,
    "upload.again": lambda evidence: _sent_again(evidence, Fault.ANSWER_LOST),
    "upload.unjudged": lambda evidence: _sent_again(evidence, Fault.HALF_JUDGED),
}
