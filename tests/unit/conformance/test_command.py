"""The command as a vendor runs it: a process with nothing else behind it."""

import asyncio
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from typer.testing import CliRunner

from bff.cli.root import app
from bff.clock import SystemClock
from bff.conformance.play import Play, Prompt
from bff.conformance.script import SCRIPT
from clients.terminal.receipt import Patience
from clients.terminal.till import Till
from tests.architecture.tree import ROOT
from tests.contract.sso.certificates import certificate as certificate_of
from tests.contract.sso.certificates import pem
from tests.unit.conformance.reference import Terminal, blank

STEPS = {step.id: step for step in SCRIPT}
LIMIT_SECONDS = 60


@contextmanager
def command(*words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, and where it listens."""
    with subprocess.Popen(
        [sys.executable, "-m", "bff", "--language", "en", "conformance", "--port", "0", *words],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"},  # noqa: TID251 - a child's own
    ) as process:
        try:
            assert process.stdout is not None
            url = next(filter(None, map(re.compile(r"https?://[\d.:]+").search, process.stdout)))[0]
            yield process, url
        finally:
            process.kill()


class _Hasty(Till):
    """Waits a moment where a till waits seconds: the silence here is real."""

    def __init__(self, *facts: Any) -> None:
        super().__init__(*facts)
        self._patience = Patience(
            budget_seconds=1.4,
            attempt_seconds=0.3,
            pause_seconds=0.02,
            status_tries=1,
            progress_pause_seconds=0.01,
        )


class _Over(Terminal):
    """The reference terminal on its own clock."""

    till_class = _Hasty

    def now(self) -> float:
        return SystemClock().now().timestamp()


class _Remote:
    """The play as a terminal's own program sees it: by its JSON."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http

    @property
    def prompt(self) -> Prompt | None:
        """What is to be done now."""
        try:
            step = self._http.get("/step").json()
        except httpx2.TransportError:
            return None  # the play is over, and its server gone
        if step["over"]:
            return None
        return Prompt(STEPS[step["id"]], step["number"], step["of"], step["code"])

    @property
    def school(self) -> "_Remote":
        """The school, of which only its activation code is known."""
        return self

    @property
    def activation_code(self) -> str:
        """What the command printed."""
        return str(self._http.get("/step").json()["activationCode"])

    def tell(self, id_: str, word: str) -> bool:
        """What was seen."""
        return self._http.post("/step", json={"id": id_, "word": word}).status_code == 200


def own_certificate(folder: Path) -> Path:
    """A certificate of this machine, signed by itself, with its key."""
    key, file = ec.generate_private_key(ec.SECP256R1()), folder / "own.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + pem(certificate_of("127.0.0.1", key)).encode()
    )
    return file


def test_reference_terminal_passes_over_https(tmp_path: Path) -> None:
    report, certificate = tmp_path / "report.json", own_certificate(tmp_path)
    words = ["--without", "offline", "--without", "receipt", "--report", str(report)]
    words += ["--certificate", str(certificate)]

    trusted = ssl.create_default_context(cafile=str(certificate))

    async def play(url: str) -> None:
        async with httpx2.AsyncClient(base_url=url, verify=trusted, timeout=1) as http:
            with httpx2.Client(base_url=url, verify=trusted) as staff:
                await _Over(blank(tmp_path, "till"), http).play(cast("Play", _Remote(staff)))

    with command(*words) as (process, url):
        asyncio.run(play(url))
        told, _ = process.communicate(timeout=LIMIT_SECONDS)
        assert process.returncode == 0, told
    facts = json.loads(report.read_text("utf-8"))
    assert facts["passed"] is True
    assert facts["without"] == ["offline", "receipt"]
    assert f"{len(facts['rows'])} right, 0 wrong, 0 not seen" in told
    assert "PurchaseVoid" in told, "what comes is shown while it runs"


def test_what_staff_type_is_heard_and_an_unproven_terminal_ends_with_1(tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    with command("--report", str(report)) as (process, _):
        told, _ = process.communicate("nothing\n", timeout=LIMIT_SECONDS)
    assert process.returncode == 1
    assert re.search(r"1/\d+ Enrol with the issuer and the code above", told)
    assert "No terminalEnrol came" in report.read_text("utf-8")


def test_interrupt_still_writes_the_report(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    with command("--report", str(report)) as (process, _):
        assert process.stdout is not None
        assert any("Which fingerprint" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 1
    assert "enrol.proof" in report.read_text("utf-8")


def test_what_cannot_work_is_told_before_the_work(tmp_path: Path) -> None:
    run = CliRunner()
    odd = run.invoke(app, ["conformance", "--report", str(tmp_path / "report.pdf")])
    assert odd.exit_code == 2
    away = run.invoke(app, ["conformance", "--report", str(tmp_path / "no" / "report.md")])
    assert away.exit_code == 2
    certificate = tmp_path / "own.pem"
    certificate.write_text("no certificate", "utf-8")
    odd = run.invoke(app, ["conformance", "--certificate", str(certificate)])
    assert odd.exit_code == 2
    assert "own.pem" in odd.output
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert run.invoke(app, ["conformance", "--port", port]).exit_code == 2


def test_opening_it_to_the_network_is_said_plainly() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bff.cli.conformance.Run.serve", _served)
        run = CliRunner().invoke(
            app, ["--language", "en", "conformance", "--host", "0.0.0.0", "--port", "0"]
        )
    assert "Anybody on this network can reach it" in run.output
    assert run.exit_code == 1


async def _served(self: object, listening: socket.socket) -> None:
    """Serves nobody."""
