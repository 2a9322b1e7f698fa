"""The pretend campus easy-pay, a product of API v3."""

import json
import secrets

from starlette.routing import BaseRoute, Route

from adapters.sandbox.wechat_pay import (
    MCHID,
    SUB_MCHID,
    Call,
    Facts,
    PayApi,
    WechatPay,
    amount_in,
    order_facts,
    rfc3339,
)
from adapters.sandbox.wechat_pay_orders import PayContract, PayTrouble

PATH = "/v3/eduschoolpay"


class EasyPay:
    """Contracts of students, and what is collected under them."""

    def __init__(self, pay: WechatPay) -> None:
        self._pay = pay
        self.presigned: dict[str, Facts] = {}

    def routes(self) -> list[BaseRoute]:
        """Their routes."""
        presign = frozenset(
            {
                "appid", "openid", "plan_id", "user_id", "school_id", "out_contract_code",
                "contract_mode",
            }
        )  # fmt: skip
        collect = frozenset(
            {
                "appid", "sub_mchid", "description", "out_trade_no", "notify_url", "contract_id",
                "user_id", "amount", "scene_info", "device_info", "payment_mode",
            }
        )  # fmt: skip
        contract = f"{PATH}/contracts/{{id}}"
        apis = [
            PayApi("POST", f"{PATH}/contracts/presign", "presign", presign, self._presign),
            PayApi("GET", contract, "contract", frozenset(), self._contract),
            PayApi("POST", f"{contract}/terminate", "terminate", frozenset(), self._terminate),
            PayApi("GET", f"{PATH}/users/{{openid}}/debt-state", "debt_state", frozenset(),
                   self._debt_state),
            PayApi("POST", f"{PATH}/transactions", "easy_collect", collect, self._collect),
            PayApi("GET", f"{PATH}/transactions/out-trade-no/{{number}}", "easy_query",
                   frozenset({"sub_mchid"}), self._query),
        ]  # fmt: skip
        return [Route(api.path, self._pay.endpoint(api), methods=[api.method]) for api in apis]

    def sign(self, token: str) -> PayContract:
        """What the provider's own mini-program does for a person."""
        asked = self.presigned.pop(token)
        return self._pay.orders.contract(
            asked["out_contract_code"], asked["plan_id"], asked["openid"], asked["user_id"]
        )

    def _presign(self, call: Call) -> tuple[int, Facts]:
        account = str(call.body["user_id"])
        if not account.isascii() or not account.isalnum() or len(account) > 32:
            raise PayTrouble(400, "PARAM_ERROR", "user_id")
        token = secrets.token_hex(24)
        self.presigned[token] = call.body
        return 200, {"presign_token": token}

    def _found(self, call: Call) -> PayContract:
        found = self._pay.orders.contracts.get(call.path["id"])
        if found is None:
            raise PayTrouble(404, "NOT_FOUND")
        return found

    def _contract(self, call: Call) -> tuple[int, Facts]:
        found = self._found(call)
        return 200, {
            "contract_id": found.id,
            "mchid": MCHID,
            "openid": found.openid,
            "plan_id": found.plan_id,
            "contract_status": "ADD" if found.active else "DELETE",
            "create_time": rfc3339(found.made_at),
            "out_contract_code": found.number,
        }

    def _terminate(self, call: Call) -> tuple[int, None]:
        self._found(call).active = False
        return 204, None

    def _debt_state(self, call: Call) -> tuple[int, Facts]:
        openid = call.path["openid"]
        count = self._pay.orders.debts.get(openid, 0)
        state = "FORBIDDEN" if count else "NORMAL"
        return 200, {"openid": openid, "state": state, "debt_count": count}

    def _collect(self, call: Call) -> tuple[int, Facts]:
        body, orders = call.body, self._pay.orders
        if body["sub_mchid"] != SUB_MCHID or body["description"].count("-") != 2:
            raise PayTrouble(400, "PARAM_ERROR", "sub_mchid or description")
        content = json.dumps(body, sort_keys=True)
        order, new = orders.make(
            body["out_trade_no"], "EASYPAY", body["appid"], amount_in(body), content
        )
        order.sub_mchid = SUB_MCHID
        if new:
            orders.collect(order, body["contract_id"], body["user_id"])
        return 200, order_facts(order)

    def _query(self, call: Call) -> tuple[int, Facts]:
        order = self._pay.orders.find(call.path["number"], frozenset({"EASYPAY"}))
        return 200, order_facts(order)
