"""What the gateway's codes mean to us (channels.md 3.4).

Sources: the error lists of the public codes and of `alipay.trade.pay`. The documentation cuts long
names to 32 characters, the wire was seen with both, so 32 are compared.
"""

from enum import Enum, auto

from core.ports.providers import RefusalReason

THROTTLED_SECONDS = 60
_LENGTH = 32


class Reaction(Enum):
    """What to do where the answer is no refusal."""

    TAKE = auto()
    """It happened."""
    WAIT = auto()
    """The payer is busy."""
    ASK = auto()
    """It may have happened: ask under our number."""
    REPAIR = auto()
    """Our key, permission, app or content is wrong."""
    SLOW_DOWN = auto()
    UNLISTED = auto()
    """No row yet: as `ASK` where money could have moved, otherwise a refusal; always an alarm."""


_CODES: dict[str, Reaction | RefusalReason] = {
    "10000": Reaction.TAKE,
    "10003": Reaction.WAIT,
    "20000": Reaction.ASK,
    "20001": RefusalReason.SESSION_EXPIRED,
    "40001": Reaction.REPAIR,
    "40002": Reaction.REPAIR,
    "40003": RefusalReason.NOT_AUTHORISED,
    "40005": Reaction.SLOW_DOWN,
    "40006": Reaction.REPAIR,
}
_SUB_CODES: dict[str, Reaction | RefusalReason] = {
    "isv.code-invalid": RefusalReason.CODE_EXPIRED,
    # The console lacks our key; its code 40003 is otherwise the person's.
    "isv.missing-signature-config": Reaction.REPAIR,
    "aop.unknow-error": Reaction.ASK,
    "isp.unknow-error": Reaction.ASK,
    "ACQ.SYSTEM_ERROR": Reaction.ASK,
    "isp.bill_not_exist": Reaction.ASK,
    "ACQ.TRADE_HAS_SUCCESS": Reaction.ASK,
    "ACQ.TRADE_NOT_EXIST": Reaction.ASK,
    # What `close` says of an order that somebody has paid or closed meanwhile.
    "ACQ.REASON_TRADE_STATUS_INVALID": Reaction.ASK,
    "ACQ.REASON_ILLEGAL_STATUS": Reaction.ASK,
    "ACQ.TRADE_STATUS_ERROR": Reaction.ASK,
    "ACQ.INVALID_PARAMETER": Reaction.REPAIR,
    "ACQ.ACCESS_FORBIDDEN": Reaction.REPAIR,
    "ACQ.PARTNER_ERROR": Reaction.REPAIR,
    # Our number with other content.
    "ACQ.CONTEXT_INCONSISTENT": Reaction.REPAIR,
    "ACQ.DISCORDANT_REPEAT_REQUEST": Reaction.REPAIR,
    "ACQ.TRADE_HAS_CLOSE": RefusalReason.ORDER_CLOSED,
    "ACQ.TOTAL_FEE_EXCEED": RefusalReason.LIMIT,
    "ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR": RefusalReason.LIMIT,
    "ACQ.BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR": RefusalReason.LIMIT,
    "ACQ.BUYER_BALANCE_NOT_ENOUGH": RefusalReason.INSUFFICIENT,
    "ACQ.BUYER_BANKCARD_BALANCE_NOT_ENOUGH": RefusalReason.INSUFFICIENT,
    "ACQ.PAYMENT_AUTH_CODE_INVALID": RefusalReason.PAYER,
    "ACQ.ERROR_BALANCE_PAYMENT_DISABLE": RefusalReason.PAYER,
    "ACQ.ERROR_BUYER_CERTIFY_LEVEL_LIMIT": RefusalReason.PAYER,
    "ACQ.NO_PAYMENT_INSTRUMENTS_AVAILABLE": RefusalReason.PAYER,
    "ACQ.PAYMENT_REQUEST_HAS_RISK": RefusalReason.RISK,
    "USER_AGREEMENT_NOT_EXIST": RefusalReason.AGREEMENT_ENDED,
}
_CUT_SUB_CODES = {name[:_LENGTH]: meaning for name, meaning in _SUB_CODES.items()}
_PREFIXES: tuple[tuple[str, RefusalReason], ...] = (
    ("ACQ.BUYER_", RefusalReason.PAYER),
    ("ACQ.AGREEMENT_", RefusalReason.AGREEMENT_ENDED),
)


def meaning_of(code: str, sub_code: str) -> Reaction | RefusalReason:
    """The row of the table for an answer's two codes."""
    if code == "10000":
        return Reaction.TAKE
    exact = _CUT_SUB_CODES.get(sub_code[:_LENGTH])
    if exact is not None:
        return exact
    for prefix, reason in _PREFIXES:
        if sub_code.startswith(prefix):
            return reason
    return _CODES.get(code, Reaction.UNLISTED)
