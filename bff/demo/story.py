"""The story, told once against the running servers: every step is checked, to the fen."""

import asyncio
import os
from dataclasses import dataclass
from typing import Any

import httpx2

from bff.demo.people import hero
from bff.demo.place import Memory, Place
from bff.demo.population import OPERATOR
from bff.demo.screen import SCHOOL, Screen
from bff.demo.servers import Running
from bff.wiring import Wired
from clients.endpoint import Endpoint
from clients.phone.phone import Phone
from clients.phone.wallet import Wallet
from clients.screen import unix_clock, yuan
from clients.terminal.journal import Journal
from clients.terminal.protocol import Line, enrol
from clients.terminal.receipt import Receipt
from clients.terminal.till import Till
from clients.terminal.words import tell
from core.identity.records import RosterRow
from terminals.message import draw_activation_code

SCHOOL_ID = 2
PIN = "394857"
PRICE_MINOR = 1_250
_HTTP_SECONDS = 5.0
_LETTER_SECONDS = 15


class StepWrong(Exception):
    """The story did not go as it should."""


@dataclass(frozen=True, slots=True)
class Teller:
    """Everybody who takes part."""

    screen: Screen
    running: Running
    place: Place
    wired: Wired
    http: httpx2.AsyncClient
    person: RosterRow

    def phone(self) -> Phone:
        """A phone that nobody has signed in on."""
        return Phone(Endpoint(self.http), Wallet(SCHOOL), unix_clock, os.urandom)


async def tell_story(
    screen: Screen, running: Running, place: Place, wired: Wired, memory: Memory
) -> str:
    """Plays it with a cardholder whom no earlier play has met; their number.

    Raises: StepWrong, and what the clients raise.
    """
    person = hero(memory)
    memory.plays += 1
    place.remember(memory)  # whoever has signed in once is not asked again, even if the play fails
    async with httpx2.AsyncClient(base_url=running.url, timeout=_HTTP_SECONDS) as http:
        teller = Teller(screen, running, place, wired, http, person)
        phone = teller.phone()
        with await _open_till(teller) as journal:
            till = Till(journal, Line(Endpoint(http), journal, unix_clock, os.urandom))
            await till.settle_open()
            await _sign_in(teller, phone)
            await _open_card(teller, phone)
            await _pay_and_undo(teller, phone, till)
        await _come_by_alipay(teller, await phone.home())
        phone.wallet.write(place.phone)
    return person.number


async def _open_till(teller: Teller) -> Journal:
    """The till of an earlier play, or a new one that school IT lets in."""
    journal = Journal(teller.place.till)
    terminals, number = teller.wired.services.terminals, 1
    teller.screen.step(
        "示例食堂的收银机开机,用自己的密钥签名每个请求",
        "The canteen's till starts; it signs every request with its own key",
    )
    if journal.is_enrolled:
        return journal
    code = draw_activation_code(teller.wired.ids)
    await terminals.activation_open(SCHOOL_ID, number, code, OPERATOR)
    identity, answer = await enrol(
        Endpoint(teller.http), SCHOOL_ID, code, "reference", "DEMO-1", os.urandom
    )
    await terminals.confirm(SCHOOL_ID, identity.terminal_no, answer["fingerprint"], OPERATOR)
    journal.enrol(identity)
    teller.screen.fact(f"激活码 activation {code}  指纹 fingerprint {answer['fingerprint']}")
    return journal


async def _sign_in(teller: Teller, phone: Phone) -> None:
    person, screen = teller.person, teller.screen
    screen.step(f"{person.name}用邮箱验证码登录", f"{person.name} signs in with a code by e-mail")
    assert person.email is not None
    await phone.sign_in_begin(person.email)
    code = await _read_letter(teller, person.email)
    screen.fact(f"{person.email}: {code}")
    await phone.sign_in_complete(code)
    screen.step(
        "填写姓名、学号和初始密码,绑定自己的校园卡",
        "binds the campus card: name, number and the first PIN of the school's rule",
    )
    assert person.id_number is not None
    holder = await phone.bind(person.name, person.number, person.id_number[-6:])
    _check(holder["number"] == person.number, "bound to somebody else")
    screen.step("换一个自己的支付密码", "chooses a PIN of their own")
    await phone.set_pin(PIN)


async def _open_card(teller: Teller, phone: Phone) -> None:
    screen, person = teller.screen, teller.person
    screen.step("打开首页", "opens the home screen")
    home = await phone.home()
    _check(_available(home) == person.old_balance_minor, "the old balance did not come over")
    screen.fact(f"{home['number']} {home['name']}  余额 balance {yuan(_available(home))}")
    screen.step(
        "开通虚拟卡,手机领到一天的凭证",
        "opens the virtual card; the phone gets the passes of a day",
    )
    card = await phone.open_virtual_card(PIN)
    _check(card["state"] == "ACTIVE", f"the virtual card is {card['state']}")
    await phone.enrol_device(PIN)
    await phone.fetch_passes()


async def _pay_and_undo(teller: Teller, phone: Phone, till: Till) -> None:
    screen, before = teller.screen, _available(await phone.home())
    screen.step("手机断网,照样出示动态码", "shows a code; the phone needs no network for it")
    code = phone.show()
    screen.code(code)
    screen.step(f"收银机扫码收 {yuan(PRICE_MINOR)}", f"the till scans it: {yuan(PRICE_MINOR)}")
    sold = await till.sell(code, PRICE_MINOR)
    _tell(screen, sold)
    _check(sold.is_approved, "the purchase was not approved")
    screen.step("账单里多了一行", "the statement has a new line")
    await _check_newest(screen, phone, -PRICE_MINOR, before - PRICE_MINOR)
    screen.step("同一个码再扫一次:拒绝", "the same code once more: declined")
    again = await till.sell(code, PRICE_MINOR)
    _tell(screen, again)
    _check(_code(again) == "C1", "a used code was not refused")
    screen.step("收银员撤销,钱回来了", "the cashier voids the purchase: the money is back")
    voided = await till.void(sold.entry.key)
    _tell(screen, voided)
    _check(voided.is_approved, "the void was not acknowledged")
    await _check_newest(screen, phone, PRICE_MINOR, before)


async def _come_by_alipay(teller: Teller, at_home: dict[str, Any]) -> None:
    """Another channel, another identity: the same person, so the same card."""
    screen, person, outside = teller.screen, teller.person, teller.running.outside
    screen.step(
        "同一个人打开支付宝小程序,用学号和自己的密码绑定",
        "The same person opens the Alipay mini-program and binds with number and own PIN",
    )
    app_id = (await outside.credentials())["alipay"]["app_id"]
    wallet = teller.phone()
    kind = await wallet.channel_sign_in(
        "ALIPAY_MINI", await outside.alipay_code(person.number, app_id)
    )
    _check(kind == "UNBOUND", f"Alipay's visitor is a {kind} before any proof")
    await wallet.bind(person.name, person.number, PIN)
    seen = await wallet.home()
    screen.fact(f"{seen['number']} {seen['name']}  余额 balance {yuan(_available(seen))}")
    _check(seen["id"] == at_home["id"], "another cardholder in the other channel")
    _check(_available(seen) == _available(at_home), "another balance in the other channel")


async def _check_newest(screen: Screen, phone: Phone, amount: int, balance: int) -> None:
    page = await phone.statement()
    line = page["statement"]["nodes"][0]
    told = line["amount"]["minorAmount"], line["balanceAfter"]["minorAmount"]
    screen.fact(f"{line['merchantName'] or line['kind']}  {yuan(told[0])}  余额 {yuan(told[1])}")
    _check(told == (amount, balance), f"the statement says {told}, not {(amount, balance)}")
    _check(_available(await phone.home()) == balance, "home screen and statement differ")


async def _read_letter(teller: Teller, address: str) -> str:
    """The newest code in the sandbox mailbox, once it is there."""
    async with httpx2.AsyncClient(base_url=teller.running.outside.url) as mailbox:
        for _ in range(_LETTER_SECONDS * 10):
            letters = (await mailbox.get("/mailbox", params={"to": address})).json()
            if letters:
                return str(letters[0]["code"])
            teller.running.check()
            await asyncio.sleep(0.1)
    raise StepWrong("no letter came")


def _available(home: dict[str, Any]) -> int:
    amount: int = home["balance"]["available"]["minorAmount"]
    return amount


def _code(receipt: Receipt) -> str | None:
    return receipt.answer.response_code if receipt.answer else None


def _tell(screen: Screen, receipt: Receipt) -> None:
    screen.fact(tell(receipt, "zh"))
    screen.fact(tell(receipt, "en"))


def _check(is_right: bool, otherwise: str) -> None:
    if not is_right:
        raise StepWrong(otherwise)
