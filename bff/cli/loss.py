"""The command that shows what a school may lose offline, as it is and as it could be."""

import asyncio
from typing import Annotated

import typer
from rich.text import Text

from bff.cli.desk import School, open_desk
from bff.cli.voice import REFUSED, Voice, voice_of
from core.school.loss import Exposure, WhatIf
from core.school.policy import SITES_MAXIMUM

_BAR = 40
"""Characters of the longest bar."""


def loss(
    context: typer.Context,
    school: School,
    sites: Annotated[
        int | None,
        typer.Option(help="Sites a pass names; 16: no mask 一码可用站点", min=0, max=SITES_MAXIMUM),
    ] = None,
    edges: Annotated[
        bool | None, typer.Option(help="An edge at every site, or none 每站有无边缘机")
    ] = None,
    cap_class: Annotated[
        int | None, typer.Option(help="Least class of passes 额度等级", min=1, max=2)
    ] = None,
    reserve_minor: Annotated[
        int | None, typer.Option(help="Reserve in fen 备用金，分", min=0, max=100_000)
    ] = None,
    site_count: Annotated[
        int | None, typer.Option(help="Sites there are 站点数", min=1, max=SITES_MAXIMUM)
    ] = None,
    terminals: Annotated[
        int | None, typer.Option(help="Terminals at each 每站终端数", min=0, max=10_000)
    ] = None,
    cards: Annotated[
        bool | None, typer.Option(help="Cards pay alone, or not 实体卡可否脱机消费")
    ] = None,
) -> None:
    """Show the most that a stolen phone and card can cost, or what if 显示脱机损失上限."""
    voice = voice_of(context)
    asked = WhatIf(sites, edges, cap_class, reserve_minor, site_count, terminals, cards)

    async def run() -> tuple[Exposure, Exposure]:
        async with open_desk() as desk:
            school_id = await desk.school_id(school)
            losses = desk.losses
            return await losses.exposure(school_id), await losses.exposure(school_id, asked)

    with voice.answering():
        now, supposed = asyncio.run(run())
    _show(voice, now, ("现在", "Now"), now)
    if asked != WhatIf():
        _show(voice, supposed, ("假设", "What if"), now)
    elif now.is_on and not now.is_accepted:
        raise voice.refuse(
            "超出学校接受的损失", "This is more than the school's file accepts", REFUSED
        )


def _show(voice: Voice, found: Exposure, title: tuple[str, str], now: Exposure) -> None:
    """The sum as a sentence, then one bar a class; both tables share one scale."""
    named = [place for place in found.places if place.number < found.sites]
    terminals, edges = sum(p.terminals for p in named), sum(p.has_edge for p in named)
    figure, accepted = _yuan(found.loss_minor), _yuan(found.accepted_minor)
    phone, card = _yuan(found.phone_minor), found.card
    voice.say(
        f"{title[0]}：一人的手机和卡最多 {figure}（接受 {accepted}）。"
        f"手机每时段 {phone}：一码 {len(named)} 站，{terminals} 台终端，{edges} 台边缘机，"
        f"共 {found.authorities} 处各自判断；备用金 {_yuan(found.reserve_minor)}。"
        f"卡挂失后 {_yuan(card.loss_minor)}：{card.authorities} 台终端，{card.days} 天，"
        f"每台每天 {_yuan(card.authority_minor)}",
        f"{title[1]}: at most {figure} per stolen phone and card (accepted: {accepted})."
        f" The phone {phone} per slot: a pass names {len(named)} sites, {terminals} terminals,"
        f" {edges} edges: {found.authorities} decide alone; reserve"
        f" {_yuan(found.reserve_minor)}. The card {_yuan(card.loss_minor)} after its report:"
        f" {card.authorities} terminals, {card.days} days, {_yuan(card.authority_minor)} at each",
    )
    most = max([1, *(each.loss_minor for each in (*now.classes, *found.classes))])
    table = voice.table(
        ("等级", "Class"), ("每处", "At one"), ("合计", "At all"), ("", ""), ("", "")
    )
    for each in found.classes:
        length = round(_BAR * each.loss_minor / most)
        colour = "dim" if not each.is_issued else "green" if found.is_accepted else "red"
        note = "" if each.is_issued else voice.word("不发放", "not issued")
        table.add_row(
            str(each.cap_class), _yuan(each.authority_minor), _yuan(each.loss_minor),
            Text("█" * length or "▏", colour), note,
        )  # fmt: skip
    voice.out.print(table)


def _yuan(minor: int) -> str:
    return f"¥{minor // 100:,}.{minor % 100:02d}"
