"""All 1,464 single-bit flips of vector 1, each with the row of codes.md 7 that refuses it."""

from collections.abc import Iterator

from tests.vectors.case import Case
from tests.vectors.cc1_case import cc1
from tests.vectors.forms import Show, base45

# By byte, or byte and bit (0 is the least significant): what the tables of sections 4 and 7 say of
# a change there, the signatures being those of the unchanged bytes. Flipping bit 1 of kind 1 makes
# a kind 3 with PAY; the notBefore of these bits leaves the months of the key, the others do not.
_BYTES = {
    range(1, 3): "ISSUER_NOT_ACCEPTED",
    range(3, 4): "KEY_UNKNOWN",
    range(4, 115): "ISSUER_SIGNATURE",
    range(115, 183): "DEVICE_SIGNATURE",
}
_BITS = (
    {(0, bit): "VERSION" for bit in range(4, 8)}
    | {(0, bit): "MALFORMED" for bit in range(4)}
    | {(10, bit): "KEY_UNKNOWN" for bit in range(8)}
    | {(11, bit): "KEY_UNKNOWN" for bit in (6, 7)}
    | {(16, bit): "MALFORMED" for bit in (6, 7)}
    | {(118, bit): "MALFORMED" for bit in range(2, 7)}
    | {(118, 7): "CHALLENGE_UNEXPECTED"}
)


def _expected(at: int, bit: int) -> str:
    return _BITS.get((at, bit)) or next(name for span, name in _BYTES.items() if at in span)


def cases() -> Iterator[Case]:
    """One case a bit, in the order of the bytes."""
    raw = Show().raw()
    for at in range(len(raw)):
        for bit in range(8):
            flipped = bytearray(raw)
            flipped[at] ^= 1 << bit
            text = "CC1:" + base45(bytes(flipped))
            yield cc1(f"flip-{at:03}-{bit}", _expected(at, bit), text)
