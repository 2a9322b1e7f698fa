"""Personal data at rest: values sealed to their row, and blind indexes to find them by.

Envelope (security.md 5): version 1 | kid 4 | nonce 12 | ciphertext | tag 16, AES-256-GCM, with the
school, table, column and row id as associated data, so a value moved to another row does not open.
"""

import hashlib
import hmac
import unicodedata
from collections.abc import Callable, Mapping
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = 1
_HEADER = 17


class SealBroken(Exception):
    """A sealed value was cut, altered, moved to another row, or its key is gone."""


def _derive(master: bytes, info: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=info.encode()).derive(master)


def normalise(text: str) -> str:
    """The form a value is matched in: NFKC, no blanks around, upper case."""
    return unicodedata.normalize("NFKC", text).strip().upper()


class Sealer:
    """Seals and opens values with keys derived per school from versioned master keys.

    `masters` maps kid (1 ...) to 32 bytes; the newest writes, all of them read. `index_key` is a
    32-byte key of its own: whoever holds it can test guesses of ID and telephone numbers.
    """

    def __init__(
        self, masters: Mapping[int, bytes], index_key: bytes, entropy: Callable[[int], bytes]
    ) -> None:
        self._masters = dict(masters)
        self._newest = max(masters)
        self._index_key = index_key
        self._entropy = entropy
        self._ciphers: dict[tuple[int, int], AESGCM] = {}

    def seal(self, school_id: int, place: str, row_id: UUID, text: str) -> bytes:
        """`text` sealed to one row; `place` is `table.column`."""
        nonce = self._entropy(12)
        head = bytes([VERSION]) + self._newest.to_bytes(4) + nonce
        cipher = self._cipher(school_id, self._newest)
        return head + cipher.encrypt(nonce, text.encode(), self._bound_to(school_id, place, row_id))

    def open(self, school_id: int, place: str, row_id: UUID, sealed: bytes) -> str:
        """The text sealed to this row.

        Raises: SealBroken.
        """
        kid = int.from_bytes(sealed[1:5])
        if len(sealed) < _HEADER + 16 or sealed[0] != VERSION or kid not in self._masters:
            raise SealBroken(place)
        cipher = self._cipher(school_id, kid)
        try:
            opened = cipher.decrypt(
                sealed[5:_HEADER], sealed[_HEADER:], self._bound_to(school_id, place, row_id)
            )
        except InvalidTag:
            raise SealBroken(place) from None
        return opened.decode()

    def blind_index(self, school_id: int, place: str, text: str) -> bytes:
        """32 bytes that are equal for equal normalised values of one school and column only."""
        key = _derive(self._index_key, f"index|{school_id}|{place}")
        return hmac.new(key, normalise(text).encode(), hashlib.sha256).digest()

    def _cipher(self, school_id: int, kid: int) -> AESGCM:
        cached = self._ciphers.get((school_id, kid))
        if cached is None:
            cached = AESGCM(_derive(self._masters[kid], f"data|{school_id}"))
            self._ciphers[school_id, kid] = cached
        return cached

    @staticmethod
    def _bound_to(school_id: int, place: str, row_id: UUID) -> bytes:
        return f"{school_id}|{place}|{row_id}".encode()
