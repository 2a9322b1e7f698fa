"""Commands on the key file."""

import asyncio
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from bff.cli.desk import open_desk
from bff.cli.voice import REFUSED, voice_of
from bff.clock import SystemClock
from bff.key_documents import (
    Root,
    check,
    create_root,
    draft,
    load_root,
    read_documents,
    unlists_edge,
    write_documents,
)
from bff.key_rotation import running_out
from bff.keys import create_keys, load_keys
from bff.settings import Environment
from core.school.records import DocumentKind, SignedDocument
from terminals.chips import card_key, is_uid

keys = typer.Typer(no_args_is_help=True, help="Keys 密钥")

File = Annotated[Path, typer.Argument(help="The key file 密钥文件")]
For = Annotated[Environment, typer.Option("--for", help="Where it is used 用途")]
_KEYS = DocumentKind.KEYS
Drafts = Annotated[Path, typer.Argument(help="Key documents on their way 密钥文档")]


@keys.command("create")
def keys_create(context: typer.Context, file: File, made_for: For = Environment.PRODUCTION) -> None:
    """Write new keys to a file that only its owner reads 新建密钥文件."""
    voice = voice_of(context)
    with voice.answering(file):
        create_keys(file, made_for, os.urandom, SystemClock().now())
        voice.say(
            f"已写入 {file}，请备份，并设置 BFF_KEYS_FILE",
            f"Wrote {file}; back it up and set BFF_KEYS_FILE",
        )


@keys.command("check")
def keys_check(
    context: typer.Context,
    file: File,
    made_for: For = Environment.PRODUCTION,
    days: Annotated[
        int, typer.Option(help="Fail if a key runs out within so many 多少天内到期即报错", min=0)
    ] = 14,
) -> None:
    """Say whether the process would start with a file, also some days on 检查密钥文件."""
    voice = voice_of(context)
    with voice.answering(file):
        now = SystemClock().now()
        keys = load_keys(file, made_for, now)
        ending = ", ".join(running_out(keys, now + timedelta(days=days)))
        if ending:
            raise voice.refuse(
                f"{days} 天内到期：{ending}；请运行 bff keys next",
                f"Running out within {days} days: {ending}; run bff keys next",
                REFUSED,
            )
        voice.say(f"{file} 可用", f"{file} is fit for use")


@keys.command("root")
def keys_root(
    context: typer.Context,
    file: File,
    kid: Annotated[int, typer.Option(help="Its id, 1 to 255 编号", min=1, max=255)],
) -> None:
    """Write a new root key; keep it away from every server 新建根密钥，离线保管."""
    voice = voice_of(context)
    with voice.answering(file):
        root = create_root(file, kid, os.urandom)
        voice.say("写入密钥文件的 roots：", "For roots in the key file:")
        voice.out.print(f'"{root.kid}": "{root.public_key.hex()}"')


@keys.command("chip")
def keys_chip(
    context: typer.Context,
    file: File,
    school: Annotated[int, typer.Argument(help="The school 学校编号", min=0, max=65_535)],
    uid: Annotated[str, typer.Argument(help="The chip's number in hex 卡号")],
    made_for: For = Environment.PRODUCTION,
) -> None:
    """Print the key of one chip, for whoever makes the card 输出一张卡的密钥."""
    voice = voice_of(context)
    with voice.answering(file):
        made = load_keys(file, made_for, SystemClock().now()).chip_keys(school)
        if not made or not is_uid(uid.upper()):
            voice.say(
                "密钥文件没有 chips，或卡号不是 8 至 20 位十六进制",
                "The file has no chips, or the number is not 8 to 20 hex digits",
            )
            raise typer.Exit(1)
        voice.out.print(card_key(made[0], uid.upper()).hex())


@keys.command("draft")
def keys_draft(context: typer.Context, file: Drafts) -> None:
    """Write the key document of each school whose keys changed 拟出各校密钥文档."""
    voice = voice_of(context)

    async def run() -> None:
        async with open_desk() as desk:
            drafts = [
                draft(
                    desk.keys,
                    each.id,
                    await desk.documents.find_newest(each.id, _KEYS),
                    await desk.terminals.edge_keys(each.id),
                )
                for each in await desk.schools.list_all()
            ]
        changed = [each for each in drafts if each is not None]
        write_documents(file, changed)
        voice.say(
            f"{len(changed)} 份待签，见 {file}；用 bff keys sign 离线签名",
            f"{len(changed)} to sign in {file}; take it to a root: bff keys sign",
        )

    with voice.answering(file):
        asyncio.run(run())


@keys.command("endorse")
def keys_endorse(
    context: typer.Context,
    file: Drafts,
    root: Annotated[Path, typer.Option(help="The endorsing root's file 背书的根密钥文件")],
) -> None:
    """Endorse the new roots of drafts; another root signs then 为新的根密钥背书."""
    _by_root(context, file, root, Root.endorse)


@keys.command("sign")
def keys_sign(
    context: typer.Context,
    file: Drafts,
    root: Annotated[Path, typer.Option(help="The root key's file 根密钥文件")],
) -> None:
    """Sign drafts in place with a root key; needs no database 用根密钥签名."""
    _by_root(context, file, root, Root.sign)


@keys.command("publish")
def keys_publish(context: typer.Context, file: Drafts) -> None:
    """Give signed key documents to the terminals 发布密钥文档."""
    voice = voice_of(context)

    async def run() -> None:
        documents = read_documents(file)
        async with open_desk() as desk:
            for each in documents:
                check(desk.keys, each, await desk.terminals.edge_keys(each.issuer))
                if unlists_edge(await desk.documents.find_newest(each.issuer, _KEYS), each):
                    await desk.losses.check_unlisted(each.issuer)
            for each in documents:
                await desk.documents.publish(each, desk.operator)
        voice.say(f"已发布 {len(documents)} 份", f"Published {len(documents)}")

    with voice.answering(file):
        asyncio.run(run())


def _by_root(
    context: typer.Context,
    file: Path,
    root: Path,
    act: Callable[[Root, SignedDocument], SignedDocument],
) -> None:
    """What a root key does to drafts in place, and what it was done to."""
    voice = voice_of(context)
    with voice.answering(root):
        custodian = load_root(root)
        done = [act(custodian, each) for each in read_documents(file)]
        for each in done:
            voice.say(
                f"学校 {each.issuer}，第 {each.version} 版：{each.content.decode()}",
                f"School {each.issuer}, version {each.version}: {each.content.decode()}",
            )
        write_documents(file, done)
