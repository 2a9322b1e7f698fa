"""The edge as a process of its own, over real sockets, killed between its answer and the till."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import uvicorn

from bff.clock import SystemClock
from bff.demo.process import free_port
from clients.endpoint import Endpoint
from clients.terminal.batches import Batches
from clients.terminal.journal import Operation
from clients.terminal.protocol import Line
from clients.terminal.till import Till
from terminals.ccr import Outcome
from tests.api.edges import HASTY, Hall
from tests.architecture.tree import ROOT

_PORTS_TRIED = 3
_START_SECONDS = 120
"""A busy machine takes its time to start a program."""


@asynccontextmanager
async def served(hall: Hall) -> AsyncIterator[str]:
    """The school's server at a real address."""
    port = free_port()
    config = uvicorn.Config(hall.campus.app, port=port, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn tells by a flag alone
            await asyncio.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def edge_process(hall: Hall, server: str) -> AsyncIterator[Process]:
    """`bff edge serve` on the edge's file; the tills talk to it. Ended with what it is used for."""
    for _ in range(_PORTS_TRIED):
        port = free_port()
        words = "serve", "--server", server, "--journal", str(hall.folder / "edge.db")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bff", "edge", *words, "--port", str(port),
            cwd=ROOT, env=_environment(), stdout=DEVNULL, stderr=DEVNULL,
        )  # fmt: skip
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5) as http:
            try:
                if await _answers(http, process):
                    _connect(hall, http)
                    yield process
                    return
            finally:
                if process.returncode is None:
                    process.terminate()
                await process.wait()
    raise AssertionError("the edge does not start")


def _environment() -> dict[str, str]:
    kept = ("PATH", "HOME", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
    own = {name: os.environ[name] for name in kept if name in os.environ}  # noqa: TID251 - a child's
    return {**own, "PYTHONUTF8": "1"}


async def _answers(http: httpx2.AsyncClient, process: Process) -> bool:
    for _ in range(_START_SECONDS * 10):
        if process.returncode is not None:
            return False  # somebody else took the port
        try:
            return (await http.get("/healthz")).status_code == 200
        except httpx2.HTTPError:
            await asyncio.sleep(0.1)
    return False


def _connect(hall: Hall, http: httpx2.AsyncClient) -> None:
    for stand in hall.stands:
        stand.line = Line(Endpoint(http), stand.journal, hall.now, hall.campus.entropy)
        stand.till = Till(stand.journal, stand.line, HASTY)
        stand.batches = Batches(stand.journal, stand.line, stand.line.store)


async def test_killed_process_comes_back_with_its_answers_and_caps(hall: Hall) -> None:
    phone, (first, second) = await hall.phone(), hall.stands
    machine = SystemClock().now().timestamp()
    hall.journal.set_clock_offset(hall.now() - machine, machine)
    hall.journal.close()  # the processes have the file to themselves
    async with served(hall) as server, edge_process(hall, server):
        online = await first.till.sell("CARD:00000000000001", 300)
        assert (online.outcome, online.is_edges) == (Outcome.APPROVED, False)
        assert await hall.balance() == 4_700
    async with edge_process(hall, server) as process:
        given = {"minorAmount": 2_000, "capture": "IMMEDIATE", "scene": "MEAL"}
        given["presented"] = phone.show()
        entry = first.journal.write(Operation.AUTHORISE, given, 2_000)
        answer, shown = await first.line.ask(entry)
        assert (answer.outcome, first.journal.identity.is_edges(answer)) == (Outcome.APPROVED, True)
        process.kill()  # the till never read that answer
    async with edge_process(hall, server):
        hall.campus.clock.advance(seconds=1)
        refused = await second.till.sell(phone.show(), 3_001)
        assert refused.response is not None
        assert (refused.response.code, refused.is_edges) == ("C7", True)
        receipt = await first.till.look(entry)
        assert receipt is not None
        assert (receipt.is_offline, receipt.shown["signedAnswer"]) == (True, shown["signedAnswer"])
