"""When which fault was on, as the supervisor journals it, and whether payments went on (D9)."""

from collections.abc import Iterable, Sequence

from tests.faults.bank.journal import Line
from tests.faults.bank.judge import Verdict

Span = tuple[float, float]
MEANINGFUL_SECONDS = 3.0
"""Less time than this under outages says nothing about how payments went on."""
LEAST_SHARE = 0.25
"""Of the purchases a second with every provider and the cache well; twice what a defect leaves."""
OUTSIDE = ("provider_", "campus_", "cache_")
_SAME = {"flush_cache": "cache_flush", "kill_cache": "cache_kill", "stall_cache": "cache_stall"}


def window(kind: str, begin: float, end: float, recovered: float) -> Line:
    """The journal's line of a fault that was on from `begin` to `end`.

    `recovered` is when the first purchase sent after it was answered.
    """
    kind = _SAME.get(kind, kind)
    return {"t": "window", "kind": kind, "from": begin, "to": end, "recovered": recovered}


def of_kind(windows: Iterable[Line], *starts: str) -> list[Span]:
    """When faults were on whose names start so."""
    return [(w["from"], w["to"]) for w in windows if w["kind"].startswith(starts)]


def meets(spans: Iterable[Span], other: Span) -> bool:
    """Whether any of the spans shares an instant with the other."""
    return any(begin <= other[1] and other[0] <= end for begin, end in spans)


def without(spans: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """The parts of the spans, joined where they overlap, that none of the others covers."""
    left: list[Span] = []
    for begin, end in sorted(spans):
        if left and begin <= left[-1][1]:
            left[-1] = (left[-1][0], max(end, left[-1][1]))
        else:
            left.append((begin, end))
    for a, b in others:
        left = [
            part
            for begin, end in left
            for part in ((begin, min(end, a)), (max(begin, b), end))
            if part[0] < part[1]
        ]
    return left


def judge_payments(verdict: Verdict, windows: Sequence[Line], lines: Iterable[Line]) -> None:
    """Whether purchases went on while providers, the school's sign-on or the cache were away.

    Time in which anything else was broken as well, or on its way back, is left out.
    """
    paid = sorted(
        line["at"] for line in lines
        if line["t"] == "answer" and line["facts"].get("outcome") == "APPROVED"
    )  # fmt: skip
    if not windows or not paid:
        return
    whole = [(min(w["from"] for w in windows), max(w["to"] for w in windows))]
    else_broken = [
        (w["from"], w["recovered"]) for w in windows if not w["kind"].startswith(OUTSIDE)
    ]
    calm = without(whole, [*else_broken, *of_kind(windows, *OUTSIDE)])
    usual = _per_second(paid, calm)
    for name in OUTSIDE:
        spans = without(of_kind(windows, name), else_broken)
        rate = _per_second(paid, spans)
        seconds = sum(end - begin for begin, end in spans)
        verdict.rates[name.rstrip("_")] = rate
        if seconds >= MEANINGFUL_SECONDS and rate < usual * LEAST_SHARE:
            witness = {"while": name, "seconds": seconds, "per second": rate, "usual": usual}
            verdict.breaks("D9", witness)
    verdict.rates["usual"] = usual


def _per_second(instants: Sequence[float], spans: Sequence[Span]) -> float:
    seconds = sum(end - begin for begin, end in spans)
    met = sum(begin <= at < end for at in instants for begin, end in spans)
    return round(met / seconds, 1) if seconds else 0.0
