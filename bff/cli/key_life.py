"""Commands that let one key follow another; each changes the key file and nothing else."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from bff.cli.voice import REFUSED, Voice, voice_of
from bff.clock import SystemClock
from bff.key_rotation import (
    LEAD_DAYS,
    LEAD_DAYS_MINIMUM,
    KeyState,
    RotationImpossible,
    lines,
    next_keys,
    next_root,
    rewrite,
    withdraw,
)
from bff.keys import USES, read_keys
from core.kit.clock import from_unix
from terminals.keys import KeyUse

File = Annotated[Path, typer.Argument(help="The key file 密钥文件")]
_OWN = tuple(USES)
_STATES = {
    KeyState.COMING: "待启用",
    KeyState.SIGNS: "签名中",
    KeyState.VERIFIES: "仅验签",
    KeyState.DROPPED: "已过期",
    KeyState.WITHDRAWN: "已撤销",
}


def add_to(keys: typer.Typer) -> None:
    """Puts these commands among those on the key file."""
    keys.command("show")(keys_show)
    keys.command("next")(keys_next)
    keys.command("withdraw")(keys_withdraw)
    keys.command("next-root")(keys_next_root)


def keys_show(context: typer.Context, file: File) -> None:
    """List the signing keys of a file and where each stands 列出签名密钥."""
    voice = voice_of(context)
    with voice.answering(file):
        found = lines(read_keys(file), SystemClock().now())
    table = voice.table(
        ("编号", "kid"), ("用途", "Use"), ("状态", "State"), ("开始签名", "Signs from"),
        ("停止签名", "Signs until"),
    )  # fmt: skip
    for line in found:
        state = voice.word(_STATES[line.state], line.state)
        since, until = (
            f"{from_unix(at):%Y-%m-%d %H:%M}" for at in (line.sign_from, line.sign_until)
        )
        table.add_row(str(line.kid), line.use, state, since, until)
    voice.out.print(table)


def keys_next(
    context: typer.Context,
    file: File,
    use: Annotated[
        list[KeyUse] | None, typer.Option(help="Only this use; default all 只为此用途")
    ] = None,
    days: Annotated[
        int,
        typer.Option(
            help="It signs after so many, so that terminals know it 几天后启用",
            min=LEAD_DAYS_MINIMUM,
            max=90,
        ),
    ] = LEAD_DAYS,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Signs now: the last one has run out 立即启用")
    ] = False,
) -> None:
    """Add the keys of the next quarter; again changes nothing 加入下一季度的密钥."""
    voice = voice_of(context)
    wanted = [each for each in _OWN if use is None or each in use]
    with voice.answering(file), _possible(voice):
        now = SystemClock().now()
        keys = read_keys(file)
        starts = now if at_once else now + timedelta(days=days)
        made = next_keys(keys, wanted, starts, now, os.urandom)
        added = made.signing[len(keys.signing) :]
        if added:
            rewrite(file, made)
        named = ", ".join(f"{seed.use} {seed.kid}" for seed in added) or "0"
        voice.say(
            f"新增：{named}。接着：备份，bff keys draft，sign，publish，再重启",
            f"Added: {named}. Now back it up; bff keys draft, sign, publish; restart",
        )


def keys_withdraw(
    context: typer.Context,
    file: File,
    kid: Annotated[int, typer.Option(help="The key that leaked 泄露的密钥编号", min=1, max=255)],
) -> None:
    """Withdraw a key that leaked and put another in its place 撤销泄露的密钥."""
    voice = voice_of(context)
    with voice.answering(file), _possible(voice):
        keys = read_keys(file)
        made = withdraw(keys, kid, SystemClock().now(), os.urandom)
        rewrite(file, made)
        fresh = made.signing[-1].kid
        voice.say(
            f"已撤销 {kid}，替换为 {fresh}。立即：bff keys draft，sign，publish，重启",
            f"Withdrew {kid}; in its place {fresh}. Now bff keys draft, sign, publish; restart",
        )


def keys_next_root(
    context: typer.Context,
    file: File,
    kid: Annotated[int, typer.Option(help="Id of the new root 新根编号", min=1, max=255)],
    public_key: Annotated[str, typer.Option(help="As bff keys root printed it 新根公钥")],
    leaving: Annotated[
        int | None, typer.Option(help="The root that it replaces 换下的根", min=1, max=255)
    ] = None,
) -> None:
    """Name a new root in the file; both custodians sign its first document 更换根密钥."""
    voice = voice_of(context)
    with voice.answering(file), _possible(voice):
        keys = read_keys(file)
        made = next_root(keys, kid, _bytes(public_key), leaving)
        rewrite(file, made)
        others = [each for each in keys.roots if each != leaving]
        endorser = leaving or (others[1] if len(others) > 1 else kid)
        signer = next(each for each in others if each != endorser)
        voice.say(
            f"根：{', '.join(map(str, sorted(made.roots)))}。接着：bff keys draft，"
            f"由根 {endorser} endorse，由根 {signer} sign，publish，再重启",
            f"Roots: {', '.join(map(str, sorted(made.roots)))}. Now bff keys draft; endorse with"
            f" root {endorser}; sign with root {signer}; publish; restart",
        )


def _bytes(text: str) -> bytes:
    """The bytes of hex digits; none for what is no hex, which is no key either."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


@contextmanager
def _possible(voice: Voice) -> Iterator[None]:
    try:
        yield
    except RotationImpossible as impossible:
        raise voice.refuse(impossible.zh, impossible.en, REFUSED) from None
