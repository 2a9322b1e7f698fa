"""Commands for a school's IT: its sign-on linted, checked, mapped, tried and reloaded (sso.md 8).

None of them needs the password of any user.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from adapters.sso.api import Check, Level, Problem, SettingsInvalid
from adapters.sso.check import Mapped, WebViewFile, check, map_sample
from adapters.sso.connection import Connection
from adapters.sso.settings import read_table
from bff.cli.desk import lint_parts, open_desk
from bff.cli.voice import REFUSED, UNUSABLE, Voice, voice_of
from bff.connections import (
    Generation,
    check_file,
    open_generation,
    sign_on_setting,
    sign_on_tables,
)
from bff.settings import load_settings
from core.school.policy_file import SchoolFile, parse_school_file

sign_ons = typer.Typer(no_args_is_help=True, help="Campus sign-on 统一身份认证")

WARNED = UNUSABLE
_MARKS = {Level.OK: "[green]✓[/]", Level.WARN: "[yellow]![/]", Level.FAIL: "[red]✗[/]",
          Level.SKIP: "[dim]–[/]"}  # fmt: skip

Target = Annotated[
    str, typer.Argument(help="A school's code or number, or its file 学校代码、编号或学校文件")
]
File = Annotated[Path, typer.Argument(help="A school's TOML file 学校文件")]
ProviderId = Annotated[str, typer.Argument(help="The id in [[sso]] 认证源代码")]
SchoolName = Annotated[str, typer.Argument(help="A school's code or number 学校代码或编号")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON 输出 JSON")]


@sign_ons.command("lint")
def lint(
    context: typer.Context,
    file: File,
    school: Annotated[
        str | None, typer.Option(help="Compare with its file in force 与该校现行文件比较")
    ] = None,
) -> None:
    """Name everything wrong with a file without asking any server 静态检查."""
    voice = voice_of(context)

    async def run() -> int:
        text = file.read_text("utf-8")
        if school is None:
            return len(sign_on_tables(await check_file(text, lint_parts())))
        async with open_desk() as desk:
            before = (await desk.schools.in_force(await desk.school_id(school))).file
            return len(sign_on_tables(await check_file(text, desk.parts, before)))

    with voice.answering(file):
        count = asyncio.run(run())
        voice.say(f"{file} 正确：{count} 个认证源", f"{file} is good: sign-ons: {count}")


@sign_ons.command("check")
def check_(
    context: typer.Context,
    school: Target,
    provider: Annotated[str | None, typer.Argument(help="Only this one 仅此认证源")] = None,
    web_view_file: Annotated[
        Path | None,
        typer.Option(
            help="The mini-program operator's file, looked for at every host 业务域名校验文件"
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with 2 on a warning 有警告也算失败")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Probe the school's servers and say how to mend what is wrong 探测学校的认证服务器."""
    voice = voice_of(context)

    async def run() -> "Report":
        async with _opened(school) as (file, opened):
            wanted = _wanted(voice, opened, provider)
            report = Report(file.school.code, _problems(file, opened, provider))
            with voice.progress("探测", "Probing") as told:
                for done, connection in enumerate(wanted, start=1):
                    report.checks[connection.id] = await check(connection, wanted_file)
                    told(done, len(wanted))
            return report

    with voice.answering(web_view_file or Path(school)):
        wanted_file = _web_view_file(web_view_file)
        report = asyncio.run(run())
    if as_json:
        typer.echo(json.dumps(report.as_json(), ensure_ascii=False, indent=1))
    else:
        _print(voice, report)
    raise typer.Exit(report.exit_code(strict=strict))


@sign_ons.command("map")
def map_(
    context: typer.Context,
    file: File,
    provider: ProviderId,
    sample: Annotated[Path, typer.Option(help="A saved answer of the server 保存的应答")],
    as_json: AsJson = False,
) -> None:
    """Show what the attribute map makes of a saved answer, offline 离线试映射."""
    voice = voice_of(context)
    with voice.answering(file):
        tables = sign_on_tables(parse_school_file(file.read_text("utf-8")))
        place = next((n for n, each in enumerate(tables) if each.get("id") == provider), None)
        if place is None:
            raise _unknown(voice, provider, [str(each.get("id")) for each in tables])
        try:
            read = read_table(tables[place], sign_on_setting({}, lint_parts()), place)
        except SettingsInvalid as invalid:
            raise voice.refuse(*_told(invalid.problems), REFUSED) from None
        mapped = map_sample(read, sample.read_bytes())
    if as_json:
        typer.echo(json.dumps(_mapped_json(mapped), ensure_ascii=False, indent=1))
    else:
        _print_mapped(voice, mapped)
    raise typer.Exit(REFUSED if mapped.error else 0)


@sign_ons.command("test-login")
def test_login(context: typer.Context, school: SchoolName, provider: ProviderId) -> None:
    """Print an address to sign in at: it shows what comes back and keeps nothing 测试登录."""
    voice = voice_of(context)

    async def run() -> str:
        settings = load_settings()
        settings.needed("redis_url")
        async with open_desk() as desk:
            school_id = await desk.school_id(school)
            start = await desk.campus.begin_test(school_id, provider)
        return f"{settings.browser_url}/sso/{school_id}/{provider}/start/{start}"

    with voice.answering():
        url = asyncio.run(run())
        voice.say(
            "两分钟内用浏览器打开以下地址；只显示结果，不建立会话：",
            "Open this in a browser within 2 minutes; it only shows what comes back:",
        )
        typer.echo(url)


@sign_ons.command("reload")
def reload(context: typer.Context, school: SchoolName) -> None:
    """Read the school's file and its secrets anew; begun sign-ons end as they began 重新加载."""
    voice = voice_of(context)

    async def run() -> int:
        async with open_desk() as desk:
            school_id = await desk.school_id(school)
            return await desk.schools.renew(school_id, desk.operator)

    with voice.answering():
        version = asyncio.run(run())
        voice.say(f"版本 {version} 将在 30 秒内生效", f"Version {version} is in force within 30 s")


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found: settings that keep a sign-on closed, and the probes of the others."""

    school: str
    problems: Sequence[Problem]
    checks: dict[str, list[Check]] = field(default_factory=dict)

    def count(self, level: Level) -> int:
        """How many probes went so."""
        return sum(each.level is level for found in self.checks.values() for each in found)

    def exit_code(self, *, strict: bool) -> int:
        """0 if all is well, 1 if something failed, 2 for a warning where that counts."""
        if self.problems or self.count(Level.FAIL):
            return REFUSED
        return WARNED if strict and self.count(Level.WARN) else 0

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "school": self.school,
            "problems": [asdict(each) for each in self.problems],
            "providers": {
                name: [asdict(each) for each in found] for name, found in self.checks.items()
            },
        }


def _web_view_file(path: Path | None) -> WebViewFile | None:
    return None if path is None else WebViewFile(path.name, path.read_bytes())


@asynccontextmanager
async def _opened(target: str) -> AsyncIterator[tuple[SchoolFile, Generation]]:
    """The connections of a school's file in force, or of a file before it is."""
    if target.endswith(".toml"):
        file = parse_school_file(await asyncio.to_thread(Path(target).read_text, "utf-8"))
        opened = open_generation(file, lint_parts())
    else:
        async with open_desk() as desk:
            file = (await desk.schools.in_force(await desk.school_id(target))).file
            opened = open_generation(file, desk.parts)
    try:
        yield file, opened
    finally:
        await opened.close()


def _wanted(voice: Voice, opened: Generation, provider: str | None) -> list[Connection]:
    if provider is None:
        return list(opened.sign_ons.values())
    if provider not in opened.sign_ons and not opened.problems:
        raise _unknown(voice, provider, list(opened.sign_ons))
    return [each for each in opened.sign_ons.values() if each.id == provider]


def _problems(file: SchoolFile, opened: Generation, provider: str | None) -> list[Problem]:
    """Those of the sign-ons: what is wrong with a channel is not asked here."""
    ids = [table.get("id") for table in sign_on_tables(file)]
    return [
        each
        for each in opened.problems
        if (place := each.key.split("."))[0] == "sso"
        and (provider is None or ids[int(place[1])] == provider)
    ]


def _unknown(voice: Voice, provider: str, known: Sequence[str]) -> typer.Exit:
    names = ", ".join(known) or "—"
    return voice.refuse(
        f"没有认证源 {provider}，已有：{names}", f"There is no sign-on {provider}; known: {names}"
    )


def _told(problems: Sequence[Problem]) -> tuple[str, str]:
    zh = "\n".join(f"{each.key}: {each.text.zh}" for each in problems)
    en = "\n".join(f"{each.key}: {each.text.en}" for each in problems)
    return zh, en


def _print(voice: Voice, report: Report) -> None:
    for problem in report.problems:
        text = voice.word(problem.text.zh, problem.text.en)
        voice.out.print(f"{_MARKS[Level.FAIL]} {escape(f'{problem.key}: {text}')}")
    for name, found in report.checks.items():
        voice.out.print(f"[bold]{escape(name)}[/]")
        for each in found:
            detail = voice.word(each.detail.zh, each.detail.en)
            voice.out.print(f"  {_MARKS[each.level]} {escape(f'{each.name}: {detail}')}")
            fix = voice.word(each.fix.zh, each.fix.en)
            if fix:
                voice.out.print(f"      → {escape(fix)}")
    failed = report.count(Level.FAIL) + len(report.problems)
    good, warned = report.count(Level.OK), report.count(Level.WARN)
    voice.say(
        f"正常 {good}，警告 {warned}，失败 {failed}",
        f"ok: {good}, warnings: {warned}, failed: {failed}",
    )


def _mapped_json(mapped: Mapped) -> dict[str, Any]:
    return {
        "released": {name: list(values) for name, values in mapped.released.items()},
        "identity": _kept(mapped),
        "error": None if mapped.error is None else f"{mapped.error.code}: {mapped.error.hint}",
    }


def _kept(mapped: Mapped) -> Mapping[str, str] | None:
    if mapped.identity is None:
        return None
    return {name: value for name, value in asdict(mapped.identity).items() if value is not None}


def _print_mapped(voice: Voice, mapped: Mapped) -> None:
    voice.say("学校给出的属性：", "What the school released:")
    for name, values in mapped.released.items():
        voice.out.print(f"  {escape(name)} = {escape(', '.join(values))}")
    if mapped.error is not None:
        voice.say(f"映射失败：{mapped.error.hint}", f"The map failed: {mapped.error.hint}")
        return
    voice.say("映射后保留：", "What the map keeps:")
    for name, value in (_kept(mapped) or {}).items():
        voice.out.print(f"  {escape(name)} = {escape(value)}")
