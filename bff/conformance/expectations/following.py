"""Captures, refunds and look-ups: what follows a sale, or stands beside it."""

import re
from decimal import Decimal, InvalidOperation

from bff.conformance.evidence import Event, Evidence
from bff.conformance.expectations.row import (
    Check,
    Finding,
    Mark,
    done,
    found,
    right,
    screen,
    unseen,
    wrong,
)
from bff.conformance.school import BALANCE_MINOR, FOREIGN_REFERENCE, reference_of
from bff.conformance.script_after import CAPTURED_MINOR, PART_MINOR
from bff.conformance.steps import Done, Shown
from bff.conformance.words import Text

_MOVED = {
    True: Text("账上已办成", "the money moved"),
    False: Text("账上没有", "none moved"),
}
_CAPTURE, _REFUND = "PurchaseCapture", "PurchaseRefund"


def _asked(evidence: Evidence, step: str, operation: str) -> list[Event]:
    """The requests of a step that could be read."""
    return [event for event in evidence.of(step, operation) if event.given]


def _names(evidence: Evidence, event: Event, sale: str) -> bool:
    """Whether a request is about the sale of a step."""
    keys = evidence.keys(sale)
    references = [reference_of(key) for key in keys]
    return event.original in keys or event.given.get("retrievalReference") in references


def _hold(evidence: Evidence) -> Finding:
    sales = evidence.sales("hold")
    if "hold" not in evidence.over or not sales:
        return unseen()
    capture = sales[0].given["capture"]
    return found(capture == "MANUAL", f"capture: {capture}", f"capture: {capture}")


def _part(
    evidence: Evidence, step: str, operation: str, minor: int, *, sale: str, is_able: bool
) -> Finding:
    """Whether what was asked for names its sale, and the amount that staff typed."""
    asked = _asked(evidence, step, operation)
    if step not in evidence.over or not is_able or not asked:
        return unseen()
    for event in asked:
        if not _names(evidence, event, sale):
            said = event.original.text() if event.original else "-"
            return wrong(f"original 是 {said}", f"Its original was {said}")
        if event.given["minorAmount"] != minor:
            said = f"{event.given['minorAmount']} ≠ {minor}"
            return wrong(f"金额不对：{said}", f"The amount is not what was typed: {said}")
    return right(f"原交易和金额 {minor} 分都对", f"It named the sale and {minor} fen")


def _captured(evidence: Evidence) -> Finding:
    is_able = _hold(evidence).mark is Mark.RIGHT
    return _part(evidence, "capture", _CAPTURE, CAPTURED_MINOR, sale="hold", is_able=is_able)


def _refunded(evidence: Evidence) -> Finding:
    is_able = evidence.words.get("refund.sale") == Shown.PAID
    sale = "refund.sale"
    return _part(evidence, "refund.part", _REFUND, PART_MINOR, sale=sale, is_able=is_able)


def _one_key(evidence: Evidence, step: str, operation: str) -> Finding:
    """Whether it was asked again, after its answer was lost, under the same key."""
    asked = [e for e in evidence.all(operation) if e.given and e.key is not None]
    lost = next((e for e in asked if e.step == step and e.fault is not None), None)
    if lost is None or step not in evidence.over:
        return unseen()
    again = [e for e in asked if e.step == step and e.number > lost.number]
    keys = {event.key for event in again} - {lost.key}
    if keys:
        return wrong("重发换了编号", "It came again under another key")
    if not any(event.key == lost.key and event.is_heard for event in asked):
        return wrong("应答丢失后没有再发", "It was not sent again after the lost answer")
    return right("同一编号再发", "It came again under the same key")


def _agree(evidence: Evidence, operation: str, *steps: str) -> Finding:
    """Whether the screen said in each step what the books have of it, lost answers or not."""
    if any(step not in evidence.over or not _asked(evidence, step, operation) for step in steps):
        return unseen()
    for step in steps:
        is_moved = any(event.response == "00" for event in evidence.of(step, operation))
        if (evidence.words.get(step) == Done.DONE) != is_moved:
            seen, books = done(evidence, step), _MOVED[is_moved]
            return wrong(f"{step}：{seen.zh}，{books.zh}", f"{step}: it {seen.en}; {books.en}")
    return right("屏幕与账目一致", "The screen said what the books have")


def _refused(evidence: Evidence, step: str, sale: str) -> Finding:
    """A terminal may refuse by itself: it is asked of one that could ask for the sale."""
    if step not in evidence.over or not evidence.sales(sale):
        return unseen()
    seen = done(evidence, step)
    return found(evidence.words.get(step) == Done.REFUSED, seen.zh, f"It {seen.en}")


def _foreign(evidence: Evidence) -> Finding:
    """A sale of another merchant: nothing else may be given back in its place."""
    for event in _asked(evidence, "refund.other", _REFUND):
        if event.given["retrievalReference"] != FOREIGN_REFERENCE:
            return wrong("退了别的交易", "It asked for the refund of another sale")
    return _refused(evidence, "refund.other", "refund.sale")


def _number(word: str) -> Decimal | None:
    """The amount that stands in what staff typed; None if none does."""
    digits = re.sub(r"[^0-9.]", "", word)
    try:
        return Decimal(digits)
    except InvalidOperation:
        return None


def _looked_up(evidence: Evidence) -> Finding:
    told = [e.told for e in evidence.of("lookup", "HolderLookUp") if e.is_heard]
    if "lookup" not in evidence.over or not told:
        return unseen("没有收到 holderLookUp", "No holderLookUp came")
    shown = _number(evidence.words.get("lookup", ""))
    wanted = Decimal(BALANCE_MINOR) / 100 if "balance" in told[-1] else None
    said, was_told = _money(shown), _money(wanted)
    return found(
        shown == wanted,
        f"显示 {said}，应答为 {was_told}",
        f"It showed {said}; the answer has {was_told}",
    )


def _money(yuan: Decimal | None) -> str:
    return "-" if yuan is None else f"{yuan:.2f}"


def _nobody(evidence: Evidence) -> Finding:
    if "lookup.unknown" not in evidence.over or not evidence.of("lookup.unknown", "HolderLookUp"):
        return unseen()
    shown = _number(evidence.words.get("lookup.unknown", ""))
    said = _money(shown)
    return found(shown is None, f"显示余额 {said}", f"It showed the balance {said}")


def _free(evidence: Evidence) -> Finding:
    looked = any(event.is_heard for event in evidence.of("lookup", "HolderLookUp"))
    if "lookup.sale" not in evidence.over or not looked:
        return unseen()
    seen = screen(evidence, "lookup.sale")
    return found(evidence.words.get("lookup.sale") == Shown.PAID, seen.zh, f"It {seen.en}")


CHECKS: dict[str, Check] = {
    "hold.request": _hold,
    "capture.part": _captured,
    "capture.key": lambda evidence: _one_key(evidence, "capture", _CAPTURE),
    "capture.outcome": lambda evidence: _agree(evidence, _CAPTURE, "capture"),
    "capture.refused": lambda evidence: _refused(evidence, "capture.more", "hold"),
    "refund.part": _refunded,
    "refund.key": lambda evidence: _one_key(evidence, "refund.part", _REFUND),
    "refund.outcome": lambda evidence: _agree(evidence, _REFUND, "refund.part", "refund.rest"),
    "refund.refused": lambda evidence: _refused(evidence, "refund.more", "refund.sale"),
    "refund.other": _foreign,
    "lookup.shown": _looked_up,
    "lookup.unknown": _nobody,
    "lookup.free": _free,
}
