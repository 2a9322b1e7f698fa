"""Asks an HTTP server for the home screens of many cardholders in turn."""

import asyncio
import json
import time
from itertools import cycle
from pathlib import Path
from typing import Any

from bench.contenders import DRIVERS
from bench.driving import Tally, Work, drive
from bench.http import Connection, connect
from bench.messages import share
from bff.documents import document_id

DOCUMENT = Path(__file__).parent.parent / "clients/documents/HomeScreen.graphql"
LINES_SHOWN = 20


def requests(order: dict[str, Any]) -> list[bytes]:
    """One request for each cardholder of this driver: each server's own form of a known query."""
    text = DOCUMENT.read_bytes().decode()
    body = {
        "trusted": json.dumps({"documentId": document_id(text)}).encode(),
        "text": json.dumps({"query": text, "operationName": "HomeScreen"}).encode(),
        "none": b"",
    }[order["form"]]
    verb = "POST" if body else "GET"
    headers = (
        f"{verb} {order['path']} HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    )
    return [
        f"{headers}authorization: Bearer {holder.token}\r\n\r\n".encode() + body
        for holder in share(order["index"], DRIVERS)
    ]


async def _prepare(order: dict[str, Any]) -> Work:
    queue = cycle(requests(order))
    connections = [await connect(order["port"]) for _ in range(order["clients"])]
    tally = Tally()

    async def client(connection: Connection, until: float) -> None:
        while time.perf_counter() < until:
            answer = await connection.send(next(queue))
            tally.requests += 1
            if answer.count(b'"merchantName":"') != LINES_SHOWN:
                tally.failures.add(answer[:600].decode(errors="replace"))

    async def work(until: float) -> Tally:
        await asyncio.gather(*(client(connection, until) for connection in connections))
        return tally

    return work


if __name__ == "__main__":
    drive(_prepare)
