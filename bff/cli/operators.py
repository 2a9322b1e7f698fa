"""Commands on the operators of merchants."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from bff.cli.desk import School, open_desk
from bff.cli.voice import voice_of
from core.audit.records import Actor
from core.school.operators import Operator, OperatorRight
from core.school.service import Operators

operators = typer.Typer(no_args_is_help=True, help="Operators 操作员")

Merchant = Annotated[int, typer.Option(min=1, help="Number of the merchant 商户编号")]
Number = Annotated[str, typer.Argument(help="Number of the operator, 1 to 8 digits 操作员编号")]
Reason = Annotated[str, typer.Option(help="Why, for the audit 原因")]


@operators.command("put")
def operator_put(
    context: typer.Context,
    number: Number,
    school: School,
    merchant: Merchant,
    name: Annotated[str, typer.Option(help="Name shown 姓名")],
    right: Annotated[list[OperatorRight], typer.Option(help="May be repeated 权限，可多个")],
    keep_pin: Annotated[
        bool, typer.Option("--keep-pin", help="Ask for no PIN: it stays 密码不变")
    ] = False,
) -> None:
    """Add an operator or change one; asks for the PIN 添加或更改操作员."""
    voice = voice_of(context)
    pin = None
    if not keep_pin:
        asked = voice.word("操作员密码", "PIN of the operator")
        pin = typer.prompt(asked, hide_input=True, confirmation_prompt=True)

    async def run() -> None:
        async with open_desk() as desk:
            school_id = await desk.school_id(school)
            made = await desk.operators.put(
                school_id, merchant, number, name, right, pin, desk.operator
            )
        rights = " ".join(made.sorted_rights)
        voice.say(
            f"商户 {merchant} 的操作员 {number}：{name}，{rights}",
            f"Operator {number} of merchant {merchant}: {name}, {rights}",
        )

    with voice.answering():
        asyncio.run(run())


@operators.command("block")
def operator_block(
    context: typer.Context, number: Number, school: School, merchant: Merchant, reason: Reason
) -> None:
    """Let an operator sign on nowhere, and end their shifts 停用操作员."""
    told = f"操作员 {number} 已停用", f"Operator {number} is blocked"
    _change(context, Operators.block, school, merchant, number, reason, told)


@operators.command("unblock")
def operator_unblock(
    context: typer.Context, number: Number, school: School, merchant: Merchant, reason: Reason
) -> None:
    """Let a blocked operator sign on again 恢复操作员."""
    told = f"操作员 {number} 已恢复", f"Operator {number} may sign on"
    _change(context, Operators.unblock, school, merchant, number, reason, told)


@operators.command("list")
def operator_list(context: typer.Context, school: School) -> None:
    """List a school's operators 列出操作员."""
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            found = await desk.operators.list_all(await desk.school_id(school))
        table = voice.table(
            ("商户", "Merchant"), ("编号", "Number"), ("姓名", "Name"), ("权限", "Rights"),
            ("停用", "Blocked"),
        )  # fmt: skip
        for each in found:
            blocked = voice.word("是", "yes") if each.blocked else ""
            merchant, rights = str(each.merchant_number), " ".join(each.sorted_rights)
            table.add_row(merchant, each.number, each.display_name, rights, blocked)
        voice.out.print(table)

    with voice.answering():
        asyncio.run(run())


def _change(
    context: typer.Context,
    act: Callable[[Operators, int, int, str, str, Actor], Awaitable[Operator]],
    school: str,
    merchant: int,
    number: str,
    reason: str,
    told: tuple[str, str],
) -> None:
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            school_id = await desk.school_id(school)
            await act(desk.operators, school_id, merchant, number, reason, desk.operator)
        voice.say(*told)

    with voice.answering():
        asyncio.run(run())
