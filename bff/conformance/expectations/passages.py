"""A gate without a network: what it opens for, and what it tells of that afterwards."""

from dataclasses import dataclass

from bff.conformance.contract import Json
from bff.conformance.evidence import Event, Evidence
from bff.conformance.expectations.gates import door
from bff.conformance.expectations.row import Check, Finding, found, right, unseen, wrong
from bff.conformance.gate_script import ENTRY, EVENTS
from bff.conformance.school import DOOR_NO, NEWEST
from bff.conformance.steps import Door, Fault
from core.school.records import DocumentKind
from terminals.codes import strip
from terminals.message import RequestKey
from terminals.signature import SKEW_SECONDS

_OPENED = ("gate.alone", "gate.alone.second", "gate.alone.third")


@dataclass(frozen=True, slots=True)
class Told:
    """An event as an upload brought it."""

    upload: Event
    key: RequestKey
    item: Json

    @property
    def presented(self) -> str:
        """The code that passed."""
        return strip(self.item["presented"])


def _told(evidence: Evidence) -> list[Told]:
    """Every event of every upload, as they came."""
    return [
        Told(event, RequestKey(event.key.terminal_no, event.given["batchNo"], item["seqNo"]), item)
        for event in evidence.all(EVENTS)
        if event.key is not None and event.given
        for item in event.given["items"]
    ]


def _of(evidence: Evidence, step: str) -> list[Told]:
    code = evidence.codes.get(step)
    return [told for told in _told(evidence) if told.presented == code]


def _asked(evidence: Evidence, step: str) -> list[Event]:
    """The questions about the code of a step."""
    code = evidence.codes.get(step)
    return [e for e in evidence.all(ENTRY) if e.given and strip(e.given["presented"]) == code]


def _flushed(evidence: Evidence) -> Finding:
    if "gate.alone" not in evidence.over:
        return unseen()
    if evidence.words.get("gate.alone") != Door.OPENED:
        seen = door(evidence, "gate.alone")
        return unseen(
            f"{seen.zh}；不单独放行的请加 --without offline",
            f"{seen.en}; if it never decides alone, say --without offline",
        )
    if "gate.upload" not in evidence.over:
        return unseen()
    is_there = bool(_of(evidence, "gate.alone"))
    return found(
        is_there,
        "断电后通行记录还在" if is_there else "开了门，断电后通行记录没了",
        "The event was there" if is_there else "It opened, and the event was gone",
    )


def _shut(evidence: Evidence, step: str) -> Finding:
    """A code it had to refuse: proven only by a gate that opens for others."""
    if step not in evidence.over or evidence.words.get("gate.alone") != Door.OPENED:
        return unseen()
    seen = door(evidence, step)
    return found(evidence.words.get(step) == Door.SHUT, seen.zh, seen.en)


def _key(evidence: Evidence) -> Finding:
    pairs = [
        (t, asked) for s in _OPENED for t in _of(evidence, s) if (asked := _asked(evidence, s))
    ]
    if not pairs:
        return unseen()
    for each, asked in pairs:
        keys = [event.key for event in asked]
        if each.key not in keys:
            first = keys[0].text() if keys[0] else "-"
            said = f"{first} → {each.key.text()}"
            return wrong(f"事件换了编号：{said}", f"The event has another key: {said}")
    return right("事件用的是提问的编号", "Each event has the key of its question")


def _content(evidence: Evidence) -> Finding:
    told = [each for step in _OPENED for each in _of(evidence, step)]
    if not told:
        return unseen()
    wanted = (DOOR_NO, "IN", NEWEST[DocumentKind.DENY], False)
    for each in told:
        names = ("doorNo", "direction", "denyVersion", "clockLost")
        given = tuple(each.item[name] for name in names)
        if given != wanted:
            said = ", ".join(f"{n} {v}" for n, v in zip(names, given, strict=True))
            return wrong(f"不对：{said}", f"It told {said}")
    return right(f"{len(told)} 条都对", f"All {len(told)} were right")


def _time(evidence: Evidence) -> Finding:
    checked = [
        abs(told.item["createdAt"] - asked[-1].at)
        for step in _OPENED
        if (asked := _asked(evidence, step))
        for told in _of(evidence, step)
    ]
    if not checked:
        return unseen()
    worst = max(checked)
    return found(
        worst <= SKEW_SECONDS,
        f"与学校时间最多差 {worst:.0f} 秒",
        f"At most {worst:.0f} s from the school's time",
    )


def _order(evidence: Evidence) -> Finding:
    codes = [evidence.codes.get(step) for step in _OPENED]
    came = list(dict.fromkeys(t.presented for t in _told(evidence) if t.presented in codes))
    if len(came) < 2:
        return unseen()
    is_kept = came == [code for code in codes if code in came]
    return found(
        is_kept,
        "按通行的先后上报" if is_kept else "上报的次序乱了",
        "In the order of the passages" if is_kept else "In another order than they happened",
    )


def _sent_again(evidence: Evidence, fault: Fault) -> Finding:
    """Whether events without a verdict came again, with the same content."""
    upload = next((e for e in evidence.all(EVENTS) if e.fault is fault and e.given), None)
    if upload is None or "gate.upload" not in evidence.over:
        return unseen()
    judged = {result["seqNo"] for result in upload.told.get("results", [])}
    all_told = _told(evidence)
    left = [
        each
        for each in all_told
        if each.upload.number == upload.number
        and (fault is Fault.ANSWER_LOST or each.key.seq_no not in judged)
    ]
    for each in left:
        later = [o for o in all_told if o.key == each.key and o.upload.number > upload.number]
        name = each.key.text()
        if not later:
            return wrong(f"{name} 没有再发", f"{name} was not sent again")
        if any(other.item != each.item for other in later):
            return wrong(f"{name} 内容变了", f"{name} came with other content")
    return right(f"{len(left)} 条都再发了", f"All {len(left)} were sent again")


CHECKS: dict[str, Check] = {
    "events.denied": lambda evidence: _shut(evidence, "gate.alone.denied"),
    "events.forged": lambda evidence: _shut(evidence, "gate.alone.forged"),
    "events.flushed": _flushed,
    "events.used": lambda evidence: _shut(evidence, "gate.alone.again"),
    "events.key": _key,
    "events.content": _content,
    "events.time": _time,
    "events.order": _order,
    "events.again": lambda evidence: _sent_again(evidence, Fault.ANSWER_LOST),
    "events.unjudged": lambda evidence: _sent_again(evidence, Fault.HALF_JUDGED),
}
