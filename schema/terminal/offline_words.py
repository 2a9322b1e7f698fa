"""The words of offline records and batches as the contract describes them."""

from enum import StrEnum

from core.authorisation.offline import Flag, Verdict
from core.settlement.records import TotalKind
from schema.enums import described


class OfflineKind(StrEnum):
    """What a terminal did alone."""

    PURCHASE = "PURCHASE"
    VOID = "VOID"
    RECEIPT = "RECEIPT"


class ClockState(StrEnum):
    """Whether the terminal trusted its clock."""

    TRUSTED = "TRUSTED"
    LOST = "LOST"


described(
    OfflineKind,
    "What a terminal did without a network.",
    {
        OfflineKind.PURCHASE: "Accepted a code.",
        OfflineKind.VOID: "Undid a purchase of the same batch.",
        OfflineKind.RECEIPT: "Took a phone's signed receipt for its own challenge.",
    },
)
described(
    ClockState,
    "Whether a terminal trusted its clock.",
    {ClockState.TRUSTED: "It did.", ClockState.LOST: "It did not; no money can be taken then."},
    name="TerminalClockState",
)
described(
    Verdict,
    "What became of an offline record.",
    {
        Verdict.DUPLICATE: "It, or its code, came before: no money moves again.",
        Verdict.REJECTED: "Not paid: the merchant bears it.",
        Verdict.SUSPECT: "The merchant is paid from the school's loss, and the school reviews it.",
        Verdict.ACCEPTED: "Paid.",
    },
    name="OfflineVerdict",
)
described(
    Flag,
    "What is notable of a paid record.",
    {
        Flag.LATE: "It came later than the school's upload is due.",
        Flag.AFTER_REPORT: "The code was revoked before, the terminal could not know: school pays.",
        Flag.ARREARS: "The purses lacked money: the holder owes the rest.",
        Flag.ALREADY_POSTED: "It was paid online under the same key.",
        Flag.OVERRODE_DECLINE: "Online it was declined under the same key; this record stands.",
        Flag.CHAIN_GAP: "A record before it never came.",
    },
    name="OfflineFlag",
)
described(
    TotalKind,
    "What a total counts.",
    {
        TotalKind.PURCHASE: "Purchases of the batch that were captured and not voided.",
        TotalKind.REFUND: "Refunds made under a key of the batch.",
    },
    name="BatchTotalKind",
)

__all__ = ["ClockState", "OfflineKind", "TotalKind"]
