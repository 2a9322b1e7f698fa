"""KEY: what may be registered; SIGNATURE: the one verification rule alone (codes.md 1)."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from tests.vectors import curve, published
from tests.vectors.case import Case, case
from tests.vectors.curve import IDENTITY, TORSION, Point, add, decode, encode
from tests.vectors.forms import DEVICE_SEED, OTHER_SEED, SHOWN, public, sign

_SIGN_BIT = 1 << 255


def key(id_: str, expected: str, text: str) -> Case:
    """Whether 32 bytes may be registered as a public key."""
    return case(f"key-{id_}", "KEY", expected, text, now=SHOWN, context={})


def _bytes(number: int) -> str:
    return number.to_bytes(32, "little").hex()


def _small_order() -> dict[str, str]:
    """The eight points of small order, and their encodings with the other sign."""
    y8 = [int.from_bytes(bytes.fromhex(each), "little") for each in published.SMALL_ORDER_8]
    named = {"1": 1, "2": curve.P - 1, "4": 0, "8a": y8[0], "8b": y8[1]}
    plain = {f"order-{name}": _bytes(y) for name, y in named.items()}
    return plain | {f"order-{name}-signed": _bytes(y | _SIGN_BIT) for name, y in named.items()}


def _not_canonical() -> dict[str, str]:
    """Encodings with y >= p: of the identity, of other small points, and of points of the curve."""
    beyond = {f"p-plus-{more}": _bytes(curve.P + more) for more in range(19)}
    return beyond | {
        f"{name}-signed": _bytes(int.from_bytes(bytes.fromhex(raw), "little") | _SIGN_BIT)
        for name, raw in beyond.items()
    }


def key_cases() -> Iterator[Case]:
    """Good keys; small order, mixed order, not canonical, off the curve, of another length."""
    for number in (0x11, 0x22, 0x33, 0x44, 0x55):
        yield key(f"of-seed-{number:02x}", "ACCEPTED", public(bytes([number]) * 32).hex())
    yield key("base-point", "ACCEPTED", encode(curve.BASE).hex())
    yield key("strip-one-newline", "ACCEPTED", encode(curve.BASE).hex() + "\n")
    for name, raw in _small_order().items():
        yield key(name, "DEVICE_KEY_INVALID", raw)
    for name, raw in _not_canonical().items():
        yield key(name, "DEVICE_KEY_INVALID", raw)
    for seed in (0x11, 0x33):
        point = decode(public(bytes([seed]) * 32))
        for order, small in TORSION.items():
            for times in range(1, order, 2):
                mixed = encode(add(point, curve.multiply(times, small))).hex()
                yield key(f"mixed-{seed:02x}-order-{order}-{times}", "DEVICE_KEY_INVALID", mixed)
    off = (number for number in count(2) if not _is_on_curve(number))
    for number in (next(off) for _ in range(3)):
        yield key(f"off-the-curve-{number}", "DEVICE_KEY_INVALID", _bytes(number))
    good = public(DEVICE_SEED).hex()
    for name, raw in {"empty": "", "short": good[:-2], "long": good + "00"}.items():
        yield key(f"length-{name}", "DEVICE_KEY_INVALID", raw)


def _is_on_curve(y: int) -> bool:
    try:
        decode(y.to_bytes(32, "little"))
    except ValueError:
        return False
    return True


def signature(id_: str, expected: str, raw: bytes, public_key: bytes, message: bytes) -> Case:
    """The verdict on a signature (text, hex) by itself."""
    context = {"publicKey": public_key.hex(), "message": message.hex()}
    return case(f"signature-{id_}", "SIGNATURE", expected, raw.hex(), now=SHOWN, context=context)


def _forged(point: Point) -> bytes:
    """R of small order and S = 0: good under every A of small order that makes h·A = -R."""
    return encode(point) + bytes(32)


def _mixed_key(message: bytes, parity: int) -> tuple[bytes, bytes, bytes]:
    """Key plus the point of order 2, message and signature with h of this parity."""
    scalar, _ = curve.secrets_of(DEVICE_SEED)
    mixed = encode(add(curve.multiply(scalar, curve.BASE), TORSION[2]))
    for number in count():
        tried = message + bytes([number])
        raw = curve.sign(DEVICE_SEED, tried, public_key=mixed)
        if curve.challenge(raw[:32], mixed, tried) % 2 == parity:
            return mixed, tried, raw
    raise AssertionError


def signature_cases() -> Iterator[Case]:
    """Where libraries differ; the first is the one of codes.md that is to be refused."""
    own, message = public(DEVICE_SEED), published.IDENTITY_R_MESSAGE
    yield signature("identity-r", "SIGNATURE", bytes.fromhex(published.IDENTITY_R), own, message)
    good = sign(DEVICE_SEED, message)
    yield signature("honest", "ACCEPTED", good, own, message)
    yield signature("of-nothing", "ACCEPTED", sign(DEVICE_SEED, b""), own, b"")
    yield signature("of-another-message", "SIGNATURE", good, own, message + b"\0")
    yield signature("of-another-key", "SIGNATURE", good, public(OTHER_SEED), message)
    hows: dict[str, dict[str, Any]] = {
        f"s-plus-{n}l": {"surplus": n * curve.L} for n in range(1, 8)
    }
    hows |= {
        f"r-plus-order-{order}-{times}": {"torsion": curve.multiply(times, small)}
        for order, small in TORSION.items() for times in range(1, order, 2)
    }  # fmt: skip
    for name, how in hows.items():
        yield signature(name, "SIGNATURE", curve.sign(DEVICE_SEED, message, **how), own, message)
    for name, raw in (_small_order() | _not_canonical()).items():
        a = bytes.fromhex(raw)
        for order, point in [(1, IDENTITY), *TORSION.items()]:
            if "p-plus" not in name or order == 1:
                yield signature(
                    f"key-{name}-r-order-{order}", "SIGNATURE", _forged(point), a, message
                )
        r = a + bytes(32)
        yield signature(f"r-{name}", "SIGNATURE", r, own, message)
    even, odd = _mixed_key(message, 0), _mixed_key(message, 1)
    yield signature("mixed-key-h-even", "ACCEPTED", even[2], even[0], even[1])
    yield signature("mixed-key-h-odd", "SIGNATURE", odd[2], odd[0], odd[1])
    for number in (0, 3, 31, 32, 60, 63):
        flipped = bytearray(good)
        flipped[number] ^= 0x80
        yield signature(f"flipped-byte-{number}", "SIGNATURE", bytes(flipped), own, message)
    for name, made in {"empty": b"", "short": good[:-1], "long": good + b"\0"}.items():
        yield signature(f"length-{name}", "SIGNATURE", made, own, message)
    for name, a in {"empty": b"", "short": own[:-1], "long": own + b"\0"}.items():
        yield signature(f"key-length-{name}", "SIGNATURE", good, a, message)


def cases() -> Iterator[Case]:
    """Both types."""
    yield from key_cases()
    yield from signature_cases()
