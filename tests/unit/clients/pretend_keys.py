"""The pretended server's keys."""

from nacl.public import PrivateKey

from clients.device_key import public_key

ANSWER_SEED = b"\x22" * 32
PIN_PRIVATE = b"\x55" * 32
PIN_PUBLIC = bytes(PrivateKey(PIN_PRIVATE).public_key)


def answer_public() -> bytes:
    """The public ANSWER key."""
    return public_key(ANSWER_SEED)
