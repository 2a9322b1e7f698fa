"""The orders of the pretend Alipay, one state machine each; a number is one order for ever."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from adapters.sandbox.alipay.agreements import AgreementBook
from adapters.sandbox.alipay.protocol import Call, Refusal, write_time
from adapters.sandbox.faults import Fault

_AMOUNT = re.compile(r"[0-9]{1,9}\.[0-9]{2}")
_SUCCESS = {"code": "10000", "msg": "Success"}
_BUSY = {"code": "10003", "msg": "order success pay inprocess"}
_WAITING, _PAID, _CLOSED = "WAIT_BUYER_PAY", "TRADE_SUCCESS", "TRADE_CLOSED"


@dataclass(slots=True)
class Trade:
    """An order; `terms` are what a repeat has to say again."""

    number: str
    terms: dict[str, Any]
    trade_no: str
    buyer: str = ""
    status: str = _WAITING
    paid_at: datetime | None = None
    pays_when_asked: bool = False
    refunds: dict[str, int] = field(default_factory=dict)

    @property
    def fen(self) -> int:
        """The amount."""
        return _fen(self.terms["total_amount"])

    def facts(self) -> dict[str, Any]:
        """What every answer about it says."""
        return {"out_trade_no": self.number, "trade_no": self.trade_no}


@dataclass(frozen=True, slots=True)
class WalletCode:
    """A code a person shows; `answer` is what becomes of a payment with it."""

    open_id: str
    answer: str


class TradeBook:
    """All orders of the customer."""

    def __init__(self, now: Callable[[], datetime], agreements: AgreementBook) -> None:
        self._now = now
        self._agreements = agreements
        self._trades: dict[str, Trade] = {}
        self._codes: dict[str, WalletCode] = {}

    def new_wallet_code(self, open_id: str, answer: str) -> str:
        """A code of 18 digits, good once."""
        code = "28" + "".join(str(secrets.randbelow(10)) for _ in range(16))
        self._codes[code] = WalletCode(open_id, answer)
        return code

    def settle(self, number: str, open_id: str, *, agrees: bool) -> bool:
        """What the payer does with a waiting order; False if none waits."""
        trade = self._trades.get(number)
        if trade is None or trade.status != _WAITING:
            return False
        trade.buyer = open_id
        if agrees:
            self._take(trade)
        else:
            trade.status = _CLOSED
        return True

    def find(self, number: str) -> dict[str, str] | None:
        """An order's number at Alipay, its state and amount, for notices and tests."""
        trade = self._trades.get(number)
        if trade is None:
            return None
        return {
            "out_trade_no": number, "trade_no": trade.trade_no, "trade_status": trade.status,
            "total_amount": trade.terms["total_amount"],
        }  # fmt: skip

    def create(self, call: Call) -> dict[str, Any]:
        """alipay.trade.create."""
        buyer = call.content.get("buyer_open_id")
        if not buyer or not call.content.get("op_app_id"):
            raise Refusal("40004", "ACQ.INVALID_PARAMETER")
        trade = self.order(call)
        trade.buyer = str(buyer)
        return _SUCCESS | trade.facts()

    def pay(self, call: Call, fault: Fault | None) -> dict[str, Any]:
        """alipay.trade.pay, by a wallet code or under an agreement."""
        if "agreement_params" in call.content:
            return self._debit(call)
        is_new = str(call.content.get("out_trade_no")) not in self._trades
        shown = self._shown(call) if is_new else None
        trade = self._waiting(call)
        if shown is None:
            return _BUSY | trade.facts()
        trade.buyer = shown.open_id
        if shown.answer == "10003" or fault in {Fault.PENDING_THEN_PAID, Fault.PENDING_FOR_EVER}:
            trade.pays_when_asked = fault is Fault.PENDING_THEN_PAID
            return _BUSY | trade.facts()
        self._take(trade)
        return _SUCCESS | self._paid_facts(trade)

    def order(self, call: Call) -> Trade:
        """The order a call is about, made by its first mention."""
        content = call.content
        names = ("total_amount", "subject", "product_code", "agreement_params")
        terms = {name: content[name] for name in names if name in content}
        number, subject = str(content.get("out_trade_no", "")), str(content.get("subject", ""))
        fit = _AMOUNT.fullmatch(str(content.get("total_amount"))) and 0 < len(subject) <= 256
        if not fit or set(subject) & set("/=&") or not re.fullmatch(r"\w{1,64}", number):
            raise Refusal("40004", "ACQ.INVALID_PARAMETER")
        trade = self._trades.get(number)
        if trade is None:
            trade = Trade(number, terms, write_time(self._now())[:4] + secrets.token_hex(12))
            self._trades[number] = trade
        elif trade.terms != terms:
            raise Refusal("40004", "ACQ.CONTEXT_INCONSISTENT")
        elif trade.status == _CLOSED:
            raise Refusal("40004", "ACQ.TRADE_HAS_CLOSE")
        return trade

    def query(self, call: Call) -> dict[str, Any]:
        """alipay.trade.query."""
        trade = self._named(call)
        if trade.pays_when_asked and trade.status == _WAITING:
            self._take(trade)
        facts = {"trade_status": trade.status, "total_amount": trade.terms["total_amount"]}
        return _SUCCESS | trade.facts() | facts

    def cancel(self, call: Call) -> dict[str, Any]:
        """alipay.trade.cancel: closes or pays back; an unknown order is no error."""
        trade = self._trades.get(str(call.content.get("out_trade_no")))
        if trade is None:
            return _SUCCESS | {"out_trade_no": call.content.get("out_trade_no"), "retry_flag": "N"}
        action = "refund" if trade.status == _PAID else "close"
        trade.status = _CLOSED
        return _SUCCESS | trade.facts() | {"retry_flag": "N", "action": action}

    def close(self, call: Call) -> dict[str, Any]:
        """alipay.trade.close."""
        trade = self._named(call)
        if trade.status == _PAID:
            raise Refusal("40004", "ACQ.REASON_TRADE_STATUS_INVALID")
        trade.status = _CLOSED
        return _SUCCESS | trade.facts()

    def refund(self, call: Call) -> dict[str, Any]:
        """alipay.trade.refund: the same request number is the same refund."""
        trade = self._named(call)
        request, amount = call.content.get("out_request_no", ""), call.content["refund_amount"]
        if not _AMOUNT.fullmatch(str(amount)) or not request:
            raise Refusal("40004", "ACQ.INVALID_PARAMETER")
        before = trade.refunds.get(request)
        if before is not None and before != _fen(amount):
            raise Refusal("40004", "ACQ.DISCORDANT_REPEAT_REQUEST")
        if before is None:
            if trade.status != _PAID:
                raise Refusal("40004", "ACQ.TRADE_STATUS_ERROR")
            if sum(trade.refunds.values()) + _fen(amount) > trade.fen:
                raise Refusal("40004", "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
            trade.refunds[request] = _fen(amount)
            if sum(trade.refunds.values()) == trade.fen:
                trade.status = _CLOSED
        given = {
            "fund_change": "N" if before is not None else "Y",
            "refund_fee": _yuan(sum(trade.refunds.values())),
        }
        return _SUCCESS | trade.facts() | given

    def refund_query(self, call: Call) -> dict[str, Any]:
        """alipay.trade.fastpay.refund.query: without a status there was no such refund."""
        trade = self._named(call)
        request = call.content.get("out_request_no", "")
        if request not in trade.refunds:
            return _SUCCESS
        given = {
            "refund_status": "REFUND_SUCCESS",
            "out_request_no": request,
            "refund_amount": _yuan(trade.refunds[request]),
            "total_amount": trade.terms["total_amount"],
        }
        return _SUCCESS | trade.facts() | given

    def _named(self, call: Call) -> Trade:
        trade = self._trades.get(str(call.content.get("out_trade_no")))
        if trade is None:
            raise Refusal("40004", "ACQ.TRADE_NOT_EXIST")
        return trade

    def _shown(self, call: Call) -> WalletCode:
        shown = self._codes.pop(str(call.content.get("auth_code")), None)
        if shown is None:
            raise Refusal("40004", "ACQ.PAYMENT_AUTH_CODE_INVALID")
        if shown.answer.startswith("ACQ."):
            raise Refusal("40004", shown.answer)
        return shown

    def _waiting(self, call: Call) -> Trade:
        trade = self.order(call)
        if trade.status != _WAITING:
            raise Refusal("40004", "ACQ.TRADE_HAS_SUCCESS")
        return trade

    def _debit(self, call: Call) -> dict[str, Any]:
        """Accepted under an agreement, and taken later by `settle`."""
        payer = self._agreements.payer(call.content["agreement_params"]["agreement_no"])
        trade = self._waiting(call)
        trade.buyer = payer
        facts = _SUCCESS | trade.facts() | {"total_amount": trade.terms["total_amount"]}
        if "async_pay_info" in call.content.get("query_options", ()):
            facts["async_pay_apply_status"] = "S"
        return facts

    def _take(self, trade: Trade) -> None:
        trade.status, trade.paid_at = _PAID, self._now()

    def _paid_facts(self, trade: Trade) -> dict[str, Any]:
        assert trade.paid_at is not None
        return trade.facts() | {
            "total_amount": trade.terms["total_amount"],
            "receipt_amount": trade.terms["total_amount"],
            "buyer_open_id": trade.buyer,
            "gmt_payment": write_time(trade.paid_at),
        }


def _fen(text: str) -> int:
    return int(text.replace(".", ""))


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
