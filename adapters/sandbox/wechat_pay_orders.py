"""One state machine for every order of the pretend WeChat Pay, whichever interface made it."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from adapters.sandbox.base import Base

REVERSIBLE_SECONDS = 15
MOODS = frozenset({"pays", "types", "types_200", "poor", "expired"})
"""What happens when a wallet code is scanned; `types`: a password is asked for."""


class PayTrouble(Exception):
    """A code to answer with, in v3's spelling, and v3's status."""

    def __init__(self, status: int, code: str, message: str = "refused by the sandbox") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(slots=True)
class PayOrder:
    """One order; `content` is all that a repeat must say again."""

    number: str
    kind: str
    app_id: str
    total: int
    content: str
    made_at: datetime
    until: datetime | None = None
    state: str = "NOTPAY"
    openid: str = ""
    transaction_id: str = ""
    paid_at: datetime | None = None
    refunded: int = 0
    sub_mchid: str = ""
    waits: int = 0


@dataclass(slots=True)
class PayRefund:
    """One refund."""

    number: str
    order: PayOrder
    fen: int
    refund_id: str
    state: str = "PROCESSING"
    done_at: datetime | None = None


@dataclass(slots=True)
class PayContract:
    """A mandate: of easy-pay (`account` is the student's) or of papay."""

    id: str
    number: str
    plan_id: str
    openid: str
    account: str
    made_at: datetime
    active: bool = True


@dataclass(slots=True)
class PayOrders:
    """Everything that merchants and payers did."""

    base: Base
    orders: dict[str, PayOrder] = field(default_factory=dict)
    refunds: dict[str, PayRefund] = field(default_factory=dict)
    contracts: dict[str, PayContract] = field(default_factory=dict)
    wallet_codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    debts: dict[str, int] = field(default_factory=dict)
    prepaid: dict[str, str] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def serial(self, prefix: str, width: int) -> str:
        """A number of WeChat's own."""
        return prefix + str(next(self._numbers)).zfill(width - len(prefix))

    def make(
        self, number: str, kind: str, app_id: str, total: int, content: str
    ) -> tuple[PayOrder, bool]:
        """The order of a number, and whether it is new; a number is one order for ever."""
        known = self.orders.get(number)
        if known is not None:
            if known.content != content:
                raise PayTrouble(400, "INVALID_REQUEST", "re-entry differs")
            return known, False
        order = PayOrder(number, kind, app_id, total, content, self.base.clock())
        self.orders[number] = order
        return order, True

    def find(self, number: str, kinds: frozenset[str] | None = None) -> PayOrder:
        """The order of a number, closed by now if its time is over."""
        order = self.orders.get(number)
        if order is None or (kinds is not None and order.kind not in kinds):
            raise PayTrouble(404, "ORDER_NOT_EXIST")
        if order.state == "NOTPAY" and order.until and order.until <= self.base.clock():
            order.state = "CLOSED"
        if order.state == "USERPAYING" and order.waits:
            order.waits -= 1
            if not order.waits:
                self.pay(order, order.openid)
        return order

    def pay(self, order: PayOrder, openid: str) -> None:
        """The payer pays."""
        order.state, order.openid = "SUCCESS", openid
        order.transaction_id = order.transaction_id or self.serial("4200", 28)
        order.paid_at = self.base.clock()

    def close(self, number: str) -> None:
        """Nobody can pay it any more."""
        order = self.find(number)
        if order.kind == "MICROPAY":
            self.base.fail(f"wechat_pay {number}: an order by wallet code is reversed, not closed")
            raise PayTrouble(400, "INVALID_REQUEST", "reverse it")
        if order.state in {"SUCCESS", "REFUND"}:
            raise PayTrouble(400, "ORDER_PAID")
        order.state = "CLOSED"

    def scan(self, order: PayOrder, auth_code: str) -> str:
        """A wallet code is scanned: the order pays or waits; the mood of the code."""
        openid, mood = self.wallet_codes.pop(auth_code, ("", ""))
        if not mood:
            del self.orders[order.number]
            raise PayTrouble(403, "AUTH_CODE_INVALID")
        if mood == "expired":
            raise PayTrouble(403, "AUTHCODEEXPIRE")
        if mood == "poor":
            order.state = "PAYERROR"
            raise PayTrouble(403, "NOT_ENOUGH")
        order.openid = openid
        if mood == "pays":
            self.pay(order, openid)
        else:
            order.state = "USERPAYING"
        return mood

    def reverse(self, number: str) -> None:
        """Closed, or the money is back."""
        order = self.find(number)
        if self.base.clock() - order.made_at < timedelta(seconds=REVERSIBLE_SECONDS):
            self.base.fail(f"wechat_pay {number}: reversed within 15 seconds")
        order.state = "REVOKED"

    def refund(self, transaction_id: str, number: str, fen: int, total: int) -> PayRefund:
        """Begins a refund, or finds the one of that number."""
        known = self.refunds.get(number)
        if known is not None:
            if (known.order.transaction_id, known.fen) != (transaction_id, fen):
                raise PayTrouble(400, "INVALID_REQUEST", "re-entry differs")
            return known
        paid = (o for o in self.orders.values() if o.transaction_id == transaction_id)
        order = next(paid, None)
        if order is None or order.state not in {"SUCCESS", "REFUND"}:
            raise PayTrouble(404, "RESOURCE_NOT_EXISTS")
        if total != order.total or order.refunded + fen > order.total:
            raise PayTrouble(400, "INVALID_REQUEST", "more than was paid")
        order.refunded += fen
        order.state = "REFUND"
        made = PayRefund(number, order, fen, self.serial("5030", 28))
        self.refunds[number] = made
        return made

    def contract(self, number: str, plan_id: str, openid: str, account: str) -> PayContract:
        """A person signs."""
        made = PayContract(
            self.serial("2026", 28), number, plan_id, openid, account, self.base.clock()
        )
        self.contracts[made.id] = made
        return made

    def collect(self, order: PayOrder, contract_id: str, account: str | None) -> None:
        """Takes the money of a contract's person, if they have it."""
        contract = self.contracts.get(contract_id)
        if contract is None or not contract.active:
            raise PayTrouble(403, "CONTRACT_NOT_EXIST")
        if account is not None and account != contract.account:
            raise PayTrouble(400, "INVALID_REQUEST", "another account")
        if self.debts.get(contract.openid):
            order.state = "PAYERROR"
            raise PayTrouble(403, "NOT_ENOUGH")
        self.pay(order, contract.openid)

    def wallet_code(self, openid: str, mood: str) -> str:
        """A payment code of 18 digits."""
        code = f"13{secrets.randbelow(10**16):016d}"
        self.wallet_codes[code] = (openid, mood)
        return code
