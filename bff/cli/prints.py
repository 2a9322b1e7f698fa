"""Commands on the printed codes of merchants."""

import asyncio
from datetime import datetime
from typing import Annotated

import typer

from bff.cli.desk import School, open_desk
from bff.cli.voice import voice_of
from bff.school_keys import SchoolKeyring
from clients.screen import fen, qr, yuan
from core.kit.clock import unix_seconds
from core.school.records import PrintedCode
from terminals import ccq
from terminals.ccq import Challenge, Purpose
from terminals.message import RequestKey

prints = typer.Typer(no_args_is_help=True, help="Printed codes 商户收款码")

Merchant = Annotated[int, typer.Option(min=1, help="Number of the merchant 商户编号")]
Number = Annotated[int, typer.Argument(min=1, help="Number of the print 收款码编号")]


@prints.command("print")
def code_print(
    context: typer.Context,
    school: School,
    merchant: Merchant,
    amount: Annotated[
        int | None,
        typer.Option(parser=fen, metavar="YUAN", help="Default: the payer types it 金额，元"),
    ] = None,
    site: Annotated[
        int | None, typer.Option(help="Where it hangs; default: the first 站点")
    ] = None,
) -> None:
    """Register a code for a merchant's wall and print it 打印收款码.

    It is good until it is revoked.
    """
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            school_id = await desk.school_id(school)
            keyring = SchoolKeyring(desk.keys, desk.clock)
            kid = keyring.answers(school_id).kid
            made = await desk.prints.issue(
                school_id, merchant, site, amount or 0, kid, desk.operator
            )
            text = _text(keyring, school_id, made)
        said = yuan(made.amount_minor) if made.amount_minor else voice.word("顾客输入", "typed")
        voice.say(
            f"商户 {merchant} 的收款码 {made.number}，金额：{said}",
            f"Printed code {made.number} of merchant {merchant}, amount: {said}",
        )
        typer.echo(f"{qr(text)}\n{text}")

    with voice.answering():
        asyncio.run(run())


@prints.command("show")
def code_show(context: typer.Context, number: Number, school: School, merchant: Merchant) -> None:
    """Print a registered code once more 再次打印."""
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            school_id = await desk.school_id(school)
            made = await desk.prints.get(school_id, merchant, number)
            text = _text(SchoolKeyring(desk.keys, desk.clock), school_id, made)
        typer.echo(f"{qr(text)}\n{text}")

    with voice.answering():
        asyncio.run(run())


@prints.command("revoke")
def code_revoke(context: typer.Context, number: Number, school: School, merchant: Merchant) -> None:
    """End a printed code: nothing is paid by it from now on 作废收款码."""
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            school_id = await desk.school_id(school)
            await desk.prints.revoke(school_id, merchant, number, desk.operator)
        voice.say(
            f"商户 {merchant} 的收款码 {number} 已作废",
            f"Printed code {number} of merchant {merchant} is revoked",
        )

    with voice.answering():
        asyncio.run(run())


@prints.command("list")
def code_list(context: typer.Context, school: School, merchant: Merchant) -> None:
    """List a merchant's printed codes 列出收款码."""
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            found = await desk.prints.list_all(await desk.school_id(school), merchant)
        table = voice.table(
            ("编号", "Number"), ("金额", "Amount"), ("日期", "Issued"), ("作废", "Revoked")
        )
        for each in found:
            said = yuan(each.amount_minor) if each.amount_minor else voice.word("顾客输入", "typed")
            table.add_row(str(each.number), said, _day(each.issued_at), _day(each.revoked_at))
        voice.out.print(table)

    with voice.answering():
        asyncio.run(run())


def _day(instant: datetime | None) -> str:
    return "" if instant is None else f"{instant:%Y-%m-%d}"


def _text(keyring: SchoolKeyring, school_id: int, made: PrintedCode) -> str:
    """The CCQ text of a print (codes.md 5); the same row makes the same text again."""
    facts = Challenge(
        purpose=Purpose.PRINTED,
        issuer=school_id,
        key_no=made.kid,
        key=RequestKey(made.terminal_no, 0, made.number),
        created_at=unix_seconds(made.issued_at),
        life_seconds=0,
        minor_amount=made.amount_minor,
    )
    return ccq.make(facts, keyring.answers(school_id, made.kid).sign).text
