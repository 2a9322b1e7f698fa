"""The command that proves a terminal: the scripted server, its page, and the report."""

import asyncio
import os
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from rich.markup import escape

from bff.cli.voice import REFUSED, Voice, voice_of
from bff.clock import SystemClock
from bff.conformance.application import build
from bff.conformance.evidence import Event
from bff.conformance.expectations import PAGE, Mark, judge
from bff.conformance.play import Play, Prompt
from bff.conformance.report import SUFFIXES, Report, cells, printable
from bff.conformance.school import ISSUER
from bff.conformance.steps import Kind, Part, Question
from bff.conformance.telling import QUESTIONS, choices, line_of
from clients.screen import qr

PORT = 9410
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_LOOK_SECONDS = 0.1
_COLOURS = {Mark.RIGHT: "green", Mark.WRONG: "bold red", Mark.UNSEEN: "yellow"}


def conformance(
    context: typer.Context,
    kind: Annotated[Kind, typer.Option(help="What the terminal is 终端类型")] = Kind.TILL,
    host: Annotated[
        str, typer.Option(help="Where to listen; 0.0.0.0 opens it to your network 监听地址")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port, 0: any 端口")] = PORT,
    without: Annotated[
        list[Part] | None, typer.Option(help="What the terminal never does 终端不支持的部分")
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(help="PEM with certificate and key: serve HTTPS 证书与私钥"),
    ] = None,
    report: Annotated[
        list[Path] | None, typer.Option(help="Write the report: .md, .html or .json 报告文件")
    ] = None,
) -> None:
    """Lead a terminal through its duties and judge it; needs no database 终端验收.

    Ends with 0 if every row is right, with 1 if not.
    """
    voice = voice_of(context)
    files = report or []
    for file in files:
        if file.suffix not in SUFFIXES:
            raise voice.refuse(
                f"{file}：报告文件应为 .md、.html 或 .json",
                f"{file}: a report is a .md, .html or .json file",
            )
    with voice.answering():
        for file in files:  # told now, not after an hour at the counter
            file.open("a").close()
        if certificate is not None and not _is_certificate(certificate):
            raise voice.refuse(
                f"{certificate} 不是带私钥的 PEM 证书",
                f"{certificate} has no PEM certificate and key",
            )
        run = Run(voice, kind, set(without or []), certificate)
        with _listening(host, port) as listening:
            run.greet(host, listening.getsockname()[1])
            with suppress(KeyboardInterrupt):
                asyncio.run(run.serve(listening))
        done = run.report()
        run.show_report(done)
        for file in files:
            file.write_text(done.write(file.suffix, voice.language), "utf-8")
    if not done.is_passed:
        raise typer.Exit(REFUSED)


class Run:
    """One run at the command line."""

    def __init__(
        self, voice: Voice, kind: Kind, without: set[Part], certificate: Path | None
    ) -> None:
        self._voice = voice
        self._certificate = certificate
        self._without = without
        self._begun_at = datetime.fromtimestamp(_now(), tz=UTC)
        self._play = Play(os.urandom, _now, voice.language, without, kind, self._heard)

    def report(self) -> Report:
        """The report of what was seen until now."""
        evidence = self._play.evidence()
        return Report(judge(evidence), self._without, self._begun_at, evidence.events)

    async def serve(self, listening: socket.socket) -> None:
        """Serves until the play is over."""
        application = build(self._play, self.report, self._voice.language)
        config = uvicorn.Config(
            application,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            ssl_certfile=self._certificate,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve([listening]))
        _listen_to_keys(asyncio.get_running_loop(), self._typed)
        shown = None
        try:
            while (prompt := self._play.prompt) is not None and not serving.done():
                if prompt.step is not shown:
                    shown = prompt.step
                    self._show(prompt)
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            server.should_exit = True
            await serving

    def greet(self, host: str, port: int) -> None:
        """Where the terminal and its staff find the server."""
        say, name = self._voice.say, f"[{host}]" if ":" in host else host
        at = f"{'https' if self._certificate else 'http'}://{name}:{port}/"
        say(f"终端连接 {at}graphql", f"Terminals: {at}graphql")
        say(f"操作页面 {at}", f"Page for staff: {at}")
        say(
            f"学校编号 {ISSUER}，激活码 {self._play.school.activation_code}",
            f"Issuer {ISSUER}, activation code {self._play.school.activation_code}",
        )
        if host not in _LOOPBACK:
            say(
                "网络上的任何人都能访问；密钥和金额都是虚构的，请勿用于真实收款",
                "Anybody on this network can reach it; its keys and money are invented: "
                "take no real payment by it",
            )

    def show_report(self, done: Report) -> None:
        """One line for each row, more where something is to be done, and one about them all."""
        out = self._voice.out
        out.print()
        for row in done.rows:
            told = (escape(cell) for cell in cells(row, self._voice.language))
            mark, id_, section, expected, seen, remedy = told
            colour = _COLOURS[row.finding.mark]
            out.print(f"[{colour}]{mark}[/] {id_} [dim]{PAGE} {section}[/] {expected}")
            if row.finding.mark is not Mark.RIGHT:
                out.print(f"    {seen}")
            if remedy:
                out.print(f"    → {remedy}")
        self._voice.say(*done.summary())

    def _heard(self, event: Event) -> None:
        line = printable(line_of(event).said(self._voice.language))
        self._voice.out.print(f"   [dim]{escape(line)}[/]")

    def _show(self, prompt: Prompt) -> None:
        language = self._voice.language
        text = escape(prompt.step.text.said(language))
        self._voice.out.print(f"\n[bold]{prompt.number}/{prompt.of}[/] {text}")
        if prompt.code is not None:
            if prompt.scanned is not None:
                self._voice.out.print(qr(prompt.scanned), markup=False)
            self._voice.out.print(f"   [cyan]{escape(prompt.code)}[/]")
        asked = QUESTIONS[prompt.step.question].said(language)
        if prompt.step.question is not Question.NONE:
            answers = enumerate(choices(prompt.step.question), start=1)
            asked += "".join(f"  {key} {label.said(language)}" for key, (_, label) in answers)
        self._voice.out.print(f"   {escape(asked)}")

    def _typed(self, line: str) -> None:
        """What staff typed: a number for what is shown, or the text that was asked for."""
        prompt = self._play.prompt
        if prompt is None:
            return
        word = line.strip()
        if prompt.step.question is not Question.NONE:
            answers = enumerate(choices(prompt.step.question), start=1)
            word = {str(key): answer for key, (answer, _) in answers}.get(word, word)
        if not self._play.tell(prompt.step.id, word):
            self._show(prompt)


class _Server(uvicorn.Server):
    """A server that leaves the keyboard's interrupt to the command."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield


def _is_certificate(file: Path) -> bool:
    """Whether a file can be served with.

    Raises: OSError for one that cannot be read.
    """
    file.read_bytes()
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(file)
    except ssl.SSLError:
        return False
    return True


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as listening:
        yield listening


def _listen_to_keys(loop: asyncio.AbstractEventLoop, typed: Callable[[str], None]) -> None:
    """Hands on what is typed, from a thread of its own: reading cannot be stopped."""

    def read() -> None:
        with suppress(RuntimeError, ValueError):  # the loop, or the input, is closed
            for line in sys.stdin:
                loop.call_soon_threadsafe(typed, line)

    threading.Thread(target=read, daemon=True).start()


def _now() -> float:
    return SystemClock().now().timestamp()
