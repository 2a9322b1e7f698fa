"""Collections under a mandate (6.4), by V2: only accepted at once, their end is asked for."""

from dataclasses import dataclass, field
from urllib.parse import urlencode

from adapters.wechat.pay.v2 import V2, SignType
from adapters.wechat.pay.wire import Facts, Order, fen_out, same, text_in, v2_order_in
from core.kit.clock import unix_seconds
from core.ports.providers import Done, Outcome, Unknown

VERSION = "1.0"


@dataclass(frozen=True, slots=True)
class Mandate:
    """What a person is about to sign: a plan, under our number; `serial` grows with each try.

    `shown` is what the page calls the person.
    """

    app_id: str
    plan_id: str
    number: str
    serial: int
    shown: str = field(repr=False)
    notify_url: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was signed; only an active one may be collected under."""

    id: str
    number: str
    active: bool
    openid: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Collection:
    """`fen` under an agreement."""

    app_id: str
    number: str
    fen: int
    description: str
    notify_url: str
    agreement_id: str


def sign_url(v2: V2, base_url: str, asked: Mandate) -> str:
    """The page on which the person signs; it holds our signature and is good for one try."""
    fields = {
        "appid": asked.app_id,
        "plan_id": asked.plan_id,
        "contract_code": asked.number,
        "request_serial": str(asked.serial),
        "contract_display_account": asked.shown,
        "notify_url": asked.notify_url,
        "version": VERSION,
        "timestamp": str(unix_seconds(v2.clock.now())),
    }
    path = "/papay/entrustweb"
    return f"{base_url}{path}?{urlencode(v2.signed(path, fields, SignType.MD5))}"


async def find_agreement(v2: V2, app_id: str, plan_id: str, number: str) -> Outcome[Agreement]:
    """The agreement under our number as it stands.

    Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
    """
    fields = {
        "appid": app_id,
        "plan_id": plan_id,
        "contract_code": number,
        "version": VERSION,
    }

    def read(facts: Facts) -> Outcome[Agreement]:
        same(facts, {"contract_code": number, "plan_id": plan_id})
        active = facts.get("contract_state") == "0"
        return Done(Agreement(text_in(facts, "contract_id"), number, active, facts.get("openid")))

    return await v2.ask("/papay/querycontract", fields, read, sign_type=SignType.MD5)


async def end_agreement(v2: V2, app_id: str, agreement_id: str, remark: str) -> Outcome[None]:
    """Ends an agreement from our side.

    Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
    """
    fields = {
        "appid": app_id,
        "contract_id": agreement_id,
        "contract_termination_remark": remark,
        "version": VERSION,
    }

    def read(facts: Facts) -> Outcome[None]:
        same(facts, {"contract_id": agreement_id})
        return Done(None)

    return await v2.ask("/papay/deletecontract", fields, read, sign_type=SignType.MD5)


async def collect(v2: V2, asked: Collection) -> Outcome[Order]:
    """Asks for a collection; what is only accepted is unknown until asked for.

    Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
    """
    fields = {
        "appid": asked.app_id,
        "body": asked.description,
        "out_trade_no": asked.number,
        "total_fee": str(fen_out(asked.fen)),
        "spbill_create_ip": v2.client_ip,
        "notify_url": asked.notify_url,
        "trade_type": "PAP",
        "contract_id": asked.agreement_id,
    }

    def read(_facts: Facts) -> Outcome[Order]:
        return Unknown("ACCEPT")

    return await v2.ask("/pay/pappayapply", fields, read, sign_type=SignType.MD5, moves=True)


async def find(v2: V2, app_id: str, number: str) -> Outcome[Order]:
    """What became of a collection under our number.

    Raises: NothingSent, ProviderThrottled, ProviderMisconfigured.
    """
    fields = {"appid": app_id, "out_trade_no": number}

    def read(facts: Facts) -> Outcome[Order]:
        return Done(v2_order_in(facts, number, {"appid": app_id}))

    return await v2.ask("/pay/paporderquery", fields, read, sign_type=SignType.MD5)
