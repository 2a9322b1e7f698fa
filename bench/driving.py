"""What every driver process does around its work: take the order, be ready, go, and report."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import uvloop

from bench import processor


@dataclass(slots=True)
class Tally:
    """What a driver did: how many requests, and what was wrong with those that failed.

    `latencies` are seconds from the instant a request was due to its answer, where that is asked.
    """

    requests: int = 0
    failures: set[str] = field(default_factory=set)
    latencies: list[float] = field(default_factory=list)


Work = Callable[[float], Awaitable[Tally]]
"""Works until an instant of `time.perf_counter`."""


def drive(prepare: Callable[[dict[str, Any]], Awaitable[Work]]) -> None:
    """The whole life of a driver process; `prepare` makes all it can before the timed part."""
    uvloop.run(_drive(prepare))


async def _drive(prepare: Callable[[dict[str, Any]], Awaitable[Work]]) -> None:
    order = json.loads(sys.stdin.readline())
    work = await prepare(order)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    began, processor_began = time.perf_counter(), processor.own()
    tally = await work(began + order["seconds"])
    result = {
        "requests": tally.requests,
        "seconds": time.perf_counter() - began,
        "processor": processor.own() - processor_began,
        "failures": sorted(tally.failures),
        "latencies": tally.latencies,
    }
    print(json.dumps(result), flush=True)
