"""Commands on meters of water: their groups, slots and prices, and where they hang."""

import asyncio
from datetime import time
from typing import Annotated

import typer

from bff.cli.desk import School, open_desk
from bff.cli.doors import clock_time
from bff.cli.registry import NameEn, NameZh
from bff.cli.voice import voice_of
from core.kit.money import decimal_text
from core.utility.records import Meter, MeterGroup, MeterKind, Tariff

meters = typer.Typer(no_args_is_help=True, help="Meters of water 水控机")
groups = typer.Typer(no_args_is_help=True, help="Bath houses and groups of meters 水控组")

Group = Annotated[int, typer.Option("--group", min=1, help="Number of the group 组号")]
Hour = Annotated[time, typer.Option(parser=clock_time, help="HH:MM, the school's clock")]


@groups.command("put")
def group_put(
    context: typer.Context,
    school: School,
    group: Group,
    campus: Annotated[str, typer.Option(help="Code of its campus 校区代码")],
    name_zh: NameZh,
    name_en: NameEn,
    price: Annotated[int, typer.Option(min=1, help="Fen for --per-units units 单价,分")],
    maximum_units: Annotated[int, typer.Option(min=1, help="Most units of a slot 每次最多计量")],
    opens: Hour,
    closes: Hour,
    per_units: Annotated[int, typer.Option(min=1, help="Units the price is for 单价对应计量")] = 1,
    kind: Annotated[MeterKind, typer.Option(help="What it is 类型")] = MeterKind.SHOWER,
    places: Annotated[int, typer.Option(min=1, help="Places of a slot 每时段位数")] = 1,
    slot_minutes: Annotated[int, typer.Option(min=1, help="Length of a slot 时段分钟")] = 30,
    days_ahead: Annotated[int, typer.Option(min=0, help="Days after today 可提前天数")] = 1,
    shared: Annotated[
        bool, typer.Option("--shared/--stalls", help="One controller for all heads 共用控制器")
    ] = False,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Each term: new codes 每学期换密钥")
    ] = False,
) -> None:
    """Add a group of meters or change it whole 添加或更改水控组."""
    voice = voice_of(context)
    given = MeterGroup(
        group, campus, kind, name_zh, name_en, shared, places, slot_minutes, opens, closes,
        days_ahead, Tariff(price, per_units, maximum_units),
    )  # fmt: skip

    async def run() -> None:
        async with open_desk() as desk:
            school_id = await desk.school_id(school)
            put = await desk.meters.put_group(school_id, given, desk.operator, new_key=new_key)
        most = decimal_text(put.tariff.maximum_minor)
        voice.say(
            f"水控组 {group}：{name_zh}，每次预扣 {most} 元，密钥第 {put.key_version} 版",
            f"Group {group}: {name_en}, a start holds {most} yuan, key {put.key_version}",
        )

    with voice.answering():
        asyncio.run(run())


@groups.command("list")
def group_list(context: typer.Context, school: School) -> None:
    """List a school's groups of meters 列出水控组."""
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            found = await desk.meters.list_groups(await desk.school_id(school))
        table = voice.table(
            ("组", "Group"), ("名称", "Name"), ("类型", "Kind"), ("校区", "Campus"),
            ("开放", "Open"), ("位数", "Places"), ("单价", "Price"),
        )  # fmt: skip
        for each in found:
            tariff = each.tariff
            table.add_row(
                str(each.number), f"{each.name_zh} {each.name_en}", each.kind, each.campus_code,
                f"{each.opens_at:%H:%M}-{each.closes_at:%H:%M} / {each.slot_minutes} min",
                str(each.places),
                f"{decimal_text(tariff.price_minor)} / {tariff.per_units}",
            )  # fmt: skip
        voice.out.print(table)

    with voice.answering():
        asyncio.run(run())


@meters.command("put")
def meter_put(
    context: typer.Context,
    school: School,
    terminal: Annotated[int, typer.Option(min=1, help="Number of its terminal 终端编号")],
    meter: Annotated[int, typer.Option("--meter", min=1, help="Its number there 水控机号")],
    group: Group,
    stall: Annotated[int, typer.Option(min=0, help="Its stall, 0 in a shared group 淋浴位")] = 0,
) -> None:
    """Add a meter of a terminal or move it 添加或移动水控机."""
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            school_id = await desk.school_id(school)
            given = Meter(terminal, meter, group, stall)
            await desk.meters.put(school_id, given, desk.operator)
        voice.say(
            f"终端 {terminal} 水控机 {meter}：组 {group}，淋浴位 {stall}",
            f"Meter {meter} of terminal {terminal}: group {group}, stall {stall}",
        )

    with voice.answering():
        asyncio.run(run())


@meters.command("list")
def meter_list(context: typer.Context, school: School) -> None:
    """List a school's meters 列出水控机."""
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            found = await desk.meters.list_all(await desk.school_id(school))
        table = voice.table(
            ("终端", "Terminal"), ("水控机", "Meter"), ("组", "Group"), ("淋浴位", "Stall"),
        )  # fmt: skip
        for each in found:
            meter = each.meter
            table.add_row(
                str(meter.terminal_no), str(meter.number),
                f"{meter.group_no} {each.group.name_zh} {each.group.name_en}", str(meter.stall),
            )  # fmt: skip
        voice.out.print(table)

    with voice.answering():
        asyncio.run(run())
