"""The key that a device makes for itself and never gives away."""

from nacl.signing import SigningKey

SEED_BYTES = 32


def public_key(seed: bytes) -> bytes:
    """The Ed25519 public key of a 32-byte seed."""
    return bytes(SigningKey(seed).verify_key)
