"""The words of claims and kiosks as the contract describes them."""

from core.card.vending import VendResult
from core.top_up.records import LoadState
from schema.enums import described
from terminals.claims import WriteResult

described(
    WriteResult,
    "What the terminal saw of its command; the chip's own word decides.",
    {
        WriteResult.WRITTEN: "The chip took it.",
        WriteResult.NOT_WRITTEN: "The chip did not take it.",
        WriteResult.UNKNOWN: "The card is gone; its next tap decides.",
    },
    name="LoadResultWord",
)
described(
    LoadState,
    "Where a load stands.",
    {
        LoadState.OPEN: "Held until the chip says whether it was written.",
        LoadState.POSTED: "On the chip.",
        LoadState.RETURNED: "Not written; it waits to be claimed again.",
        LoadState.REVIEW: "The chip is out of step; staff look at it.",
    },
)
described(
    VendResult,
    "What a kiosk says of a job.",
    {
        VendResult.DELIVERED: "The card came out.",
        VendResult.FAILED: "It did not, and will not: the fee is given back.",
        VendResult.UNKNOWN: "Nobody can tell yet; after 10 minutes the fee is given back.",
    },
)
