"""Answers and times that somebody else made: none of them may be believed."""

from collections.abc import Callable

from bff.conformance.evidence import Evidence
from bff.conformance.expectations.row import (
    Check,
    Finding,
    agrees,
    found,
    right,
    screen,
    unseen,
    wrong,
)
from bff.conformance.script import LIE_SECONDS
from bff.conformance.steps import Fault, Shown

FORGERIES = (
    Fault.WRONG_KEY,
    Fault.FLIPPED_BIT,
    Fault.OTHER_TERMINAL,
    Fault.OLD_ANSWER,
    Fault.OTHER_AMOUNT,
    Fault.UNSIGNED,
    Fault.WITHDRAWN_KEY,
)


def _forged(fault: Fault) -> Callable[[Evidence], Finding]:
    step = f"forged.{fault.lower()}"

    def judge(evidence: Evidence) -> Finding:
        delivered = any(event.fault is fault for event in evidence.events)
        if not delivered or step not in evidence.over:
            return unseen()
        seen = screen(evidence, step)
        return found(evidence.words.get(step) != Shown.PAID, seen.zh, f"It {seen.en}")

    return judge


def _clock(evidence: Evidence) -> Finding:
    if "clock" not in evidence.over:
        return unseen()
    if evidence.sales("clock"):
        return agrees(evidence, "clock")
    late = [event for event in evidence.of("clock") if event.refusal == "CLOCK_SKEW"]
    if not late:
        return unseen("没有收到收款请求", "No sale came")
    return wrong(
        f"{len(late)} 次 CLOCK_SKEW 之后仍按自己的钟签名",
        f"It went on signing by its own clock after {len(late)} CLOCK_SKEW",
    )


def _lie(evidence: Evidence) -> Finding:
    lie = next((event for event in evidence.events if event.fault is Fault.LIED_TIME), None)
    if lie is None:
        return unseen()
    later = [e for e in evidence.events if e.number > lie.number and e.created_at is not None]
    if not later:
        return unseen("之后没有请求", "Nothing came afterwards")
    ahead = (later[0].created_at or 0) - later[0].at
    if ahead > LIE_SECONDS / 2:
        return wrong(
            f"钟被拨快约 {round(ahead / 60)} 分钟", f"Its clock went {round(ahead / 60)} min ahead"
        )
    return right(f"没有相信（谎称快 {LIE_SECONDS // 3600} 小时）", "It did not follow the lie")


CHECKS: dict[str, Check] = {
    **{f"forged.{fault.lower()}": _forged(fault) for fault in FORGERIES},
    "clock.set": _clock,
    "clock.lie": _lie,
}
