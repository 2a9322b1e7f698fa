"""The least a run must have met for its zero violations to mean anything."""

from collections import Counter

DOORS = {
    "ALIPAY_MINI in": 3,
    "WECHAT_MINI in": 15,
    "WECOM in": 3,
    "MAIL_IN done": 2,
    "SIGN_ON done": 4,
    "bound": 8,
    "UNBIND done": 2,
    "once": 5,
    "cache lost": 2,
    "guesses at once": 60,
    "guesses compared": 5,
    "victim pays": 2,
}
"""What two cores under a load of eight met of signing in; `once` is how often what had been used
was sent again."""
TERMINALS = {
    "ENTRY 00": 65,
    "ENTRY C1": 65,
    "PAY 00": 22,
    "record ACCEPTED": 140,
    "record ALREADY_POSTED": 28,
    "record OVERRODE_DECLINE": 3,
    "record ARREARS": 6,
    "record CAP_EXCEEDED": 14,
    "record CODE_USED_ELSEWHERE": 6,
    "batches balanced": 34,
}
"""About half of what two busy cores met of doors, of challenges that phones paid, of what tills
took alone, and of what was settled."""
MINIMUM_PER_MINUTE = {
    "keys": 2_100,
    "AUTHORISE 00": 700,
    "AUTHORISE 51": 280,
    "AUTHORISE 70": 25,
    "AUTHORISE C1": 165,
    "AUTHORISE 41": 45,
    "AUTHORISE 22": 26,
    "repeats": 200,
    "conflict": 48,
    "CAPTURE 00": 10,
    "VOID 00": 65,
    "REFUND 00": 80,
    "REFUND 64": 40,
    "TOP_UP": 55,
    "LOSS": 35,
    "LIMITS": 18,
    "read": 10,
    "trial": 11,
    **DOORS,
    **TERMINALS,
}
"""A half to two thirds of what two quiet cores meet (docs/decisions/0010-bank-test-minima.md)."""

FAULTS_PER_MINUTE, KINDS_MINIMUM = 24, 18


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
