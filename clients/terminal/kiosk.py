"""Cards and kiosks on the command line: `python -m clients.terminal kiosk --help`."""

from pathlib import Path
from typing import Annotated

import typer

from clients.endpoint import Json
from clients.screen import fen, yuan
from clients.terminal.cards import Vended
from clients.terminal.chip import Chip
from clients.terminal.desk import Desk, at_desk

kiosk = typer.Typer(
    no_args_is_help=True, help="圈存机、自助终端 · A terminal that is a kiosk, and chips of cards"
)

Card = Annotated[Path, typer.Argument(help="卡片文件 · the pretend chip's file")]
Pin = Annotated[str | None, typer.Option(help="密码,不填则询问 · the PIN, asked for if absent")]


@kiosk.command("chip")
def chip_command(
    card: Card,
    uid: Annotated[str, typer.Argument(help="卡号,十六进制 · the chip's number in hex")],
    key: Annotated[str, typer.Argument(help="卡密钥,32 个十六进制字符 · its key, 32 hex digits")],
) -> None:
    """造一张模拟卡 · Makes a pretend chip."""
    made = Chip.make(card, uid, bytes.fromhex(key))
    typer.echo(f"{made.memory.uid}  {yuan(made.memory.balance)}")


@kiosk.command("list")
def list_command(
    context: typer.Context,
    presented: Annotated[str, typer.Argument(help="扫到的码或卡 · what was scanned or tapped")],
    pin: Pin = None,
) -> None:
    """待领与圈存记录 · What waits, how it came, and the transfer log."""

    async def work(desk: Desk) -> None:
        shown = await desk.cards.list_claims(presented, _asked(pin))
        typer.echo("\n".join(_listed(shown)))
        if shown["responseCode"] != "00":
            raise typer.Exit(1)

    at_desk(context, work)


@kiosk.command()
def claim(context: typer.Context, card: Card, pin: Pin = None) -> None:
    """领款 · Loads all that waits onto the chip."""

    async def work(desk: Desk) -> None:
        receipt = await desk.cards.claim(Chip(card), _asked(pin))
        typer.echo(f"卡上 on the card {yuan(Chip(card).memory.balance)}")
        desk.show(receipt)

    at_desk(context, work)


@kiosk.command()
def refresh(context: typer.Context, card: Card) -> None:
    """更新卡 · Tells the chip what the school decided."""

    async def work(desk: Desk) -> None:
        desk.show(await desk.cards.refresh(Chip(card)))

    at_desk(context, work)


@kiosk.command()
def spend(
    context: typer.Context,
    card: Card,
    amount: Annotated[int, typer.Argument(parser=fen, metavar="YUAN", help="金额,元 · 12.50")],
) -> None:
    """刷卡消费 · Takes a payment off the chip; claims first where the school says so."""

    async def work(desk: Desk) -> None:
        receipt = await desk.cards.sell(Chip(card), amount)
        typer.echo(f"卡上 on the card {yuan(Chip(card).memory.balance)}")
        desk.show(receipt)

    at_desk(context, work)


@kiosk.command()
def release(context: typer.Context, card: Card, pin: Pin = None) -> None:
    """解挂 · Lets a reported card work again."""

    async def work(desk: Desk) -> None:
        desk.show(await desk.cards.release(Chip(card), _asked(pin)))

    at_desk(context, work)


@kiosk.command()
def replace(
    context: typer.Context,
    presented: Annotated[str, typer.Argument(help="扫到的码 · what was scanned")],
    new_uid: Annotated[str, typer.Argument(help="新卡号 · the chip of the card to come out")],
    pin: Pin = None,
    result: Annotated[
        Vended, typer.Option(help="出卡结果 · what becomes of the card")
    ] = Vended.DELIVERED,
) -> None:
    """补卡 · Takes the fee and hands a new card out."""

    async def work(desk: Desk) -> None:
        begun = await desk.cards.replace(presented, new_uid, _asked(pin))
        if not begun.is_approved:
            desk.show(begun)
            return
        desk.show(await desk.cards.report(begun.shown["jobId"], result))

    at_desk(context, work)


def _asked(pin: str | None) -> str:
    asked: str = pin or typer.prompt("密码 PIN", hide_input=True)
    return asked


def _listed(shown: Json) -> list[str]:
    if shown["responseCode"] != "00":
        return [f"{shown['responseCode']}  {shown['text']}"]
    holder, held = shown["holder"], yuan(shown["held"]["minorAmount"])
    return [
        f"{holder['name']}  {holder['number']}",
        f"待领 waiting {yuan(shown['waiting']['minorAmount'])}  未了 held {held}",
        *(
            f"+ {each['at']}  {each['kind']}  {yuan(each['amount']['minorAmount'])}"
            for each in shown["pending"]
        ),
        *(
            f"> {each['madeAt']}  {each['state']}  {yuan(each['amount']['minorAmount'])}"
            f"  RRN {each['retrievalReference']}"
            for each in shown["loads"]
        ),
    ]
