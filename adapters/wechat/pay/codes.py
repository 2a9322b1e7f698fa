"""What WeChat Pay's codes mean for the caller, in both spellings (channels.md 6.6)."""

from datetime import datetime, timedelta

from core.ports.providers import (
    Pending,
    ProviderMisconfigured,
    ProviderThrottled,
    RefusalReason,
    Refused,
    Unknown,
)

POLL_SECONDS = 5
PAYING_SECONDS = 45
"""How long a payer may type a password before the order is reversed."""
THROTTLE_SECONDS = 60
USER_PAYING = "USERPAYING"
_MISCONFIGURED = frozenset(
    {"PARAMERROR", "INVALIDREQUEST", "SIGNERROR", "NOAUTH", "APPIDMCHIDNOTMATCH", "OPENIDMISMATCH"}
)
_THROTTLED = frozenset({"RULELIMIT", "FREQUENCYLIMITED", "RATELIMITEXCEEDED"})
_REFUSED = {
    "ORDERCLOSED": RefusalReason.ORDER_CLOSED,
    "ORDERREVERSED": RefusalReason.ORDER_CLOSED,
    "NOTENOUGH": RefusalReason.INSUFFICIENT,
    "TRADEERROR": RefusalReason.PAYER,
    "AUTHCODEINVALID": RefusalReason.PAYER,
    "AUTHCODEEXPIRE": RefusalReason.PAYER,
    "NOTSUPORTCARD": RefusalReason.PAYER,
}
# Each says: ask under our number. Even "it does not exist" is final only a minute later.
_ASK = frozenset(
    {
        "OUTTRADENOUSED", "ORDERPAID", "ORDERNOTEXIST", "RESOURCENOTEXISTS", "SYSTEMERROR",
        "BANKERROR", "STATEMENTCREATING",
    }
)  # fmt: skip


def paying(now: datetime) -> Pending:
    """The payer is typing a password."""
    return Pending(POLL_SECONDS, now + timedelta(seconds=PAYING_SECONDS))


def verdict(code: str, *, signed: bool, moves: bool, now: datetime) -> Refused | Pending | Unknown:
    """What a code other than success means. `moves`: the call may have moved money.

    An unsigned "no" is no answer; an unsigned complaint about us is worth people's attention.
    Raises: ProviderMisconfigured, ProviderThrottled.
    """
    word = code.upper().replace("_", "")
    if word in _MISCONFIGURED:
        raise ProviderMisconfigured(code)
    if word in _THROTTLED:
        raise ProviderThrottled(code, THROTTLE_SECONDS)
    if not signed or word in _ASK:
        return Unknown(code)
    if word == USER_PAYING:
        return paying(now)
    if word in _REFUSED:
        return Refused(_REFUSED[word], code)
    return Unknown(code) if moves else Refused(RefusalReason.OTHER, code)
