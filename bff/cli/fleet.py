"""The fleet's command."""

from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from bff.cli.voice import REFUSED, UNUSABLE, Voice, voice_of
from bff.demo.process import ChildEnded
from bff.embedded import BinariesMissing, HomeInUse, HomeUnusable, StartFailed
from bff.fleet.day import Means
from bff.fleet.device import DayNotEnded, DeviceSilent
from bff.fleet.evidence import Event, Item
from bff.fleet.plan import Plan
from bff.fleet.run import Result, run
from bff.fleet.servers import NotReady
from clients.endpoint import NoAnswer
from clients.screen import yuan

_SHOWN = 20


def fleet(
    context: typer.Context,
    tills: Annotated[int, typer.Option(min=1, max=200, help="Tills 收银机")] = 50,
    gates: Annotated[int, typer.Option(min=0, max=100, help="Gates 门禁")] = 10,
    meters: Annotated[int, typer.Option(min=0, max=100, help="Water meters 水控")] = 10,
    records: Annotated[int, typer.Option(min=1, help="Sales taken offline 脱机交易笔数")] = 10_000,
    chaos: Annotated[
        bool, typer.Option("--chaos", help="Cuts, wrong clocks, relays, thieves 加入故障")
    ] = False,
    seed: Annotated[str, typer.Option(help="The same script again 随机种子")] = "1",
    data: Annotated[
        Path | None, typer.Option(help="Folder of the data, emptied at will 数据目录")
    ] = None,
) -> None:
    """Let a campus of devices lose lines and power, then prove the books 终端车队."""
    voice = voice_of(context)
    plan = Plan(tills, gates, meters, records, chaos, seed)
    try:
        result = run(plan, voice.progress, data)
    except KeyboardInterrupt:
        voice.say("已停止", "stopped")
        raise typer.Exit(REFUSED) from None
    except (BinariesMissing, HomeInUse, HomeUnusable) as fault:
        raise voice.refuse(str(fault), str(fault), UNUSABLE) from None
    except (ChildEnded, NotReady, StartFailed, NoAnswer, DeviceSilent, DayNotEnded) as fault:
        text = f"{type(fault).__name__}: {fault}"
        raise voice.refuse(text, text, REFUSED) from None
    _show(voice, result)
    if result.violations:
        raise typer.Exit(REFUSED)


def _show(voice: Voice, result: Result) -> None:
    """Tables, the violations if there are any, and the line that a script reads."""
    day, books, verdict = result.day, result.books, result.verdict
    _table(voice, ("出了什么事", "What was done to it"), day.counts["fault"] + day.counts["custom"])
    _table(voice, ("未成交", "Not sold"), day.counts["refused"])
    judged = Counter(_named(item) for item in books.items.values())
    _table(voice, ("脱机记录的判定", "Verdicts on offline records"), judged)
    if result.doors.opened:
        told = Counter(_named(event) for event in books.events.values())
        _table(voice, ("脱机通行的判定", "Verdicts on passages alone"), told)
    for violation in islice(verdict.violations, _SHOWN):
        voice.out.print(escape(f"{violation.promise}: {violation.witness}"))
    for finding in result.proof.findings:
        for witness in finding.witnesses:
            voice.out.print(escape(f"{finding.invariant.id}: {witness}"))
    voice.say(
        f"损失 {yuan(verdict.loss_minor)}，上限 {yuan(verdict.bound_minor)}；单人最多"
        f" {yuan(verdict.worst_minor)}，上限 {yuan(verdict.worst_bound_minor)}",
        f"Loss {yuan(verdict.loss_minor)} of at most {yuan(verdict.bound_minor)}; by one"
        f" cardholder {yuan(verdict.worst_minor)} of at most {yuan(verdict.worst_bound_minor)}",
    )
    means = Counter(made.means for made in day.goods.values())
    known = sum(map(day.knew_lost, day.goods.values()))
    safe = sum(made.clock_lost for made in result.doors.opened.values())
    voice.out.print(
        f"cards={means[Means.CARD]} receipts={means[Means.RECEIPT]} undone={len(day.undone)}"
        f" lost-and-known={known} doors-without-time={safe} new-keys={len(day.keys)}"
    )
    voice.out.print(
        f"goods={len(day.goods)} records={len(day.records)} judged={len(books.items)}"
        f" water={len(day.water)} doors={len(result.doors.opened)} events={len(books.events)}"
        f" batches={len(books.settlements)} seconds={result.seconds:.0f}"
        f" seed={result.plan.seed} violations={result.violations}"
    )


def _table(voice: Voice, head: tuple[str, str], counts: Counter[str]) -> None:
    table = voice.table(head, ("次数", "Times"))
    for name, count in counts.most_common():
        table.add_row(name, str(count))
    voice.out.print(table)


def _named(item: Item | Event) -> str:
    return " ".join(filter(None, (item.verdict, item.reason, *sorted(item.flags))))
