"""Sends signed requests to an HTTP server over a few connections, one after another on each."""

import asyncio
import time
from itertools import count
from pathlib import Path
from typing import Any

from bench.contenders import DRIVERS
from bench.driving import Tally, Work, drive
from bench.http import Connection, connect
from bench.messages import ASKED, Place, codes, share, signed_requests
from bench.world import SCHOOL_ID, tills
from bff.clock import SystemClock
from bff.keys import load_keys
from bff.settings import Environment
from core.kit.clock import unix_seconds
from terminals.keys import KeyUse, signer


async def _prepare(order: dict[str, Any]) -> Work:
    now = SystemClock().now()
    seed = load_keys(Path(order["keys_file"]), Environment.DEVELOPMENT, now).signing_seed(
        KeyUse.PASS, now
    )
    issuer = signer(seed.for_issuer(SCHOOL_ID))
    second = unix_seconds(now)
    asked, people = ASKED[order["asks"]], share(order["index"], DRIVERS)
    shown = codes(people, seed.kid, issuer, order["start"], second, asked.intents)
    batch_no = order["run"] * 10 + order["index"] + 1
    place = Place(order["path"], order["document_id"])
    counters = tills(hot=order["hot"])
    queue = iter(
        signed_requests(place, shown, counters, batch_no, second, order["maximum"], asked.given)
    )
    connections = [await connect(order["port"]) for _ in range(order["clients"])]
    tally, numbers = Tally(), count()

    async def client(connection: Connection, until: float) -> None:
        while time.perf_counter() < until and (request := next(queue, None)) is not None:
            answer = await connection.send(request)
            tally.requests += 1
            if asked.good not in answer:
                tally.failures.add(answer[:600].decode(errors="replace"))

    async def paced(connection: Connection, began: float, until: float) -> None:
        """Sends what is due; what waits for a free connection waits at its own cost."""
        for number in numbers:
            due = began + number / order["pace"]
            if due >= until or (request := next(queue, None)) is None:
                return
            await asyncio.sleep(due - time.perf_counter())
            answer = await connection.send(request)
            tally.latencies.append(time.perf_counter() - due)
            tally.requests += 1
            if asked.good not in answer:
                tally.failures.add(answer[:600].decode(errors="replace"))

    async def work(until: float) -> Tally:
        began = time.perf_counter()
        clients = [
            paced(each, began, until) if order.get("pace") else client(each, until)
            for each in connections
        ]
        await asyncio.gather(*clients)
        return tally

    return work


if __name__ == "__main__":
    drive(_prepare)
