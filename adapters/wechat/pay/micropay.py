"""Wallet codes that a terminal scans, by V2, for merchants without v3's `codepay` (6.2)."""

from adapters.wechat.pay.codepay import Scan, taken
from adapters.wechat.pay.v2 import V2
from adapters.wechat.pay.wire import Facts, Order, fen_out, v2_order_in
from core.ports.providers import Done, Outcome, Unknown


class MicroPay:
    """Implements wallet codes as `codepay.CodePay` does."""

    def __init__(self, v2: V2) -> None:
        self._v2 = v2

    async def pay(self, scan: Scan) -> Outcome[Order]:
        """Takes the money, or is pending while the payer types a password.

        Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
        """
        fields = {
            "appid": scan.app_id,
            "device_info": scan.device_id,
            "body": scan.description,
            "out_trade_no": scan.number,
            "total_fee": str(fen_out(scan.fen)),
            "spbill_create_ip": self._v2.client_ip,
            "auth_code": scan.auth_code,
        }

        def read(facts: Facts) -> Outcome[Order]:
            # A good answer is a payment; it has no trade_state.
            paid = {"trade_state": "SUCCESS", **facts}
            order = v2_order_in(paid, scan.number, {"appid": scan.app_id})
            return taken(order, scan, self._v2.clock)

        return await self._v2.ask("/pay/micropay", fields, read, moves=True)

    async def find(self, scan: Scan) -> Outcome[Order]:
        """What became of a scan.

        Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
        """
        fields = {"appid": scan.app_id, "out_trade_no": scan.number}

        def read(facts: Facts) -> Outcome[Order]:
            return Done(v2_order_in(facts, scan.number, {"appid": scan.app_id}))

        return await self._v2.ask("/pay/orderquery", fields, read)

    async def reverse(self, scan: Scan) -> Outcome[None]:
        """Closes the order, or gives the money back if it was taken; repeated until answered.

        Not before 15 seconds after `pay`.
        Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
        """
        fields = {"appid": scan.app_id, "out_trade_no": scan.number}

        def read(facts: Facts) -> Outcome[None]:
            return Unknown("RECALL") if facts.get("recall") == "Y" else Done(None)

        return await self._v2.ask("/secapi/pay/reverse", fields, read, moves=True)
