"""Money through Alipay: orders, wallet codes, reversals and refunds (channels.md 3.2).

Each outcome is about the number we gave and, where the answer names one, the amount we asked for.
What is `Unknown` is asked for by `query` (a refund by `refund_query`); an unknown `cancel` is sent
again.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from adapters.alipay.client import AlipayClient
from adapters.alipay.wire import Facts, fen, instant_of, shanghai_text, subject_text, yuan
from core.ports.providers import Done, Outcome, ProviderUnavailable, Unknown


class TradeStatus(StrEnum):
    """Where an order stands at Alipay."""

    WAITING = "WAIT_BUYER_PAY"
    PAID = "TRADE_SUCCESS"
    FINISHED = "TRADE_FINISHED"
    """Paid, and past the time in which it could be refunded."""
    CLOSED = "TRADE_CLOSED"
    """Never paid, or refunded in whole."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A paid order. `payer` is an open id."""

    trade_no: str
    amount_minor: int
    paid_at: datetime
    payer: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Trade:
    """What Alipay knows of an order."""

    trade_no: str
    status: TradeStatus
    amount_minor: int


class Undone(StrEnum):
    """What became of an order that was cancelled or closed."""

    CLOSED = "close"
    """It was not paid and cannot be any more."""
    REFUNDED = "refund"
    """It was paid and the money went back."""
    NOTHING = "nothing"
    """Alipay knows no such order yet; final 60 seconds after the last byte of its creation."""


class Payments:
    """The orders of one app. Numbers are ours, amounts fen."""

    def __init__(self, client: AlipayClient, app_id: str) -> None:
        self._client = client
        self._app_id = app_id

    async def create(
        self, number: str, amount_minor: int, subject: str, buyer: str, expires_at: datetime
    ) -> Outcome[str]:
        """An order for `my.tradePay`; the fact is its trade number.

        Raises: ProviderUnavailable (nothing was sent), ProviderThrottled, ProviderMisconfigured.
        """
        content = _order(number, amount_minor, subject, "JSAPI_PAY", expires_at) | {
            "op_app_id": self._app_id,
            "buyer_open_id": buyer,
        }
        return await self._client.attempt(
            "alipay.trade.create", content, lambda facts: _trade_no(facts, number)
        )

    def app_order(self, number: str, amount_minor: int, subject: str, expires_at: datetime) -> str:
        """The signed order that the native app hands to the wallet; nothing is sent."""
        content = _order(number, amount_minor, subject, "QUICK_MSECURITY_PAY", expires_at)
        return self._client.signed_text("alipay.trade.app.pay", content)

    async def pay(
        self, number: str, amount_minor: int, subject: str, auth_code: str, terminal: str = ""
    ) -> Outcome[Payment]:
        """Takes the money of a wallet code that a terminal scanned. Pending: the payer is typing.

        Raises: ProviderUnavailable (nothing was sent), ProviderThrottled, ProviderMisconfigured.
        """
        content = _order(number, amount_minor, subject, "FACE_TO_FACE_PAYMENT") | {
            "scene": "bar_code",
            "auth_code": auth_code,
        }
        if terminal:
            content["terminal_params"] = terminal
        return await self._client.attempt(
            "alipay.trade.pay", content, lambda facts: _payment(facts, number, amount_minor)
        )

    async def query(self, number: str) -> Outcome[Trade]:
        """Where an order stands. An order Alipay does not know is `Unknown`, not refused.

        Raises: ProviderUnavailable (nothing was sent), ProviderThrottled, ProviderMisconfigured.
        """
        return await self._client.attempt(
            "alipay.trade.query",
            {"out_trade_no": number},
            lambda facts: Trade(
                _trade_no(facts, number),
                TradeStatus(facts["trade_status"]),
                fen(facts["total_amount"]),
            ),
        )

    async def cancel(self, number: str) -> Outcome[Undone]:
        """Undoes an order whatever its state. `Unknown` (also `retry_flag`): send it again.

        Raises: ProviderUnavailable (nothing was sent), ProviderThrottled, ProviderMisconfigured.
        """
        outcome = await self._client.attempt(
            "alipay.trade.cancel", {"out_trade_no": number}, _retried
        )
        if isinstance(outcome, Done):
            return Unknown("retry_flag") if outcome.fact is None else Done(outcome.fact)
        return _no_such_order(outcome)

    async def close(self, number: str) -> Outcome[Undone]:
        """Closes an order that was not paid.

        Raises: ProviderUnavailable (nothing was sent), ProviderThrottled, ProviderMisconfigured.
        """
        return _no_such_order(
            await self._client.attempt(
                "alipay.trade.close", {"out_trade_no": number}, lambda _facts: Undone.CLOSED
            )
        )

    async def refund(self, number: str, refund_number: str, amount_minor: int) -> Outcome[int]:
        """Gives money back; the fact is what has been refunded of the order in all, in fen. The
        same refund number is the same refund. `Unknown` where this call moved nothing.

        Raises: ProviderUnavailable (nothing was sent), ProviderThrottled, ProviderMisconfigured.
        """
        outcome = await self._client.attempt(
            "alipay.trade.refund",
            {
                "out_trade_no": number,
                "out_request_no": refund_number,
                "refund_amount": yuan(amount_minor),
            },
            lambda facts: _refunded(facts, number),
        )
        if isinstance(outcome, Done):
            return Unknown("fund_change") if outcome.fact is None else Done(outcome.fact)
        return outcome

    async def refund_query(self, number: str, refund_number: str) -> Outcome[int]:
        """What a refund gave back, in fen; `Unknown` while it has not.

        Raises: ProviderUnavailable (nothing was sent), ProviderThrottled, ProviderMisconfigured.
        """
        outcome = await self._client.attempt(
            "alipay.trade.fastpay.refund.query",
            {"out_trade_no": number, "out_request_no": refund_number},
            lambda facts: _refund(facts, number, refund_number),
        )
        if isinstance(outcome, Done):
            return Unknown("refund_status") if outcome.fact is None else Done(outcome.fact)
        return outcome

    async def bill_url(self, day: date) -> str:
        """Where the bill of a day is for 30 seconds: a zip of GBK CSV, the next day after 10:00.

        Raises: ProviderRefused, ProviderUnavailable, ProviderThrottled, ProviderMisconfigured.
        """
        facts = await self._client.ask(
            "alipay.data.dataservice.bill.downloadurl.query",
            {"bill_type": "trade", "bill_date": day.isoformat()},
        )
        url = facts.get("bill_download_url")
        if not isinstance(url, str) or not url:
            raise ProviderUnavailable("alipay: no bill")
        return url


def _order(
    number: str, amount_minor: int, subject: str, product: str, expires_at: datetime | None = None
) -> dict[str, object]:
    content: dict[str, object] = {
        "out_trade_no": number,
        "total_amount": yuan(amount_minor),
        "subject": subject_text(subject),
        "product_code": product,
    }
    if expires_at is not None:
        content["time_expire"] = shanghai_text(expires_at)
    return content


def _trade_no(facts: Facts, number: str) -> str:
    if facts["out_trade_no"] != number:
        raise ValueError("another order")
    return str(facts["trade_no"])


def _payment(facts: Facts, number: str, amount_minor: int) -> Payment:
    if fen(facts["total_amount"]) != amount_minor:
        raise ValueError("another amount")
    return Payment(
        _trade_no(facts, number),
        amount_minor,
        instant_of(facts["gmt_payment"]),
        facts.get("buyer_open_id"),
    )


def _retried(facts: Facts) -> Undone | None:
    if facts.get("retry_flag") == "Y":
        return None
    return Undone(facts.get("action", Undone.NOTHING))


def _no_such_order(outcome: Outcome[Undone]) -> Outcome[Undone]:
    if isinstance(outcome, Unknown) and outcome.what == "ACQ.TRADE_NOT_EXIST":
        return Done(Undone.NOTHING)
    return outcome


def _refunded(facts: Facts, number: str) -> int | None:
    _trade_no(facts, number)
    return fen(facts["refund_fee"]) if facts.get("fund_change") == "Y" else None


def _refund(facts: Facts, number: str, refund_number: str) -> int | None:
    if facts.get("refund_status") != "REFUND_SUCCESS":
        return None
    if (facts["out_trade_no"], facts["out_request_no"]) != (number, refund_number):
        raise ValueError("another refund")
    return fen(facts["refund_amount"])
