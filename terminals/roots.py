"""How the roots of key documents follow one another: a new one needs both custodians (codes.md 9).

A key document may list the roots from its version on. Whoever pins others takes them only if one of
its roots signed the document and another one endorsed the list; where only one is pinned, a new one
does. The endorsement stays in the documents that follow, so who slept through the change finds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from struct import Struct

from terminals.keys import Sign, is_registrable, verifies

_HEAD = Struct(">4sHIB")
_LINE = Struct(">B32s")


@dataclass(frozen=True, slots=True)
class RootKey:
    """A root: its kid, 1 to 255, and its public key, 32 bytes."""

    kid: int
    public_key: bytes


@dataclass(frozen=True, slots=True)
class Roots:
    """The roots from a version of the key document on, and which one endorsed them."""

    since: int
    keys: tuple[RootKey, ...]
    kid: int = 0
    signature: bytes = b""

    @property
    def by_kid(self) -> dict[int, bytes]:
        """The public keys by their kid."""
        return {root.kid: root.public_key for root in self.keys}


def roots_of(since: int, keys: Mapping[int, bytes]) -> Roots:
    """A list that nobody has endorsed yet."""
    return Roots(since, tuple(RootKey(kid, keys[kid]) for kid in sorted(keys)))


def endorse(roots: Roots, issuer: int, kid: int, sign: Sign) -> Roots:
    """The list endorsed by the root of this kid."""
    named = replace(roots, kid=kid)
    return replace(named, signature=sign(_message(named, issuer)))


def are_proven(
    roots: Roots, issuer: int, signed_by: int, pinned: Mapping[int, bytes], held_since: int
) -> bool:
    """Whether a terminal that pins `pinned` may pin these, of a document that `signed_by` signed.

    `held_since` is the version that its own roots came with; 0 at enrolment.
    """
    listed = roots.by_kid
    if not _are_usable(roots, pinned):
        return False
    if listed == dict(pinned):
        return True
    if roots.since <= held_since:
        return False
    others = {kid: key for kid, key in pinned.items() if kid != signed_by}
    if not others:
        others = {kid: key for kid, key in listed.items() if kid not in pinned}
    endorser = others.get(roots.kid)
    return endorser is not None and verifies(endorser, _message(roots, issuer), roots.signature)


def _are_usable(roots: Roots, pinned: Mapping[int, bytes]) -> bool:
    """Whether there are roots, fit ones, and no kid means two keys."""
    listed = roots.by_kid
    return (
        len(listed) == len(roots.keys) > 0
        and all(0 < kid < 256 and is_registrable(key) for kid, key in listed.items())
        and all(pinned.get(kid, key) == key for kid, key in listed.items())
    )


def _message(roots: Roots, issuer: int) -> bytes:
    lines = (_LINE.pack(kid, key) for kid, key in sorted(roots.by_kid.items()))
    return _HEAD.pack(b"ccn1", issuer, roots.since, roots.kid) + b"".join(lines)
