"""Wallet codes that a terminal scans, by v3 (6.2); `micropay` does the same by V2.

The merchant's contract says which of the two: both have `pay`, `find` and `reverse`.
"""

from dataclasses import dataclass, field
from urllib.parse import quote

from adapters.wechat.pay import orders
from adapters.wechat.pay.client import V3
from adapters.wechat.pay.codes import paying
from adapters.wechat.pay.wire import (
    PAID,
    AnswerOdd,
    Facts,
    Order,
    OrderState,
    fen_out,
    order_in,
    same,
)
from core.kit.clock import Clock
from core.kit.money import CURRENCY
from core.ports.providers import Done, Outcome, Unknown


@dataclass(frozen=True, slots=True)
class Scan:
    """`fen` to take from the wallet behind a code of 18 digits, at a till of a place."""

    app_id: str
    number: str
    fen: int
    description: str
    auth_code: str = field(repr=False)
    device_id: str
    store_id: str


class CodePay:
    """Implements wallet codes for a merchant whose contract has v3's `codepay`."""

    def __init__(self, v3: V3) -> None:
        self._v3 = v3

    async def pay(self, scan: Scan) -> Outcome[Order]:
        """Takes the money, or is pending while the payer types a password.

        Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
        """
        v3 = self._v3
        body = {
            "appid": scan.app_id,
            "mchid": v3.mchid,
            "description": scan.description,
            "out_trade_no": scan.number,
            "amount": {"total": fen_out(scan.fen), "currency": CURRENCY},
            "payer": {"auth_code": scan.auth_code},
            "scene_info": {"device_id": scan.device_id, "store_info": {"id": scan.store_id}},
        }

        def read(facts: Facts) -> Outcome[Order]:
            return taken(order_in(facts, scan.number, {"mchid": v3.mchid}), scan, v3.clock)

        return await v3.ask("POST", f"{orders.PATH}/codepay", read, body=body, moves=True)

    async def find(self, scan: Scan) -> Outcome[Order]:
        """What became of a scan.

        Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
        """
        return await orders.find(self._v3, scan.number)

    async def reverse(self, scan: Scan) -> Outcome[None]:
        """Closes the order, or gives the money back if it was taken; repeated until answered.

        Not before 15 seconds after `pay`.
        Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
        """
        v3 = self._v3
        body = {"appid": scan.app_id, "mchid": v3.mchid}

        def read(facts: Facts) -> Outcome[None]:
            same(facts, {"mchid": v3.mchid, "out_trade_no": scan.number})
            return Done(None)

        path = f"{orders.PATH}/out-trade-no/{quote(scan.number, safe='')}/reverse"
        return await v3.ask("POST", path, read, body=body, moves=True)


def taken(order: Order, scan: Scan, clock: Clock) -> Outcome[Order]:
    """What a signed answer to `pay` means: a good status alone is no payment.

    Raises: AnswerOdd (another amount than ours).
    """
    if order.state is OrderState.USERPAYING:
        return paying(clock.now())
    if order.state not in PAID:
        return Unknown(order.state)
    if order.total != scan.fen:
        raise AnswerOdd("another amount")
    return Done(order)
