"""How a person signs in by each of the five channels, and what there proves whose card it is."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from clients.endpoint import Endpoint
from tests.lab.person import App, Person
from tests.lab.school import CHANNELS, CODE

PIN = "271828"
Step = Callable[[Person, App], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Channel:
    """`sign_in` shows who somebody is there, and as often as it is asked; `prove` binds the card
    by what the channel knows, which is said in `proof`."""

    sign_in: Step
    prove: Step
    proof: str


async def _alipay(person: Person, app: App) -> None:
    await person.by_app(app, await _alipay_code(person, "auth_base"))


async def _real_name(person: Person, app: App) -> None:
    link = await app.link("RealNameMatch", authCode=await _alipay_code(person, "auth_user"))
    assert link["step"] == "CONFIRM", link
    assert link["matched"]["maskedNumber"].endswith(person.row.number[-3:]), link
    await app.link("BindingConfirm")


async def _alipay_code(person: Person, scope: str) -> str:
    app_id = (await person.sandbox.credentials("alipay"))["app_id"]
    code: str = (await person.act("alipay/auth_code", app_id=app_id, scopes=[scope]))["code"]
    return code


async def _wechat(person: Person, app: App) -> None:
    await person.by_app(app, await _wechat_code(person, "login_code"))


async def _phone_and_form(person: Person, app: App) -> None:
    await app.change("PhoneClaim", code=await _wechat_code(person, "phone_code"))
    await app.change("BindingCreate", name=person.row.name, number=person.row.number)
    await app.change("PinSet", pin=PIN)


async def _wechat_code(person: Person, deed: str) -> str:
    app_id = (await person.sandbox.credentials("wechat"))["mini_app_id"]
    code: str = (await person.act(f"wechat/{deed}", app_id=app_id))["code"]
    return code


async def _official(person: Person, app: App) -> None:
    await person.by_page(app, private=False)


async def _form_with_pin(person: Person, app: App) -> None:
    await app.change("BindingCreate", name=person.row.name, number=person.row.number, pin=PIN)


async def _wecom(person: Person, app: App) -> None:
    await person.by_page(app, private=True)


async def _released_mail(person: Person, app: App) -> None:
    await app.link("MemberProofComplete", number=person.row.number, addressKind="EMAIL")


async def _install(_person: Person, app: App) -> None:
    await app.change("InstallationCreate", schoolCode=CODE, deviceLabel="sample phone")


async def _mail_and_form(person: Person, app: App) -> None:
    """The installed app proves nothing by itself: a code by mail does, then the form."""
    address = {"schoolCode": CODE, "addressKind": "EMAIL", "address": person.row.email}
    await app.change("SignInBegin", **address)
    code = await person.letter_code()
    await app.change("SignInComplete", **address, code=code, deviceLabel="sample phone")
    await _form_with_pin(person, app)


WAYS: Mapping[str, Channel] = {
    "ALIPAY_MINI": Channel(_alipay, _real_name, "the wallet's certified real name"),
    "WECHAT_MINI": Channel(_wechat, _phone_and_form, "the phone button and the form"),
    "WECHAT_OFFICIAL": Channel(_official, _form_with_pin, "the form with the person's own PIN"),
    "WECOM": Channel(_wecom, _released_mail, "the mail address that WeCom released"),
    "NATIVE": Channel(_install, _mail_and_form, "a code by mail and the form"),
}
assert tuple(WAYS) == CHANNELS


async def arrive(person: Person, endpoint: Endpoint, channel: str) -> App:
    """A fresh client of a channel, signed in."""
    app = App(endpoint, channel)
    await WAYS[channel].sign_in(person, app)
    return app


async def come_by(person: Person, endpoint: Endpoint, channel: str) -> App:
    """The first visit by a channel: nobody's card is there before it is proven, then it is."""
    app = await arrive(person, endpoint, channel)
    before = (await app.viewer())["kind"]
    assert before == "UNBOUND", before
    await WAYS[channel].prove(person, app)
    return app
