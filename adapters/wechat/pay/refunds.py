"""Refunds (6.5): accepted is not refunded, and a repeat keeps its number."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import quote

from adapters.wechat.pay.client import V3
from adapters.wechat.pay.wire import AnswerOdd, Facts, fen_in, fen_out, instant_in, same, text_in
from core.kit.money import CURRENCY
from core.ports.providers import Done, Outcome

PATH = "/v3/refund/domestic/refunds"


class RefundState(StrEnum):
    """Where a refund stands; ABNORMAL is for staff, the payer's bank would not take it."""

    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    ABNORMAL = "ABNORMAL"


@dataclass(frozen=True, slots=True)
class NewRefund:
    """`fen` of a payment of `total` back to its payer, under our number of the refund.

    Within a year, in at most 50 parts that are a minute apart.
    """

    transaction_id: str
    number: str
    fen: int
    total: int
    reason: str
    notify_url: str


@dataclass(frozen=True, slots=True)
class Refund:
    """What WeChat Pay knows under our number of a refund."""

    number: str
    refund_id: str
    state: RefundState
    fen: int
    done_at: datetime | None


async def refund(v3: V3, asked: NewRefund) -> Outcome[Refund]:
    """Begins a refund; `Done` is its state, which is rarely its end.

    Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
    """
    body = {
        "transaction_id": asked.transaction_id,
        "out_refund_no": asked.number,
        "reason": asked.reason,
        "notify_url": asked.notify_url,
        "amount": {
            "refund": fen_out(asked.fen),
            "total": fen_out(asked.total),
            "currency": CURRENCY,
        },
    }

    def read(facts: Facts) -> Outcome[Refund]:
        same(facts, {"transaction_id": asked.transaction_id})
        found = _refund(facts, asked.number)
        if found.fen != asked.fen:
            raise AnswerOdd("another amount")
        return Done(found)

    return await v3.ask("POST", PATH, read, body=body, moves=True)


async def find(v3: V3, number: str) -> Outcome[Refund]:
    """What became of the refund under our number.

    Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
    """
    path = f"{PATH}/{quote(number, safe='')}"
    return await v3.ask("GET", path, lambda facts: Done(_refund(facts, number)))


def _refund(facts: Facts, number: str) -> Refund:
    same(facts, {"out_refund_no": number})
    amount = facts.get("amount")
    if not isinstance(amount, dict) or amount.get("currency", CURRENCY) != CURRENCY:
        raise AnswerOdd("amount")
    try:
        state = RefundState(text_in(facts, "status"))
    except ValueError:
        raise AnswerOdd("status") from None
    return Refund(
        number,
        text_in(facts, "refund_id"),
        state,
        fen_in(amount.get("refund")),
        instant_in(facts.get("success_time")),
    )
