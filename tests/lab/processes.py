"""Starts a server as a process of its own, waits until it answers, ends it by its own pid."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from bff.embedded.server import dies_with

HERE = Path(__file__).parent
DATA = HERE.parents[1] / ".data" / "lab"
START_SECONDS = 30
STOP_SECONDS = 5


class NotInstalled(Exception):
    """A server of the lab is not there; the text says how to get it."""


@contextlib.asynccontextmanager
async def started(
    command: Sequence[str | Path], folder: Path, *, port: int | None = None,
    says: str | None = "ready", env: Mapping[str, str] | None = None, log: Path | None = None,
) -> AsyncIterator[asyncio.subprocess.Process]:  # fmt: skip
    """A running server: ready when it listens at `port`, or else when it prints what it `says`.

    It ends no later than we do; what it writes besides goes to `log`, or nowhere.
    """
    heard = says if port is None else None
    with (log or Path(os.devnull)).open("ab") as said:
        process = await asyncio.create_subprocess_exec(
            *map(str, command), cwd=folder, env=dict(env) if env is not None else None,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE if heard else said, stderr=said,
            preexec_fn=dies_with(os.getpid(), signal.SIGTERM),
        )  # fmt: skip
    try:
        async with asyncio.timeout(START_SECONDS):
            if port is not None:
                await _listening(process, port)
            elif heard:
                await _said(process, heard)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


async def told(process: asyncio.subprocess.Process, line: str) -> None:
    """Gives a server one line and waits until it has taken it."""
    assert process.stdin is not None
    process.stdin.write(line.encode() + b"\n")
    await process.stdin.drain()
    await _said(process, "told")


async def _said(process: asyncio.subprocess.Process, word: str) -> None:
    assert process.stdout is not None
    while (line := await process.stdout.readline()).strip() != word.encode():
        assert line, f"the server ended ({process.returncode})"


async def _listening(process: asyncio.subprocess.Process, port: int) -> None:
    while True:
        assert process.returncode is None, f"the server ended ({process.returncode})"
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            await writer.wait_closed()
            return
