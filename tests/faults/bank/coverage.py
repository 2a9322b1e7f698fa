"""The least a run must have met for its zero violations to mean anything."""

from collections import Counter

MINIMUM_PER_MINUTE = {
    "keys": 600,
    "AUTHORISE 00": 250,
    "AUTHORISE 51": 50,
    "AUTHORISE 70": 12,
    "AUTHORISE C1": 55,
    "AUTHORISE 41": 15,
    "AUTHORISE 22": 12,
    "repeats": 75,
    "conflict": 15,
    "CAPTURE 00": 6,
    "VOID 00": 25,
    "REFUND 00": 35,
    "REFUND 64": 14,
    "TOP_UP": 25,
    "LOSS": 12,
    "LIMITS": 6,
    "read": 5,
    "trial": 3,
}
"""Half of what was measured (docs/decisions/0010-bank-test-minima.md)."""

FAULTS_PER_MINUTE, KINDS_MINIMUM = 24, 15


def missing(counts: Counter[str], faults: Counter[str], seconds: float) -> dict[str, str]:
    """What there was too little of, as "found of needed"; short runs need proportionally less."""
    share = seconds / 60
    found = {
        name: f"{counts[name]} of {int(least * share)}"
        for name, least in MINIMUM_PER_MINUTE.items()
        if counts[name] < int(least * share)
    }
    if faults.total() < FAULTS_PER_MINUTE * share:
        found["faults"] = f"{faults.total()} of {FAULTS_PER_MINUTE * share:.0f}"
    if len(faults) < min(KINDS_MINIMUM, FAULTS_PER_MINUTE * share):
        found["kinds"] = f"{len(faults)} of {KINDS_MINIMUM}"
    return found
