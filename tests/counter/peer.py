"""A Node process that answers with an independent implementation, one JSON line a question."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ANSWER_SECONDS = 30


class Peer:
    """Questions to `<script>.mjs`: {"call": name, "given": {...}} -> {"answer": ...}."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, call: str, **given: Any) -> Any:
        """What the other implementation makes of it; its own error is an AssertionError here."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        question = json.dumps({"call": call, "given": given}, ensure_ascii=False)
        self._process.stdin.write(question.encode() + b"\n")
        await self._process.stdin.drain()
        async with asyncio.timeout(ANSWER_SECONDS):
            line = await self._process.stdout.readline()
        said = json.loads(line)
        assert "error" not in said, said
        return said["answer"]


@asynccontextmanager
async def peer(script: str) -> AsyncIterator[Peer]:
    """The process of a script beside this file, ended afterwards."""
    process = await asyncio.create_subprocess_exec(
        "node", f"{script}.mjs", cwd=HERE, limit=1 << 22,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Peer(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
