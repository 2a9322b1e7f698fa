"""A gate: it opens for a verified yes, and for nothing else."""

from collections.abc import Callable

from bff.conformance.evidence import Event, Evidence
from bff.conformance.expectations.row import Check, Finding, found, right, unseen, wrong
from bff.conformance.gate_script import ENTRY, GATE_SCRIPT
from bff.conformance.school import DOOR_NO
from bff.conformance.steps import Do, Door, Fault
from bff.conformance.words import Text
from terminals.ccr import Outcome

_PASSES = tuple(s.id for s in GATE_SCRIPT if s.do is Do.PASS and s.part is None)


def _asked(evidence: Evidence, step: str) -> list[Event]:
    """The questions about the code of a step."""
    code = evidence.codes.get(step)
    return [e for e in evidence.all(ENTRY) if e.given and e.given["presented"].strip() == code]


def door(evidence: Evidence, step: str) -> Text:
    """What the door did, in words."""
    if evidence.words.get(step) == Door.OPENED:
        return Text("门开了", "The door opened")
    return Text("门没有开", "The door stayed shut")


def _request(evidence: Evidence) -> Finding:
    read = [event for event in evidence.of("gate.pass", ENTRY) if event.given]
    if not read:
        return unseen("没有收到可读的提问", "No question that can be read came")
    given = read[0].given
    said = f"doorNo {given['doorNo']}, direction {given['direction']}"
    if given["presented"] != evidence.codes["gate.pass"]:
        return wrong("presented 不是扫到的文字", "presented was not the scanned text")
    return found((given["doorNo"], given["direction"]) == (DOOR_NO, "IN"), said, said)


def _stays(step: str, word: Door, *faults: Fault) -> Callable[[Evidence], Finding]:
    """Whether the door did what it should, once the answer of the step was delivered."""

    def judge(evidence: Evidence) -> Finding:
        asked = _asked(evidence, step)
        if faults:
            asked = [event for event in asked if event.fault in faults]
        if step not in evidence.over or not asked:
            return unseen()
        seen = door(evidence, step)
        return found(evidence.words.get(step) == word, seen.zh, seen.en)

    return judge


def _lost(evidence: Evidence) -> Finding:
    asked = _asked(evidence, "gate.lost")
    if "gate.lost" not in evidence.over or not asked:
        return unseen()
    is_open = evidence.words.get("gate.lost") == Door.OPENED
    is_heard = any(e.is_heard and e.outcome is Outcome.APPROVED for e in asked)
    seen = door(evidence, "gate.lost")
    return found(is_heard or not is_open, seen.zh, seen.en)


def _one_key(evidence: Evidence) -> Finding:
    if "gate.lost" not in evidence.over or not _asked(evidence, "gate.lost"):
        return unseen()
    for step in _PASSES:
        keys = {event.key for event in _asked(evidence, step)}
        if len(keys) > 1:
            return wrong(f"同一次通行用了 {len(keys)} 个编号", f"{len(keys)} keys for one passage")
    return right("每次通行一个编号", "One key for each passage")


def _clock(evidence: Evidence) -> Finding:
    if "gate.clock" not in evidence.over:
        return unseen()
    late = [event for event in evidence.of("gate.clock") if event.refusal == "CLOCK_SKEW"]
    if _asked(evidence, "gate.clock"):
        return right(f"{len(late)} 次后校准", f"It set its clock after {len(late)} CLOCK_SKEW")
    if not late:
        return unseen("没有收到提问", "No question came")
    return wrong(
        f"{len(late)} 次 CLOCK_SKEW", f"It went on by its own clock: {len(late)} CLOCK_SKEW"
    )


def _locked(evidence: Evidence) -> Finding:
    if "gate.locked" not in evidence.over or not any(
        e.fault is Fault.LOCKED and e.operation == "TerminalHeartbeat" for e in evidence.events
    ):
        return unseen()
    if _asked(evidence, "gate.locked"):
        return wrong("仍发出提问", "It asked all the same")
    seen = door(evidence, "gate.locked")
    return found(evidence.words.get("gate.locked") == Door.SHUT, seen.zh, seen.en)


CHECKS: dict[str, Check] = {
    "gate.request": _request,
    "gate.opens": _stays("gate.pass", Door.OPENED),
    "gate.denied": _stays("gate.denied", Door.SHUT),
    "gate.key": _one_key,
    "gate.lost": _lost,
    "gate.wrong_key": _stays("gate.wrong_key", Door.SHUT, Fault.WRONG_KEY),
    "gate.old_answer": _stays("gate.old_answer", Door.SHUT, Fault.OLD_ANSWER),
    "gate.purchase": _stays("gate.purchase", Door.SHUT, Fault.OTHER_AMOUNT),
    "gate.unsigned": _stays("gate.unsigned", Door.SHUT, Fault.UNSIGNED),
    "gate.silent": _stays("gate.silent", Door.SHUT, Fault.ANSWER_LOST),
    "gate.clock": _clock,
    "gate.locked": _locked,
}
