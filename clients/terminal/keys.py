"""What enrolment leaves on a terminal: its own key, its number, and the keys it may believe."""

import json
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

from clients.device_key import public_key
from terminals import ccr
from terminals.ccr import Answer, Outstanding
from terminals.codes import CodeRefusal
from terminals.documents import DocumentRefusal, SignedDocument, read_roots, verify_keys
from terminals.keys import KeyRing, KeyUse, PublicKey, Sign, fingerprint, signer, verifies
from terminals.message import (
    KeyId,
    RequestKey,
    enrolment_message,
    rotation_message,
    seal_pin,
    time_message,
)

NOWHERE = -1
"""No site: no edge answers for it."""


def enrolment_proof(seed: bytes, code: str, serial_number: str) -> bytes:
    """What shows that whoever has the activation code also has the key."""
    return signer(seed)(enrolment_message(code, public_key(seed), serial_number))


def rotation_proof(following: "Identity") -> bytes:
    """What shows that the terminal has the next key it names."""
    return following.sign(rotation_message(following.key_id, following.public_key))


@dataclass(frozen=True)
class Identity:
    """An enrolled terminal: its key id, its secret seed, and the issuer's keys (as answered)."""

    issuer: int
    terminal_no: int
    key_no: int
    seed: str = field(repr=False)
    pin_public_key: str
    issuer_keys: tuple[dict[str, Any], ...]
    next_seed: str = field(default="", repr=False)
    """Of the key we are about to sign with: on the disk before the server hears of it."""
    roots: dict[str, str] = field(default_factory=dict)
    """Public keys in hex by kid: pinned at enrolment, nothing else signs key documents."""
    keys_version: int = 0
    roots_since: int = 0
    """The version of the key document that the roots came with; 0 for those of the enrolment."""

    @classmethod
    def of(cls, seed: bytes, enrolment: dict[str, Any]) -> "Identity":
        """From the answer to `terminalEnrol`."""
        return cls(
            issuer=enrolment["issuer"],
            terminal_no=enrolment["terminalNo"],
            key_no=enrolment["keyNo"],
            seed=seed.hex(),
            pin_public_key=enrolment["pinPublicKey"],
            issuer_keys=tuple(enrolment["keys"]),
            roots={str(r["kid"]): b64decode(r["publicKey"]).hex() for r in enrolment["roots"]},
        )

    @classmethod
    def read(cls, text: str) -> "Identity":
        """From the text that `write` made."""
        facts = json.loads(text)
        return cls(**{**facts, "issuer_keys": tuple(facts["issuer_keys"])})

    def write(self) -> str:
        """As JSON text, secret seed included."""
        return json.dumps(asdict(self))

    @property
    def key_id(self) -> KeyId:
        """Who signs."""
        return KeyId(self.issuer, self.terminal_no, self.key_no)

    @property
    def fingerprint(self) -> str:
        """What people compare at enrolment: of our own key, whatever the answer claims."""
        return fingerprint(self.public_key)

    @property
    def public_key(self) -> bytes:
        """What the server verifies us by."""
        return public_key(bytes.fromhex(self.seed))

    @cached_property
    def sign(self) -> Sign:
        """Signs with the terminal's key."""
        return signer(bytes.fromhex(self.seed))

    @cached_property
    def _published(self) -> list[PublicKey]:
        return [
            PublicKey(
                issuer=key["issuer"],
                kid=key["kid"],
                use=KeyUse(key["use"]),
                public_key=b64decode(key["publicKey"]),
                sign_from=key["signFrom"],
                sign_until=key["signUntil"],
                drop_after=key["dropAfter"],
                site_no=key["siteNo"],
            )
            for key in self.issuer_keys
        ]

    @cached_property
    def ring(self) -> KeyRing:
        """The issuer's published keys."""
        return KeyRing(self._published)

    def preparing(self, seed: bytes) -> "Identity":
        """The same terminal with its next key, unless it has one that was asked for already."""
        return self if self.next_seed else replace(self, next_seed=seed.hex())

    @property
    def following(self) -> "Identity":
        """The terminal once its next key is registered."""
        return replace(self, seed=self.next_seed, next_seed="", key_no=self.key_no + 1)

    def taking(self, document: SignedDocument) -> "Identity | DocumentRefusal":
        """The same terminal with the keys of a newer key document, or why it keeps its own."""
        roots = {int(kid): bytes.fromhex(root) for kid, root in self.roots.items()}
        keys = verify_keys(document, self.issuer, self.keys_version, roots, self.roots_since)
        if isinstance(keys, DocumentRefusal):
            return keys
        listed = read_roots(document)
        if listed is None:
            kept = self
        else:
            pinned = {str(kid): key.hex() for kid, key in listed.by_kid.items()}
            since = max(self.roots_since, listed.since)
            kept = replace(self, roots=pinned, roots_since=since)
        return replace(kept, keys_version=document.version, issuer_keys=tuple(map(_answered, keys)))

    def verify(
        self, text: str, named: RequestKey, minor_amount: int, site_no: int | None = None
    ) -> Answer | CodeRefusal:
        """The signed answer to what was asked under `named`, or why it is none of ours.

        `site_no` is where this terminal stands: the edge of that site may have answered.
        """
        waiting = Outstanding(self.issuer, named, minor_amount, created_at=0, life_seconds=0)
        site = NOWHERE if site_no is None else site_no
        return ccr.verify(text, keys=self.ring, outstanding=waiting, site_no=site)

    def is_edges(self, answer: Answer) -> bool:
        """Whether an edge signed a verified answer: the server has not heard of it yet."""
        return self.ring.find(answer.issuer, answer.kid, KeyUse.EDGE) is not None

    def verify_receipt(
        self, text: str, named: RequestKey, minor_amount: int, created_at: int, life_seconds: int
    ) -> Answer | CodeRefusal:
        """The receipt on a payer's phone for a challenge of ours, or why it is none."""
        waiting = Outstanding(self.issuer, named, minor_amount, created_at, life_seconds)
        return ccr.verify(
            text, keys=self.ring, outstanding=waiting, site_no=NOWHERE, is_scanned=True
        )

    def own_edge_key(self, instant: int) -> PublicKey | None:
        """Our own key as the key document lists it, if we are an edge that may sign now."""
        own = public_key(bytes.fromhex(self.seed))
        fit = [
            key
            for key in self._published
            if (key.issuer, key.use, key.public_key) == (self.issuer, KeyUse.EDGE, own)
            and key.signs_at(instant)
        ]
        return max(fit, key=lambda key: key.kid, default=None)

    def is_signed_time(self, signature: bytes, nonce: bytes, instant: int) -> bool:
        """Whether an ANSWER key that may sign at `instant` told this time for this nonce."""
        message = time_message(self.issuer, self.terminal_no, nonce, instant)
        return any(
            verifies(key.public_key, message, signature)
            for key in self._published
            if key.use is KeyUse.ANSWER and key.issuer == self.issuer and key.signs_at(instant)
        )

    def seal(self, pin: str, key: RequestKey, now: int) -> str:
        """The PIN block of a request: only the server can open it, and only for this key."""
        return seal_pin(pin, key, now, b64decode(self.pin_public_key))


def _answered(key: PublicKey) -> dict[str, Any]:
    """A key as `terminalEnrol` answers it."""
    return {
        "issuer": key.issuer,
        "kid": key.kid,
        "use": key.use,
        "publicKey": b64encode(key.public_key).decode(),
        "signFrom": key.sign_from,
        "signUntil": key.sign_until,
        "dropAfter": key.drop_after,
        "siteNo": key.site_no,
    }
