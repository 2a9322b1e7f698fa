"""Ids and chance: UUIDv7 made by the application, from a seedable source of bytes."""

from collections.abc import Callable
from uuid import UUID

from core.kit.clock import Clock

_BASE36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Ids:
    """Makes ids, tokens and digits from one source of random bytes.

    `entropy(n)` returns n random bytes: `os.urandom` in production, a seeded generator in tests.
    """

    def __init__(self, clock: Clock, entropy: Callable[[int], bytes]) -> None:
        self._clock = clock
        self._entropy = entropy

    def new(self) -> UUID:
        """A UUIDv7 (RFC 9562): 48 bits of milliseconds, then 74 random bits."""
        return self.several(1)[0]

    def several(self, count: int) -> tuple[UUID, ...]:
        """`count` of them of the same millisecond, in no order."""
        milliseconds = int(self._clock.now().timestamp() * 1000)
        drawn = self._entropy(10 * count)
        return tuple(_uuid7(milliseconds, drawn[at : at + 10]) for at in range(0, 10 * count, 10))

    def bytes(self, count: int) -> bytes:
        """`count` random bytes."""
        return self._entropy(count)

    def digits(self, count: int) -> str:
        """`count` (at most 24) uniform decimal digits; the bias is below 2**-48."""
        bits = self._entropy((count * 10 + 2) // 3 // 8 + 8)
        return str(int.from_bytes(bits) % 10**count).zfill(count)

    def retrieval_reference(self) -> str:
        """A retrieval reference number: 12 random characters `[0-9A-Z]`, 62 bits."""
        value = int.from_bytes(self._entropy(8)) >> 2
        text = ""
        for _ in range(12):
            value, digit = divmod(value, 36)
            text = _BASE36[digit] + text
        return text


def _uuid7(milliseconds: int, drawn: bytes) -> UUID:
    chance = int.from_bytes(drawn) & ((1 << 74) - 1)
    high, low = chance >> 62, chance & ((1 << 62) - 1)
    return UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low)
