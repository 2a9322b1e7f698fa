"""Commands on doors: where they are, how they open, and to whom."""

import asyncio
import re
from datetime import time
from typing import Annotated

import typer

from bff.cli.desk import School, open_desk
from bff.cli.registry import NameEn, NameZh
from bff.cli.voice import voice_of
from core.entry.records import Door, DoorScene, Groups, Pair, Passback

doors = typer.Typer(no_args_is_help=True, help="Doors 门禁")

_PAIR = re.compile(r"([0-9]{1,3}):([0-9]{1,2})", re.ASCII)


def pair(text: str) -> Pair:
    """`profile:bit` as its two numbers.

    Raises: typer.BadParameter.
    """
    found = _PAIR.fullmatch(text)
    if found is None:
        raise typer.BadParameter("profile:bit, such as 7:0")
    return Pair(int(found[1]), int(found[2]))


def clock_time(text: str) -> time:
    """`HH:MM`.

    Raises: typer.BadParameter.
    """
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("HH:MM") from None


Terminal = Annotated[int, typer.Option(min=1, help="Number of its terminal 终端编号")]
Number = Annotated[int, typer.Option("--door", min=1, help="Its number there, 1 to 32 门号")]
Zone = Annotated[str, typer.Option(help="Zone it leads into, a-z, 0-9 and - 区域")]
Pairs = Annotated[
    list[Pair] | None,
    typer.Option("--pair", parser=pair, help="Opens to profile:bit; may be repeated 档位:组位"),
]
Clock = Annotated[time | None, typer.Option(parser=clock_time, help="HH:MM, the school's clock")]


@doors.command("put")
def door_put(
    context: typer.Context,
    school: School,
    terminal: Terminal,
    door: Number,
    zone: Zone,
    name_zh: NameZh,
    name_en: NameEn,
    scene: Annotated[DoorScene, typer.Option(help="What it stands before 场景")] = DoorScene.GATE,
    common: Annotated[
        bool, typer.Option("--common/--restricted", help="Open to all with entry 对全体开放")
    ] = True,
    pairs: Pairs = None,
    passback: Annotated[
        Passback | None, typer.Option(help="Of the whole zone; unsaid: as it is 防反潜回")
    ] = None,
    opens: Clock = None,
    closes: Clock = None,
    opens_on_lost_clock: Annotated[
        bool, typer.Option("--opens-on-lost-clock", help="Life safety 时钟失准时仍放行")
    ] = False,
) -> None:
    """Add a door of a terminal or change it whole 添加或更改门."""
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            school_id = await desk.school_id(school)
            given = Door(
                terminal, door, name_zh, name_en, zone, passback or Passback.OFF, scene, common,
                tuple(pairs or ()), opens, closes, opens_on_lost_clock,
            )  # fmt: skip
            put = await desk.doors.put(
                school_id, given, desk.operator, keep_passback=passback is None
            )
        voice.say(
            f"终端 {terminal} 门 {door}：{name_zh}，区域 {zone}，防反潜回 {put.passback}",
            f"Door {door} of terminal {terminal}: {name_en}, zone {zone}, passback {put.passback}",
        )

    with voice.answering():
        asyncio.run(run())


@doors.command("list")
def door_list(context: typer.Context, school: School) -> None:
    """List a school's doors 列出门."""
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            found = await desk.doors.list_all(await desk.school_id(school))
        table = voice.table(
            ("终端", "Terminal"), ("门", "Door"), ("名称", "Name"), ("场景", "Scene"),
            ("区域", "Zone"), ("防反潜回", "Passback"), ("开放", "Open to"),
        )  # fmt: skip
        for each in found:
            table.add_row(
                str(each.terminal_no), str(each.number), f"{each.name_zh} {each.name_en}",
                each.scene, each.zone, each.passback, _open_to(each),
            )  # fmt: skip
        voice.out.print(table)

    with voice.answering():
        asyncio.run(run())


@doors.command("inside")
def door_inside(
    context: typer.Context,
    zone: Annotated[str, typer.Argument(help="The zone 区域")],
    school: School,
) -> None:
    """Count who is inside a zone, as far as its doors saw 统计区域内人数."""
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            count = await desk.passages.count_inside(await desk.school_id(school), zone)
        voice.say(f"区域 {zone} 内 {count} 人", f"{count} inside {zone}")

    with voice.answering():
        asyncio.run(run())


@doors.command("grant")
def door_grant(
    context: typer.Context,
    number: Annotated[str, typer.Argument(help="Number of the cardholder 学工号")],
    school: School,
    profile: Annotated[int, typer.Option(min=0, max=255, help="Entry profile 档位")],
    reason: Annotated[str, typer.Option(help="Why, for the audit 原因")],
    group: Annotated[
        list[int] | None,
        typer.Option(min=0, max=15, help="Group bit; may be repeated, none takes all 组位"),
    ] = None,
) -> None:
    """Set the door groups that a cardholder opens under a profile 授予通行组."""
    voice = voice_of(context)
    mask = sum(1 << bit for bit in set(group or ()))

    async def run() -> None:
        async with open_desk() as desk:
            school_id = await desk.school_id(school)
            groups = Groups(profile, mask)
            await desk.doors.put_groups(school_id, number, groups, reason, desk.operator)
        shown = sorted(set(group or ()))
        voice.say(
            f"{number} 档位 {profile} 的通行组：{shown}",
            f"Groups of {number} under profile {profile}: {shown}",
        )

    with voice.answering():
        asyncio.run(run())


def _open_to(door: Door) -> str:
    pairs = [f"{each.profile}:{each.bit}" for each in door.pairs]
    return " ".join(["*", *pairs] if door.common else pairs)
