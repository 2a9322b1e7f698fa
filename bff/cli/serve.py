"""The command that answers requests."""

import os
from typing import Annotated

import typer
import uvicorn

from bff.app import create
from bff.cli.voice import voice_of
from bff.settings import load_settings

HOST = "127.0.0.1"
BACKLOG = 64
SOCKET_BYTES = 64 * 1024


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Where to listen 监听地址")] = HOST,
    port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="BFF_PORT if unsaid 端口")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes 进程数")] = None,
) -> None:
    """Answer GraphQL requests 启动服务."""
    voice = voice_of(context)
    with voice.answering():
        settings = load_settings()
        create()  # what is wrong with settings, keys or documents is told here, once
    count = workers or settings.workers
    # Each server process reads the settings anew; it has to learn how many share the limits.
    os.environ["BFF_WORKERS"] = str(count)  # noqa: TID251 - written, not read
    voice.say(
        f"在 http://{host}:{port or settings.port}/graphql 提供服务，{count} 个进程",
        f"Serving http://{host}:{port or settings.port}/graphql with {count} processes",
    )
    uvicorn.run(
        "bff.app:create",
        factory=True,
        host=host,
        port=port or settings.port,
        workers=count,
        backlog=BACKLOG,
        ws="websockets-sansio",
        ws_max_size=SOCKET_BYTES,
        access_log=False,
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=10,
    )
