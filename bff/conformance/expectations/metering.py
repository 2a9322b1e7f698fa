"""A meter: water for a verified yes, and every unit that ran told once, whatever happens."""

from collections.abc import Callable

from bff.conformance.evidence import Evidence
from bff.conformance.expectations.row import Check, Finding, found, right, unseen, wrong
from bff.conformance.meter_script import METER_SCRIPT, START, STOP
from bff.conformance.meters import cost_of
from bff.conformance.school import METER_NO
from bff.conformance.steps import Do, Fault, Water
from bff.conformance.words import Text
from terminals.signature import SKEW_SECONDS

_USES = tuple(s.id for s in METER_SCRIPT if s.do is Do.METER and s.part is None)
_SEEN = {True: Text("出水了", "Water ran"), False: Text("没有出水", "No water ran")}


def _ran(evidence: Evidence, step: str) -> bool:
    return evidence.words.get(step) == Water.RAN


def _synced(evidence: Evidence) -> Finding:
    if "meter.sync" not in evidence.over:
        return unseen()
    came = evidence.all("MeterSync")
    return found(
        any(event.is_heard for event in came),
        f"meterSync {len(came)} 次",
        f"{len(came)} meterSync came",
    )


def _request(evidence: Evidence) -> Finding:
    asked = [(step, e) for step in ("meter.start", "meter.scan") for e in evidence.of(step)]
    asked = [(step, e) for step, e in asked if e.operation == START and e.given]
    if not asked:
        return unseen("没有收到可读的 meterStart", "No meterStart that can be read came")
    for step, event in asked:
        given, code = event.given, evidence.codes[step]
        pair = (code, None) if step == "meter.start" else (None, code)
        if (given["code8"], given["presented"]) != pair:
            return wrong(f"{step}：码不对", f"{step}: not the code that was given")
        if given["meterNo"] != METER_NO:
            return wrong(f"meterNo {given['meterNo']}", f"meterNo {given['meterNo']}")
    return right("水控机和码都对", "It named the meter and the code")


def _runs(step: str, *, wanted: bool, fault: Fault | None = None) -> Callable[[Evidence], Finding]:
    """Whether the valve did what it should, once the answer of the step was delivered."""

    def judge(evidence: Evidence) -> Finding:
        asked = [e for e in evidence.starts(step) if fault is None or e.fault is fault]
        if step not in evidence.over or not asked:
            return unseen()
        ran = _ran(evidence, step)
        return found(ran == wanted, _SEEN[ran].zh, _SEEN[ran].en)

    return judge


def _one_key(evidence: Evidence) -> Finding:
    if "meter.lost" not in evidence.over or not evidence.starts("meter.lost"):
        return unseen()
    for step in _USES:
        keys = {event.key for event in evidence.of(step, START) if event.given}
        if len(keys) > 1:
            return wrong(f"{step} 用了 {len(keys)} 个编号", f"{len(keys)} keys for {step}")
    return right("每次开始一个编号", "One key for each start")


def _price(evidence: Evidence) -> Finding:
    stops = [e for e in evidence.all(STOP) if e.given]
    if "meter.scan" not in evidence.over or not any(_ran(evidence, s) for s in _USES[:2]):
        return unseen()
    if not stops:
        return wrong("没有收到 meterStop", "No meterStop came")
    for event in stops:
        units, minor = event.given["units"], event.given["minorAmount"] or 0
        if cost_of(units) != minor:
            said = f"{units} units, {minor} fen ≠ {cost_of(units)}"
            return wrong(said, said)
    return right(f"{len(stops)} 次都对", f"All {len(stops)} were right")


def _stopped(evidence: Evidence) -> Finding:
    """A stop is repeated under its own key until it is heard."""
    stops = evidence.stops("meter.stop")
    if "meter.stop" not in evidence.over or not any(e.fault is not None for e in stops):
        return unseen()
    if len({event.key for event in stops}) > 1:
        return wrong("重发换了编号", "It came again under another key")
    is_heard = any(event.is_heard for event in stops)
    return found(is_heard, f"发了 {len(stops)} 次", f"It came {len(stops)} times")


def _ended(step: str, last: str, reason: str) -> Callable[[Evidence], Finding]:
    """Whether what ran in a step was ended for this reason, with what ran."""

    def judge(evidence: Evidence) -> Finding:
        if last not in evidence.over or not _ran(evidence, step):
            return unseen()
        stops = [e for e in evidence.stops(step) if e.response is not None]
        if not stops:
            return wrong("没有结束的上报", "Nothing told that it had ended")
        told = f"{stops[0].given['reason']}, {stops[0].given['units']} units"
        is_met = stops[0].given["reason"] == reason and stops[0].given["units"] > 0
        return found(is_met, told, told)

    return judge


def _alone(evidence: Evidence) -> Finding:
    asked = [e for e in evidence.of("meter.alone", START) if e.given]
    if "meter.upload" not in evidence.over or not asked or not _ran(evidence, "meter.alone"):
        return unseen("没有自行出水", "It let no water run without a network")
    told = [e for e in evidence.starts("meter.alone") if e.given["startedAt"] is not None]
    told = [event for event in told if event.key == asked[-1].key]
    if not told:
        return wrong("没有用原编号上报开始", "It never told of its start under the same key")
    if abs(told[0].given["startedAt"] - asked[-1].at) > SKEW_SECONDS:
        return wrong("startedAt 不是开始的时间", "startedAt is not when it began")
    is_heard = any(each.is_heard for each in evidence.stops("meter.alone"))
    return found(
        is_heard,
        "上报了开始和结束" if is_heard else "没有上报结束",
        "It told the start and the stop" if is_heard else "It never told the stop",
    )


def _used(evidence: Evidence) -> Finding:
    step = "meter.alone.again"
    if step not in evidence.over or not _ran(evidence, "meter.alone"):
        return unseen()
    ran = _ran(evidence, step)
    return found(not ran, _SEEN[ran].zh, _SEEN[ran].en)


CHECKS: dict[str, Check] = {
    "meter.synced": _synced,
    "meter.request": _request,
    "meter.opens": _runs("meter.start", wanted=True),
    "meter.denied": _runs("meter.denied", wanted=False),
    "meter.key": _one_key,
    "meter.forged": _runs("meter.forged", wanted=False, fault=Fault.WRONG_KEY),
    "meter.price": _price,
    "meter.stopped": _stopped,
    "meter.idle": _ended("meter.idle", "meter.idle", "IDLE"),
    "meter.power": _ended("meter.cut", "meter.told", "POWER_CUT"),
    "meter.alone": _alone,
    "meter.used": _used,
}
