"""The phone on the command line: `python -m clients.phone --help`."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx2
import typer

from clients.endpoint import Endpoint, Json, NoAnswer, QuestionRefused
from clients.phone.browser import RETURN_TO, wait_for_code
from clients.phone.phone import Phone
from clients.phone.wallet import ChallengeUnreadable, NothingToShow, Wallet
from clients.screen import fen, qr, unix_clock, yuan

HTTP_SECONDS = 5.0
SIGN_ON_SECONDS = 300.0

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="校园卡参考手机 · The reference phone of the campus card.",
)


@dataclass(slots=True)
class Options:
    """What holds for every command."""

    wallet: Path
    url: str
    language: str


Pin = Annotated[str | None, typer.Option(help="支付密码 · PIN", prompt=False)]


@app.callback()
def options(
    context: typer.Context,
    wallet: Annotated[Path, typer.Option(help="手机文件 · the phone's file")] = Path("phone.json"),
    url: Annotated[str, typer.Option(help="服务器 · the server")] = "http://127.0.0.1:8000",
    language: Annotated[str, typer.Option(help="zh | en")] = "zh",
) -> None:
    """Options before the command."""
    context.obj = Options(wallet, url, "en" if language == "en" else "zh")


@app.command("sign-in")
def sign_in(
    context: typer.Context,
    school: Annotated[str, typer.Argument(help="学校代码 · the school's code")],
    address: Annotated[str, typer.Argument(help="邮箱或手机号 · e-mail or telephone")],
) -> None:
    """登录 · Sends a one-time code to an address, and signs in with it."""
    Wallet(school_code=school).write(context.obj.wallet)

    async def work(phone: Phone) -> None:
        await phone.sign_in_begin(address)
        kind = await phone.sign_in_complete(typer.prompt("验证码 one-time code"))
        typer.echo(f"已登录 signed in: {kind}")

    _with_phone(context, work)


@app.command("campus-sign-in")
def campus_sign_in(
    context: typer.Context,
    school: Annotated[str, typer.Argument(help="学校代码 · the school's code")],
    provider: Annotated[str, typer.Argument(help="认证源代码 · the id of its sign-on")],
) -> None:
    """统一身份认证 · Signs in with a browser, at the school's own page."""
    Wallet(school_code=school).write(context.obj.wallet)

    async def work(phone: Phone) -> None:
        await phone.install()
        url, verifier = await phone.campus_begin(provider, RETURN_TO)
        typer.echo(f"请用浏览器打开 · open in a browser:\n{url}")
        code = await asyncio.to_thread(wait_for_code, SIGN_ON_SECONDS)
        if code is None:
            raise NoAnswer("浏览器没有回来 the browser did not come back")
        link = await phone.campus_complete(code, verifier)
        holder = link["cardholder"]
        if holder is None:
            typer.echo(f"还需一步 · one more step: {link['step']}")
        else:
            typer.echo(f"已绑定 bound: {holder['number']} {holder['name']}")

    _with_phone(context, work)


@app.command()
def bind(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="姓名 · name")],
    number: Annotated[str, typer.Argument(help="学工号 · number")],
    pin: Pin = None,
) -> None:
    """绑卡 · Proves by the school's form whose card this is."""

    async def work(phone: Phone) -> None:
        cardholder = await phone.bind(name, number, pin)
        typer.echo(f"已绑定 bound: {cardholder['number']} {cardholder['name']}")

    _with_phone(context, work)


@app.command("set-pin")
def set_pin(context: typer.Context) -> None:
    """设置支付密码 · Chooses the first PIN, after a code to the registered address."""

    async def work(phone: Phone) -> None:
        await phone.step_up_begin()
        await phone.step_up(typer.prompt("验证码 one-time code"))
        chosen = typer.prompt("新支付密码 new PIN", hide_input=True, confirmation_prompt=True)
        await phone.set_pin(chosen)
        typer.echo("已设置 · set")

    _with_phone(context, work)


@app.command("open-card")
def open_card(context: typer.Context, pin: Pin = None) -> None:
    """开通虚拟卡 · Opens the virtual card and fetches what codes need."""

    async def work(phone: Phone) -> None:
        card = await phone.open_virtual_card(pin)
        await phone.enrol_device(pin)
        await phone.fetch_passes()
        typer.echo(f"虚拟卡 virtual card: {card['state']}")

    _with_phone(context, work)


@app.command()
def code(
    context: typer.Context,
    challenge: Annotated[str | None, typer.Option(help="终端上的码 · a terminal's CCQ")] = None,
) -> None:
    """出示码 · Shows a code; works without a network."""

    async def work(phone: Phone) -> None:
        text = phone.show(challenge)
        typer.echo(f"{qr(text)}\n{text}")

    _with_phone(context, work)


@app.command()
def digits(context: typer.Context) -> None:
    """数字码 · Shows the digits of this half minute; works without a network."""

    async def work(phone: Phone) -> None:
        typer.echo(phone.digits())

    _with_phone(context, work)


@app.command()
def token(context: typer.Context) -> None:
    """在线码 · Draws a token that is good for a minute."""

    async def work(phone: Phone) -> None:
        typer.echo(await phone.draw_token())

    _with_phone(context, work)


@app.command()
def pay(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="扫到的商户码 · the merchant's code as scanned")],
    amount: Annotated[
        int | None, typer.Option(parser=fen, metavar="YUAN", help="金额,元 · e.g. 12.50")
    ] = None,
    pin: Pin = None,
    yes: Annotated[bool, typer.Option("--yes", help="不再询问 · do not ask again")] = False,
) -> None:
    """扫码付 · Pays a code that a merchant shows; then shows its receipt."""

    async def work(phone: Phone) -> None:
        asked = await phone.read_code(text)
        fixed = asked["amount"]["minorAmount"] if asked["amount"] else None
        minor = fixed or amount or fen(typer.prompt("金额,元 amount in yuan"))
        typer.echo(f"{asked['merchantName']}  {yuan(minor)}")
        if not yes:
            typer.confirm("付款 pay", abort=True)
        payment = await _pay(phone, text, None if fixed else minor, pin)
        typer.echo(f"{payment['responseCode']}  {payment['text']}  {payment['state'] or ''}")
        if payment["receipt"]:
            typer.echo(f"{qr(payment['receipt'])}\n{payment['receipt']}")
        if payment["state"] != "CAPTURED":
            raise typer.Exit(1)

    _with_phone(context, work)


async def _pay(phone: Phone, text: str, minor_amount: int | None, pin: str | None) -> Json:
    """The payment; asks for the PIN where it is needed."""
    while True:
        try:
            return await phone.pay_code(text, minor_amount, pin)
        except QuestionRefused as refused:
            if refused.code not in {"PIN_REQUIRED", "PIN_WRONG"}:
                raise
            typer.echo(refused.reason)
            pin = typer.prompt("支付密码 PIN", hide_input=True)


@app.command()
def home(context: typer.Context) -> None:
    """首页 · The home screen."""

    async def work(phone: Phone) -> None:
        holder = await phone.home()
        balance = holder["balance"]
        typer.echo(f"{holder['number']}  {holder['name']}  {holder['status']}")
        typer.echo(f"可用余额 available {yuan(balance['available']['minorAmount'])}")
        for purse in balance["purses"]:
            typer.echo(f"  {purse['kind']}  {yuan(purse['balance']['minorAmount'])}")

    _with_phone(context, work)


@app.command("access-token")
def access_token(context: typer.Context) -> None:
    """访问令牌 · An access token that is good now, for questions of your own."""

    async def work(phone: Phone) -> None:
        await phone.home()  # refreshes what has run out
        typer.echo(phone.wallet.access_token)

    _with_phone(context, work)


@app.command()
def statement(context: typer.Context, month: str | None = None) -> None:
    """账单 · This month's statement, or another's (YYYY-MM)."""

    async def work(phone: Phone) -> None:
        page = await phone.statement(month)
        for line in page["statement"]["nodes"]:
            typer.echo(tell_line(line))
        totals = page["monthTotals"]
        typer.echo(
            f"收入 received {yuan(totals['received']['minorAmount'])}  "
            f"支出 spent {yuan(totals['spent']['minorAmount'])}"
        )

    _with_phone(context, work)


def tell_line(line: Json) -> str:
    """One line of a statement."""
    amount, after = line["amount"]["minorAmount"], line["balanceAfter"]["minorAmount"]
    name = line["merchantName"] or line["kind"]
    return f"{line['postedAt'][:16]}  {yuan(amount):>10}  {yuan(after):>10}  {name}"


def _with_phone(context: typer.Context, work: Callable[[Phone], Awaitable[None]]) -> None:
    settings: Options = context.obj
    try:
        asyncio.run(_opened(settings, work))
    except FileNotFoundError:
        typer.echo("请先登录 · sign in first: clients.phone sign-in SCHOOL ADDRESS", err=True)
        raise typer.Exit(2) from None
    except (NothingToShow, ChallengeUnreadable):
        typer.echo("请联网刷新 · go online and open the card again", err=True)
        raise typer.Exit(2) from None
    except NoAnswer as none:
        typer.echo(f"未完成 · not done: {none.reason}", err=True)
        raise typer.Exit(3) from None


async def _opened(settings: Options, work: Callable[[Phone], Awaitable[None]]) -> None:
    wallet = Wallet.read(settings.wallet)

    def keep() -> None:
        wallet.write(settings.wallet)

    async with httpx2.AsyncClient(base_url=settings.url, timeout=HTTP_SECONDS) as http:
        try:
            endpoint = Endpoint(http, settings.language)
            await work(Phone(endpoint, wallet, unix_clock, os.urandom, keep))
        finally:
            keep()


if __name__ == "__main__":
    app()
