"""The keys of each school as codes, answers and terminals need them, derived from the key file."""

from functools import lru_cache

from nacl.public import PrivateKey

from bff.keys import Keys
from core.kit.clock import Clock
from terminals.answers import AnswerKey
from terminals.code_maker import IssuerKeys, PassKey
from terminals.keys import KeyRing, KeyUse, PublicKey, Sign, signer
from terminals.payments import SchoolKeys
from terminals.publisher import DocumentKey

_SCHOOLS = 1_024


class SchoolKeyring:
    """Every school's keys; nothing here is asked of a database."""

    def __init__(self, keys: Keys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self.pin_public_key = bytes(PrivateKey(keys.pin_block).public_key)
        self.roots = keys.roots
        self._published = lru_cache(_SCHOOLS)(keys.public_keys)
        self._ring = lru_cache(_SCHOOLS)(lambda school_id: KeyRing(self._published(school_id)))
        self._evidence = lru_cache(_SCHOOLS)(keys.evidence)
        self._answer_key = lru_cache(4 * _SCHOOLS)(self._make_answer_key)
        self._document_key = lru_cache(4 * _SCHOOLS)(self._make_document_key)
        self.chips = lru_cache(_SCHOOLS)(keys.chip_keys)
        self._issuer_keys = lru_cache(_SCHOOLS)(self._make_issuer_keys)

    def published(self, school_id: int) -> list[PublicKey]:
        """The school's lines of the key document (codes.md 9)."""
        return self._published(school_id)

    def answers(self, school_id: int, kid: int | None = None) -> AnswerKey:
        """The ANSWER key of a kid, or the one that signs now."""
        if kid is None:
            kid = self._keys.signing_seed(KeyUse.ANSWER, self._clock.now()).kid
        return self._answer_key(school_id, kid)

    def documents(self, school_id: int) -> DocumentKey:
        """The DOCUMENT key that signs now."""
        kid = self._keys.signing_seed(KeyUse.DOCUMENT, self._clock.now()).kid
        return self._document_key(school_id, kid)

    def for_payments(self, school_id: int) -> SchoolKeys:
        """What a purchase needs."""
        return SchoolKeys(
            ring=self._ring(school_id),
            answer=self.answers(school_id),
            answers=lambda kid: self.answers(school_id, kid),
            pin_private_key=self._keys.pin_block,
            evidence=self._evidence(school_id),
        )

    def for_codes(self, school_id: int) -> IssuerKeys:
        """What the issue of passes needs."""
        return self._issuer_keys(school_id)

    def water(self, school_id: int, group_no: int, version: int) -> bytes:
        """The key of a group of meters."""
        return self._keys.water_key(school_id, group_no, version)

    def _make_answer_key(self, school_id: int, kid: int) -> AnswerKey:
        return AnswerKey(school_id, kid, self._signer(school_id, kid, KeyUse.ANSWER))

    def _make_document_key(self, school_id: int, kid: int) -> DocumentKey:
        return DocumentKey(kid, self._signer(school_id, kid, KeyUse.DOCUMENT))

    def _signer(self, school_id: int, kid: int, use: KeyUse) -> Sign:
        seed = next(s for s in self._keys.signing if (s.kid, s.use) == (kid, use))
        return signer(seed.for_issuer(school_id))

    def _make_issuer_keys(self, school_id: int) -> IssuerKeys:
        passes = [
            PassKey(seed.kid, seed.sign_from, seed.sign_until, signer(seed.for_issuer(school_id)))
            for seed in self._keys.signing
            if seed.use is KeyUse.PASS and seed.withdrawn_at is None
        ]
        versions = self._keys.totp
        return IssuerKeys(passes, {v: self._keys.totp_key(school_id, v) for v in versions})
