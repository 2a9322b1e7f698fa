"""django-cas-server, put up from an environment of its own with the people it is given."""

import asyncio
import hashlib
import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.contract.sso.people import PASSWORD, Pupil
from tests.lab.processes import DATA, HERE, NotInstalled, started
from tests.lab.tally import say

PACKAGE = "django-cas-server 3.1.0"
SITE = HERE / "cas"
INSTALLED = DATA / "cas"
INSTALL_SECONDS = 300


@dataclass(frozen=True, slots=True)
class CasProcess:
    """A running CAS server: its address, and its process."""

    url: str
    process: asyncio.subprocess.Process


async def install() -> None:
    """Makes the environment unless it holds what is asked for: its own, since it is GPL.

    Raises: NotInstalled.
    """
    requirements, stamp = SITE / "requirements.txt", INSTALLED / "installed.txt"
    asked = requirements.read_text("utf-8")
    if stamp.exists() and stamp.read_text("utf-8") == asked:
        return
    say(f"installing {PACKAGE} (half a minute)")
    pip = (INSTALLED / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "--quiet")
    await _run((sys.executable, "-m", "venv", "--clear", INSTALLED))
    await _run((*pip, "install", "--requirement", requirements))
    stamp.write_text(asked, "utf-8")


@asynccontextmanager
async def cas_server(
    port: int, callbacks: str, people: Iterable[Pupil], password: str = PASSWORD
) -> AsyncIterator[CasProcess]:
    """The running server; it sends people to addresses that begin as the pattern `callbacks`.

    Raises: NotInstalled.
    """
    await install()
    django = (INSTALLED / "bin" / "python", "-m", "django")
    with TemporaryDirectory() as name:
        folder = Path(name)
        env = {
            "PYTHONPATH": str(SITE), "DJANGO_SETTINGS_MODULE": "site_settings",
            "PYTHONWARNINGS": "ignore", "PATH": os.defpath,
        }  # fmt: skip
        _keep(folder / "people.sqlite3", people, password)
        seed = json.loads((SITE / "seed.json").read_text("utf-8"))
        seed[0]["fields"]["pattern"] = callbacks
        (folder / "seed.json").write_text(json.dumps(seed), "utf-8")
        await _run((*django, "migrate", "-v0"), folder, env)
        await _run((*django, "loaddata", "-v0", folder / "seed.json"), folder, env)
        # Without --insecure its pages have no style outside of debugging.
        serve = (*django, "runserver", f"127.0.0.1:{port}", "--noreload", "--insecure")
        async with started(serve, folder, port=port, env=env) as process:
            yield CasProcess(f"http://127.0.0.1:{port}/cas", process)


def _keep(path: Path, people: Iterable[Pupil], password: str) -> None:
    """The table that the server reads its people from."""
    digest = hashlib.sha256(password.encode()).hexdigest()
    rows = [(each.login, digest, each.number, each.name, each.kind) for each in people]
    with closing(sqlite3.connect(path)) as kept, kept:
        kept.execute("CREATE TABLE people (login PRIMARY KEY, digest, number, name, kind)")
        kept.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?)", rows)


async def _run(
    command: Iterable[str | Path], folder: Path = HERE, env: Mapping[str, str] | None = None
) -> None:
    """Waits for a command; what it wrote is told only if it failed."""
    words = [str(word) for word in command]
    process = await asyncio.create_subprocess_exec(
        *words, cwd=folder, env=env,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(INSTALL_SECONDS):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        text = said.decode("utf-8", "replace")[-600:].strip()
        raise NotInstalled(f"{' '.join(words[1:4])} failed: {text}")
