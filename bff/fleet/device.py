"""One device: a process of its own that speaks the public protocol, and whose power can be cut."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import closing
from pathlib import Path
from typing import Any

from bff.demo.place import CHECKOUT
from bff.embedded.server import dies_with
from core.school.records import DocumentKind

Json = dict[str, Any]
TRIES = 40
"""How often a device on a good line is asked again while a busy server is too slow for it."""
ANSWER_SECONDS = 180
"""The longest a device may be silent: two hundred verdicts at a busy hour."""
_LINE_MAXIMUM = 1 << 22


class DayNotEnded(Exception):
    """A device could not do on a good line what it must do."""


class DeviceSilent(Exception):
    """A device ended by itself, or said nothing for `ANSWER_SECONDS`."""


class Device:
    """`python -m clients.terminal.pipe` on a journal; whoever holds the pipe is the register."""

    def __init__(
        self, name: str, journal: Path, port: int, budget: float, boots: asyncio.Semaphore
    ) -> None:
        self.name = name
        self.journal = journal
        self._port = port
        self._budget = budget
        self._boots = boots
        self._process: Process | None = None

    async def start(self, clock_off: float = 0) -> Json:
        """Switches it on; what it says of what was open. Few start at once.

        Raises: DeviceSilent.
        """
        async with self._boots:
            with self.journal.with_suffix(".log").open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "clients.terminal.pipe",
                    "--journal", str(self.journal), "--url", f"http://127.0.0.1:{self._port}",
                    "--budget", str(self._budget), "--clock-off", str(clock_off),
                    stdin=PIPE, stdout=PIPE, stderr=log, cwd=CHECKOUT, limit=_LINE_MAXIMUM,
                    env={"PYTHONUTF8": "1"},
                    preexec_fn=dies_with(os.getpid(), signal.SIGKILL),
                )  # fmt: skip
            return await self._read(ANSWER_SECONDS)

    async def ask(self, do: str, **given: object) -> Json:
        """Its answer.

        Raises: DeviceSilent.
        """
        self._write(do, given)
        return await self._read(ANSWER_SECONDS)

    async def insist(self, do: str, **given: object) -> Json:
        """Its answer on a good line, asked again while there is none.

        Raises: DeviceSilent, DayNotEnded.
        """
        for _ in range(TRIES):
            answer = await self.ask(do, **given)
            if "error" not in answer:
                return answer
        raise DayNotEnded(f"{self.name}: {do}: {answer}")

    async def settle(self) -> Json:
        """Ends on a good line whatever is open; the state then.

        When all tills end their day at once an answer may come too late again and again, so only
        tries after which nothing had changed are counted.
        Raises: DeviceSilent, DayNotEnded.
        """
        left, stuck = sys.maxsize, 0
        while stuck < TRIES:
            await self.insist("settle")
            state = await self.insist("state")
            if state["open"] == 0:
                return state
            stuck = stuck + 1 if state["open"] >= left else 0
            left = state["open"]
        raise DayNotEnded(f"{self.name}: {state}")

    async def ask_and_cut(self, seconds: float, do: str, **given: object) -> Json | None:
        """Cuts its power after so many seconds; what it answered before, if it did."""
        self._write(do, given)
        try:
            answer = await self._read(seconds)
        except DeviceSilent:
            answer = None
        rest = await self.cut()
        return answer or (json.loads(rest) if rest.endswith(b"\n") else None)

    async def cut(self) -> bytes:
        """The power goes, at any moment; what stood on its screen."""
        process = self._process
        assert process is not None
        assert process.stdout is not None
        process.kill()
        shown = await process.stdout.read()
        await process.wait()
        self._process = None
        return shown

    async def stop(self) -> None:
        """Hangs up, if it runs; it ends by itself."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            await process.wait()

    def lose_record(self) -> tuple[int, int] | None:
        """Takes a sale's record off the disk of a device without power: not the last of its batch,
        and none that was undone.

        Batch and sequence number of the record; None if there is none to spare.
        """
        with closing(sqlite3.connect(self.journal)) as file:
            found: tuple[int, int] | None = file.execute(
                "SELECT batch_no, seq_no FROM record r WHERE verdict IS NULL AND kind = 1"
                " AND EXISTS (SELECT 1 FROM record n WHERE n.verdict IS NULL"
                "  AND n.batch_no = r.batch_no AND n.number > r.number)"
                " AND NOT EXISTS (SELECT 1 FROM record v WHERE v.kind = 2"
                "  AND v.batch_no = r.batch_no AND v.presented = 'VOID:' || r.seq_no)"
                " ORDER BY number LIMIT 1"
            ).fetchone()
            if found is not None:
                file.execute("DELETE FROM record WHERE batch_no = ? AND seq_no = ?", found)
                file.commit()
        return found

    def forget_deny_list(self) -> None:
        """Takes the deny list off the disk of a device without power."""
        with closing(sqlite3.connect(self.journal)) as file:
            file.execute("DELETE FROM in_use WHERE kind = ?", (DocumentKind.DENY,))
            file.commit()

    def _write(self, do: str, given: dict[str, object]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **given}).encode() + b"\n")

    async def _read(self, seconds: float) -> Json:
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), seconds)
        except TimeoutError:
            raise DeviceSilent(f"{self.name}: silent for {seconds} s") from None
        if not line.endswith(b"\n"):
            log = self.journal.with_suffix(".log").read_text("utf-8", errors="replace")[-2000:]
            raise DeviceSilent(f"{self.name} ended\n{log}")
        answer: Json = json.loads(line)
        return answer
