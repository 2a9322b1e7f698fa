"""Rate limits: token buckets in the process, one per caller (security.md 13)."""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from bff.refusal import Refused
from schema.context import (
    Anonymous,
    CardholderViewer,
    StaffViewer,
    TerminalViewer,
    UnboundViewer,
    Viewer,
)

CALLERS_MAXIMUM = 100_000
BURST_MINIMUM = 3.0
"""What one screen asks for at once stays allowed however many processes share a limit."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How often one caller may ask: `per_second` sustained, `burst` at once."""

    name: str
    per_second: float
    burst: float


ANONYMOUS = Limit("anonymous", 20, 200)
SIGN_IN_BEGIN = Limit("sign-in", 30 / 60, 30)
INSTALLATION = Limit("installation", 5, 200)
CARDHOLDER = Limit("cardholder", 5, 20)
CARDHOLDER_MONEY = Limit("money", 1, 3)
CODE_DRAW = Limit("code", 1 / 5, 1)
EXPORT = Limit("export", 1 / 86_400, 1)
TERMINAL = Limit("terminal", 20, 40)
TERMINAL_ENROLMENT = Limit("enrolment", 20 / 60, 20)
STAFF = Limit("staff", 10, 30)
STAFF_REVEAL = Limit("reveal", 30 / 3_600, 30)
NOTICES = Limit("notices", 200, 1_000)


def caller_of(viewer: Viewer, network: str) -> tuple[Limit, str]:
    """The limit of any request of this viewer, and who counts as one caller: never a campus."""
    match viewer:
        case (
            CardholderViewer(school_id=school, session_id=session)
            | UnboundViewer(school_id=school, session_id=session)
        ):
            return CARDHOLDER, f"{school}/{session}"
        case StaffViewer(school_id=school, session_id=session):
            return STAFF, f"{school}/{session}"
        case TerminalViewer(school_id=school, terminal_no=terminal):
            return TERMINAL, f"{school}/{terminal}"
        case Anonymous():
            return ANONYMOUS, network


NETWORK_FIELDS = {
    "terminalEnrol": TERMINAL_ENROLMENT,
    "signInBegin": SIGN_IN_BEGIN,
    "installationCreate": INSTALLATION,
}
"""Root fields that a network may ask for less often than anything else."""
CALLER_FIELDS = {
    "codeTokenIssue": CODE_DRAW,
    **dict.fromkeys(
        (
            "pinSet", "pinChange", "pinReset", "sessionStepUp", "virtualCardOpen",
            "codeDeviceEnrol", "cardRelease", "limitsSet", "bindingCreate", "bindingConfirm",
            "bindingConfirmBegin", "bindingMerge", "memberProofBegin", "memberProofComplete",
            "realNameMatch", "realNameCompareBegin", "realNameCompare", "campusSignInByCode",
            "campusSignInComplete", "contactChangeBegin", "contactChange", "guardianAccept",
            "sessionStepUpBegin", "merchantCodePay",
        ),
        CARDHOLDER_MONEY,
    ),
}  # fmt: skip
"""The same for one session: whatever spends a PIN or a message, guesses, or opens the way to
money."""


def field_limit(field: str, viewer: Viewer, network: str) -> tuple[Limit, str] | None:
    """The limit of a root field beside that of any request, and who counts as one caller."""
    if field in NETWORK_FIELDS:
        return NETWORK_FIELDS[field], network
    if field in CALLER_FIELDS:
        return CALLER_FIELDS[field], caller_of(viewer, network)[1]
    return None


class Buckets:
    """The buckets of all callers, the longest unused forgotten first.

    `monotonic` tells seconds; each of `processes` keeps its part of every limit.
    """

    def __init__(self, monotonic: Callable[[], float], processes: int = 1) -> None:
        self._monotonic = monotonic
        self._processes = processes
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def take(self, limit: Limit, caller: str) -> None:
        """Count one request of this caller.

        Raises: Refused (RATE_LIMITED) with the seconds until the next is allowed.
        """
        key, now = (limit.name, caller), self._monotonic()
        burst = max(limit.burst / self._processes, min(limit.burst, BURST_MINIMUM))
        per_second = limit.per_second / self._processes
        tokens, since = self._buckets.pop(key, (burst, now))
        tokens = min(burst, tokens + (now - since) * per_second)
        self._buckets[key] = (tokens - 1 if tokens >= 1 else tokens, now)
        if len(self._buckets) > CALLERS_MAXIMUM:
            self._buckets.popitem(last=False)
        if tokens < 1:
            raise Refused("RATE_LIMITED", retry_after=math.ceil((1 - tokens) / per_second))
