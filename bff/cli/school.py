"""Commands on schools and their policy files."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bff.cli.desk import School, lint_parts, open_desk
from bff.cli.voice import voice_of
from bff.connections import check_file
from core.school.policy_diff import policy_diff
from core.school.policy_file import parse_school_file

schools = typer.Typer(no_args_is_help=True, help="Schools 学校")
policies = typer.Typer(no_args_is_help=True, help="Policy files 学校文件")

File = Annotated[Path, typer.Argument(help="A school's TOML file 学校文件")]


@schools.command("add")
def school_add(context: typer.Context, file: File) -> None:
    """Add the school that a file describes 添加学校."""
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            text = file.read_text("utf-8")
            await check_file(text, desk.parts)
            school = await desk.schools.add(text, desk.operator)
        voice.say(
            f"已添加学校 {school.id}：{school.name_zh}",
            f"Added school {school.id}: {school.name_en}",
        )

    with voice.answering(file):
        asyncio.run(run())


@schools.command("list")
def school_list(context: typer.Context) -> None:
    """List the schools 列出学校."""
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            found = await desk.schools.list_all()
        table = voice.table(("编号", "Number"), ("代码", "Code"), ("名称", "Name"))
        for school in found:
            table.add_row(str(school.id), school.code, voice.word(school.name_zh, school.name_en))
        voice.out.print(table)

    with voice.answering():
        asyncio.run(run())


@policies.command("check")
def policy_check(context: typer.Context, file: File) -> None:
    """Name everything wrong with a file; needs no database 检查学校文件."""
    voice = voice_of(context)
    with voice.answering(file):
        school = asyncio.run(check_file(file.read_text("utf-8"), lint_parts())).school
        voice.say(f"{file} 正确：{school.name_zh}", f"{file} is good: {school.name_en}")


@policies.command("diff")
def policy_diff_(context: typer.Context, old: File, new: File) -> None:
    """Say what changes between two files; needs no database 比较学校文件."""
    voice = voice_of(context)
    with voice.answering(old):
        before = parse_school_file(old.read_text("utf-8")).policy
    with voice.answering(new):
        after = parse_school_file(new.read_text("utf-8")).policy
    changes = policy_diff(before, after)
    for change in changes:
        voice.say(change.zh, change.en)
    if not changes:
        voice.say("两份文件效果相同", "Both files decide alike")


@policies.command("show")
def policy_show(context: typer.Context, school: School) -> None:
    """Print a school's file as it is in force 打印现行学校文件."""
    voice = voice_of(context)

    async def run() -> str:
        async with open_desk() as desk:
            return await desk.schools.source(await desk.school_id(school))

    with voice.answering():
        typer.echo(asyncio.run(run()), nl=False)


@policies.command("activate")
def policy_activate(
    context: typer.Context,
    file: File,
    school: School,
    force: Annotated[
        bool, typer.Option("--force", help="Although its connections have faults 连接有误也启用")
    ] = False,
) -> None:
    """Put a school's new file in force 启用新的学校文件."""
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            text = file.read_text("utf-8")
            school_id = await desk.school_id(school)
            if not force:
                in_force = await desk.schools.in_force(school_id)
                await check_file(text, desk.parts, in_force.file)
            version = await desk.schools.policy_activate(school_id, text, desk.operator)
        voice.say(f"现行版本：{version}", f"Version in force: {version}")

    with voice.answering(file):
        asyncio.run(run())
