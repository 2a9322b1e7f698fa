"""Starts servers to be measured, and ends them."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.contenders import ROOT, RunFailed
from bench.stand import Stand
from bff.embedded import start_valkey

WORKERS = 2
PEERS = ROOT / "bench/peers"
PATH = "/usr/local/bin:/usr/bin:/bin"
_START_SECONDS = 30
_STOP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Served:
    """A server that answers: where, and the root of its processes."""

    port: int
    pid: int


@contextmanager
def served(command: Sequence[str], environment: dict[str, str], port: int) -> Iterator[Served]:
    """A server for the time being, once it accepts connections. Raises: RunFailed."""
    with subprocess.Popen(command, cwd=ROOT, env=environment, text=True) as process:
        try:
            deadline = time.perf_counter() + _START_SECONDS
            while not _accepts(port):
                if process.poll() is not None or time.perf_counter() > deadline:
                    raise RunFailed(f"{command[:4]} does not answer")
                time.sleep(0.1)
            time.sleep(1.0)  # the second worker's turn
            yield Served(port, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def rest(on: Stand) -> Iterator[Served]:
    """The hand-written routes under two uvicorn workers."""
    with _uvicorn("bench.rest:app", on) as running:
        yield running


@contextmanager
def bare(on: Stand) -> Iterator[Served]:
    """A route that reads JSON and writes JSON, under two uvicorn workers."""
    with _uvicorn("bench.bare:app", on) as running:
        yield running


@contextmanager
def _uvicorn(application: str, on: Stand) -> Iterator[Served]:
    port = free_port()
    command = [
        sys.executable, "-m", "uvicorn", application, "--port", str(port), "--workers",
        str(WORKERS), "--loop", "uvloop", "--http", "httptools", "--no-access-log",
        "--log-level", "warning",
    ]  # fmt: skip
    with served(command, environment(on), port) as running:
        yield running


@contextmanager
def mercurius(on: Stand, mode: str) -> Iterator[Served]:
    """The Node peer of the home screen under two workers; `mode` is join or loaders."""
    if not (PEERS / "node_modules").is_dir():
        raise RunFailed("the Node peers are not installed: make bench-peers")
    port, parts = free_port(), urlsplit(on.app_dsn)
    database = {"host": parts.hostname, "port": parts.port, "user": parts.username,
                "password": parts.password, "database": parts.path[1:]}  # fmt: skip
    settings = {
        "NODE_ENV": "production", "PATH": PATH, "PORT": str(port), "MODE": mode,
        "DATA_KEY": on.keys.data[max(on.keys.data)].hex(), "DATABASE": json.dumps(database),
    }  # fmt: skip
    with served(["node", str(PEERS / "home.mjs")], settings, port) as running:
        yield running


@contextmanager
def ours(on: Stand) -> Iterator[Served]:
    """The product under two workers, with a Valkey of its own."""
    port = free_port()
    command = [sys.executable, "-m", "bff", "serve", "--workers", str(WORKERS), "--port", str(port)]
    with (
        start_valkey(on.postgres.home.parent / "valkey") as valkey,
        served(command, {**environment(on), "BFF_REDIS_URL": valkey.url}, port) as running,
    ):
        yield running


def environment(on: Stand) -> dict[str, str]:
    """The settings of a process on this stand."""
    return {
        "BFF_DATABASE_URL": on.app_dsn,
        "BFF_KEYS_FILE": str(on.keys_file),
        "BFF_ENVIRONMENT": "development",
        "PATH": PATH,
    }


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
