"""Base45 (RFC 9285), upper case and strict: the alphabet of QR codes in alphanumeric mode."""

import struct

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_UNKNOWN = 255
_VALUES = bytes(
    _ALPHABET.index(chr(code)) if chr(code) in _ALPHABET else _UNKNOWN for code in range(256)
)
_PAIRS = [second + first for first in _ALPHABET for second in _ALPHABET]
"""The first two characters of a triple, by its value modulo 45²."""
_TRIPLES = [_PAIRS[word % 2025] + _ALPHABET[word // 2025] for word in range(1 << 16)]
"""The three characters of two bytes."""


class Base45Invalid(ValueError):
    """The text is not strict base45."""


def encode(raw: bytes) -> str:
    """`raw` as base45: three characters for two bytes, two for an odd last one."""
    whole = len(raw) // 2
    words = struct.unpack_from(f">{whole}H", raw)
    text = "".join(map(_TRIPLES.__getitem__, words))
    return text + _PAIRS[raw[-1]] if len(raw) % 2 else text


def decode(text: str) -> bytes:
    """The bytes of a base45 text.

    Raises: Base45Invalid for an unknown character, a triple above 65535, a final pair above 255 or
    a length of 1 modulo 3.
    """
    try:
        values = text.encode("ascii").translate(_VALUES)
    except UnicodeEncodeError:
        raise Base45Invalid("character") from None
    if _UNKNOWN in values:
        raise Base45Invalid("character")
    whole, rest = divmod(len(values), 3)
    if rest == 1:
        raise Base45Invalid("length")
    raw = _words(values, whole)
    if not rest:
        return raw
    last = values[-2] + 45 * values[-1]
    if last > 255:
        raise Base45Invalid("overflow")
    return raw + bytes([last])


def _words(values: bytes, count: int) -> bytes:
    """`count` triples of values as two bytes each, calculated side by side in one long integer.

    Raises: Base45Invalid.
    """
    total = 0
    for place, factor in enumerate((1, 45, 2025)):
        lanes = bytearray(4 * count)
        lanes[3::4] = values[place : 3 * count : 3]
        total += factor * int.from_bytes(lanes)
    sums = total.to_bytes(4 * count)
    if any(sums[1::4]):
        raise Base45Invalid("overflow")
    raw = bytearray(2 * count)
    raw[0::2], raw[1::2] = sums[2::4], sums[3::4]
    return bytes(raw)
