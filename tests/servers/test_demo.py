"""The demo as a newcomer starts it: real servers, real processes, one story, checked to the fen."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import psutil
import pytest

from bff.demo.process import free_port

SECONDS = 120
_DEMO = "from bff.cli.root import app; app(['--language', 'en', *{words!r}])"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the demo keeps its data; `nobody` can pass through what lies above it."""
    made = Path(mkdtemp(prefix="campus-card-demo-"))
    yield made
    shutil.rmtree(made)


def run(folder: Path, port: int, before: str = "") -> subprocess.CompletedProcess[str]:
    """One play of the demo in a process of its own; `before` runs in it first."""
    words = ["demo", "--once", "--data", str(folder)]
    return subprocess.run(
        [sys.executable, "-c", f"{before}\n{_DEMO.format(words=words)}"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env={**os.environ, "BFF_PORT": str(port), "PYTHONUTF8": "1"},  # noqa: TID251 - a child's own
    )


def test_demo_once_plays_the_story_and_leaves_nothing_running(folder: Path) -> None:
    port = free_port()
    played = run(folder, port)
    assert played.returncode == 0, played.stdout + played.stderr
    assert "2000/2000" in played.stdout
    assert re.search(r"¥12\.50  00  Approved", played.stdout)
    assert re.search(r"C1  Code already used, refresh", played.stdout)
    assert played.stdout.count("-¥12.50") == 1
    _assert_free(port)
    assert not [each for each in psutil.process_iter(["cmdline"]) if _belongs(each, folder)]

    again = run(folder, port)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "2000/2000" not in again.stdout


def test_wrong_step_ends_the_demo_with_an_error(folder: Path) -> None:
    played = run(folder, free_port(), "import bff.demo.story as s; s.PRICE_MINOR = 1_000_000")
    assert played.returncode == 1
    assert "the purchase was not approved" in played.stdout


def test_taken_port_is_named_with_a_way_out(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = run(folder, port)
    assert refused.returncode == 2
    assert f"Port {port} is taken" in refused.stdout
    assert "BFF_PORT=" in refused.stdout
    assert list(folder.iterdir()) == []


def _assert_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


def _belongs(process: psutil.Process, folder: Path) -> bool:
    return any(str(folder) in word for word in process.info["cmdline"] or [])
