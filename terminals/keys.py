"""Ed25519 keys: the one verification rule, registration, and the ring of published keys.

The rule is libsodium's (codes.md 1): S >= L and a non-canonical or small-order A or R are refused,
then the cofactorless equation decides. Terminal and server must agree to the bit, or a purchase
accepted offline would be rejected later.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign_open
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey

KEY_BYTES = 32
SIGNATURE_BYTES = 64

Sign = Callable[[bytes], bytes]
"""Makes the 64-byte Ed25519 signature of a message; the key stays with whoever made it."""


def signer(seed: bytes) -> Sign:
    """A signing function of the key with this 32-byte seed."""
    key = SigningKey(seed)
    return lambda message: key.sign(message).signature


def verifies(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` over `message` is accepted under `public_key` by the one rule."""
    # libsodium reads 32 bytes of key and 64 of signature whatever it is given.
    if len(public_key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        crypto_sign_open(signature + message, public_key)
    except BadSignatureError:
        return False
    return True


def is_registrable(public_key: bytes) -> bool:
    """Whether a key may be registered: canonical and in the prime-order subgroup."""
    return len(public_key) == KEY_BYTES and crypto_core_ed25519_is_valid_point(public_key)


def fingerprint(public_key: bytes) -> str:
    """The 8 hex characters that people compare when a terminal enrols (terminals.md 8)."""
    return sha256(public_key).hexdigest()[:8]


class KeyUse(StrEnum):
    """What a published key may sign (codes.md 9)."""

    PASS = "PASS"  # noqa: S105 - the name of a use, not a secret
    ANSWER = "ANSWER"
    DOCUMENT = "DOCUMENT"
    EDGE = "EDGE"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One line of a key document; times are Unix seconds, `site_no` is 0 unless use is EDGE."""

    issuer: int
    kid: int
    use: KeyUse
    public_key: bytes
    sign_from: int
    sign_until: int
    drop_after: int
    site_no: int = 0

    def signs_at(self, instant: int) -> bool:
        """Whether the key may have signed something of this instant."""
        return self.sign_from <= instant <= self.sign_until


class KeyRing:
    """The keys of one key document, and the pass signatures already verified under them.

    A new document makes a new ring, so nothing verified under a withdrawn key outlives it. Only
    good signatures are remembered, the least recently used is forgotten first.
    """

    def __init__(self, keys: Iterable[PublicKey], remembered_maximum: int = 20_000) -> None:
        self._keys = {(key.issuer, key.kid): key for key in keys}
        self._remembered: OrderedDict[bytes, bytes] = OrderedDict()
        self._remembered_maximum = remembered_maximum

    def find(self, issuer: int, kid: int, use: KeyUse) -> PublicKey | None:
        """The key of this issuer and kid, unless it is unknown or of another use."""
        key = self._keys.get((issuer, kid))
        return key if key is not None and key.use is use else None

    def find_edge(self, issuer: int, site_no: int, instant: int) -> PublicKey | None:
        """The key of a site's edge that signs at this instant, the newest one first."""
        fit = [
            key
            for key in self._keys.values()
            if (key.issuer, key.use, key.site_no) == (issuer, KeyUse.EDGE, site_no)
            and key.signs_at(instant)
        ]
        return max(fit, key=lambda key: (key.sign_from, key.kid), default=None)

    def verifies_pass(self, key: PublicKey, message: bytes, signature: bytes) -> bool:
        """As `verifies`, with the good results remembered: a pass is shown many times."""
        signed = signature + message
        if self._remembered.get(signed) == key.public_key:
            self._remembered.move_to_end(signed)
            return True
        if not verifies(key.public_key, message, signature):
            return False
        self._remembered[signed] = key.public_key
        if len(self._remembered) > self._remembered_maximum:
            self._remembered.popitem(last=False)
        return True


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the server judges offline records by: also keys that leaked since.

    `withdrawn_at` tells by kid when a key was withdrawn, in Unix seconds: a terminal that had not
    heard of it took what the key had signed in good faith.
    """

    ring: KeyRing
    withdrawn_at: Mapping[int, int] = field(default_factory=dict)
