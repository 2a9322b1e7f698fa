"""Sales whose outcome stays unknown: they are voided, and the void is not given up."""

from bff.conformance.evidence import Evidence
from bff.conformance.expectations.row import (
    Check,
    Finding,
    found,
    right,
    screen,
    unseen,
    wrong,
)
from bff.conformance.steps import Fault, Shown


def _first(evidence: Evidence) -> Finding:
    """The purchase never arrived, so its void comes before it."""
    lost = [e for e in evidence.sales("never") if e.fault is Fault.REQUEST_LOST]
    if not lost or "never" not in evidence.over:
        return unseen()
    seen = screen(evidence, "never")
    if not evidence.is_voided("never"):
        return wrong(f"没有撤销；{seen.zh}", f"It was never voided; it {seen.en}")
    return found(
        evidence.words.get("never") != Shown.PAID,
        f"已撤销；{seen.zh}",
        f"It was voided; it {seen.en}",
    )


def _unknown(evidence: Evidence) -> Finding:
    if "silent" not in evidence.over or not evidence.sales("silent"):
        return unseen()
    seen = screen(evidence, "silent")
    return found(evidence.words.get("silent") != Shown.PAID, seen.zh, f"It {seen.en}")


def _repeated(evidence: Evidence) -> Finding:
    if "silent.over" not in evidence.over or not evidence.sales("silent"):
        return unseen()
    voids = evidence.voids("silent")
    if not voids:
        return wrong("从未发出撤销", "No void ever came")
    for original in evidence.keys("silent"):
        keys = {event.key for event in voids if event.original == original}
        if len(keys) > 1:
            return wrong(f"撤销换了 {len(keys)} 个编号", f"The void came under {len(keys)} keys")
    if voids[-1].fault is not None and voids[-1].fault.is_silent:
        return wrong(f"发了 {len(voids)} 次就放弃", f"It gave up after {len(voids)}")
    return right(f"发了 {len(voids)} 次", f"It came {len(voids)} times")


def _believed(evidence: Evidence) -> Finding:
    voids = evidence.voids("silent")
    if "silent.over" not in evidence.over or not any(
        event.fault is Fault.PURCHASE_FOR_VOID for event in voids
    ):
        return unseen()
    return found(
        voids[-1].is_heard,
        "没有当作确认，又发了撤销" if voids[-1].is_heard else "当作撤销的确认",
        "It repeated the void" if voids[-1].is_heard else "It took it for the acknowledgement",
    )


def _cashier(evidence: Evidence) -> Finding:
    if "void" not in evidence.over or not evidence.sales("sale"):
        return unseen()
    voids = evidence.voids("sale")
    if not voids:
        return wrong("没有收到撤销", "No void of it came")
    if len({event.key for event in voids}) > 1:
        return wrong("重发时换了编号", "The repeat had another key")
    return found(
        evidence.is_voided("sale"),
        f"发了 {len(voids)} 次",
        f"It came {len(voids)} times",
    )


CHECKS: dict[str, Check] = {
    "unknown.shown": _unknown,
    "void.first": _first,
    "void.repeated": _repeated,
    "void.believed": _believed,
    "void.cashier": _cashier,
}
