"""Ed25519 arithmetic (RFC 8032) for the signatures and keys that no honest library makes.

Slow and not constant in time: it only ever sees the seeds of the vectors.
"""

from hashlib import sha512

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, P) % P
_ROOT = pow(2, (P - 1) // 4, P)

Point = tuple[int, int]


def add(one: Point, other: Point) -> Point:
    """The sum of two points (affine)."""
    product = _D * one[0] * other[0] * one[1] * other[1] % P
    x = (one[0] * other[1] + other[0] * one[1]) * pow(1 + product, -1, P) % P
    y = (one[1] * other[1] + one[0] * other[0]) * pow(1 - product, -1, P) % P
    return x, y


def multiply(factor: int, point: Point) -> Point:
    """`factor` times a point."""
    total = IDENTITY
    while factor:
        if factor & 1:
            total = add(total, point)
        point = add(point, point)
        factor >>= 1
    return total


def encode(point: Point) -> bytes:
    """The 32 bytes of a point."""
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def decode(raw: bytes) -> Point:
    """The point of 32 bytes. Raises ValueError if there is none."""
    number = int.from_bytes(raw, "little")
    y, sign = number % 2**255, number >> 255
    square = (y * y - 1) * pow(_D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * _ROOT % P
    if (x * x - square) % P:
        raise ValueError("no point of the curve")
    return (P - x if x & 1 != sign else x), y


IDENTITY: Point = (0, 1)
BASE = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
ORDER_8 = decode(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"))
TORSION = {order: multiply(8 // order, ORDER_8) for order in (2, 4, 8)}
"""A point of each small order but one."""


def secrets_of(seed: bytes) -> tuple[int, bytes]:
    """The secret scalar of a seed, and the prefix that makes its nonces."""
    hashed = sha512(seed).digest()
    scalar = int.from_bytes(hashed[:32], "little") & (1 << 254) - 8 | 1 << 254
    return scalar, hashed[32:]


def challenge(r: bytes, public_key: bytes, message: bytes) -> int:
    """H(R, A, M) modulo the order, as the verifier computes it."""
    return int.from_bytes(sha512(r + public_key + message).digest(), "little") % L


def sign(
    seed: bytes,
    message: bytes,
    *,
    torsion: Point = IDENTITY,
    public_key: bytes | None = None,
    surplus: int = 0,
) -> bytes:
    """A signature whose R has `torsion` added, for `public_key` (or the seed's), S + `surplus`."""
    scalar, prefix = secrets_of(seed)
    nonce = int.from_bytes(sha512(prefix + message).digest(), "little") % L
    r = encode(add(multiply(nonce, BASE), torsion))
    public_key = public_key or encode(multiply(scalar, BASE))
    s = (nonce + challenge(r, public_key, message) * scalar) % L + surplus
    return r + s.to_bytes(32, "little")


def sign_with_identity(seed: bytes, message: bytes) -> bytes:
    """A signature whose R is the identity: the equation holds, the rule refuses it."""
    scalar, _ = secrets_of(seed)
    r = encode(IDENTITY)
    public_key = encode(multiply(scalar, BASE))
    return r + (challenge(r, public_key, message) * scalar % L).to_bytes(32, "little")
