"""The terminal under a cash register: each line in asks as JSON, each line out answers.

`python -m clients.terminal.pipe --help`. The register holds the pipe and knows the goods; keys,
codes and money stay in the terminal.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TextIO

import httpx2
import typer

from clients.endpoint import Endpoint, Json, NoAnswer, NotAllowed
from clients.screen import unix_clock
from clients.terminal.batches import Batches, BatchNotWhole
from clients.terminal.journal import (
    Entry,
    Journal,
    NotEnrolled,
    Operation,
    RequestUnknown,
    TillLocked,
)
from clients.terminal.meter import Meter
from clients.terminal.meter_store import Running
from clients.terminal.operators import RightMissing
from clients.terminal.protocol import Line, enrol
from clients.terminal.receipt import (
    ClockUntrusted,
    CodeTaken,
    Direction,
    Patience,
    Receipt,
    ReceiptRefused,
)
from clients.terminal.till import Till
from clients.terminal.words import tell
from terminals.message import RequestKey

HTTP_SECONDS = 30.0
"""An upload of 200 records may take this long; a payment has its own, shorter patience."""
_LOOKED_AT = 50
_REFUSALS = (
    TillLocked, NotEnrolled, RequestUnknown, CodeTaken, ClockUntrusted, RightMissing
)  # fmt: skip


class Pipe:
    """One terminal and the register that asks it, one question at a time."""

    def __init__(
        self,
        journal: Journal,
        endpoint: Endpoint,
        clock: Callable[[], float],
        patience: Patience,
        language: str,
    ) -> None:
        self._journal = journal
        self._endpoint = endpoint
        self._language = language
        self._line = Line(endpoint, journal, clock, os.urandom)
        self._till = Till(journal, self._line, patience)
        self._meter = Meter(journal, self._line, self._till)
        self._batches = Batches(journal, self._line, self._line.store)
        self._answers: dict[str, Callable[[Json], Awaitable[Json]]] = {
            "enrol": self._enrol,
            "beat": self._beat,
            "sell": self._sell,
            "void": self._void,
            "show": self._show,
            "look": self._look,
            "take": self._take,
            "giveUp": self._give_up,
            "last": self._last,
            "pass": self._pass,
            "tell": self._tell,
            "meters": self._meters,
            "water": self._water,
            "flush": self._flush,
            "stop": self._stop,
            "ran": self._ran,
            "rotate": self._rotate,
            "settle": self._settle,
            "upload": self._upload,
            "close": self._close,
            "state": self._state,
        }

    async def run(self, asks: TextIO, answers: TextIO) -> None:
        """Ends what an earlier run left open, says so, and answers until the register hangs up."""
        self._meter.power_up()
        self._write(answers, await self._settle({}) if self._journal.is_enrolled else {})
        while line := await asyncio.to_thread(asks.readline):
            self._write(answers, await self._answer(line))

    async def _answer(self, line: str) -> Json:
        try:
            asked = json.loads(line)
            return await self._answers[asked["do"]](asked)
        except _REFUSALS as refusal:
            return {"error": type(refusal).__name__}
        except NoAnswer as none:
            return {"error": type(none).__name__, "reason": none.reason}
        except ReceiptRefused as refused:
            return {"error": type(refused).__name__, "reason": refused.refusal}
        except (ValueError, KeyError, TypeError) as fault:
            return {"error": "QuestionWrong", "reason": repr(fault)}

    def _write(self, answers: TextIO, answer: Json) -> None:
        answers.write(json.dumps(answer, ensure_ascii=False, separators=(",", ":")) + "\n")
        answers.flush()

    async def _enrol(self, asked: Json) -> Json:
        identity, answer = await enrol(
            self._endpoint, asked["issuer"], asked["code"], "reference", asked["serial"], os.urandom
        )
        self._journal.enrol(identity)
        return {"terminalNo": identity.terminal_no, "fingerprint": answer["fingerprint"]}

    async def _beat(self, _asked: Json) -> Json:
        try:
            beat = await self._line.set_clock()
        except NotAllowed as refusal:
            if refusal.detail != "CLOCK_SKEW":
                raise
            await self._line.set_clock(clock_lost=True)
            beat = await self._line.set_clock()
        return {"time": beat["time"], "directives": beat["directives"]}

    async def _sell(self, asked: Json) -> Json:
        return self._told(await self._till.sell(asked["code"], asked["amount"]))

    async def _void(self, asked: Json) -> Json:
        return self._told(await self._till.void(self._key(asked)))

    async def _show(self, asked: Json) -> Json:
        """A code that a phone pays; the one shown before ends unpaid."""
        shown = await self._till.show_challenge(asked["amount"])
        return {**_key(shown.key), "text": self._till.challenge_text(shown)}

    async def _look(self, _asked: Json) -> Json:
        """What came of the code shown, if anything did yet."""
        receipt = await self._till.look(self._shown())
        return {"waits": True} if receipt is None else self._told(receipt)

    async def _take(self, asked: Json) -> Json:
        """The receipt that a phone shows for the code shown; no network is needed."""
        return {**self._told(self._till.take_receipt(asked["text"])), "offline": True}

    async def _give_up(self, _asked: Json) -> Json:
        return self._told(await self._till.give_up(self._shown()))

    def _shown(self) -> Entry:
        shown = self._journal.find_challenge()
        if shown is None:
            raise RequestUnknown("no code is shown")
        return shown

    async def _rotate(self, _asked: Json) -> Json:
        """Signs with a new key from now on."""
        return {"keyNo": await self._line.rotate_key()}

    async def _pass(self, asked: Json) -> Json:
        direction = Direction(asked.get("direction", "IN"))
        return self._told(await self._till.enter(asked["code"], asked["door"], direction))

    async def _tell(self, _asked: Json) -> Json:
        """Tells what passed a gate while it was alone."""
        return {
            "told": [
                {
                    **_key(passed.key),
                    "verdict": passed.verdict,
                    "reason": passed.reason,
                    "flags": passed.flags,
                }
                for passed in await self._till.gate.upload()
            ]
        }

    async def _meters(self, _asked: Json) -> Json:
        return {"meters": [meter["meterNo"] for meter in await self._meter.sync()]}

    async def _water(self, asked: Json) -> Json:
        """Whether water may run, by a scan or by the digits of a reservation."""
        receipt, run = await self._meter.start(
            asked["meter"], code8=asked.get("code8"), presented=asked.get("code")
        )
        allowed = run and {"maximumUnits": run.maximum_units, "endsAt": run.ends_at}
        return {**self._told(receipt), "run": allowed}

    async def _flush(self, asked: Json) -> Json:
        self._meter.flush(self._run(asked), asked["units"])
        return {}

    async def _stop(self, asked: Json) -> Json:
        told = await self._meter.stop(self._run(asked), asked["units"], asked["reason"])
        return {"settled": [self._told(receipt) for receipt in told]}

    async def _ran(self, _asked: Json) -> Json:
        """Tells what ran and has ended; how many of them are left."""
        told = await self._meter.settle()
        left = len(self._meter.store.runs())
        return {"settled": [self._told(receipt) for receipt in told], "left": left}

    def _run(self, asked: Json) -> Running:
        key = self._key(asked)
        found = next((run for run in self._meter.store.runs() if run.key == key), None)
        if found is None:
            raise RequestUnknown(key.text())
        return found

    async def _last(self, _asked: Json) -> Json:
        """The newest sale: what a register asks that did not hear the end of one."""
        for entry in self._journal.list_newest(_LOOKED_AT):
            if entry.operation in (Operation.AUTHORISE, Operation.CHALLENGE):
                return {
                    **_key(entry.key),
                    "code": entry.given.get("presented"),
                    "amount": entry.minor_amount,
                    "outcome": entry.outcome and entry.outcome.name,
                    "offline": entry.outcome is not None and entry.signed_answer is None,
                }
        return {}

    async def _settle(self, _asked: Json) -> Json:
        receipts = await self._till.settle_open()
        return {"settled": [self._told(receipt) for receipt in receipts]}

    async def _upload(self, _asked: Json) -> Json:
        return {
            "judged": [
                {
                    **_key(judged.key),
                    "amount": judged.minor_amount,
                    "verdict": judged.verdict,
                    "reason": judged.reason,
                    "flags": judged.flags,
                }
                for judged in await self._batches.upload()
            ]
        }

    async def _close(self, asked: Json) -> Json:
        """Closes the batch named, or the one in use: then sales go on in the next."""
        number = asked.get("batchNo") or self._journal.batch_no()
        try:
            return {"batchNo": number, "net": await self._batches.close(number)}
        except BatchNotWhole as open_:
            return {"batchNo": number, "net": None, "result": open_.result}

    async def _state(self, _asked: Json) -> Json:
        count, total = self._line.store.waiting()
        return {
            "batchNo": self._journal.batch_no(),
            "open": len(self._journal.list_open()),
            "waiting": count,
            "waitingMinor": total,
            "clockTrusted": self._line.is_clock_trusted,
        }

    def _key(self, asked: Json) -> RequestKey:
        terminal_no = self._journal.identity.terminal_no
        return RequestKey(terminal_no, asked["batchNo"], asked["seqNo"])

    def _told(self, receipt: Receipt) -> Json:
        answer = receipt.answer
        return {
            **_key(receipt.entry.key),
            "operation": receipt.entry.operation,
            "amount": receipt.entry.minor_amount,
            "approved": receipt.is_approved,
            "offline": receipt.is_offline,
            "outcome": answer and answer.outcome.name,
            "responseCode": answer and answer.response_code,
            "refusal": receipt.refusal,
            "text": tell(receipt, self._language),
        }


def _key(key: RequestKey) -> Json:
    return {"batchNo": key.batch_no, "seqNo": key.seq_no}


def pipe(
    journal: Annotated[Path, typer.Option(help="日志文件 · the terminal's file")],
    url: Annotated[str, typer.Option(help="服务器 · the server")] = "http://127.0.0.1:8000",
    language: Annotated[str, typer.Option(help="zh | en")] = "zh",
    budget: Annotated[float, typer.Option(help="收款等待秒数 · a sale insists so long")] = 3.0,
    clock_off: Annotated[
        float, typer.Option(help="试验:本机时钟偏差秒数 · tests: this clock is off by")
    ] = 0.0,
) -> None:
    """收银机接口 · Works under a cash register: a JSON line asks, a JSON line answers."""
    patience = Patience(budget_seconds=budget, attempt_seconds=budget / 2)

    async def work() -> None:
        with Journal(journal) as opened:
            async with httpx2.AsyncClient(base_url=url, timeout=HTTP_SECONDS) as http:
                endpoint = Endpoint(http, language)
                register = Pipe(
                    opened, endpoint, lambda: unix_clock() + clock_off, patience, language
                )
                await register.run(sys.stdin, sys.stdout)

    asyncio.run(work())


if __name__ == "__main__":
    typer.run(pipe)
