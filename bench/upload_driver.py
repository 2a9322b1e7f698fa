"""Uploads what tills took without a network: every record chained, signed and sent once."""

import asyncio
import os
import time
from base64 import b64encode
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from bench.contenders import DRIVERS
from bench.driving import Tally, Work, drive
from bench.http import Connection, connect
from bench.messages import AMOUNT_MINOR, Place, codes, share
from bench.world import SCHOOL_ID, Till, tills
from bff.clock import SystemClock
from bff.keys import load_keys
from bff.settings import Environment
from core.kit.clock import unix_seconds
from terminals import offline
from terminals.keys import KeyUse, signer
from terminals.message import KeyId, RequestKey
from terminals.offline import Record, RecordKind
from terminals.signature import sign_request

RECORDS = 50
"""In one upload; the protocol allows 200."""
CONNECTIONS = 4
"""Of each driver: each upload keeps one of the server's ten database connections busy."""
_TURN = 37
_ACCEPTED = b'"verdict":"ACCEPTED"'


def upload(place: Place, till: Till, batch_no: int, shown: list[str], now: int) -> bytes:
    """The request that brings a batch of records."""
    first = head = offline.first_link(SCHOOL_ID, till.number, batch_no)
    items = []
    for seq_no, code in enumerate(shown, start=1):
        record = Record(
            SCHOOL_ID, RequestKey(till.number, batch_no, seq_no), RecordKind.PURCHASE, now,
            AMOUNT_MINOR, 1, 0, 1, code,
        )  # fmt: skip
        head = offline.link(head, record.packed())
        items.append({
            "seqNo": seq_no, "kind": "PURCHASE", "createdAt": now,
            "minorAmount": str(AMOUNT_MINOR), "parametersVersion": 1, "denyVersion": 0,
            "clockState": "TRUSTED", "presented": code, "challenge": None, "afterTimeout": False,
            "previousHash": None, "signature": _base64(offline.sign_link(head, till.sign)),
        })  # fmt: skip
    key = RequestKey(till.number, 0, batch_no)
    body = place.body({
        "key": {"batchNo": 0, "seqNo": batch_no}, "batchNo": batch_no,
        "previousHash": _base64(first), "items": items,
    })  # fmt: skip
    headers = sign_request(
        body, path=place.path, key_id=KeyId(SCHOOL_ID, till.number, 1), key=key, created_at=now,
        nonce=os.urandom(16), sign=till.sign,
    )  # fmt: skip
    return place.request(body, headers)


def uploads(
    place: Place, counters: list[Till], batch_no: int, shown: Iterator[str], now: int, count: int
) -> list[bytes]:
    """One upload of each till in turn; what a till sends has a cardholder once."""
    made = []
    for till in islice(counters, count):
        texts = list(islice(shown, RECORDS))
        if len(texts) < RECORDS:
            break
        made.append(upload(place, till, batch_no, texts, now))
    return made


async def _prepare(order: dict[str, Any]) -> Work:
    now = SystemClock().now()
    seed = load_keys(Path(order["keys_file"]), Environment.DEVELOPMENT, now).signing_seed(
        KeyUse.PASS, now
    )
    second, index = unix_seconds(now), order["index"]
    shown = codes(
        share(index, DRIVERS), seed.kid, signer(seed.for_issuer(SCHOOL_ID)), order["start"], second
    )
    own = tills(hot=False)[index::DRIVERS]
    # Other cardholders at each till than in the runs before: a cap allows three purchases.
    turn = order["run"] * _TURN % len(own)
    own = own[turn:] + own[:turn]
    place = Place(order["path"], order["document_id"], "OfflineBatchUpload")
    count = order["maximum"] // RECORDS + CONNECTIONS
    queue = iter(uploads(place, own, order["run"] * 10 + index + 1, shown, second, count))
    connections = [await connect(order["port"]) for _ in range(CONNECTIONS)]
    tally = Tally()

    async def client(connection: Connection, until: float) -> None:
        while time.perf_counter() < until and (request := next(queue, None)) is not None:
            answer = await connection.send(request)
            tally.requests += answer.count(_ACCEPTED)
            if answer.count(_ACCEPTED) != RECORDS:
                tally.failures.add(answer[:900].decode(errors="replace"))

    async def work(until: float) -> Tally:
        await asyncio.gather(*(client(connection, until) for connection in connections))
        return tally

    return work


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode()


if __name__ == "__main__":
    drive(_prepare)
