"""The least a run must have met for its zero violations to mean anything."""

from collections import Counter

MINIMUM_PER_MINUTE = {
    "keys": 1_500,
    "AUTHORISE 00": 600,
    "AUTHORISE 51": 100,
    "AUTHORISE 70": 15,
    "AUTHORISE C1": 150,
    "AUTHORISE 41": 20,
    "AUTHORISE 22": 20,
    "repeats": 120,
    "conflict": 20,
    "CAPTURE 00": 8,
    "VOID 00": 40,
    "REFUND 00": 30,
    "REFUND 64": 10,
    "TOP_UP": 30,
    "LOSS": 20,
    "LIMITS": 10,
    "read": 8,
    "trial": 8,
}
FAULTS_PER_MINUTE, KINDS_MINIMUM = 30, 12


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
