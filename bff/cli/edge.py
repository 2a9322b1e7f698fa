"""Commands on a site's edge: enrol it, serve the terminals of its site."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import httpx2
import typer
import uvicorn

from bff.cli.serve import HOST
from bff.cli.voice import REFUSED, Voice, voice_of
from bff.clock import SystemClock
from bff.edge.app import Edge, build_edge_app
from bff.edge.authority import EdgeAuthority
from bff.edge.uplink import PATIENT_SECONDS, Uplink
from bff.journal import SqliteEdgeJournal
from bff.reporting import report
from clients.endpoint import Endpoint, NoAnswer
from clients.terminal.journal import Journal, NotEnrolled
from clients.terminal.protocol import Line, enrol

edges = typer.Typer(no_args_is_help=True, help="Site edges 站点边缘机")

PORT = 8_100
CONNECT_SECONDS = 1.0
CONNECTIONS = 256
"""More than a canteen has terminals."""

File = Annotated[Path, typer.Option("--journal", help="The edge's own file 边缘机的文件")]
Server = Annotated[str, typer.Option("--server", help="Where the server is 服务器地址")]
_FILE = Path("edge.db")


@edges.command("enrol")
def edge_enrol(
    context: typer.Context,
    issuer: Annotated[int, typer.Argument(min=0, help="The school's number 学校编号")],
    code: Annotated[str, typer.Argument(help="Activation code of an EDGE 激活码")],
    server: Server,
    journal: File = _FILE,
    serial: Annotated[str, typer.Option(help="Serial number of this machine 序列号")] = "EDGE-1",
) -> None:
    """Make the edge's key and register it with its activation code 激活边缘机."""
    voice = voice_of(context)

    async def run() -> None:
        async with _http(server) as http:
            identity, answer = await enrol(
                Endpoint(http), issuer, code, "bff edge", serial, os.urandom
            )
        with Journal(journal) as opened:
            opened.enrol(identity)
        voice.say(
            f"边缘机 {identity.issuer}-{identity.terminal_no}，指纹 {answer['fingerprint']}："
            "请管理员核对确认，再发布密钥文档",
            f"Edge {identity.issuer}-{identity.terminal_no}, fingerprint {answer['fingerprint']}:"
            " school IT confirms it, then publishes the key document",
        )

    with voice.answering(journal):
        try:
            asyncio.run(run())
        except NoAnswer as none:
            raise _unanswered(voice, none) from None


@edges.command("serve")
def edge_serve(
    context: typer.Context,
    server: Server,
    journal: File = _FILE,
    host: Annotated[str, typer.Option(help="Where to listen 监听地址")] = HOST,
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port 端口")] = PORT,
) -> None:
    """Answer the terminals of this site, with and without a line 为本站点终端服务."""
    voice = voice_of(context)

    async def run() -> None:
        async with opened_edge(journal, server) as edge:
            voice.say(
                f"在 http://{host}:{port}/graphql 为终端服务，转发到 {server}",
                f"Serving terminals at http://{host}:{port}/graphql, forwarding to {server}",
            )
            config = uvicorn.Config(
                build_edge_app(edge), host=host, port=port, access_log=False,
                server_header=False, log_level="warning", timeout_graceful_shutdown=5,
                limit_concurrency=CONNECTIONS,
            )  # fmt: skip
            await uvicorn.Server(config).serve()

    with voice.answering(journal):
        try:
            asyncio.run(run())
        except NotEnrolled:
            raise voice.refuse(
                f"{journal} 尚未激活，请先运行 bff edge enrol",
                f"{journal} is not enrolled; run bff edge enrol first",
            ) from None


@asynccontextmanager
async def opened_edge(journal: Path, server: str) -> AsyncIterator[Edge]:
    """The edge of a file.

    Raises: NotEnrolled.
    """
    clock = SystemClock()
    with Journal(journal) as opened:
        _ = opened.identity
        async with _http(server) as http:
            line = Line(
                Endpoint(http), opened, lambda: clock.now().timestamp(), os.urandom, is_edge=True
            )
            authority = EdgeAuthority(opened, line, SqliteEdgeJournal(opened))
            yield Edge(line, Uplink(http), authority, report)


def _http(server: str) -> httpx2.AsyncClient:
    timeout = httpx2.Timeout(PATIENT_SECONDS, connect=CONNECT_SECONDS)
    return httpx2.AsyncClient(base_url=server, timeout=timeout)


def _unanswered(voice: Voice, none: NoAnswer) -> typer.Exit:
    return voice.refuse(
        f"服务器未应答：{none.reason}", f"The server did not answer: {none.reason}", REFUSED
    )
