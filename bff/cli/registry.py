"""Commands on a school's sites, merchants, terminals, staff and audit."""

import asyncio
from typing import Annotated

import typer

from bff.cli.desk import School, open_desk
from bff.cli.voice import REFUSED, voice_of
from core.school.records import DeviceClass, DocumentKind, Role, Site, TerminalState
from core.school.totp import address
from terminals.message import draw_activation_code

merchants = typer.Typer(no_args_is_help=True, help="Merchants 商户")
sites = typer.Typer(no_args_is_help=True, help="Sites 站点")
terminals = typer.Typer(no_args_is_help=True, help="Terminals 终端")
staff = typer.Typer(no_args_is_help=True, help="Staff 工作人员")
audits = typer.Typer(no_args_is_help=True, help="Audit 审计")

_SHOWN = DocumentKind.KEYS, DocumentKind.PARAMETERS, DocumentKind.DENY

NameZh = Annotated[str, typer.Option(help="Name in Chinese 中文名称")]
NameEn = Annotated[str, typer.Option(help="Name in English 英文名称")]
Number = Annotated[int, typer.Argument(min=1, help="Number of the terminal 终端编号")]


@sites.command("put")
def site_put(
    context: typer.Context,
    school: School,
    number: Annotated[int, typer.Option(min=0, max=15, help="Number of the site 站点编号")],
    name_zh: NameZh,
    name_en: NameEn,
) -> None:
    """Add a site or rename it 添加或改名站点."""
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            school_id = await desk.school_id(school)
            await desk.schools.site_put(school_id, Site(number, name_zh, name_en), desk.operator)
        voice.say(f"站点 {number}：{name_zh}", f"Site {number}: {name_en}")

    with voice.answering():
        asyncio.run(run())


@merchants.command("add")
def merchant_add(context: typer.Context, school: School, name_zh: NameZh, name_en: NameEn) -> None:
    """Add a merchant under the next free number 添加商户."""
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            school_id = await desk.school_id(school)
            merchant = await desk.schools.merchant_add(school_id, name_zh, name_en, desk.operator)
        voice.say(f"商户 {merchant.number}：{name_zh}", f"Merchant {merchant.number}: {name_en}")

    with voice.answering():
        asyncio.run(run())


@terminals.command("activation")
def terminal_activation(
    context: typer.Context,
    school: School,
    merchant: Annotated[int | None, typer.Option(help="Register one of this merchant 商户")] = None,
    site: Annotated[int, typer.Option(help="Where it stands 站点")] = 0,
    device: Annotated[DeviceClass, typer.Option(help="What it is 类型")] = DeviceClass.TILL,
    scene: Annotated[list[str] | None, typer.Option(help="What it serves 场景")] = None,
    terminal: Annotated[int | None, typer.Option(help="One that is registered 已登记终端")] = None,
) -> None:
    """Print an activation code for a new or a registered terminal 生成激活码."""
    voice = voice_of(context)
    if (merchant is None) == (terminal is None):
        raise voice.refuse(
            "请给出 --merchant（新终端）或 --terminal（已登记终端）之一",
            "Give either --merchant for a new terminal or --terminal for a registered one",
        )

    async def run() -> None:
        async with open_desk() as desk:
            school_id = await desk.school_id(school)
            number = terminal
            if merchant is not None:
                usual = [] if device is DeviceClass.EDGE else ["MEAL"]
                scenes = scene or usual
                added = await desk.terminals.register(
                    school_id, merchant, site, device, scenes, desk.operator
                )
                number = added.number
            assert number is not None
            code = draw_activation_code(desk.ids)
            until = await desk.terminals.activation_open(school_id, number, code, desk.operator)
        shown = "-".join((code[:4], code[4:8], code[8:]))
        voice.say(
            f"终端 {number} 的激活码：{shown}，{until:%H:%M} UTC 前一次有效",
            f"Activation code of terminal {number}: {shown}, good once until {until:%H:%M} UTC",
        )

    with voice.answering():
        asyncio.run(run())


@terminals.command("confirm")
def terminal_confirm(
    context: typer.Context,
    number: Number,
    school: School,
    fingerprint: Annotated[str, typer.Option(help="The 8 characters it shows 终端显示的指纹")],
) -> None:
    """Let an enrolled terminal work, once its fingerprint was compared 确认终端."""
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            school_id = await desk.school_id(school)
            await desk.terminals.confirm(school_id, number, fingerprint, desk.operator)
        voice.say(f"终端 {number} 已启用", f"Terminal {number} is active")

    with voice.answering():
        asyncio.run(run())


@terminals.command("retire")
def terminal_retire(
    context: typer.Context,
    number: Number,
    school: School,
    reason: Annotated[str, typer.Option(help="Why, for the audit 原因")],
) -> None:
    """Take a terminal out of service for good 注销终端."""
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            school_id = await desk.school_id(school)
            await desk.terminals.change_state(school_id, number, "RETIRE", reason, desk.operator)
        voice.say(f"终端 {number} 已注销", f"Terminal {number} is retired")

    with voice.answering():
        asyncio.run(run())


@terminals.command("list")
def terminal_list(context: typer.Context, school: School) -> None:
    """List a school's terminals 列出终端."""
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            school_id = await desk.school_id(school)
            found = await desk.terminals.list_all(school_id)
            known = await desk.deny.protection(school_id)
        table = voice.table(
            ("编号", "Number"), ("状态", "State"), ("站点", "Site"),
            ("密钥", "Keys"), ("参数", "Parameters"), ("黑名单", "Deny list"),
        )  # fmt: skip
        for terminal in found:
            held = known.acknowledged.get(terminal.number, {})
            versions = [str(held.get(kind, 0)) for kind in _SHOWN]
            site = str(terminal.site_number)
            table.add_row(str(terminal.number), terminal.state, site, *versions)
        voice.out.print(table)
        active = [each.number for each in found if each.state is TerminalState.ACTIVE]
        protected, newest = known.count_protected(active), known.deny_version
        voice.say(
            f"黑名单第 {newest} 版：{len(active)} 台启用终端中 {protected} 台已生效",
            f"Deny list {newest}: protected on {protected} of {len(active)} active terminals",
        )

    with voice.answering():
        asyncio.run(run())


@staff.command("add")
def staff_add(
    context: typer.Context,
    login: Annotated[str, typer.Argument(help="Login 登录名")],
    school: School,
    name: Annotated[str, typer.Option(help="Name shown 姓名")],
    role: Annotated[list[Role], typer.Option(help="May be repeated 岗位，可多个")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
    cardholder: Annotated[
        str | None, typer.Option(help="Number of their own card 本人学工号")
    ] = None,
) -> None:
    """Add a member of staff and print the secret of their second factor 添加工作人员."""
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            school_id = await desk.school_id(school)
            made = await desk.staff.create(
                school_id, login, name, frozenset(role), password, desk.operator, cardholder
            )
            code = (await desk.schools.get(school_id)).code
        uri = address(code, login, made.totp_secret)
        voice.say(f"已添加 {login}，请现在登记动态口令：", f"Added {login}; enter this code now:")
        voice.out.print(uri, markup=False)

    with voice.answering():
        asyncio.run(run())


@audits.command("verify")
def audit_verify(context: typer.Context, school: School) -> None:
    """Name the first audit row that is not as it was written 核验审计记录."""
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            school_id = await desk.school_id(school)
            report = await desk.audit.verify(school_id)
        if report.first_broken_id is not None:
            raise voice.refuse(
                f"审计记录 {report.first_broken_id} 被改动，请立即上报",
                f"Audit row {report.first_broken_id} was changed; report it at once",
                REFUSED,
            )
        voice.say(f"{report.sound} 条记录完好", f"{report.sound} rows are sound")

    with voice.answering():
        asyncio.run(run())
