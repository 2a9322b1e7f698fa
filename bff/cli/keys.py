"""Commands on the key file."""

import os
from pathlib import Path
from typing import Annotated

import typer

from bff.cli.desk import SystemClock
from bff.cli.voice import voice_of
from bff.keys import create_keys, load_keys
from bff.settings import Environment

keys = typer.Typer(no_args_is_help=True, help="Keys 密钥")

File = Annotated[Path, typer.Argument(help="The key file 密钥文件")]
For = Annotated[Environment, typer.Option("--for", help="Where it is used 用途")]


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
def keys_check(context: typer.Context, file: File, made_for: For = Environment.PRODUCTION) -> None:
    """Say whether the process would start with a file 检查密钥文件."""
    voice = voice_of(context)
    with voice.answering(file):
        load_keys(file, made_for, SystemClock().now())
        voice.say(f"{file} 可用", f"{file} is fit for use")
