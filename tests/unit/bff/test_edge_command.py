"""The edge on the command line: enrolled once, then serving and beating."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from typer.testing import CliRunner

from bff.cli import edge as command
from bff.cli.root import app
from bff.clock import SystemClock
from bff.edge import app as edge_app
from bff.edge.app import build_edge_app
from clients.endpoint import Endpoint
from clients.terminal.journal import Journal
from clients.terminal.protocol import enrol
from tests.unit.clients.pretend_server import ACTIVATION_CODE, ISSUER, PretendServer

SERVER = ("--server", "http://school.example")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> PretendServer:
    """The school's server, which every client of the command reaches."""
    pretended = PretendServer()
    monkeypatch.setattr(
        command,
        "_http",
        lambda server: httpx2.AsyncClient(transport=pretended, base_url=server),
    )
    return pretended


def run(*words: object) -> Any:
    return CliRunner().invoke(app, ["--language", "en", "edge", *map(str, words)])


def enrolled(path: Path) -> Path:
    told = run("enrol", ISSUER, ACTIVATION_CODE, *SERVER, "--journal", path)
    assert told.exit_code == 0, told.output
    assert told.stdout.startswith("Edge 7-42, fingerprint 00000000: school IT confirms it")
    return path


def test_edge_makes_its_own_key(server: PretendServer, tmp_path: Path) -> None:
    path = enrolled(tmp_path / "edge.db")
    assert path.stat().st_mode & 0o777 == 0o600
    with Journal(path) as journal:
        assert (journal.identity.terminal_no, journal.identity.own_edge_key(1)) == (42, None)


def test_edge_that_is_not_answered_is_not_enrolled(server: PretendServer, tmp_path: Path) -> None:
    server.fault = lambda _operation: "LOSE_REQUEST"
    path = tmp_path / "edge.db"
    told = run("enrol", ISSUER, ACTIVATION_CODE, *SERVER, "--journal", path)
    assert (told.exit_code, told.stderr) == (1, "The server did not answer: ConnectError\n")
    assert not path.exists()


def test_edge_without_a_key_serves_nobody(server: PretendServer, tmp_path: Path) -> None:
    path = tmp_path / "edge.db"
    told = run("serve", *SERVER, "--journal", path)
    assert told.exit_code == 2
    assert told.stderr == f"{path} is not enrolled; run bff edge enrol first\n"


def test_edge_serves_on_this_machine_alone_unless_told(
    server: PretendServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[tuple[str, int]] = []

    async def serve(self: uvicorn.Server) -> None:
        served.append((self.config.host, self.config.port))

    monkeypatch.setattr(uvicorn.Server, "serve", serve)
    told = run("serve", *SERVER, "--journal", enrolled(tmp_path / "edge.db"))
    assert told.exit_code == 0, told.output
    assert served == [("127.0.0.1", 8_100)]
    assert "Serving terminals at http://127.0.0.1:8100/graphql" in told.stdout


async def test_edge_beats_and_notices_the_line(
    server: PretendServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge_app, "BEAT_SECONDS", 0.005)
    monkeypatch.setattr(edge_app, "PROBE_SECONDS", 0.005)
    path = tmp_path / "edge.db"
    identity, _ = await enrol(
        Endpoint(command._http("http://school.example")), ISSUER, ACTIVATION_CODE, "edge", "1",
        lambda size: bytes(range(size)),
    )  # fmt: skip
    with Journal(path) as journal:
        journal.enrol(identity)
    server.now = int(SystemClock().now().timestamp())
    async with command.opened_edge(path, "http://school.example") as edge:
        built = build_edge_app(edge)
        async with built.router.lifespan_context(built):
            await until(lambda: "TerminalHeartbeat" in server.asked)
            server.fault = lambda _operation: "LOSE_REQUEST"
            await until(lambda: not edge.is_up)
            server.fault = lambda _operation: None
            await until(lambda: edge.is_up)
            server._terminal = None  # the school has thrown it out: the line is there all the same
            count = len(server.asked)
            await until(lambda: len(server.asked) > count + 3)
            assert edge.is_up


async def until(holds: Any) -> None:
    """Waits, bounded, until something holds."""
    for _ in range(1_000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never held")
