"""Bodies near to good ones, changed at random: every one is answered or refused, none breaks."""

import hashlib
import json

from bff.documents import document_id
from tests.api.house import House
from tests.security.test_graphql_surface import PAY


def mutations(seed: bytes, count: int) -> list[bytes]:
    """Bodies near to good ones: bytes flipped, cut, doubled, spliced with known poisons."""
    good = [
        json.dumps({"query": "{ ping }", "variables": {"a": [1, 2.5, None, "é"]}}).encode(),
        json.dumps({"query": PAY, "variables": {"input": {"minorAmount": 5}}}).encode(),
        json.dumps({"documentId": document_id("x"), "variables": {}}).encode(),
    ]
    poisons = [b"\\u0000", b"\\ud800", b"NaN", b"1e999", b"[" * 3_000, b"9" * 4_400, b"\xff", b'"']
    made = []
    for number in range(count):
        chance = hashlib.shake_128(seed + str(number).encode()).digest(16)
        body = bytearray(good[chance[0] % 3])
        for step in range(1 + chance[1] % 3):
            at = int.from_bytes(chance[2 + step * 3 : 4 + step * 3]) % max(1, len(body))
            match chance[12 + step] % 5:
                case 0:
                    body[at : at + 1] = bytes([chance[11]])
                case 1:
                    del body[at:]
                case 2:
                    body[at:at] = poisons[chance[11] % len(poisons)]
                case 3:
                    body[at:at] = body[: chance[10]]
                case 4:
                    del body[at : at + chance[10] % 9]
        made.append(bytes(body))
    return made


async def test_mutated_bodies_never_break_the_house() -> None:
    house = House()
    statuses: dict[int, int] = {}
    for body in mutations(b"seed 1", 2_000):
        house.now += 1
        status = (await house.post(body)).status
        statuses[status] = statuses.get(status, 0) + 1
    assert statuses.keys() <= {200, 400}
    assert statuses[200] > 50
    assert statuses[400] > 500
    assert house.reported == []
