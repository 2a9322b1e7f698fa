"""What the benchmarks of latency and uploads count, without a server."""

from base64 import b64decode
from itertools import count
from json import loads

from bench.latencies import p99
from bench.messages import Place
from bench.processor import Used
from bench.rounds import Run
from bench.upload_driver import RECORDS, uploads
from bench.world import SCHOOL_ID, Till
from terminals import offline
from terminals.message import RequestKey
from terminals.offline import Item, Record, RecordKind


def test_the_slowest_hundredth_is_beyond_the_99th() -> None:
    waited = tuple(number / 1_000 for number in range(1, 1_001))
    run = Run(1_000, 1.0, Used({}, 0.0, 0.0), waited)
    assert 0.989 < p99(run) < 0.992


def test_uploads_are_chained_and_signed_by_their_till() -> None:
    place, tills = Place("/graphql", "sha256:0", "OfflineBatchUpload"), [Till(1), Till(2)]
    texts = (f"CC1:{number}" for number in count())
    made = uploads(place, tills, 7, texts, 1_800_000_000, 9)
    assert len(made) == len(tills)
    head, body = made[1].split(b"\r\n\r\n", 1)
    assert b"x-operation: OfflineBatchUpload" in head
    given = loads(body)["variables"]["input"]
    records = [
        Item(
            Record(SCHOOL_ID, RequestKey(2, 7, each["seqNo"]), RecordKind.PURCHASE,
                   each["createdAt"], int(each["minorAmount"]), 1, 0, 1, each["presented"]),
            b64decode(each["signature"]),
        )
        for each in given["items"]
    ]  # fmt: skip
    linked = offline.link_all(b64decode(given["previousHash"]), records)
    assert len(linked) == RECORDS
    assert all(each.is_signed_by({1: Till(2).public_key}) for each in linked)
    assert given["items"][0]["presented"] == f"CC1:{RECORDS}"
