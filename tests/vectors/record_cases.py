"""RECORD: offline records and their chain (terminals.md 6)."""

from collections.abc import Iterator
from hashlib import sha256
from struct import pack
from typing import Any

from tests.vectors import curve, published
from tests.vectors.case import Case, case
from tests.vectors.forms import OTHER_SEED, TERMINAL_SEED, curve_sign, public, sign

_NOW = 1_800_003_602
_FIELDS = {
    "issuer": 0, "terminalNo": 42, "batchNo": 12, "seqNo": 345, "type": 1, "createdAt": _NOW,
    "minorAmount": 1250, "parametersVersion": 7, "denyVersion": 9, "clockState": 1,
}  # fmt: skip


def packed(facts: dict[str, int], presented: str, challenge: str) -> bytes:
    """The 94 bytes."""
    raw = pack(">HI", facts["issuer"], facts["terminalNo"])
    raw += facts["batchNo"].to_bytes(3) + facts["seqNo"].to_bytes(3)
    words = ("createdAt", "minorAmount", "parametersVersion", "denyVersion")
    raw += bytes([facts["type"]]) + b"".join(pack(">I", facts[word]) for word in words)
    texts = sha256(presented.encode()).digest() + sha256(challenge.encode()).digest()
    return raw + bytes([facts["clockState"]]) + texts


def record(
    id_: str, expected: str, text: str = published.RECORD, **context: Any
) -> Case:  # fmt: skip
    """Whether a record (hex) is the terminal's and stands where it says."""
    known = {
        "publicKey": public(TERMINAL_SEED).hex(), "presented": published.VECTOR_3,
        "challenge": published.VECTOR_2, "itemSignature": published.ITEM_SIGNATURE,
    } | context  # fmt: skip
    return case(f"record-{id_}", "RECORD", expected, text, now=_NOW, context=known)


def _signed(previous: str, raw: bytes, how: dict[str, Any] | None = None) -> tuple[str, str]:
    """The record's hash and its item signature, in hex."""
    link = sha256(b"cci1" + bytes.fromhex(previous) + raw).digest()
    message = b"ccis" + link
    made = sign(TERMINAL_SEED, message) if how is None else curve_sign(TERMINAL_SEED, message, how)
    return link.hex(), made.hex()


def cases() -> Iterator[Case]:
    """The printed record, the ones after it, and what breaks the chain."""
    yield record("first", "ACCEPTED")
    yield record("first-with-its-start-given", "ACCEPTED", previous=published.CHAIN_START)
    void = _FIELDS | {"seqNo": 346, "type": 2}
    undone = "VOID:345"
    second = packed(void, undone, "")
    link, item = _signed(published.RECORD_HASH, second)
    after: dict[str, Any] = {
        "previous": published.RECORD_HASH, "presented": undone, "challenge": None,
        "itemSignature": item,
    }  # fmt: skip
    yield record("second-a-void", "ACCEPTED", second.hex(), **after)
    receipt = _FIELDS | {"seqNo": 347, "type": 3, "clockState": 2}
    third = packed(receipt, published.VECTOR_4, "")
    _, item = _signed(link, third)
    last = after | {"previous": link, "presented": published.VECTOR_4, "itemSignature": item}
    yield record("third-a-receipt", "ACCEPTED", third.hex(), **last)
    yield record("third-with-the-scanners-newline", "ACCEPTED", third.hex(),
                 **last | {"presented": published.VECTOR_4 + "\r\n"})  # fmt: skip
    yield record("deleted-before-it", "RECORD_SIGNATURE", third.hex(),
                 **last | {"previous": published.RECORD_HASH})  # fmt: skip
    yield record(
        "moved-to-the-start", "RECORD_SIGNATURE", second.hex(), **after | {"previous": None}
    )
    yield record("another-start", "RECORD_SIGNATURE", previous="00" * 32)
    yield record("another-key", "RECORD_SIGNATURE", publicKey=public(OTHER_SEED).hex())
    yield record("another-code", "RECORD_SIGNATURE", presented=published.VECTOR_1)
    yield record("another-challenge", "RECORD_SIGNATURE", challenge=published.VECTOR_2[:-1])
    yield record("challenge-left-out", "RECORD_SIGNATURE", challenge=None)
    for at in (0, 5, 11, 12, 16, 20, 29):
        flipped = bytearray(bytes.fromhex(published.RECORD))
        flipped[at] ^= 1
        yield record(f"flipped-byte-{at}", "RECORD_SIGNATURE", flipped.hex())
    yield record("signature-zeros", "RECORD_SIGNATURE", itemSignature="00" * 64)
    hows: dict[str, dict[str, Any]] = {
        "s-plus-l": {"surplus": curve.L}, "r-identity": {"identity": True},
        "r-plus-order-2": {"torsion": curve.TORSION[2]},
    }  # fmt: skip
    for name, how in hows.items():
        _, item = _signed(published.CHAIN_START, bytes.fromhex(published.RECORD), how)
        yield record(f"signature-{name}", "RECORD_SIGNATURE", itemSignature=item)
