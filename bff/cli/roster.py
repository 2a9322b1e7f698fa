"""Commands on a school's roster."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from bff.cli.desk import School, open_desk
from bff.cli.voice import REFUSED, Voice, voice_of
from core.identity.records import RosterReport, RowRefusal
from core.identity.roster_rows import error_file, leaver_file
from core.kit.money import decimal_text

rosters = typer.Typer(no_args_is_help=True, help="Rosters 名册")

File = Annotated[Path, typer.Argument(help="The roster, CSV or XLSX 名册文件")]
Errors = Annotated[
    Path | None,
    typer.Option(
        "--errors",
        help="Where refused rows are listed, leavers beside it 被拒行; default: beside the file",
    ),
]
LEAVERS_SHOWN = 10


@rosters.callback()
def group() -> None:
    """Rosters 名册."""


@rosters.command("import")
def roster_import(
    context: typer.Context, file: File, school: School, errors: Errors = None
) -> None:
    """Import a roster row by row; the same file again changes nothing 导入名册."""
    voice = voice_of(context)
    refusals: list[RowRefusal] = []
    listed = errors or file.with_suffix(".errors.csv")
    if listed.resolve() == file.resolve():
        raise voice.refuse("--errors 不能是名册本身", "--errors must not be the roster itself")
    with voice.answering(file):
        report = asyncio.run(_import(voice, file.read_bytes(), school, refusals))
        _tell(voice, report)
        if _listed(listed, error_file(refusals), len(refusals)):
            voice.say(f"被拒的行见 {listed}", f"The refused rows are listed in {listed}")
        gone = listed.with_name(f"{file.stem}.leavers.csv")
        if _listed(gone, leaver_file(report.leavers), len(report.leavers)):
            voice.say(f"名册中没有的人见 {gone}", f"The leavers are listed in {gone}")
        if not report.is_reconciled:
            raise voice.refuse(
                "旧卡余额与账务不符，请立即上报",
                "The old balances differ from the ledger; report it at once",
                REFUSED,
            )


async def _import(
    voice: Voice, data: bytes, school: str, refusals: list[RowRefusal]
) -> RosterReport:
    async with open_desk() as desk:
        school_id = await desk.school_id(school)
        with voice.progress("导入名册", "Importing the roster") as progress:
            return await desk.roster.import_file(
                school_id, data, desk.operator.id, refusals.append, progress
            )


def _listed(path: Path, lines: Iterable[bytes], count: int) -> bool:
    """Whether the file lists anything now; one of an earlier import is written anew."""
    if count or path.exists():
        path.write_bytes(b"".join(lines))
    return count > 0


def _tell(voice: Voice, report: RosterReport) -> None:
    if report.leavers:
        more = ["…"] if len(report.leavers) > LEAVERS_SHOWN else []
        names = " ".join([*report.leavers[:LEAVERS_SHOWN], *more])
        voice.say(f"名册中没有，未改动：{names}", f"Not in the roster, left as they are: {names}")
    voice.say(
        f"读取 {report.rows_read} 行：新增 {report.created}，更改 {report.changed}，"
        f"未变 {report.unchanged}，被拒 {report.refused}；名册中没有 {len(report.leavers)} 人",
        f"Read {report.rows_read} rows: {report.created} created, {report.changed} changed,"
        f" {report.unchanged} unchanged, {report.refused} refused; {len(report.leavers)} leavers",
    )
    file, posted, before = map(
        decimal_text, (report.file_minor, report.posted_minor, report.already_minor)
    )
    proof = ("，核对一致", "; reconciled") if report.is_reconciled else ("", "")
    voice.say(
        f"旧卡余额 {file} 元：本次转入 {posted} 元，此前已转入 {before} 元{proof[0]}",
        f"Old balances of {file} yuan: {posted} posted now, {before} posted before{proof[1]}",
    )
    if not (report.created or report.changed or report.posted_minor):
        voice.say("没有任何更改", "Nothing changed")
