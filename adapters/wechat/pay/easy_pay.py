"""Campus easy-pay (6.3), for service providers: a person signs once, meals are collected later."""

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from adapters.wechat.pay.client import V3
from adapters.wechat.pay.wire import (
    PAID,
    AnswerOdd,
    Facts,
    Order,
    fen_out,
    instant_out,
    order_in,
    same,
    text_in,
)
from core.kit.money import CURRENCY
from core.ports.providers import Done, Outcome, Unknown

PATH = "/v3/eduschoolpay"


@dataclass(frozen=True, slots=True)
class Presign:
    """What a person is about to sign: a plan of a school, as an account of at most 32 letters and
    digits. No bank card and no ID number is sent."""

    app_id: str
    openid: str = field(repr=False)
    plan_id: str
    account: str
    school: str
    number: str


@dataclass(frozen=True, slots=True)
class Contract:
    """What was signed; only an active one may be collected under."""

    id: str
    number: str
    active: bool
    openid: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DebtState:
    """What a person owes WeChat for such collections; with any debt, nothing may be added."""

    forbidden: bool
    count: int


@dataclass(frozen=True, slots=True)
class Collection:
    """`fen` under a contract for a meal at `eaten_at`; `account` is the one that was signed.

    `description` is school, place and goods with hyphens between.
    """

    app_id: str
    sub_mchid: str
    number: str
    fen: int
    description: str
    notify_url: str
    contract_id: str
    account: str
    school: str
    eaten_at: datetime
    device_id: str
    device_ip: str


async def presign(v3: V3, asked: Presign) -> Outcome[str]:
    """The presign_token, good for two hours, that the client opens the provider's page with.

    Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
    """
    body = {
        "appid": asked.app_id,
        "openid": asked.openid,
        "plan_id": asked.plan_id,
        "user_id": asked.account,
        "school_id": asked.school,
        "out_contract_code": asked.number,
        "contract_mode": "DEFAULT",
    }

    def read(facts: Facts) -> Outcome[str]:
        return Done(text_in(facts, "presign_token"))

    return await v3.ask("POST", f"{PATH}/contracts/presign", read, body=body)


async def contract(v3: V3, contract_id: str) -> Outcome[Contract]:
    """The contract as it stands.

    Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
    """

    def read(facts: Facts) -> Outcome[Contract]:
        same(facts, {"mchid": v3.mchid, "contract_id": contract_id})
        number, openid = text_in(facts, "out_contract_code"), text_in(facts, "openid")
        return Done(Contract(contract_id, number, facts.get("contract_status") == "ADD", openid))

    return await v3.ask("GET", f"{PATH}/contracts/{quote(contract_id, safe='')}", read)


async def terminate(v3: V3, contract_id: str) -> Outcome[None]:
    """Ends a contract.

    Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
    """
    path = f"{PATH}/contracts/{quote(contract_id, safe='')}/terminate"
    return await v3.ask("POST", path, lambda _facts: Done(None))


async def debt_state(v3: V3, openid: str) -> Outcome[DebtState]:
    """Whether a person may be collected from.

    Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
    """

    def read(facts: Facts) -> Outcome[DebtState]:
        count = facts.get("debt_count")
        if type(count) is not int or facts.get("openid") != openid:
            raise AnswerOdd("debt_count")
        return Done(DebtState(facts.get("state") != "NORMAL", count))

    return await v3.ask("GET", f"{PATH}/users/{quote(openid, safe='')}/debt-state", read)


async def collect(v3: V3, asked: Collection) -> Outcome[Order]:
    """Collects under a contract; what is only accepted is unknown until asked for.

    Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
    """
    body = {
        "appid": asked.app_id,
        "sub_mchid": asked.sub_mchid,
        "description": asked.description,
        "out_trade_no": asked.number,
        "notify_url": asked.notify_url,
        "contract_id": asked.contract_id,
        "user_id": asked.account,
        "amount": {"total": fen_out(asked.fen), "currency": CURRENCY},
        "scene_info": {
            "start_time": instant_out(asked.eaten_at),
            "school_id": asked.school,
            "scene_type": "CANTEEN",
        },
        "device_info": {"device_id": asked.device_id, "device_ip": asked.device_ip},
        "payment_mode": "SYNC",
    }

    def read(facts: Facts) -> Outcome[Order]:
        expected = {"mchid": v3.mchid, "sub_mchid": asked.sub_mchid}
        order = order_in(facts, asked.number, expected)
        if order.state not in PAID:
            return Unknown(order.state)
        if order.total != asked.fen:
            raise AnswerOdd("another amount")
        return Done(order)

    return await v3.ask("POST", f"{PATH}/transactions", read, body=body, moves=True)


async def find(v3: V3, sub_mchid: str, number: str) -> Outcome[Order]:
    """What became of a collection under our number.

    Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
    """

    def read(facts: Facts) -> Outcome[Order]:
        return Done(order_in(facts, number, {"mchid": v3.mchid, "sub_mchid": sub_mchid}))

    path = f"{PATH}/transactions/out-trade-no/{quote(number, safe='')}"
    return await v3.ask("GET", path, read, query={"sub_mchid": sub_mchid})
