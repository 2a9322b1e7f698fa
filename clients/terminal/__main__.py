"""The terminal on the command line: `python -m clients.terminal --help`."""

import asyncio
import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from clients.endpoint import NoAnswer
from clients.screen import fen, qr, yuan
from clients.terminal.desk import Desk, Options, at_desk, open_endpoint, run
from clients.terminal.journal import Entry, Journal
from clients.terminal.kiosk import kiosk
from clients.terminal.meter_commands import commands
from clients.terminal.operator_commands import commands as operator_commands
from clients.terminal.operators import CLOSE
from clients.terminal.protocol import enrol
from clients.terminal.receipt import Direction, Receipt, ReceiptRefused
from clients.terminal.words import list_line, screen_lines, tell, tell_passed, tell_verdict
from terminals.codes import Instrument, classify, strip
from terminals.response import Action, response_to
from terminals.scenes import Scene

POLL_SECONDS = 2.0

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="校园卡参考终端 · The reference terminal of the campus card.",
)
app.add_typer(kiosk, name="kiosk")
gate = typer.Typer(no_args_is_help=True, help="门禁 · A terminal that is a gate")
app.add_typer(gate, name="gate")


Amount = Annotated[int, typer.Argument(parser=fen, metavar="YUAN", help="金额,元 · e.g. 12.50")]
Seq = Annotated[int, typer.Argument(help="流水号 · seqNo of the original")]
Batch = Annotated[int | None, typer.Option("--batch", help="批次号 · batchNo, default the newest")]


@app.callback()
def options(
    context: typer.Context,
    journal: Annotated[Path, typer.Option(help="日志文件 · the terminal's file")] = Path("till.db"),
    url: Annotated[str, typer.Option(help="服务器 · the server")] = "http://127.0.0.1:8000",
    language: Annotated[str, typer.Option(help="zh | en")] = "zh",
) -> None:
    """Options before the command."""
    context.obj = Options(journal, url, "en" if language == "en" else "zh")


@app.command("enrol")
def enrol_command(
    context: typer.Context,
    issuer: Annotated[int, typer.Argument(help="学校编号 · the school's number")],
    code: Annotated[str, typer.Argument(help="激活码 · activation code")],
    serial: Annotated[str, typer.Option(help="序列号 · serial number")] = "REFERENCE-1",
) -> None:
    """激活终端 · Registers this terminal with its activation code."""
    settings: Options = context.obj

    async def work() -> None:
        async with open_endpoint(settings) as endpoint:
            identity, answer = await enrol(endpoint, issuer, code, "reference", serial, os.urandom)
        with Journal(settings.journal) as journal:
            journal.enrol(identity)
        typer.echo(
            f"终端 terminal {identity.issuer}-{identity.terminal_no}  {answer['state']}\n"
            f"指纹 fingerprint {identity.fingerprint}: 请管理员核对 · school IT compares it"
        )

    run(work)


@app.command()
def sell(
    context: typer.Context,
    amount: Amount,
    code: Annotated[str | None, typer.Argument(help="扫到的码 · what was scanned")] = None,
    hold: Annotated[bool, typer.Option("--hold", help="仅预授权 · capture it later")] = False,
) -> None:
    """收款 · Takes a payment; asks for the code, a PIN or a second code where needed."""

    async def work(desk: Desk) -> None:
        read = code or typer.prompt("扫码 scan")
        receipt = await desk.till.sell(read, amount, Scene.MEAL, is_held=hold)
        if receipt.response is not None and receipt.response.code == "C5":
            shown = await _show(desk, amount)
            read = typer.prompt("请顾客扫描后再扫其码 · let the holder scan this, then scan again")
            receipt = await desk.till.sell(read, amount, is_held=hold, challenge=shown)
        desk.show(await _with_pin(desk, receipt))

    at_desk(context, work)


@app.command()
def item(
    context: typer.Context,
    button: Annotated[str, typer.Argument(help="键码 · the code of a price button")],
    code: Annotated[str | None, typer.Argument(help="扫到的码 · what was scanned")] = None,
) -> None:
    """按价格键收款 · Takes a payment for an item of a fixed price."""

    async def work(desk: Desk) -> None:
        held, own = desk.line.store.parameters(), desk.journal.identity.terminal_no
        merchant = None if held is None else held.merchant_of(own)
        price = None if merchant is None else merchant.price(button)
        if price is None:
            typer.echo(f"没有此键 · no such button: {button}", err=True)
            raise typer.Exit(2)
        read = code or typer.prompt("扫码 scan")
        desk.show(await _with_pin(desk, await desk.till.sell(read, price.amount_minor)))

    at_desk(context, work)


@app.command()
def screen(context: typer.Context) -> None:
    """屏幕 · The idle line, the meal of this hour, and the price buttons."""

    async def work(desk: Desk) -> None:
        held, own = desk.line.store.parameters(), desk.journal.identity.terminal_no
        lines = (
            [] if held is None else screen_lines(held, own, desk.line.now(), desk.options.language)
        )
        typer.echo("\n".join(lines))

    at_desk(context, work)


@app.command()
def ask(
    context: typer.Context,
    amount: Amount,
    scan: Annotated[
        bool, typer.Option("--scan", help="扫手机上的码 · scan what the phone shows, do not wait")
    ] = False,
) -> None:
    """出示收款码 · Shows a code that a phone pays, and waits until it is paid or its time is over.

    Without a network, or with --scan, it takes what the phone shows: a receipt, or a code.
    """

    async def work(desk: Desk) -> None:
        shown = await _show(desk, amount)
        desk.show(await (_scanned(desk, shown) if scan else _awaited(desk, shown)))

    at_desk(context, work)


async def _show(desk: Desk, amount: int) -> Entry:
    shown = await desk.till.show_challenge(amount)
    text = desk.till.challenge_text(shown)
    typer.echo(f"{qr(text)}\n{text}")
    return shown


async def _awaited(desk: Desk, shown: Entry) -> Receipt:
    while not desk.till.is_over(shown):
        try:
            receipt = await desk.till.look(shown)
        except NoAnswer:
            typer.echo("网络不通,请扫手机上的回执 · no network: scan the receipt on the phone")
            return await _scanned(desk, shown)
        if receipt is not None:
            return receipt
        await asyncio.sleep(POLL_SECONDS)
    return await desk.till.give_up(shown)


async def _scanned(desk: Desk, shown: Entry) -> Receipt:
    """What the phone shows: the receipt of its payment, or a code bound to what we show."""
    prompt = "扫码,空行放弃 scan, an empty line gives up"
    while read := typer.prompt(prompt, default="", show_default=False):
        if classify(strip(read)) is not Instrument.SIGNED_ANSWER:
            receipt = await desk.till.sell(read, shown.minor_amount, challenge=shown)
            return await _with_pin(desk, receipt)
        try:
            return desk.till.take_receipt(read)
        except ReceiptRefused as refused:
            told = response_to(refused.refusal)
            word = told.zh if desk.options.language == "zh" else told.en
            typer.echo(f"{told.code}  {word}  {refused.refusal}")
    return await desk.till.give_up(shown)


async def _with_pin(desk: Desk, receipt: Receipt) -> Receipt:
    """The same, or what came of it once the holder typed the PIN."""
    while receipt.response is not None and receipt.response.action is Action.PIN:
        typer.echo(tell(receipt, desk.options.language))
        pin = typer.prompt("密码 PIN", hide_input=True)
        receipt = await desk.till.sell_with_pin(receipt, pin)
    return receipt


@app.command()
def capture(context: typer.Context, seq: Seq, amount: Amount, batch: Batch = None) -> None:
    """请款 · Posts a held purchase, whole or in part."""

    async def work(desk: Desk) -> None:
        desk.show(await desk.till.capture(desk.key(seq, batch), amount))

    at_desk(context, work)


@app.command()
def void(context: typer.Context, seq: Seq, batch: Batch = None) -> None:
    """撤销 · Undoes a purchase."""

    async def work(desk: Desk) -> None:
        desk.show(await desk.till.void(desk.key(seq, batch)))

    at_desk(context, work)


@app.command()
def refund(
    context: typer.Context,
    seq: Seq,
    amount: Amount,
    reason: Annotated[str, typer.Option(help="原因 · why")] = "退款 refund",
    batch: Batch = None,
) -> None:
    """退款 · Gives captured money back."""

    async def work(desk: Desk) -> None:
        desk.show(await desk.till.refund(desk.key(seq, batch), amount, reason))

    at_desk(context, work)


@app.command()
def status(context: typer.Context, seq: Seq, batch: Batch = None) -> None:
    """查询 · What the server keeps for a purchase."""

    async def work(desk: Desk) -> None:
        receipt = await desk.till.status(desk.key(seq, batch))
        if receipt is None:
            typer.echo("服务器无此交易 · the server knows of none")
            raise typer.Exit(1)
        typer.echo(f"{tell(receipt, desk.options.language)}  {receipt.shown['state'] or ''}")

    at_desk(context, work)


@gate.command("pass")
def gate_pass(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="扫到的码或卡 · what was scanned or tapped")],
    door: Annotated[int, typer.Option(min=1, help="门号 · number of the door")] = 1,
    direction: Annotated[Direction, typer.Option(help="方向 · which way")] = Direction.IN,
) -> None:
    """通行 · Asks whether whoever presents the code may pass; 1 if the door stays closed."""

    async def work(desk: Desk) -> None:
        desk.show(await desk.till.enter(code, door, direction))

    at_desk(context, work)


@gate.command("upload")
def gate_upload(context: typer.Context) -> None:
    """上传 · Tells of the passages that were let happen without a network."""

    async def work(desk: Desk) -> None:
        for passed in await desk.till.gate.upload():
            typer.echo(tell_passed(passed))

    at_desk(context, work)


@app.command()
def heartbeat(context: typer.Context) -> None:
    """心跳 · Reports to the server, sets the clock, and does as it is told."""

    async def work(desk: Desk) -> None:
        beat = await desk.line.set_clock()
        typer.echo(f"{beat['time']}  {' '.join(beat['directives'])}")
        for judged in await desk.batches.obey(beat["directives"]):
            typer.echo(tell_verdict(judged))

    at_desk(context, work)


@app.command()
def rotate(context: typer.Context) -> None:
    """换密钥 · Signs with a new key from now on; the one before is good for 24 h more."""

    async def work(desk: Desk) -> None:
        typer.echo(f"密钥编号 keyNo {await desk.line.rotate_key()}")

    at_desk(context, work)


@app.command()
def upload(context: typer.Context) -> None:
    """上传 · Sends the sales that were taken offline."""

    async def work(desk: Desk) -> None:
        for judged in await desk.batches.upload():
            typer.echo(tell_verdict(judged))

    at_desk(context, work)


@app.command()
def close(context: typer.Context, batch: Batch = None) -> None:
    """结算 · Uploads, then closes a batch; sales go on in the next one."""

    async def work(desk: Desk) -> None:
        desk.till.operators.check(CLOSE)
        number = batch or desk.journal.batch_no()
        typer.echo(f"批次 batch {number}  {yuan(await desk.batches.close(number))}")

    at_desk(context, work)


@app.command()
def journal(context: typer.Context, count: int = 20) -> None:
    """日志 · The last requests, newest first."""
    with Journal(context.obj.journal) as opened:
        for entry in opened.list_newest(count):
            typer.echo(list_line(entry))


@app.command()
def shell(context: typer.Context) -> None:
    """连续工作 · The same commands, line by line; an empty line ends it."""
    settings: Options = context.obj
    fixed = ["--journal", str(settings.journal), "--url", settings.url]
    while line := typer.prompt("till", default="", show_default=False):
        words = [*fixed, "--language", settings.language, *shlex.split(line)]
        try:
            app(words, standalone_mode=False)
        except (typer.Exit, SystemExit):
            continue
        except Exception as fault:  # a till goes on after a mistyped line
            typer.echo(fault, err=True)


app.add_typer(commands(at_desk), name="meter")
app.add_typer(operator_commands(at_desk), name="operator")


if __name__ == "__main__":
    app()
