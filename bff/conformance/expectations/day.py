"""The close of a batch, and the next one."""

from bff.conformance.books import Total, claimed_totals
from bff.conformance.evidence import Event, Evidence
from bff.conformance.expectations.offline import records_of, sent
from bff.conformance.expectations.row import Check, Finding, found, right, unseen, wrong
from bff.conformance.steps import Shown


def _closes(evidence: Evidence) -> list[Event]:
    """The closes that were read, oldest first."""
    return [event for event in evidence.of("close", "BatchClose") if event.is_heard]


def _uploaded(evidence: Evidence) -> Finding:
    closes = _closes(evidence)
    if not closes or evidence.words.get("alone.late") != Shown.PAID:
        return unseen()
    before = [r for r in records_of(evidence, "alone.late") if r.event.number < closes[0].number]
    return found(
        bool(before),
        "先上传，再结算" if before else "结算时还有未上传的记录",
        "It uploaded first" if before else "It closed with records that it had not sent",
    )


def _missing(evidence: Evidence) -> Finding:
    forgotten, closes = evidence.books.forgotten, _closes(evidence)
    if forgotten is None or not closes or "close" not in evidence.over:
        return unseen()
    first = closes[0].number
    again = [r for r in sent(evidence) if r.key == forgotten.key and r.event.number > first]
    if not again:
        return wrong(
            f"缺 {forgotten.key.seq_no}，没有补传", f"{forgotten.key.seq_no} was not sent again"
        )
    closed = any(close.number > again[0].event.number for close in closes)
    return found(
        closed,
        "补传后再次结算" if closed else "补传后没有再结算",
        "It sent it and closed again" if closed else "It sent it and did not close again",
    )


def _numbers(evidence: Evidence) -> Finding:
    closes = _closes(evidence)
    if not closes or "close" not in evidence.over:
        return unseen()
    last, forgotten = closes[-1].told, evidence.books.forgotten
    left = set(last["missing"]) - ({forgotten.key.seq_no} if forgotten else set())
    if left:
        return wrong(f"没有交代的流水号 {sorted(left)}", f"Numbers unaccounted for: {sorted(left)}")
    if last["extra"]:
        return wrong(
            f"多出的流水号 {last['extra']}", f"Numbers beyond what it said: {last['extra']}"
        )
    return right("流水号都有交代", "Every number is accounted for")


def _totals(evidence: Evidence) -> Finding:
    closes = _closes(evidence)
    if not closes or "close" not in evidence.over:
        return unseen()
    given, forgotten = closes[-1].given, evidence.books.forgotten
    counted = dict(closes[-1].told["counted"])
    is_lost = forgotten is not None and forgotten.key.seq_no in closes[-1].told["missing"]
    if forgotten is not None and is_lost and forgotten.is_paid:
        of = "PURCHASE", forgotten.instrument
        count, total = counted.get(of, (0, 0))
        counted[of] = count + 1, total + forgotten.minor_amount
    claimed = claimed_totals(given["totals"])
    return found(
        claimed == counted,
        f"终端 {_told(claimed)}，账上 {_told(counted)}",
        f"It claims {_told(claimed)}; the books have {_told(counted)}",
    )


def _head(evidence: Evidence) -> Finding:
    closes = _closes(evidence)
    if not closes or not any(sent(evidence)):
        return unseen()
    is_known = closes[-1].told["headKnown"]
    return found(is_known, f"headKnown: {is_known}", f"headKnown: {is_known}")


def _next(evidence: Evidence) -> Finding:
    closes, keys = _closes(evidence), evidence.keys("next")
    if not closes or not keys:
        return unseen()
    closed = closes[-1].given["batchNo"]
    return found(
        keys[0].batch_no > closed, f"编号 {keys[0].text()}", f"Under the key {keys[0].text()}"
    )


def _told(totals: dict[Total, tuple[int, int]]) -> str:
    return (
        ", ".join(
            f"{' '.join(filter(None, of))} {n} × {total} fen"
            for of, (n, total) in sorted(totals.items())
        )
        or "-"
    )


CHECKS: dict[str, Check] = {
    "close.uploaded": _uploaded,
    "close.missing": _missing,
    "close.numbers": _numbers,
    "close.totals": _totals,
    "close.head": _head,
    "close.next": _next,
}
